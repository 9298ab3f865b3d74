#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tasks come and go all the time, and the agent is killed again and again in the midst of it: no end
# is lost, nothing is left over, and its memory and descriptors stay what they were. make soak is
# an hour with 200 tasks and a restart every 20 s (SOAK_SECONDS, SOAK_TASKS, SOAK_RESTART); the test
# some seconds.
# Not in guests: a guest is too slow for churn.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/crash/crash.sh"
CRASH_AGENT=$DCOS_BUILD/bin/dcos-agent # the product
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
perl -MJSON::PP -e 1 2> /dev/null || tap_skip_all "needs perl with JSON::PP"

TASKS=${SOAK_TASKS:-40}
RESTART=${SOAK_RESTART:-2}
END=$((SECONDS + ${SOAK_SECONDS:-6}))
LIFE_MAX=$((RESTART * 2)) # seconds that a task lives at most, so that some live through restarts
agent_paths
make_rootfs "$T/img"
crash_start || { tap 1 "an agent starts"; diag "$(cat "$T/agent.log")"; tap_done; }
faults=() told=0 ended=0 unknown=0 kills=0 next=1
declare -A running=() # ids that Run has answered for
fault() { faults+=("kill $kills: $*"); }

# the agent is killed whatever it does: by a process that waits for nothing but the time
kill_later() {
	perl -e 'select undef, undef, undef, $ARGV[0]; kill KILL => $ARGV[1]' "$RESTART" "$AGENT_PID" &
	KILLER=$!
}

# "ID STATE CODE" of every task
list() {
	dcosctl --json ps -a 2> /dev/null | perl -MJSON::PP -e '
		local $/;
		my $text = <STDIN>;
		exit if !$text;
		print "$_->{id} $_->{state} ", $_->{exit}{code} // "-", "\n" for @{decode_json($text)->{tasks}};'
}

# task sN ends with N mod 100
start_tasks() {
	while [ "${#running[@]}" -lt "$TASKS" ]; do
		local id=s$next
		next=$((next + 1))
		if dcosctl run --id "$id" --image "$T/img" -- \
			sh -c "sleep $((RANDOM % LIFE_MAX)).$((RANDOM % 10)); exit $((${id#s} % 100))" > /dev/null 2>&1; then
			running[$id]=1
			told=$((told + 1))
		else
			unknown=$((unknown + 1))
			# it hangs up a moment before it has ended
			for _ in {1..100}; do
				alive || return
				tick
			done
			fault "$id was refused"
		fi
	done
}

collect_ends() {
	local id state code gone=()

	while read -r id state code; do
		case $state in
		RUNNING | STARTING | STAGING) ;;
		LOST)
			[ -z "${running[$id]:-}" ] || fault "$id ran and is LOST"
			gone+=("$id")
			;;
		*)
			[ "$code" = $((${id#s} % 100)) ] || fault "$id is $state $code"
			[ -z "${running[$id]:-}" ] || ended=$((ended + 1))
			gone+=("$id")
			;;
		esac
	done < <(list)
	for id in "${gone[@]}"; do unset "running[$id]"; done
	[ ${#gone[@]} = 0 ] || dcosctl rm "${gone[@]}" > /dev/null 2>&1
}

# resident kB and descriptors of an agent that has no task any more
measure() {
	dcosctl run --id measured --image "$T/img" -- true > /dev/null
	dcosctl wait measured
	dcosctl rm measured
	rss=$(awk '/^VmRSS:/ {print $2}' "/proc/$AGENT_PID/status")
	fds=$(find "/proc/$AGENT_PID/fd" -mindepth 1 | wc -l)
}

# what is found twice: a task may end while the observer looks
findings() {
	local first

	first=$(observe | sort)
	[ -z "$first" ] || comm -12 <(echo "$first") <(observe | sort)
}

known() { # each that was told to run is known
	local id all
	all=" $(list | cut -d' ' -f1 | tr '\n' ' ')"
	for id in "${!running[@]}"; do [[ $all == *" $id "* ]] || fault "$id ran and is not known"; done
}

measure
first_rss=$rss first_fds=$fds
kill_later
while :; do
	while alive; do
		collect_ends
		start_tasks
		tick
	done
	reap
	wait "$KILLER" 2> /dev/null
	kills=$((kills + 1))
	crash_start || { fault "no agent starts: $(tail -n 1 "$T/agent.log")"; break; }
	out=$(findings)
	[ -z "$out" ] || fault "$out"
	known
	[ $SECONDS -lt $END ] || break
	kill_later
	[ $((kills % 30)) != 0 ] || diag "$SECONDS s: $kills kills, $told tasks, $ended ended, resident kB: $(awk '/^VmRSS:/ {print $2}' "/proc/$AGENT_PID/status")"
done
empty() { collect_ends; [ "${#running[@]}" = 0 ]; }
until_ok $((LIFE_MAX + PATIENCE)) empty
collect_ends
measure
diag "$kills kills, $told tasks were told to run, $ended ended with their codes, $unknown had no answer"
diag "memory $first_rss kB, then $rss kB; descriptors $first_fds, then $fds"
[ "$kills" -gt 0 ] && [ ${#faults[@]} = 0 ]
tap $? "killed again and again, the agent loses no task and leaves nothing"
[ ${#faults[@]} = 0 ] || diag "${faults[@]}"
is "$ended" "$told" "every task that was told to run has ended with its own code"
# what its allocator keeps for a while depends on how many tasks it had
[ "$rss" -le $((first_rss + 50 * TASKS + 1024)) ]
tap $? "its memory is what it was"
[ "$fds" -le $((first_fds + 4)) ]
tap $? "so are its descriptors"
ids=$(list | cut -d' ' -f1)
[ -z "$ids" ] || dcosctl rm $ids > /dev/null 2>&1
is "$(agent_leftovers)" "" "nothing is left at the end"
agent_stop
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error\|Assertion' "$T/agent.log")" 0 "no agent broke down"
tap_done
