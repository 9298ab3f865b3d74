#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An app of dcos-allocator follows the load of its tasks, up and down, and says why. The nodes are
# emulated; scaling.c and autoscale.c have their own tests in simulated time. Needs no rights.
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
command -v curl > /dev/null || tap_skip_all "needs curl"
PY=/usr/bin/python3
$PY -c 'import json' 2> /dev/null || tap_skip_all "needs python3"
allocator=$DCOS_BUILD/selftests/allocator-emulated
[ -x "$allocator" ] || tap_skip_all "needs $allocator"

T=$(mktemp -d)
PID=
cleanup() {
	[ -z "$PID" ] || kill -9 "$PID" 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
mkdir "$T/state"

# wait_for COMMAND...: until it succeeds, 30 s at most
wait_for() {
	local end=$((SECONDS + 30))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.1 <> <(:)
	done
	return 0
}
# call METHOD PATH [BODY]: body into $T/out, status into STATUS
call() {
	STATUS=$(curl -s --max-time 20 -o "$T/out" -w '%{http_code}' -X "$1" ${3+-d "$3"} "$URL$2")
}
# get EXPRESSION: of the last answer, as d
get() { $PY -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$T/out" "$1"; }
# app_is EXPRESSION: it is true of the app
app_is() { call GET /v2/apps/web && [ "$(get "(lambda a: $1)(d['app'])")" = True ]; }
# told EXPRESSION: a decision e of the history, with its metric m, for which it is true
told() { call GET /v2/apps/web/scaling && [ "$(get "any($1 for e in d['decisions'] for m in e['metrics'])")" = True ]; }
# rule MAX: of the app's scaling
rule() {
	printf '%s' '{"id": "/web", "cmd": "x", "cpus": 0.1, "mem": 16, "dcos": {"autoscale": {"min": 1, "max": '"$1"',
		"windowSeconds": 1, "tolerancePercent": 30, "upCooldownSeconds": 0, "downCooldownSeconds": 0,
		"metrics": [{"signal": "cpu", "target": 50}]}}}'
}

echo 0 > "$T/load"
: > "$T/log"
"$allocator" -l 127.0.0.1:0 --state "$T/state" --emulated 3 --load "$T/load" > /dev/null 2>> "$T/log" &
PID=$!
wait_for grep -q serves "$T/log" || { diag "$(cat "$T/log")"; tap_skip_all "the allocator does not start"; }
URL=http://127.0.0.1:$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$T/log")

call POST /v2/apps "$(rule 0)"
ok "a rule that makes no sense is refused" [ "$STATUS" = 422 ]
ok "with its path and reason" [ "$(get 'd["details"][0]["path"] + " " + d["details"][0]["errors"][0]')" \
	= "/dcos/autoscale max: a number from 1 to 100000" ]
call POST /v2/apps "$(rule 4)"
ok "an app with a rule is accepted" [ "$STATUS" = 201 ]
ok "without load it stays at its least" wait_for told "m['verdict'] == 'at min' and e['to'] == 1"
echo 200 > "$T/load"
ok "under load it has as many tasks as bring each to the target" \
	wait_for app_is "a['instances'] == 4 and a['tasksRunning'] == 4"
ok "the decision is kept with the number that led to it" \
	told "e['from'] == 2 and e['to'] == 4 and 700 < m['value'] < 1300 and m['target'] == 500 and m['asks'] >= 4"
ok "there it stays" wait_for told "e['from'] == 4 and m['verdict'] == 'stay' and 350 < m['value'] < 650"
echo 2000 > "$T/load"
ok "more than the rule allows for it does not get, and that is told" \
	wait_for told "m['verdict'] == 'at max' and e['to'] == 4 and m['asks'] > 4"
echo 10 > "$T/load"
ok "after the load it goes down again" wait_for app_is "a['instances'] == 1 and a['tasksRunning'] == 1"
call PATCH /v2/apps/web '{"dcos": null}'
ok "without a rule it is a person's again" wait_for app_is "not a['deployments']"
untold() { call GET /v2/apps/web/scaling; [ "$STATUS" = 404 ]; }
ok "and there is nothing to tell" wait_for untold

# the meters steer: by requests the node of the first app, as the fuller one, would be the best fit
node_of() { call GET "/v2/apps/$1/tasks" && get "d['tasks'][0]['host'] if d['tasks'] else ''"; }
call DELETE /v2/apps/web
gone() { call GET /v2/apps && [ "$(get 'd["apps"]')" = "[]" ]; }
wait_for gone
echo 100 > "$T/load"
call POST /v2/apps '{"id": "/first", "cmd": "x", "cpus": 1, "mem": 512}'
placed() { [ -n "$(node_of "$1")" ]; }
wait_for placed first
call POST /v2/apps '{"id": "/idle", "cmd": "x", "cpus": 1, "mem": 512}'
wait_for placed idle
ok "an app goes where another is, as the best fit" [ "$(node_of first)" = "$(node_of idle)" ]
call DELETE /v2/apps/idle
single() { call GET /v2/apps && [ "$(get '[a["id"] for a in d["apps"]]')" = "['/first']" ]; }
wait_for single
echo 3900 > "$T/load"
hot() { call GET /v2/nodes && [ "$(get 'max(n["used"]["cpus"] for n in d["nodes"]) > 3')" = True ]; }
ok "what the meters of a node say is shown" wait_for hot
call POST /v2/apps '{"id": "/new", "cmd": "x", "cpus": 1, "mem": 512}'
wait_for placed new
ok "nor does it go where all is in use, whatever was requested" [ "$(node_of first)" != "$(node_of new)" ]
kill "$PID"
wait "$PID"
ok "nothing was leaked, and nothing was wrong" [ $? -eq 0 ]
PID=
tap_done
