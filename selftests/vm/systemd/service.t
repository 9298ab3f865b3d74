#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed service under a real systemd: what a platform team relies on. Runs in a guest of
# its own; never on a host (it starts and kills the system's own units).
: "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ -d /run/systemd/system ] || tap_skip_all "systemd does not run here"

T=$(mktemp -d /var/tmp/dcos-test.XXXXXX)
chmod 755 "$T"
make_rootfs "$T/img"
export DCOS_SOCKET=/run/dcos/agent.sock

dcosctl() { command dcosctl "$@"; }
pid_of() { dcosctl --json inspect "$1" | tr -d ' \n' | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2; }
ended_with() { dcosctl wait "$1"; echo $?; }
agent_pid() { systemctl show -p MainPID --value dcos-agent; }
agent_is_new() { local now; now=$(agent_pid); [ "$now" != 0 ] && [ "$now" != "$1" ] && dcosctl info; }
answers() { dcosctl info; }
agent_ready() { until_ok 60 answers; }
sleeper() { dcosctl run --id "$1" --image "$T/img" -- sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.2; done'; }
has_trap() { dcosctl logs "$1" | grep -q up; }

ok "systemctl enable --now dcos-agent" systemctl enable --now dcos-agent
systemctl is-active -q dcos-agent || diag "$(journalctl -b -u dcos-agent -u dcos-tasks --no-pager | tail -30)"
is "$(systemctl is-active dcos-agent dcos-tasks | paste -sd' ')" "active active" "both units are active"
ok "the agent answers on its socket" agent_ready
like "$(stat -c '%U:%G' /run/dcos/agent.sock)" '^root:dcos$' "the socket belongs to group dcos"
doctor=$(dcosctl --json doctor | tr -d ' \n')
for row in cpu memory pids meter devices; do
	like "$doctor" "\"name\":\"$row\",\"kind\":\"isolator\",\"ok\":true" "doctor: $row works"
done

ok "a task starts" sleeper one
ok "and another" sleeper two
one=$(pid_of one)
like "$(cat "/proc/$one/cgroup")" '/dcos-tasks.service/tasks/one' "its cgroup belongs to dcos-tasks.service"
is "$(cat "/proc/$one/oom_score_adj")" 0 "the agent's own OOM score is not the task's"
like "$(systemctl show -p NFileDescriptorStore --value dcos-agent)" '^2$' "systemd keeps the pidfds of both"
until_ok 20 has_trap two

# --- SIGKILL -----------------------------------------------------------------------
old=$(agent_pid)
kill -KILL "$old"
ok "after SIGKILL systemd starts the agent again" until_ok 60 agent_is_new "$old"
is "$(pid_of one)" "$one" "the task runs on with the same process"
like "$(dcosctl ps)" 'one +RUNNING' "and is adopted"

# --- ended while stopped -----------------------------------------------------------
two=$(pid_of two)
ok "systemctl stop dcos-agent" systemctl stop dcos-agent
ok "leaves the tasks" kill -0 "$one" "$two"
kill -TERM "$two"
wait_pid "$two"
ok "systemctl start dcos-agent" systemctl start dcos-agent
agent_ready
is "$(ended_with two)" 5 "the exit code of a task that ended meanwhile is known"
ok "systemctl restart dcos-agent" systemctl restart dcos-agent
agent_ready
is "$(pid_of one)" "$one" "the task outlasts a restart too"

# --- watchdog ----------------------------------------------------------------------
mkdir -p /run/systemd/system/dcos-agent.service.d
printf '[Service]\nWatchdogSec=15s\n' > /run/systemd/system/dcos-agent.service.d/test.conf
systemctl daemon-reload
systemctl restart dcos-agent
agent_ready
old=$(agent_pid)
kill -STOP "$old"
ok "an agent that hangs is ended by the watchdog and started again" until_ok 180 agent_is_new "$old"
like "$(journalctl -b -u dcos-agent --no-pager)" 'Watchdog timeout' "as the journal says"
is "$(pid_of one)" "$one" "the task has seen nothing of it"
rm -r /run/systemd/system/dcos-agent.service.d
systemctl daemon-reload

# --- out of memory -----------------------------------------------------------------
dcosctl run --id hog --image "$T/img" --memory 24M -- sh -c 'x=0123456789abcdef; while :; do x=$x$x; done'
is "$(ended_with hog)" 137 "a task that grows over its memory limit is killed"
like "$(dcosctl --json inspect hog | tr -d ' \n')" '"oom":true' "with the evidence that the OOM killer did it"
ok "the other task lives" kill -0 "$one"
is "$(systemctl is-active dcos-agent dcos-tasks | paste -sd' ')" "active active" "so do both units"

# --- the end -----------------------------------------------------------------------
ok "systemctl stop dcos-tasks" systemctl stop dcos-tasks
[ ! -d "/proc/$one" ]
tap $? "ends the tasks"
is "$(systemctl is-active dcos-agent)" inactive "and the agent, which requires it"
systemctl start dcos-agent
agent_ready
like "$(dcosctl ps -a)" 'one +(FAILED|KILLED)' "a started agent knows that they ended"
systemctl stop dcos-agent dcos-tasks
tap_done
