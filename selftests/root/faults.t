#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fault injection: one system call of the agent, or of the child that it launches, fails: the first,
# then the second, and so on, in a launch and in a start with tasks. Whatever fails, the call ends in
# an error with a reason or in a running task, never in something left over; no agent breaks down,
# no task is lost. make bench-faults fails every call; the test a sample of them (FAULTS_STEP).
# Not in guests: hundreds of launches.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/crash/crash.sh"
INJECT=$DCOS_BUILD/crash/bin/inject
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -x "$INJECT" ] || tap_skip_all "needs make $INJECT"
perl -MJSON::PP -e 1 2> /dev/null || tap_skip_all "needs perl with JSON::PP"

STEP=${FAULTS_STEP:-37}
START_STEP=${FAULTS_START_STEP:-3001}
AGENT_CONF='[tasks]
kill_grace = 1s'
agent_paths
make_rootfs "$T/img"
ORDERS='' ANSWERS=''
faults=()
fault() { faults+=("call $n (${failed:-none}): $*"); }

# injected_start N: an agent whose N-th call fails, 0 none; 1 if it ends
injected_start() {
	local end=$((SECONDS + PATIENCE))

	rm -f "$DCOS_SOCKET" "$T/orders" "$T/answers"
	# of its own: one that tasks keep is still there when the next one is started
	mkfifo "$T/orders" "$T/answers"
	[ -z "$ORDERS" ] || exec {ORDERS}>&- {ANSWERS}>&-
	exec {ORDERS}<> "$T/orders" {ANSWERS}<> "$T/answers"
	"$INJECT" -n "$1" "$DCOS_BUILD/bin/dcos-agent" --config "$T/agent.conf" < "$T/orders" > "$T/answers" 2>> "$T/agent.log" &
	INJECT_PID=$!
	AGENT_PID=$INJECT_PID
	until [ -S "$DCOS_SOCKET" ] && dcosctl info > /dev/null 2>&1; do
		kill -0 "$INJECT_PID" 2> /dev/null || { wait "$INJECT_PID"; AGENT_PID=; return 1; }
		[ $SECONDS -lt $end ] || { fault "the agent does not answer"; return 1; }
		tick
	done
	AGENT_PID=$(dcosctl --json info | tr -d ' \n' | grep -o '"pid":[0-9]*' | cut -d: -f2)
}
order() { echo "$*" >&"$ORDERS"; read -r -t 60 -u "$ANSWERS" answer; }
kill_injected() {
	kill -KILL "$AGENT_PID" 2> /dev/null
	until ! kill -0 "$AGENT_PID" 2> /dev/null || grep -q '^State:.Z' "/proc/$AGENT_PID/status"; do tick; done
	AGENT_PID=
}
state_of() { dcosctl --json inspect "$1" 2> /dev/null | tr -d ' \n' | grep -o '"state":"[A-Z]*' | head -1 | cut -d'"' -f4; }

# --- launches --------------------------------------------------------------------------------
failed=none n=0
injected_start 0 || { tap 1 "an agent starts under the filter"; diag "$(cat "$T/agent.log")"; tap_done; }
tap 0 "an agent starts under the filter"
errors=0 runs=0 ends=0 last=
for ((n = 1; n < 3000; n += STEP)); do
	order arm "$n"
	out=$(dcosctl run --id "t$n" --image "$T/img" --pids 50 -- sleep 1000 2>&1)
	rc=$?
	order status
	failed=${answer#*failed }
	[[ $answer == *failed* ]] || failed=
	if kill -0 "$AGENT_PID" 2> /dev/null; then
		order arm 0
	else # its own loop was hit: it may end with the reason, and systemd starts it again
		[[ $(tail -n 1 "$T/agent.log") == 'dcos-agent: error: '* ]] || fault "the agent has ended"
		ends=$((ends + 1))
		injected_start 0 || { fault "the next agent does not start"; break; }
	fi
	if [ "$rc" = 0 ]; then
		runs=$((runs + 1))
		[ "$(state_of "t$n")" = RUNNING ] || fault "said to run and is $(state_of "t$n")"
	else
		errors=$((errors + 1))
		[[ $out == *[a-z]* ]] || fault "an error without a reason"
	fi
	out=$(observe)
	[ -z "$out" ] || fault "$out"
	if [ "$(state_of "t$n")" = RUNNING ]; then
		dcosctl kill --grace 0 "t$n"
		dcosctl wait "t$n" > /dev/null
	fi
	dcosctl rm "t$n" > /dev/null 2>&1
	[ -n "$failed" ] || { last=$n; break; }
done
[ -n "$last" ]
tap $? "a launch makes fewer than ${last:-3000} calls that can fail; $errors launches failed, $runs ran, $ends times the agent ended"
[ "$errors" -gt 0 ] && [ ${#faults[@]} = 0 ]
tap $? "each failed call ends in a clean error or a running task"
[ ${#faults[@]} = 0 ] || diag "${faults[@]}"

# --- starts with tasks -----------------------------------------------------------------------
faults=()
dcosctl run --id keep --image "$T/img" -- sleep 100000 > /dev/null
keep=$(dcosctl --json inspect keep | tr -d ' \n' | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2)
refused=0 started=0 last=
for ((n = 1; n < 50000; n += START_STEP)); do
	failed=
	dcosctl run --id "e$n" --image host -- sh -c 'read -r x; exit 5' > /dev/null 2>&1
	kill_injected
	if injected_start "$n"; then
		order status
		[[ $answer != *failed* ]] || failed=${answer#*failed }
		started=$((started + 1))
		order arm 0
	else
		failed=$(tail -n 1 "$T/agent.log")
		refused=$((refused + 1))
		kill -0 "$keep" || { fault "keep is dead"; break; }
		injected_start 0 || { fault "the next agent does not start either: $(tail -n 1 "$T/agent.log")"; break; }
	fi
	[ "$(state_of keep)" = RUNNING ] || fault "keep is $(state_of keep)"
	[ "$(dcosctl wait "e$n" > /dev/null 2>&1; echo $?)" = 5 ] || fault "e$n is $(state_of "e$n"): $(dcosctl wait "e$n" 2>&1)"
	[ -n "$failed" ] || last=$n
	out=$(observe keep)
	[ -z "$out" ] || fault "$out"
	dcosctl rm "e$n" > /dev/null 2>&1
	[ -z "$last" ] || break
done
[ -n "$last" ]
tap $? "a start makes fewer than ${last:-50000} calls that can fail; $refused agents refused to start, $started started"
[ ${#faults[@]} = 0 ]
tap $? "none loses a task or leaves anything"
[ ${#faults[@]} = 0 ] || diag "${faults[@]}"
dcosctl kill --grace 0 keep
dcosctl wait keep > /dev/null
kill "$AGENT_PID"
AGENT_PID=$INJECT_PID
wait_pid "$INJECT_PID"
is "$(agent_leftovers)" "" "nothing is left at the end"
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error\|Assertion' "$T/agent.log")" 0 "no agent broke down"
tap_done
