#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An agent with [cpu] enforcer = scx: its scheduler runs tasks, goes on without it, and where the
# kernel ejects it the default one holds the quotas. scx.c has the scheduler itself.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/crash/crash.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -e /sys/kernel/sched_ext/state ] || tap_skip_all "this kernel has no sched_ext"
[ "$(< /sys/kernel/sched_ext/state)" = disabled ] || tap_skip_all "another sched_ext scheduler runs"

AGENT_CONF='[cpu]
enforcer = scx'
agent_paths
make_rootfs "$T/img"
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done
! grep -q 'no cpu controller' "$T/agent.log" || { skip "the rest" "no cpu controller here"; tap_done; }

json() { dcosctl --json "$@" | tr -d ' \n'; }
pid_of() { json inspect "$1" | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2; }
usage_of() { json inspect "$1" | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }
more_than() { [ "$(usage_of "$1" "$2")" -gt "$3" ]; }
enforcer_of() { json inspect "$1" | grep -o '"cpu_enforcer":"[a-z]*' | cut -d'"' -f4; }
policy_of() { awk '{ sub(/.*\) /, ""); print $39 }' "/proc/$1/stat"; }
cfs_throttled() { awk '$1 == "nr_throttled" { print $2 }' "$CGDIR/$1/cpu.stat"; }
started() { cat /sys/kernel/sched_ext/enable_seq; }
hog() {
	printf '%s' '{"id":"'"$1"'","image":"'"$T/img"'","resources":{"cpus":0.2},
		"command":["sh","-c","while :; do :; done"]}' | dcosctl run -f - > /dev/null
}

hog busy
is "$(enforcer_of busy)" scx "inspect says that the scheduler holds a task"
is "$(policy_of "$(pid_of busy)")" 7 "whose policy is SCHED_EXT"
is "$(cat "$CGDIR/busy/cpu.max")" "20000 100000" "its quota is in cpu.max, too"
until_ok 20 more_than busy nr_throttled 3
tap $? "it is throttled"
before=$(cfs_throttled busy) # of the moment before it was the scheduler's
until_ok 20 more_than busy nr_throttled "$(($(usage_of busy nr_throttled) + 3))"
is "$(cfs_throttled busy)" "$before" "not by cpu.max"
like "$(json doctor)" '"name":"cpu","kind":"isolator","ok":true,"how":"quotasandweightsbyascheduler' "doctor says so"
ok "update: none" dcosctl update busy cpus=
until_ok 10 [ "$(cat "$CGDIR/busy/cpu.max")" = "max 100000" ]
tap $? "takes it off"
ok "update: the quota again" dcosctl update busy cpus=0.2

seq=$(started)
agent_stop KILL
agent_start
tap $? "a new agent starts"
is "$(started)" "$seq" "with the scheduler that runs"
is "$(enforcer_of busy)" scx "which still holds the task"
before=$(usage_of busy nr_throttled)
until_ok 20 more_than busy nr_throttled "$before"
tap $? "to its quota"

echo S > /proc/sysrq-trigger
until_ok 20 grep -q 'the kernel has ejected the scheduler' "$T/agent.log"
tap $? "the agent says when the kernel has ejected the scheduler"
is "$(enforcer_of busy)" cfs "cpu.max holds the task then"
like "$(json inspect busy)" '"cpu_enforcer_why":"nosched_ext:disabledbysysrq-S' "and inspect says why"
like "$(json doctor)" '"name":"cpu",[^}]*nosched_ext:disabledbysysrq-S' "as does doctor"
more_cfs() { [ "$(cfs_throttled busy)" -gt 2 ]; }
until_ok 20 more_cfs
tap $? "it is throttled by cpu.max"
hog later
is "$(enforcer_of later)" cfs "as is one that starts later"

agent_stop
for nr in 3 6; do
	! crash_start "scx.pinned:$nr" && died_at scx.pinned
	tap $? "an agent is killed with $nr of the scheduler's pins made"
	[ "$nr" = 6 ] || ok "what it had begun ends with it" until_ok 20 grep -qx disabled /sys/kernel/sched_ext/state
done
seq=$(started)
agent_start
tap $? "the next agent starts"
is "$(started)" "$seq" "with the scheduler whose pins were whole"
agent_stop
rm "$(find "$T/bpf" -name scx_set)"
agent_start
tap $? "an agent that finds a pin less starts"
[ "$(started)" -gt "$seq" ]
tap $? "with a new scheduler"
is "$(enforcer_of busy) $(enforcer_of later)" "scx scx" "which takes over what runs"
dcosctl rm -f busy > /dev/null
dcosctl rm -f later > /dev/null
agent_stop
is "$(cat /sys/kernel/sched_ext/state)" enabled "it goes on without an agent"
sed -i 's/^enforcer = scx/enforcer = cfs/' "$T/agent.conf"
agent_start
tap $? "an agent that wants none starts"
is "$(cat /sys/kernel/sched_ext/state)" disabled "and ends it"
tap_done
