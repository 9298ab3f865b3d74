#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Roles of dcos-allocator over HTTP, with emulated nodes: limits, guarantees, and tasks that end so that
# those of a role of higher priority find room. Needs no rights.
# Not in guests: nothing here depends on the kernel (and they have no curl).
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/emulated.sh"

start
tap $? "it starts with an empty directory"
[ -n "${URL:-}" ] || { tap_done; exit 1; }
curl -sN --max-time 60 "$URL/v2/events" > "$T/events" &
LISTENER=$!
ok "a listener is heard" wait_for grep -q event_stream_attached "$T/events"

# Three nodes of 4 CPUs, so that 12 tasks of one CPU fill it.
call PUT /v2/roles/urgent '{"priority": "high", "colour": 1}'
is "$STATUS $(get 'sorted(x["path"] for x in d["details"])')" "422 ['/colour', '/priority']" \
	"what is wrong with a role is told"
call PUT /v2/roles/sure '{"guarantee": {"cpus": 2}, "limit": {"cpus": 1}}'
is "$STATUS $(get 'd["details"][0]["errors"]')" "422 ['cpus: the guarantee is above the limit']" \
	"a guarantee above the limit is refused"
call GET /v2/roles/sure
is "$STATUS" 404 "and leaves nothing"
call PUT /v2/roles/sure '{"guarantee": {"cpus": 2}, "weight": 2.5}'
is "$STATUS $(get 'd["configured"], d["weight"], d["guarantee"], d["limit"], d["used"]["cpus"]')" \
	"200 (True, 2.5, {'cpus': 2}, {}, 0.0)" "a role is configured"
call PUT /v2/roles/org '{"limit": {"cpus": 3}}'
call POST /v2/apps '{"id": "/limited", "cmd": "x", "role": "org/team", "instances": 5}'
limited() { call GET '/v2/queue?embed=why' && [ "$(get '[(i["count"], i["why"]["wait"], i["why"]["role"]) for i in d["queue"]]')" = "[(2, 'role limit', 'org')]" ]; }
ok "a limit holds for all roles below, and is named in the queue" wait_for limited
call PUT /v2/roles/org '{"limit": {"cpus": 5}}'
ok "one that is raised lets more in" wait_for settled
call DELETE '/v2/apps/limited?force=true'
wait_for settled

call POST /v2/apps '{"id": "/sure", "cmd": "x", "role": "sure", "instances": 2}'
wait_for settled
call POST /v2/apps '{"id": "/batch", "cmd": "x", "instances": 10}'
ok "two apps fill all nodes" wait_for settled
running_of() { tasks_are "sorted((a, sum(1 for t in d['tasks'] if t['appId'] == a and t['state'] == 'TASK_RUNNING')) for a in {t['appId'] for t in d['tasks']}) == [$1]"; }
call POST /v2/apps '{"id": "/equal", "cmd": "x", "role": "other"}'
waits() { call GET '/v2/queue?embed=why' && [ "$(get "[i['why']['wait'] for i in d['queue'] if i['app']['id'] == '$1']")" = "['a node that fits']" ]; }
ok "a role of the same priority takes nobody's room" wait_for waits /equal
call DELETE '/v2/apps/equal?force=true'
call PUT /v2/roles/urgent '{"priority": 10}'
call POST /v2/apps '{"id": "/alarm", "cmd": "x", "role": "urgent", "instances": 3}'
ok "one of a higher priority takes what it needs, and no more" \
	wait_for running_of "('/alarm', 3), ('/batch', 7), ('/sure', 2)"
preempted() { [ "$(grep -c '"taskStatus":"TASK_KILLED","message":"preempted by /alarm"' "$T/events")" = 3 ]; }
ok "why they ended is heard" wait_for preempted
is "$(grep -c '^event: task_preempted_event' "$T/events")" 3 "and that they were to end"
call GET '/v2/queue?embed=why'
is "$(get '[(i["app"]["id"], i["count"]) for i in d["queue"]]')" "[('/batch', 3)]" \
	"those that were ended wait for room"
call GET /v2/apps/batch
is "$(get '"lastTaskFailure" in d["app"] and d["app"]["lastTaskFailure"]')" False "and have not failed"
call PUT '/v2/apps/alarm?force=true' '{"instances": 20}'
ok "a role keeps what it is guaranteed" \
	wait_for running_of "('/alarm', 10), ('/sure', 2)"
call GET /metrics
ok "what was preempted is counted" grep -qx 'dcos_allocator_preempted_total 10' "$T/out"
call DELETE '/v2/apps/alarm?force=true'
ok "when the room is free again, they come back" wait_for running_of "('/batch', 10), ('/sure', 2)"
wait_for settled
call DELETE '/v2/apps/batch?force=true'
call DELETE '/v2/apps/sure?force=true'
wait_for settled
call POST /v2/apps '{"id": "/deaf", "cmd": "x", "instances": 4, "labels": {"emulate": "deaf"},
	"constraints": [["hostname", "CLUSTER", "node-0"]], "unreachableStrategy": "disabled"}'
wait_for settled
call POST /v2/apps '{"id": "/late", "cmd": "x", "role": "urgent",
	"constraints": [["hostname", "CLUSTER", "node-0"]]}'
late() { call GET '/v2/queue?embed=why' && [ "$(get "[i['why']['wait'] for i in d['queue'] if i['app']['id'] == '/late']")" = "['victims to end']" ]; }
ok "while a victim does not end, the queue says so" wait_for late
kill -USR1 "$PID"
ok "its node is lost" wait_for tasks_are "{t['state'] for t in d['tasks']} == {'TASK_UNREACHABLE'}"
kill -USR2 "$PID"
ok "it ends when its node is there again" wait_for running_of "('/deaf', 3), ('/late', 1)"
call DELETE '/v2/apps/deaf?force=true'
call DELETE '/v2/apps/late?force=true'
wait_for settled
call DELETE /v2/roles/sure
is "$STATUS" 204 "a role is as if nobody had set it"
call DELETE /v2/roles/sure
is "$STATUS" 404 "once"
kill -9 "$PID"
wait "$PID" 2> /dev/null
start "$PORT"
call GET /v2/roles
is "$(get '[(r["name"], r["priority"], r["limit"]) for r in d["roles"] if r["configured"]]')" \
	"[('org', 0, {'cpus': 5}), ('urgent', 10, {})]" "roles outlive kill -9"
kill "$LISTENER" 2> /dev/null
LISTENER=
kill "$PID"
wait "$PID"
is "$?" 0 "it ends when it is told to, without a leak"
PID=
tap_done
