#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hard limits of the house style: 800 lines a file, 100 lines a function, 100 columns a line.
bad=0
for file; do
	lines=$(wc -l < "$file")
	if [ "$lines" -gt 800 ]; then
		echo "$file: $lines lines, more than 800" >&2
		bad=1
	fi
	# a function of this style begins with { in column 1 and ends with } in column 1
	awk -v f="$file" '
		/^{$/ { start = NR }
		/^}$/ && start { if (NR - start > 101) { print f ":" start ": function of " NR - start - 1 " lines" > "/dev/stderr"; bad = 1 }; start = 0 }
		END { exit bad }' "$file" || bad=1
done
exit $bad
