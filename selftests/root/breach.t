#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Limits of memory where the agent holds them: who breaks one is killed as a whole, with evidence,
# and nobody else is.
# Not in guests: their kernels have the memory controller, which service.t tests.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type perl > /dev/null 2>&1 || tap_skip_all "needs perl"

agent_paths
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }
json() { dcosctl --json "$@" | tr -d '\n'; }
json doctor | grep -q 'memory by the meter' || {
	skip "limits of memory" "not held by the agent here"
	tap_done
}

usage() { json inspect "$1" | grep -o "\"$2\": *[0-9]*" | head -1 | tr -dc '0-9\n'; }
at_least() { [ "$(usage "$1" "$2")" -ge "$3" ]; }
state() { dcosctl ps -a | awk -v id="$1" '$1 == id {print $2}'; }
reason() { json inspect "$1" | grep -o '"reason": *"[^"]*"' | tail -1; }
ended_with() { timeout 60 "$DCOS_BUILD/bin/dcosctl" wait "$1" > /dev/null 2>&1; echo $?; }
# run ID LIMIT PERL: with an address space that is bounded should the limit not hold
run() { dcosctl run --id "$1" --image host --mount "$T/flags:/mnt" ${2:+--memory "$2"} -- sh -c 'ulimit -v 1500000; perl -e "$0"; :' "$3" 2>&1; }
mkdir -m 1777 "$T/flags"
pause='sub pause { select undef, undef, undef, 0.02 until -e "/mnt/$_[0]" } sub fill { $_[0] = "a"; $_[0] x= $_[1] }'
grow='my @a; push @a, "x" x 1_000_000 while 1'
killed() {
	is "$(ended_with "$1")" 137 "$2: SIGKILL"
	like "$(reason "$1")" "$3" "with evidence: value, limit, who used most"
	like "$(json inspect "$1")" '"oom": *true' "as out of memory"
	[ ! -d "$CGDIR/$1" ]
	tap $? "all of its processes"
}

# --- a hog, and who is not one -----------------------------------------------------
run neighbour 32M 'sleep 10000' > /dev/null
# five processes that share their memory: 5 x 30M are resident, 30M are used
run shares 96M "$pause"'fill($x, 30_000_000); for (1 .. 4) { next if fork;
	pause("write"); substr($x, $_ * 4096, 1) = "b" for 0 .. 7000; sleep 10000 } sleep 10000' > /dev/null
until_ok 60 at_least shares memory_bytes 110000000
tap $? "pages that processes share are resident in each"
is "$(run hog 48M "$grow")" hog "a limit of memory is no warning"
killed hog "a task that grows beyond its limit" 'killed by the agent: out of memory, [0-9.]+M of 48M; most by [0-9]+ perl [0-9.]+M'
is "$(state shares)" RUNNING "shared pages are no breach"
: > "$T/flags/write"
killed shares "until each process writes to its own" 'memory, 1[0-9]+M of 96M; most by [0-9]+ perl [0-9]+M, [0-9]+ perl'

# --- limits that change -----------------------------------------------------------
run live '' "$pause"'fill($x, 60_000_000); sleep 10000' > /dev/null
until_ok 60 at_least live memory_bytes 60000000
is "$(dcosctl update live memory=100M 2>&1)" "" "update: a limit that is far"
is "$(dcosctl update live memory=1M pids=0 > /dev/null 2>&1; echo $?)" 1 "update: one bad limit of two"
is "$(state live)" RUNNING "sets neither"
is "$(dcosctl update live memory=20M 2>&1)" "" "update: a limit that is broken already"
killed live "it holds at once" 'M of 20M'

# --- other agents -----------------------------------------------------------------
run later 48M "$pause"'pause("grow"); fill($x, 90_000_000); open F, ">", "/mnt/grown"; sleep 10000' > /dev/null
run doomed 48M 'sleep 10000' > /dev/null
agent_stop KILL
: > "$T/flags/grow"
until_ok 60 [ -e "$T/flags/grown" ]
tap $? "a task grows while no agent runs"
sed -i 's/"kill_asked":/"breach":"killed by the agent: a test","kill_asked":/' "$T/state/tasks/doomed.json"
agent_start
tap $? "a new agent starts"
killed later "which holds the limit" 'M of 48M'
is "$(ended_with doomed)" 137 "a kill that was written down, not done, is done"
like "$(reason doomed)" 'killed by the agent: a test' "for the reason that was written down"
is "$(state neighbour)" RUNNING "the neighbour has seen nothing of all this"
is "$(json metrics | grep -o '"memory_unmeasured": *[0-9]*' | tr -dc '0-9')" 0 "all were measured"
dcosctl rm -f neighbour > /dev/null
is "$(agent_leftovers)" "" "nothing stays"
tap_done
