#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcos-allocator with the agent of one machine: real tasks of an app, their environment, an upgrade,
# a task that is killed, scaling by real use, and kill -9 of the allocator and of the agent.
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v curl > /dev/null || tap_skip_all "needs curl"

agent_paths
ALLOCATOR=
cleanup() {
	[ -z "$ALLOCATOR" ] || kill -9 "$ALLOCATOR" 2> /dev/null
	agent_cleanup
}
trap cleanup EXIT
start() {
	: > "$T/allocator.log"
	"$DCOS_BUILD/bin/dcos-allocator" -l "127.0.0.1:${1:-0}" --state "$T/allocator" \
		--ports 31000-31009 > /dev/null 2>> "$T/allocator.log" &
	ALLOCATOR=$!
	until_ok 10 grep -q serves "$T/allocator.log" || return 1
	PORT=$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$T/allocator.log")
	URL=http://127.0.0.1:$PORT
}
call() { curl -s --max-time 20 -X "$1" ${3+-d "$3"} "$URL$2"; }
settled() { [ "$(call GET /v2/deployments)" = "[]" ]; }
# running: ids of the tasks that run, one a line
running() { dcosctl ps 2> /dev/null | sed -n 's/^\(app\.[^ ]*\) .*RUNNING.*/\1/p' | sort; }
count() { [ "$(running | grep -c .)" = "$1" ]; }

make_rootfs "$T/img"
mkdir "$T/allocator"
start
tap $? "the allocator starts before there is an agent"
[ -n "${URL:-}" ] || { tap_done; exit 1; }
agent_start || tap_skip_all "the agent does not start"
has_node() { call GET /v2/nodes | grep -q '"state":"active"'; }
ok "the agent becomes a node" until_ok 20 has_node
APP='{"id": "/shop/web", "cmd": "env; trap exit TERM; while :; do sleep 1; done", "instances": 2,
	"cpus": 0.1, "mem": 32, "labels": {"team": "a"}, "taskKillGracePeriodSeconds": 1,
	"env": {"COLOUR": "red"}, "portDefinitions": [{"port": 0, "name": "http-api"}],
	"container": {"type": "DOCKER", "docker": {"image": "'$T/img'"}}}'
like "$(call POST /v2/apps "$APP")" '"id":"/shop/web"' "an app is accepted"
ok "its deployment ends" until_ok 30 settled
ok "two tasks run" count 2
task=$(running | sed -n 1p)
has_env() { dcosctl logs "$task" 2> /dev/null | grep -qx COLOUR=red; }
until_ok 10 has_env
env=$(dcosctl logs "$task" 2> /dev/null)
for line in "MARATHON_APP_ID=/shop/web" "MESOS_TASK_ID=$task" "COLOUR=red" "HOST=test-node" \
	"MARATHON_APP_LABEL_TEAM=a" "MARATHON_APP_RESOURCE_CPUS=0.1" "MARATHON_APP_RESOURCE_MEM=32"; do
	ok "its environment has ${line%%=*}" grep -qx "$line" <<< "$env"
done
port=$(sed -n 's/^PORT0=//p' <<< "$env")
like "$port" '^3100[0-9]$' "its environment has PORT0"
is "$(grep -E '^(PORT|PORTS|PORT_HTTP_API)=' <<< "$env" | sort -u | sed 's/.*=//' | sort -u)" "$port" \
	"and other names of it"

# --- upgrade, what ends -------------------------------------------------------------------------
before=$(running)
call PUT /v2/apps/shop/web '{"env": {"COLOUR": "green"}}' > /dev/null
ok "an upgrade ends" until_ok 30 settled
ok "with two tasks" count 2
is "$(comm -12 <(running) <(echo "$before"))" "" "both are new"
before=$(running)
dcosctl kill "$(sed -n 1p <<< "$before")" > /dev/null 2>&1
replaced() { count 2 && [ "$(comm -12 <(running) <(echo "$before") | grep -c .)" = 1 ]; }
ok "a task that somebody kills is replaced" until_ok 30 replaced

# --- load ------------------------------------------------------------------------------------------
call DELETE /v2/apps/shop/web > /dev/null
until_ok 30 settled
mkdir "$T/load"
call POST /v2/apps '{"id": "/load", "cpus": 0.1, "mem": 32, "taskKillGracePeriodSeconds": 0,
	"cmd": "while :; do [ -e /load/idle ] && sleep 0.2; done",
	"dcos": {"autoscale": {"min": 1, "max": 2, "windowSeconds": 1, "tolerancePercent": 30,
		"upCooldownSeconds": 0, "downCooldownSeconds": 0,
		"metrics": [{"signal": "cpu", "target": 50}]}},
	"container": {"type": "DOCKER", "docker": {"image": "'$T/img'"},
		"volumes": [{"containerPath": "/load", "hostPath": "'$T/load'", "mode": "RO"}]}}' > /dev/null
ok "an app whose task uses all of its CPU gets another" until_ok 40 count 2
touch "$T/load/idle"
ok "and has one again when they are idle" until_ok 40 count 1
call DELETE '/v2/apps/load?force=true' > /dev/null
until_ok 30 settled
call POST /v2/apps "$APP" > /dev/null
until_ok 30 settled

# --- kill -9 ---------------------------------------------------------------------------------------
before=$(running)
kill -9 "$ALLOCATOR"
wait "$ALLOCATOR" 2> /dev/null
start "$PORT"
known() { [ "$(call GET /v2/tasks | grep -o TASK_RUNNING | grep -c .)" = 2 ]; }
ok "an allocator that was killed knows the tasks again" until_ok 20 known
is "$(running)" "$before" "and has left them alone"
agent_stop KILL
gone() { call GET /v2/nodes | grep -q '"state":"unreachable"'; }
ok "an agent that was killed is noticed" until_ok 20 gone
agent_start
ok "when it is back two tasks run" until_ok 40 known
call DELETE /v2/apps/shop/web > /dev/null
ok "an app is removed" until_ok 30 settled
ok "with its tasks" until_ok 20 count 0
kill "$ALLOCATOR"
wait "$ALLOCATOR"
is "$?" 0 "the allocator ends when it is told to"
ALLOCATOR=
tap_done
