#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The services of dcos-allocator over HTTP, with emulated nodes: apps, deployments, events, what a
# kill -9 leaves, and the Marathon client that Debian packages. Needs no rights.
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/emulated.sh"

# seen TEXT: among the events
seen() { grep -qF -- "$1" "$T/events"; }

start
tap $? "it starts with an empty directory"
[ -n "${URL:-}" ] || { tap_done; exit 1; }
call GET /ping
is "$STATUS $OUT" "200 pong" "it answers a ping"
curl -sN --max-time 60 "$URL/v2/events" > "$T/events" &
LISTENER=$!
curl -sN --max-time 60 "$URL/v2/events?event_type=deployment_success" > "$T/successes" &
FILTERED=$!
ok "a listener hears that another has come" wait_for seen event_stream_attached

# --- apps ---------------------------------------------------------------------------------
call POST /v2/apps '{"id": "/shop/web", "cmd": "serve", "instances": 3, "labels": {"team": "a"}}'
is "$STATUS" 201 "an app is created"
is "$(get 'd["backoffFactor"], d["upgradeStrategy"], d["killSelection"], len(d["deployments"])')" \
	"(1.15, {'minimumHealthCapacity': 1, 'maximumOverCapacity': 1}, 'YOUNGEST_FIRST', 1)" \
	"the answer has all defaults and the deployment"
ok "its deployment ends" wait_for settled
call GET /v2/apps//shop/web
is "$(get 'd["app"]["tasksRunning"], len({t["host"] for t in d["app"]["tasks"]})')" "(3, 3)" \
	"three tasks run, each on a node of its own"
call POST /v2/apps '{"id": "/shop/web", "cmd": "serve"}'
is "$STATUS" 409 "an app is not created twice"
call POST /v2/apps '{"id": "Bad Id", "cmd": "x", "args": ["y"], "cpus": "many", "colour": "red",
	"constraints": [["rack", "NEAR"]], "healthChecks": [{"portIndex": 7}]}'
is "$STATUS" 422 "what is wrong with an app is told"
is "$(get 'sorted(x["path"] for x in d["details"])')" "['/colour', '/cpus']" \
	"first by the keys and their types"
call POST /v2/apps '{"id": "Bad Id", "cmd": "x", "args": ["y"], "constraints": [["rack", "NEAR"]],
	"healthChecks": [{"portIndex": 7}]}'
is "$(get 'sorted(x["path"] for x in d["details"])')" "['/', '/constraints(0)', '/healthChecks(0)', '/id']" \
	"then by what they mean"
call POST /v2/apps '{"id": '
is "$STATUS" 400 "what is not JSON is refused"
call GET '/v2/apps?label=team==a'
is "$(get '[a["id"] for a in d["apps"]]')" "['/shop/web']" "apps are found by label"
call GET '/v2/apps?label=team==b'
is "$(get 'd["apps"]')" "[]" "and are not found by another"

# --- scaling and upgrades -------------------------------------------------------------------
call GET /v2/tasks
before=$(get 'sorted(t["id"] for t in d["tasks"])')
call PUT /v2/apps/shop/web '{"instances": 5}'
is "$STATUS" 200 "an app is scaled"
ok "and has what was wanted" wait_for tasks_are 'len([t for t in d["tasks"] if t["state"] == "TASK_RUNNING"]) == 5'
ok "the tasks from before stay" tasks_are "set($before) <= {t['id'] for t in d['tasks']}"
wait_for settled
call PUT /v2/apps/shop/web '{"labels": {"emulate": "stage"}, "upgradeStrategy":
	{"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.2}}'
ok "an upgrade goes as far as its capacities let it" \
	wait_for tasks_are "sorted(t['state'] for t in d['tasks']) == ['TASK_RUNNING'] * 3 + ['TASK_STAGING'] * 3"
call GET '/v2/deployments?embed=reason'
is "$(get 'd[0]["steps"][0]["actions"][0]["action"]')" RestartApplication "the deployment says what it does"
like "$(get 'd[0]["reason"]')" '/shop/web: 0 of 5 instances healthy' "and why it does not go on"
deployment=$(get 'd[0]["id"]')
call PUT /v2/apps/shop/web '{"instances": 1}'
is "$STATUS $(get 'd["deployments"][0]["id"]')" "409 $deployment" "what is deployed is locked"
call DELETE "/v2/deployments/$deployment"
is "$STATUS" 200 "it is rolled back"
ok "which is a deployment, too" wait_for settled
ok "and brings back the tasks of before" tasks_are 'len([t for t in d["tasks"] if t["state"] == "TASK_RUNNING"]) == 5'
call GET /v2/apps/shop/web/versions
is "$(get 'len(d["versions"])')" 4 "all versions are kept"
oldest=$(get 'd["versions"][-1]')
call GET "/v2/apps/shop/web/versions/$oldest"
is "$(get 'd["instances"]')" 3 "with what they were"
call POST /v2/apps/shop/web/restart
is "$STATUS" 200 "an app is restarted"
ok "all its tasks are new" wait_for tasks_are "len(d['tasks']) == 5 and not set($before) & {t['id'] for t in d['tasks']}"
wait_for settled
call GET /v2/tasks
victim=$(get 'd["tasks"][0]["id"]')
call DELETE "/v2/apps/shop/web/tasks/$victim?scale=true"
is "$STATUS" 200 "a task is ended for good"
ok "the app is smaller by it" wait_for tasks_are "len(d['tasks']) == 4 and '$victim' not in {t['id'] for t in d['tasks']}"
wait_for settled

# --- what fails, what does not fit ------------------------------------------------------------
call POST /v2/apps '{"id": "/crash", "cmd": "x", "labels": {"emulate": "fail"}, "backoffSeconds": 60}'
delayed() { call GET /v2/queue && [ "$(get '[i["delay"]["timeLeftSeconds"] > 50 for i in d["queue"] if i["app"]["id"] == "/crash"]')" = "[True]" ]; }
ok "an app that fails waits before it is tried again" wait_for delayed
call GET /v2/apps/crash
is "$(get 'd["app"]["lastTaskFailure"]["state"], d["app"]["lastTaskFailure"]["message"]')" \
	"('TASK_FAILED', 'exit status 1')" "its last failure is told"
ok "and heard" wait_for seen '"taskStatus":"TASK_FAILED"'
call DELETE /v2/queue//crash/delay
is "$STATUS" 204 "the delay is ended by hand"
call POST /v2/apps '{"id": "/large", "cmd": "x", "cpus": 64}'
why() { call GET '/v2/queue?embed=why' && get '[(w["reason"], w["nodes"]) for i in d["queue"] if i["app"]["id"] == "/large" for w in i["why"]["filters"]]'; }
fits_not() { [ "$(why)" = "[('$1', 3)]" ]; }
ok "why an app is not placed is told" wait_for fits_not cpus
call DELETE '/v2/apps/crash?force=true'
call DELETE '/v2/apps/large?force=true'
ok "what is removed is gone" wait_for settled

# --- versions ---------------------------------------------------------------------------------------
call POST /v2/apps '{"id": "/many", "cmd": "x", "instances": 0}'
for ((i = 0; i < 55; i++)); do
	call PUT '/v2/apps/many?force=true' '{"labels": {"n": "'$i'"}}'
done
call GET /v2/apps/many/versions
is "$(get 'len(d["versions"])')" 50 "of many versions the latest 50 are kept"
call GET "/v2/apps/many/versions/$(get 'd["versions"][0]')"
is "$(get 'd["labels"]["n"]')" 54 "the last of them is the last"
call DELETE '/v2/apps/many?force=true'
wait_for settled
call POST /v2/apps '{"id": "/many", "cmd": "x", "instances": 0}'
call GET /v2/apps/many/versions
is "$(get 'len(d["versions"])')" 1 "one that is removed leaves none"
call DELETE '/v2/apps/many?force=true'
wait_for settled

# --- groups -------------------------------------------------------------------------------------
call POST /v2/groups '{"id": "/site", "apps": [{"id": "db", "cmd": "x"},
	{"id": "api", "cmd": "x", "dependencies": ["/site/db"]}]}'
is "$STATUS" 201 "a group is created"
call GET /v2/deployments
is "$(get '[[a["app"] for a in s["actions"]] for s in d[0]["steps"]]')" "[['/site/db'], ['/site/api']]" \
	"what others depend on comes first"
ok "and then the others" wait_for settled
call PUT /v2/groups/site '{"scaleBy": 2}'
ok "a group is scaled" wait_for tasks_are 'len([t for t in d["tasks"] if t["appId"].startswith("/site/")]) == 4'
wait_for settled
call PUT /v2/groups/site '{"apps": [{"id": "a", "cmd": "x", "dependencies": ["/site/b"]},
	{"id": "b", "cmd": "x", "dependencies": ["/site/a"]}]}'
is "$STATUS" 422 "dependencies in a circle are refused"
call DELETE /v2/groups/site
ok "a group is removed" wait_for tasks_are 'not [t for t in d["tasks"] if t["appId"].startswith("/site/")]'
wait_for settled

# --- faults ---------------------------------------------------------------------------------------
lost_nodes() { tasks_are 'len(d["tasks"]) == 4 and "node-0" not in {t["host"] for t in d["tasks"]}'; }
kill -USR1 "$PID"
ok "tasks of a lost node run elsewhere" wait_for lost_nodes
ok "it is heard that they were lost" wait_for seen TASK_UNREACHABLE
kill -USR2 "$PID"
call POST /v2/apps '{"id": "/kept", "cmd": "x", "instances": 2, "cpus": 1000}'
accepted=$STATUS
kill -9 "$PID"
wait "$PID" 2> /dev/null
start "$PORT"
call GET /v2/apps/kept
is "$accepted $STATUS $(get 'd["app"]["instances"]')" "201 200 2" "what was accepted outlives kill -9"
is "$(get 'len(d["app"]["deployments"])')" 1 "and so does its deployment"
kept_tasks() { call GET /v2/apps/shop/web && [ "$(get '{t["state"] for t in d["app"]["tasks"]}')" = "{'TASK_UNREACHABLE'}" ]; }
ok "tasks of nodes that have yet to come back are waited for" kept_tasks
call DELETE '/v2/apps/kept?force=true'
call DELETE '/v2/apps/shop/web?force=true'
ok "the last app is removed" wait_for settled
is "$(grep -c '^event: ' "$T/successes")" "$(grep -c '^event: deployment_success' "$T/successes")" \
	"who asks for one type of event hears no other"
ok "and hears those" grep -q '^event: deployment_success' "$T/successes"
call POST '/v2/apps/x/restart'
is "$STATUS" 404 "what is not there is not found"
call PUT /v2/info
is "$STATUS" 405 "what is not possible is not allowed"

# --- the client that Debian packages -----------------------------------------------------------
if $PY -c 'import marathon' 2> /dev/null; then
	$PY - "$URL" > "$T/client" 2>&1 <<-'EOF'
	import sys, time
	from marathon import MarathonClient
	from marathon.models import MarathonApp
	from marathon.exceptions import NotFoundError

	c = MarathonClient(sys.argv[1], timeout=20)

	def settle():
	    end = time.time() + 20
	    while c.list_deployments() and time.time() < end:
	        time.sleep(0.05)

	assert c.ping() in ("pong", b"pong"), c.ping()
	assert c.get_info().name == "marathon"
	app = c.create_app("client", MarathonApp(cmd="sleep 1", mem=16, cpus=0.1, instances=2))
	assert app.id == "/client", app
	settle()
	assert len(c.list_tasks("client")) == 2
	c.scale_app("client", instances=3)
	settle()
	assert c.get_app("client", embed_tasks=True).tasks_running == 3
	c.update_app("client", MarathonApp(cmd="sleep 2"))
	settle()
	assert c.get_app("client").cmd == "sleep 2"
	assert len(c.list_versions("client")) == 3
	task = c.list_tasks("client")[0]
	c.kill_given_tasks([task.id])
	c.restart_app("client", force=True)
	settle()
	assert [a.id for a in c.list_apps()] == ["/client"]
	assert c.list_queue() == []
	c.create_app("large", MarathonApp(cmd="x", cpus=64))
	while not c.list_queue():
	    time.sleep(0.05)
	assert c.list_queue()[0].app.id == "/large"
	assert c.list_deployments()[0].affected_apps == ["/large"]
	c.delete_app("large", force=True)
	settle()
	assert c.get_group("/").apps[0].id == "/client"
	c.delete_app("client", force=True)
	settle()
	try:
	    c.get_app("client")
	    assert False, "it is still there"
	except NotFoundError:
	    print("done")
	EOF
	is "$(tail -n 1 "$T/client")" "done" "python3-marathon drives it"
	[ "$(tail -n 1 "$T/client")" = "done" ] || diag "$(tail -n 15 "$T/client")"
else
	skip "python3-marathon drives it" "needs python3-marathon"
fi
kill "$LISTENER" "$FILTERED" 2> /dev/null
LISTENER=
kill "$PID"
wait "$PID"
is "$?" 0 "it ends when it is told to, without a leak"
PID=
tap_done
