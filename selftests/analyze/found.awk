# SPDX-License-Identifier: Apache-2.0
# What gcc -fanalyzer and clang-tidy write about @file, as lines "FILE FUNCTION WARNING" and "FILE CHECK".
/: In function '|^In function '/ {
	split($0, part, "'")
	name = part[2] " "
}
/: (warning|error): .*\[[-a-zA-Z0-9.,]+\]$/ {
	kind = $0
	sub(/.*\[(-W)?/, "", kind)
	sub(/[],].*/, "", kind)
	print file, name kind
}
