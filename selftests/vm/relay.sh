# SPDX-License-Identifier: Apache-2.0
# Makes one flat TAP stream of several; to be sourced. Every rule that a suite could break (no plan,
# a wrong one, a bad exit status without a failed test) becomes a failed test.
RELAY_PREFIX= # of every name
relay_nr=0 relay_failed=0
relay_suite='' # that is running
relay_label='' # before the names of its tests
suite_ran=0 suite_failed=0 suite_plan='' suite_seconds=''

# relay_result RESULT NAME: RESULT is ok or not ok
relay_result() {
	relay_nr=$((relay_nr + 1))
	[ "$1" = ok ] || relay_failed=$((relay_failed + 1))
	echo "$1 $relay_nr - $RELAY_PREFIX$2"
}

relay_begin() { # NAME [SECONDS]
	relay_suite=$1 relay_label="$1: " suite_seconds=${2:-}
	suite_ran=0 suite_failed=0 suite_plan=''
}

relay_end() { # STATUS
	local status=$1

	case $status in
	0) [ "$suite_ran" -gt 0 ] || [ "$suite_plan" = skipped ] ||
		relay_result "not ok" "$relay_suite: ran no test" ;;
	124 | 137) relay_result "not ok" "$relay_suite: ended within its $suite_seconds s" ;;
	*) [ "$suite_failed" -gt 0 ] ||
		relay_result "not ok" "$relay_suite: exit status $status though no test failed" ;;
	esac
	if [ -z "$suite_plan" ]; then
		relay_result "not ok" "$relay_suite: printed no plan, ran $suite_ran"
	elif [ "$suite_plan" != skipped ] && [ "$suite_plan" != "$suite_ran" ]; then
		relay_result "not ok" "$relay_suite: planned $suite_plan tests, ran $suite_ran"
	fi
	if [ "$status" = 0 ] && [ "$suite_failed" -gt 0 ]; then
		relay_result "not ok" "$relay_suite: exit status 0 though tests failed"
	fi
	relay_suite=
}

# relay_line LINE: of guest/suites.sh's format
relay_line() {
	local line=${1%$'\r'}
	local result='^(ok|not ok)( +[0-9]+)?( +-)?( +(.*))?$'
	local skipped='^1\.\.0 +# *[Ss][Kk][Ii][Pp][^ ]* *(.*)$'

	if [[ $line =~ ^@suite\ ([^ ]+)\ ([0-9]+)$ ]]; then
		relay_begin "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
	elif [[ $line =~ ^@end\ [^\ ]+\ ([0-9]+)\ ([0-9]+)$ ]]; then
		echo "# $RELAY_PREFIX$relay_suite took ${BASH_REMATCH[2]} s"
		relay_end "${BASH_REMATCH[1]}"
	elif [[ $line =~ $result ]]; then
		suite_ran=$((suite_ran + 1))
		[ "${BASH_REMATCH[1]}" = ok ] || suite_failed=$((suite_failed + 1))
		relay_result "${BASH_REMATCH[1]}" "$relay_label${BASH_REMATCH[5]}"
	elif [[ $line =~ $skipped ]]; then
		suite_plan=skipped
		relay_result ok "$relay_suite # SKIP ${BASH_REMATCH[1]}"
	elif [[ $line =~ ^1\.\.([0-9]+) ]]; then
		suite_plan=${BASH_REMATCH[1]}
	elif [[ $line == "Bail out!"* ]]; then
		relay_result "not ok" "$relay_suite: $line"
	elif [[ $line == "#"* ]]; then
		echo "$line"
	elif [ -n "$line" ]; then
		echo "# $line"
	fi
}

# relay_file NAME FILE STATUS [LABEL]: all of a finished test
relay_file() {
	local line

	relay_begin "$1"
	relay_label=${4:-}
	while IFS= read -r line; do
		relay_line "$line"
	done < "$2"
	relay_end "$3"
}

# relay_done: print the plan; succeeds if no test failed
relay_done() {
	echo "1..$relay_nr"
	[ "$relay_failed" = 0 ]
}
