# SPDX-License-Identifier: Apache-2.0
# TAP for shell tests: source it, call the checks, end with tap_done.
tap_nr=0
tap_failed=0

tap_skip_all() { echo "1..0 # SKIP $*"; exit 0; }
diag() { printf '%s\n' "$@" | sed 's/^/# /'; }

# tap RESULT NAME: RESULT 0 is ok
tap() {
	local result=$1 name=$2

	tap_nr=$((tap_nr + 1))
	if [ "$result" = 0 ]; then
		echo "ok $tap_nr - $name"
	else
		echo "not ok $tap_nr - $name"
		diag "at ${BASH_SOURCE[2]##*/}:${BASH_LINENO[1]}"
		tap_failed=$((tap_failed + 1))
	fi
	return 0
}

# ok NAME COMMAND...: it succeeds
ok() {
	local name=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	tap "$rc" "$name"
	[ "$rc" = 0 ] || diag "command: $*" "status: $rc" "$out"
}

# is GOT WANT NAME: the same text
is() {
	[ "$1" = "$2" ]
	tap $? "$3"
	[ "$1" = "$2" ] || diag "got:  $1" "want: $2"
}

# like GOT PATTERN NAME: GOT matches the extended regular expression
like() {
	[[ $1 =~ $2 ]]
	tap $? "$3"
	[[ $1 =~ $2 ]] || diag "got: $1" "want a match of: $2"
}

skip() {
	tap_nr=$((tap_nr + 1))
	echo "ok $tap_nr - $1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_nr"
	[ "$tap_failed" = 0 ]
	exit
}
