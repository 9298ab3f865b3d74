#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Health checks of apps, run by the agent: deployments wait for them, who fails is replaced.
# Not in guests: nothing here depends on the kernel that health.t does not ask.
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v curl > /dev/null || tap_skip_all "needs curl"
type python3 > /dev/null 2>&1 || tap_skip_all "needs python3"

agent_paths
ALLOCATOR= LISTENER=
cleanup() {
	for pid in $ALLOCATOR $LISTENER; do
		kill -9 "$pid" 2> /dev/null
	done
	agent_cleanup
}
trap cleanup EXIT
call() { curl -s --max-time 20 -X "$1" ${3+-d "$3"} "$URL$2"; }
settled() { [ "$(call GET /v2/deployments)" = "[]" ]; }
# get PATH EXPRESSION: of the answer as d
get() {
	call GET "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$2" 2>&1 | tail -1
}
is_so() { [ "$(get "$1" "$2")" = "$3" ]; }
told() { grep -q "$1" "$T/events"; }

mkdir "$T/allocator" "$T/flag"
agent_start || tap_skip_all "the agent does not start"
"$DCOS_BUILD/bin/dcos-allocator" -l 127.0.0.1:0 --state "$T/allocator" --ports 31100-31119 \
	> /dev/null 2> "$T/allocator.log" &
ALLOCATOR=$!
until_ok 10 grep -q serves "$T/allocator.log" || { diag "$(cat "$T/allocator.log")"; tap_done; exit 1; }
URL=$(sed -n 's,.*\(http://127.0.0.1:[0-9]*\)/.*,\1,p' "$T/allocator.log")
curl -sN "$URL/v2/events" > "$T/events" 2> /dev/null &
LISTENER=$!
until_ok 20 is_so /v2/nodes '"active" in str(d)' True

# /var/tmp, where $T is, is the task's own
VOLUME='"container": {"type": "MESOS", "volumes": [
	{"containerPath": "/tmp/flag", "hostPath": "'$T'/flag", "mode": "RO"}]}'
CHECK='"gracePeriodSeconds": 0, "intervalSeconds": 1, "timeoutSeconds": 3, "delaySeconds": 0'
call POST /v2/apps '{"id": "/flag", "cmd": "exec sleep 10000", "instances": 2, "cpus": 0.1, "mem": 32,
	"backoffSeconds": 0.1, "maxLaunchDelaySeconds": 0.1, "taskKillGracePeriodSeconds": 0,
	'"$VOLUME"',
	"healthChecks": [{"protocol": "COMMAND", "command": {"value": "test -e /tmp/flag/ok"},
		"maxConsecutiveFailures": 0, '"$CHECK"'}]}' > /dev/null
failing='[r["alive"] for t in d["tasks"] for r in t["healthCheckResults"]]'
ok "tasks that fail their check run" until_ok 30 is_so /v2/apps/flag/tasks "$failing" "[False, False]"
is "$(get /v2/apps/flag/tasks 'd["tasks"][0]["healthCheckResults"][0]["lastFailureCause"]')" \
	"the command exited with code 1" "the answer has why"
is "$(get /v2/apps/flag 'd["app"]["tasksRunning"], d["app"]["tasksHealthy"], d["app"]["tasksUnhealthy"]')" \
	"(2, 0, 2)" "they are counted as unhealthy"
like "$(get '/v2/deployments?embed=reason' 'd[0]["reason"]')" '/flag: 0 of 2 instances healthy' "the deployment waits for them"
export DCOS_ALLOCATOR=$URL
is "$(dcosctl app why flag 2>&1 | tr -s ' ')" \
	"instances 2 wanted, 2 running, 0 healthy, 2 unhealthy
deploying 0 of 2 instances healthy, 2 of them yet to be placed or to become so, 0 of an older configuration, 0 about to end" \
	"dcosctl app why says so, too"
touch "$T/flag/ok"
ok "once they are healthy it ends" until_ok 30 settled
is "$(get /v2/apps/flag 'd["app"]["tasksHealthy"], d["app"]["tasksUnhealthy"]')" "(2, 0)" "and they are counted so"
until_ok 10 told 'event: health_status_changed_event'
is "$(sed -n 's/^data: \(.*"alive":.*\)/\1/p' "$T/events" | grep -c '"alive":true')" 2 "each change is an event"
ok "each failure is an event" told 'event: failed_health_check_event'

# --- an upgrade to what never gets healthy --------------------------------------------------
before=$(get /v2/apps/flag/tasks 'sorted(t["id"] for t in d["tasks"])')
call PUT /v2/apps/flag '{"healthChecks": [{"protocol": "MESOS_TCP", "port": 1, "maxConsecutiveFailures": 0, '"$CHECK"'}]}' > /dev/null
all_run='len(d["tasks"]), all(t["state"] == "TASK_RUNNING" for t in d["tasks"])'
until_ok 30 is_so /v2/apps/flag/tasks "$all_run" "(4, True)"
until_ok 30 is_so /v2/apps/flag 'd["app"]["tasksUnhealthy"]' 2
is "$(get /v2/apps/flag/tasks 'set('"$before"') <= {t["id"] for t in d["tasks"]}')" True \
	"an upgrade that does not get healthy leaves the old tasks alone"
id=$(get /v2/deployments 'd[0]["id"]')
call DELETE "/v2/deployments/$id" > /dev/null
ok "it is taken back" until_ok 30 settled
is "$(get /v2/apps/flag 'd["app"]["tasksHealthy"], d["app"]["tasksUnhealthy"]')" "(2, 0)" "to tasks that are healthy"
call DELETE /v2/apps/flag > /dev/null
until_ok 30 settled

# --- HTTP, and an end ------------------------------------------------------------------------
echo fine > "$T/flag/health"
call POST /v2/apps '{"id": "/web", "cmd": "cd /tmp/flag && exec python3 -m http.server $PORT0", "cpus": 0.1, "mem": 64,
	"backoffSeconds": 0.1, "maxLaunchDelaySeconds": 0.1, "taskKillGracePeriodSeconds": 0,
	"portDefinitions": [{"port": 0}], '"$VOLUME"',
	"healthChecks": [{"protocol": "HTTP", "path": "/health", "maxConsecutiveFailures": 2,
		'"${CHECK/\"gracePeriodSeconds\": 0/\"gracePeriodSeconds\": 30}"'}]}' > /dev/null
ok "a server is deployed once it answers on its port" until_ok 30 settled
first=$(get /v2/apps/web/tasks 'd["tasks"][0]["id"]')
mv "$T/flag/health" "$T/flag/away"
ok "one that does not any more is ended" \
	until_ok 30 is_so /v2/apps/web '"failed 2 times" in d["app"].get("lastTaskFailure", {}).get("message", "")' True
mv "$T/flag/away" "$T/flag/health"
replaced='[t["id"] != "'$first'" and t["healthCheckResults"][0]["alive"] for t in d["tasks"] if t["healthCheckResults"]]'
ok "and replaced" until_ok 30 is_so /v2/apps/web/tasks "$replaced" "[True]"

# --- dcosctl app ----------------------------------------------------------------------------
is "$(dcosctl app ls | tr -s ' ')" "APP INSTANCES RUNNING STAGED HEALTHY UNHEALTHY DEPLOYS
/web 1 1 0 1 0 no" "dcosctl app ls has them all"
like "$(dcosctl app scale web 2)" '^deployment ' "dcosctl app scale"
ok "which ends" until_ok 30 settled
is "$(get /v2/apps/web 'd["app"]["tasksHealthy"]')" 2 "with so many"
echo '{"id": "/big", "cmd": "sleep 1000", "cpus": 1000}' | dcosctl app deploy - > "$T/out"
until_ok 20 is_so '/v2/queue?embed=why' 'len(d["queue"])' 1
like "$(dcosctl app why /big | tr -s ' ' | tail -3 | paste -sd,)" \
	'^waiting 1 instances: a node that fits, 1 of 1 nodes: cpus, nearest is test-node, short of [0-9.]+ cpus$' \
	"dcosctl app why of one that finds no place"
echo '{"id": "/bad", "cmd": "true", "mem": "x"}' > "$T/bad.json"
like "$(dcosctl app deploy "$T/bad.json" 2>&1)" '/mem: ' "dcosctl app deploy says what is wrong with an app"
like "$(dcosctl app rm nobody 2>&1)" "does not exist" "one that is not there can't be removed"
like "$(dcosctl app --allocator ftp://x ls 2>&1)" 'allowed is http://HOST:PORT' "an address that is none is refused"
dcosctl app rm --force big > /dev/null
dcosctl app rm web > /dev/null
ok "what is removed goes" until_ok 30 is_so /v2/apps 'd["apps"]' "[]"

# --- what the agents can't check ------------------------------------------------------------
for bad in '"protocol": "MESOS_HTTPS", "port": 1|MESOS_HTTPS, which the agents' \
	'"protocol": "HTTP", "port": 1, "ignoreHttp1xx": true|ignoreHttp1xx' \
	'"protocol": "HTTP", "port": 1, "path": "health"|must begin with /' \
	'"protocol": "TCP"|portIndex of no port'; do
	like "$(call POST /v2/apps '{"id": "/bad", "cmd": "true", "portDefinitions": [], "healthChecks": [{'"${bad%|*}"'}]}')" \
		"/healthChecks\\(0\\).*${bad#*|}" "refused: ${bad#*|}"
done
tap_done
