#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A quota follows what a real task uses, and is changed while it runs. allocator_agent.t has the number
# of tasks.
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
call() { curl -s --max-time 20 -X "$1" ${3+-d "$3"} "$URL$2"; }
running() { dcosctl ps 2> /dev/null | grep -c '^app\..*RUNNING'; }
count() { [ "$(running)" = "$1" ]; }
says() { call GET "$1" | grep -q "$2"; }

make_rootfs "$T/img"
mkdir "$T/allocator"
agent_start || tap_skip_all "the agent does not start"
"$DCOS_BUILD/bin/dcos-allocator" -l 127.0.0.1:0 --state "$T/allocator" > /dev/null 2> "$T/allocator.log" &
ALLOCATOR=$!
until_ok 10 grep -q serves "$T/allocator.log" || { diag "$(cat "$T/allocator.log")"; tap_skip_all "no allocator"; }
URL=http://127.0.0.1:$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$T/allocator.log")
until_ok 20 says /v2/nodes '"state":"active"'

# a quota follows use, without a restart
call POST /v2/apps '{"id": "/quota", "cpus": 1, "mem": 64, "cmd": "trap exit TERM; while :; do sleep 1; done",
	"container": {"type": "DOCKER", "docker": {"image": "'$T/img'"}}, "taskKillGracePeriodSeconds": 1,
	"dcos": {"autoscale": {"vertical": {"cpus": {"min": 0.2, "max": 1}, "samples": 3, "cooldownSeconds": 0}}}}' > /dev/null
until_ok 20 count 1
quota() { dcosctl ps 2> /dev/null | sed -n 's/^\(app\.quota\.[^ ]*\) .*RUNNING.*/\1/p'; }
before=$(quota)
lower() { call GET /v2/apps/quota/scaling | grep -q '"cpus":0\.2'; }
ok "the node's meters are told" until_ok 20 says /v2/nodes '"used"'
ok "an idle task's quota becomes the least" until_ok 20 lower
limited() { dcosctl inspect "$before" 2> /dev/null | grep -Eq '^ *cpu_quota_millionths: +0\.2 CPUs'; }
ok "the agent holds the task to it" until_ok 10 limited
is "$(quota)" "$before" "it is the same task"
call DELETE "/v2/apps/quota?force=true" > /dev/null
ok "the app is removed" until_ok 20 count 0
kill "$ALLOCATOR"
wait "$ALLOCATOR"
is "$?" 0 "the allocator ends when it is told to"
ALLOCATOR=
tap_done
