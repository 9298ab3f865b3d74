#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The crash matrix: a test build of the agent kills itself at each named point between two steps of
# launch, update, kill, end, removal and recovery (CRASH_POINT in the sources). Whatever the point,
# the next agent knows every task, has its code, and nothing is left over; an observer who does not
# ask the agent compares. Then it is killed at random passages of random points.
# With CRASH_ROUNDS=N so many of these instead of ten; CRASH_POINTS="NAME..." only those points.
# Not in guests: files and restarts of the agent, which are the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/crash/crash.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -x "$CRASH_AGENT" ] || tap_skip_all "needs the agent with crash points: make $CRASH_AGENT"
perl -MJSON::PP -e 1 2> /dev/null || tap_skip_all "needs perl with JSON::PP"

AGENT_CONF='[tasks]
kill_grace = 10s'
agent_paths
make_rootfs "$T/img"
mkdir "$T/fifo"
chmod 755 "$T/fifo"
# those of the scheduler are scx.t's
all_points=$(grep -oh 'CRASH_POINT("[^"]*")' "$DCOS_SRC"/agent/*.c "$DCOS_SRC"/isolators/*.c | cut -d'"' -f2 | grep -v '^scx\.' | sort -u)
points=${CRASH_POINTS:-$all_points}

# each point that a fresh kernel passes while the agent starts, before there are tasks
first() { grep -E '^(start|meter\.(link|family))' <<< "$1"; }
later() { grep -vE '^(start|meter\.(link|family))' <<< "$1"; }

json_field() { dcosctl --json inspect "$1" 2> /dev/null | tr -d ' \n' | grep -o "\"$2\":\"*[^\",}]*" | head -1 | sed 's/.*:"*//'; }
missed=() faults=() at=start
fault() { faults+=("$at: $*"); }

# --- while nothing runs ----------------------------------------------------------------------
for at in $(first "$(tr ' ' '\n' <<< "$points")"); do
	if crash_start "$at"; then
		missed+=("$at")
		agent_stop KILL
	else
		died_at "$at" || fault "ended without being told: $(tail -n 1 "$T/agent.log")"
	fi
	rm -rf "$T/bpf/dcos" # the next one attaches all anew
done
crash_start "" || { tap 1 "an agent starts after all that"; tap_done; }
tap 0 "an agent starts whatever point of the start the one before died at"
reference=$(pins)

# --- tasks that live through it ---------------------------------------------------------------
# x1, x2 ...: each is told to end with code 5 while no agent runs; keep forks and counts
ended=0
pool=$((${CRASH_ROUNDS:-10} + $(wc -w <<< "$points") + 1))
[ "$pool" -le 80 ] || pool=80 # a start takes longer with each, and they are much alike
for ((x = 1; x <= pool; x++)); do
	mkfifo -m 666 "$T/fifo/x$x"
	dcosctl run --id "x$x" --image host --mount "$T/fifo:/mnt" -- \
		sh -c "read -r word < /mnt/x$x; exit 5" > /dev/null || fault "x$x was refused"
done
dcosctl run --id keep --image "$T/img" --cpus 0.5 -- \
	sh -c 'trap "exit 0" TERM; i=0; while :; do i=$((i + 1)); echo $i; sleep 0.05; done' > /dev/null
keep=$(json_field keep pid)
last_cpu=0

# while no agent runs
release() {
	[ "$ended" -lt "$pool" ] || return
	ended=$((ended + 1))
	echo go > "$T/fifo/x$ended"
	until grep -q 'populated 0' "$CGDIR/x$ended/cgroup.events"; do tick; done
}

# --- what clients are told --------------------------------------------------------------------
told=() # ids that Run has answered for, not removed since
codes() { dcosctl wait "$1" > /dev/null 2>&1; echo $?; }
begin() { # ID ARGUMENT...: run it, remember that it runs
	local id=$1
	shift
	dcosctl run --id "$id" --image "$T/img" "$@" > /dev/null 2>&1 && told+=("$id")
}

# one of everything that an agent does to tasks; ends early when the agent has died
operations() {
	local r=$1

	begin "a$r" --cpus 0.5 -- sh -c 'trap "exit 7" TERM; while :; do sleep 0.02; done'; alive || return
	dcosctl update "a$r" cpus=0.25 > /dev/null 2>&1 && updated=a$r; alive || return
	begin "b$r" -- sh -c 'echo out; exit 3'; alive || return
	codes "b$r" > /dev/null; alive || return
	dcosctl run --id "c$r" --image "$T/img" -- /no/such > /dev/null 2>&1; alive || return
	begin "d$r" -- sh -c 'trap : TERM; echo ready; while :; do sleep 0.01; done'; alive || return
	until grep -q ready "$T/state/logs/d$r/stdout" 2> /dev/null; do alive || return; tick; done
	dcosctl kill --grace 20ms "d$r" > /dev/null 2>&1 && killed+=("d$r"); alive || return
	codes "d$r" > /dev/null; alive || return
	dcosctl kill "a$r" > /dev/null 2>&1 && killed+=("a$r"); alive || return
	codes "a$r" > /dev/null; alive || return
	told=("${told[@]/#b$r/}") # whatever becomes of the call, it may be gone
	dcosctl rm "b$r" > /dev/null 2>&1; alive || return
	dcosctl drain --off > /dev/null 2>&1
}

check_all() {
	local out cpu id want=("keep=RUNNING")

	for id in ${told[*]}; do
		case "$id ${killed[*]} " in
		a*" $id "*) want+=("$id=KILLING|KILLED 7") ;;
		a*) want+=("$id=RUNNING|KILLING|KILLED 7") ;;
		b*) want+=("$id=RUNNING|FAILED 3") ;;
		*" $id "*) want+=("$id=KILLING|KILLED -9") ;;
		*) want+=("$id=RUNNING|KILLING|KILLED -9") ;;
		esac
	done
	[ "$ended" = 0 ] || want+=("x$ended=FAILED 5")
	out=$(observe "${want[@]}")
	[ -z "$out" ] || fault "$out"
	out=$(diff <(echo "$reference") <(pins))
	[ -z "$out" ] || fault "pins: $out"
	[ "$(json_field keep pid)" = "$keep" ] || fault "keep has another process"
	cpu=$(json_field keep cpu_ns)
	[ "${cpu:-0}" -ge "$last_cpu" ] || fault "the CPU time of keep went from $last_cpu to $cpu"
	last_cpu=${cpu:-0}
	[ "$(grep -c " x$ended: FAILED" "$T/agent.log")" -le 1 ] || fault "the end of x$ended was told twice"
	if [ -n "$updated" ] && [ "$(json_field "$updated" state)" = RUNNING ]; then
		out=$(json_field "$updated" cpus)
		[ "$out" = 0.25 ] || fault "$updated has cpus=$out"
	fi
}

# tasks that a crash has left running, or that have ended, go
clear_away() {
	local ids

	ids=$(dcosctl ps -q | grep '^[abcd]')
	[ -z "$ids" ] || dcosctl kill --grace 0 $ids > /dev/null 2>&1
	for id in $ids; do dcosctl wait "$id" > /dev/null 2>&1; done
	ids=$(dcosctl --json ps -a | tr -d ' \n' | grep -o '"id":"[abcd][0-9]*"' | cut -d'"' -f4)
	[ -z "$ids" ] || dcosctl rm $ids > /dev/null 2>&1
	told=() killed=() updated=
}

# round NR POINT: an agent that dies at POINT, or if it is NAME:N at the N-th passage if there is one.
# It begins by finding what the one before has left.
killed=() updated='' before=start
round() {
	local r=$1 point=$2 name=${2%:*}

	case $point in
	recover.file_refused) echo '{"half' > "$T/state/tasks/odd$r.json" ;;
	recover.leftover_undone)
		crash_start run.logs_made && begin "a$r" -- true
		! alive || agent_stop KILL
		reap
		;;
	esac
	at=$before
	if crash_start "$point" || { died_at "$name" && crash_start ""; }; then
		check_all
		clear_away
		operations "$r"
	else
		fault "no agent starts after it: $(tail -n 1 "$T/agent.log")"
	fi
	at=$point
	if [ "$point" = "$name" ] && ! grep -qxF "dcos-agent: crash point $point" "$T/agent.log"; then
		missed+=("$point")
	fi
	if alive; then
		agent_stop KILL
	else
		reap
	fi
	before=$point
	release
}
agent_stop KILL
release
nr=0
for at in $(later "$(tr ' ' '\n' <<< "$points")"); do
	nr=$((nr + 1))
	round "$nr" "$at"
done
at=$before
crash_start "" && check_all && clear_away
agent_stop KILL
is "${#missed[@]} ${missed[*]}" "0 " "each of the $(wc -w <<< "$points") points is passed"
[ ${#faults[@]} = 0 ]
tap $? "killed at any of them, the agent loses nothing and leaves nothing"
[ ${#faults[@]} = 0 ] || diag "${faults[@]}"

# --- at random --------------------------------------------------------------------------------
faults=()
RANDOM=${CRASH_SEED:-$$}
for ((i = 1; i <= ${CRASH_ROUNDS:-10}; i++)); do
	nr=$((nr + 1))
	round "$nr" "$(sed -n "$((RANDOM % $(wc -l <<< "$all_points") + 1))p" <<< "$all_points"):$((RANDOM % 6 + 1))"
done
at=$before
crash_start "" || tap 1 "the last agent starts"
check_all
[ ${#faults[@]} = 0 ]
tap $? "killed at ${CRASH_ROUNDS:-10} random passages of random points, neither"
[ ${#faults[@]} = 0 ] || diag "seed ${CRASH_SEED:-$$}" "${faults[@]}"

# --- what ran all the time ---------------------------------------------------------------------
dcosctl kill keep > /dev/null
is "$(codes keep)" 0 "a task that lived through it all ends as it wants to"
lines=$(wc -l < "$T/state/logs/keep/stdout")
is "$(cat "$T/state/logs/keep/stdout")" "$(seq "$lines")" "its log has every one of its $lines lines, once and in order"
forks=$(json_field keep nr_forks)
if [ -n "$forks" ]; then
	# the last turn may have been interrupted on either side of its fork
	[ "$forks" -ge $((lines - 1)) ] && [ "$forks" -le $((lines + 1)) ]
	tap $? "and its meter has every fork: $forks in $lines turns"
else
	skip "and its meter has every fork" "no BPF meter here"
fi
ids=$(dcosctl ps -q)
[ -z "$ids" ] || dcosctl kill --grace 0 $ids
for id in $ids; do dcosctl wait "$id" > /dev/null 2>&1; done
is "$(agent_leftovers)" "" "nothing is left of the others"
agent_stop
no_agents() { [ "$(agents)" = 0 ]; }
until_ok 10 no_agents
is "$(agents)" 0 "no process of any agent lives on"
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error\|Assertion' "$T/agent.log")" 0 "and none broke down by itself"
tap_done
