#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# prove.sh [DEFENCE...]: for each row of the table, or those named, the test passes in the build
# that can be weakened, and fails in it without the defence. Needs root, and $DCOS_BUILD/weak
# (`make prove-hostile` makes it). A test that is skipped on this host proves nothing and says so.
set -uo pipefail
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
table=$DCOS_SRC/selftests/hostile/table
unset DCOS_WEAKEN

# run_row DEFENCES PROGRAM TEST: prints TAP of the one test
run_row() {
	local -x DCOS_BUILD=$DCOS_BUILD/weak DCOS_WEAKEN=$1

	case $2 in
	*.t) bash "$DCOS_SRC/selftests/root/$2" ;;
	*) "$DCOS_BUILD/selftests/root/$2" "$3" ;;
	esac 2> /dev/null
}

# verdict TEST: ok, not or skip, of TAP on stdin; what died before its test is "none"
verdict() {
	awk -v name="$1" '
		{ text = $0; sub(/^(not )?ok [0-9]+ - /, "", text) }
		index(text, name) == 1 && /^(not )?ok / {
			print /# SKIP/ ? "skip" : $1; found = 1; exit
		}
		END { if (!found) print "none" }'
}

names() { grep -v -e '^#' "$table" | awk 'NF {print $1}' | tr , '\n' | sort -u; }
in_sources() { grep -rhoE 'weakened\("[a-z_]+"\)' "$DCOS_SRC"/{agent,isolators,cgroupfs} | cut -d'"' -f2 | sort -u; }

is "$(in_sources)" "$(names)" "every defence that can be left out has a row, and every row one"
! grep -qa DCOS_WEAKEN "$DCOS_BUILD"/bin/dcos-*
tap $? "nothing of this is in the product's programs"
grep -qa DCOS_WEAKEN "$DCOS_BUILD/weak/bin/dcos-agent"
tap $? "and it is in those of the other build"

proven=0
while read -r defences program test; do
	[ -n "$defences" ] && [[ $defences != \#* ]] || continue
	[ $# = 0 ] || [[ " $* " == *" $defences "* ]] || continue
	before=$(run_row "" "$program" "$test" | verdict "$test")
	if [ "$before" = skip ]; then
		skip "without $defences: $test" "the test is skipped on this host"
		continue
	fi
	is "$before, then $(run_row "$defences" "$program" "$test" | verdict "$test")" "ok, then not" \
		"without $defences: $test"
	proven=$((proven + 1))
done < "$table"
[ "$proven" -gt 0 ]
tap $? "tests that were seen to fail: $proven"
tap_done
