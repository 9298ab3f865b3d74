#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Health checks: what the agent asks, what it makes of the answers, and who is ended.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type python3 > /dev/null 2>&1 || tap_skip_all "needs python3"

AGENT_INTERVAL=1s
agent_paths
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

# run ID CHECKS COMMAND [KEYS]: a task with the host's files and a network of its own
run() {
	printf '{"id": "%s", "cmd": "%s", "network": "none", "health_checks": [%s]%s}' \
		"$1" "$3" "$2" "${4:+, $4}" > "$T/spec.json"
	dcosctl run -f "$T/spec.json" 2>&1
}
# look ID EXPRESSION: of its Task as t; c is its first check
look() {
	dcosctl --json inspect "$1" | python3 -c '
import json, sys
t = json.load(sys.stdin)["task"]
c = t.get("health", [{}])[0]
print(eval(sys.argv[1]))' "$2" 2>&1 | tail -1
}
is_so() { [ "$(look "$1" "$2")" = "$3" ]; }
fast='"interval": "100ms", "timeout": "2s", "grace_period": "0s"'
# A server on port 8080 that answers "/" with 200, and "/old" and "/bad" with 302 and 503
cat > "$T/server.py" << 'END'
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({"/": 200, "/old": 302}.get(self.path, 503))
        self.end_headers()
    def log_message(self, *a):
        pass
http.server.HTTPServer(("127.0.0.1", 8080), H).serve_forever()
END
mounts="\"mounts\": [{\"source\": \"$T/server.py\", \"target\": \"/tmp/server.py\", \"readonly\": true}]"

# --- what works, each in the network of the task ----------------------------------------
run web '{"protocol": "http", "port": 8080, '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "http", "port": 8080, "path": "/old", '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "tcp", "port": 8080, '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "command", "cmd": "test -n \"$DCOS_TASK_ID\"", '"$fast"'}' \
	"exec python3 /tmp/server.py" "$mounts" > "$T/out"
until_ok 30 is_so web 't.get("healthy")' True
is "$(look web '[(c["protocol"], c["alive"], c["consecutive_failures"]) for c in t["health"]]')" \
	"[('http', True, 0), ('http', True, 0), ('tcp', True, 0), ('command', True, 0)]" \
	"a server is healthy by its status, a redirection, a connection and a command"
is "$(look web 'c["first_success_unix_us"] > t["started_unix_us"]')" True "since when is told"

# --- what does not ---------------------------------------------------------------------
run bad '{"protocol": "http", "port": 8080, "path": "/bad", '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "tcp", "port": 8081, '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "command", "command": ["sh", "-c", "exit 7"], '"$fast"', "max_consecutive_failures": 0},
	{"protocol": "command", "cmd": "sleep 10000 & sleep 10000", '"${fast/2s/50ms}"', "max_consecutive_failures": 0}' \
	"exec python3 /tmp/server.py" "$mounts" > "$T/out"
until_ok 30 is_so bad '"503" in c.get("last_failure", "") and all(c["consecutive_failures"] > 1 for c in t["health"])' True
is "$(look bad 't["healthy"]')" False "one that fails in each way is unhealthy"
is "$(look bad '"; ".join(c["last_failure"] for c in t["health"])')" \
	"127.0.0.1 port 8080: status 503 of /bad; 127.0.0.1 port 8081: Connection refused; the command exited with code 7; the command took longer than 0.05 s" \
	"each failure has its reason"
is "$(look bad 't["state"]')" RUNNING "without a maximum it runs on"
dcosctl kill -s KILL bad
dcosctl wait bad > /dev/null
is "$(pgrep -fc 'sleep 1000[0]')" 0 "of commands that took too long nothing is left"

# --- too often -------------------------------------------------------------------------
run dies '{"protocol": "tcp", "port": 8080, '"$fast"', "max_consecutive_failures": 2}' "exec sleep 1000" > "$T/out"
dcosctl wait dies > "$T/out"
is "$(look dies 't["state"] + ": " + t["exit"]["reason"]')" \
	"FAILED: killed by the agent: health check (tcp) failed 2 times: 127.0.0.1 port 8080: Connection refused" \
	"who fails too often is ended, and has failed for that reason"
run grace '{"protocol": "tcp", "port": 8080, '"${fast/0s\"/1h\"}"', "max_consecutive_failures": 1}' "exec sleep 1000" > "$T/out"
until_ok 30 is_so grace '"last_failure" in c' True
is "$(look grace 't["state"], t.get("healthy"), c["consecutive_failures"]')" "('RUNNING', None, 0)" \
	"failures in the grace period count for nothing, but are shown"

# --- a restart of the agent --------------------------------------------------------------
agent_stop
agent_start
tap $? "an agent comes back"
until_ok 30 is_so web 't.get("healthy")' True
is "$(look web 't["healthy"], len(t["health"])')" "(True, 4)" "adopted tasks are checked again, by commands too"
dcosctl kill -s KILL web
dcosctl wait web > /dev/null
is "$(look web '"healthy" in t or "health" in t')" False "an ended task has no health"

# --- bad specs -------------------------------------------------------------------------
n=0
while IFS='|' read -r checks want; do
	n=$((n + 1))
	like "$(run "no$n" "$checks" true)" "$want" "refused: $want"
done << 'END'
{"port": 80}|health_checks\[0\].protocol: is missing
{"protocol": "icmp"}|health_checks\[0\].protocol: "icmp" is not allowed
{"protocol": "tcp"}|health_checks\[0\].port: is missing
{"protocol": "tcp", "port": 80, "path": "/"}|health_checks\[0\].path: only "http" has one
{"protocol": "http", "port": 80, "path": "/a b"}|health_checks\[0\].path: "/a b" is not allowed
{"protocol": "tcp", "port": 80, "address": "localhost"}|health_checks\[0\].address: "localhost" is no address
{"protocol": "command"}|health_checks\[0\].command: either this or "cmd" is required
{"protocol": "command", "command": []}|health_checks\[0\].command: is empty
END
tap_done
