#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# valgrind.sh TEST: a unit test, and the processes that it forks, under valgrind's memcheck. Fails on
# its errors, on leaks, on descriptors of the product that are open at the end, and with the test.
set -u
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
chmod 777 "$logs"
run=()
# without privileges, as make test-unit has them
[ "$(id -u)" != 0 ] || run=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --)
"${run[@]}" valgrind --quiet --fullpath-after="$PWD/" --track-fds=yes --leak-check=full --show-leak-kinds=definite,indirect \
	--errors-for-leak-kinds=definite,indirect --error-exitcode=99 \
	--log-file="$logs/%p" "$@" < /dev/null
rc=$?
# A report is a line on the descriptor and its stack. Only those that the product opened count: what
# the harness has open in the processes that it forks is theirs to the end.
open=$(awk '
	function tell() { if (what && ours) print what stack; what = stack = ""; ours = 0 }
	FNR == 1 { tell() }
	{ sub(/^==[0-9]+== */, "") }
	/^Open / { tell(); what = $0; next }
	/^(at|by) 0x/ && what {
		sub(/0x[0-9A-F]*: /, "")
		stack = stack "\n    " $0
		ours = ours || / \((agent|cgroupfs|isolators|tools)\//
		next
	}
	/^$/ { tell() }
	END { tell() }' "$logs"/* 2> /dev/null)
# errors and leaks, without the reports of descriptors
errors=$(awk '/^==[0-9]+== (Open |FILE DESC)/ { skip = 1 } /^==[0-9]+== *$/ { skip = 0; next } /^==/ && !skip' "$logs"/*)
[ -z "$errors" ] || printf 'valgrind:\n%s\n' "$errors" | sed 's/^/# /' >&2
[ -z "$open" ] || printf 'left open:\n%s\n' "$open" | sed 's/^/# /' >&2
[ -z "$errors$open" ] || exit 1
if [ "$rc" != 0 ] && grep -qs 'unhandled .* syscall' "$logs"/*; then
	# pidfd_open(2), seccomp(2): the test itself is judged by make test-unit
	echo "# cases need system calls that this valgrind does not know; it has found nothing in what ran" >&2
	exit 0
fi
exit "$rc"
