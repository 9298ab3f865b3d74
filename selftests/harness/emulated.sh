# SPDX-License-Identifier: Apache-2.0
# An allocator with three emulated nodes, in $T, at $URL; sourced after tap.sh. Nothing needs rights.
command -v curl > /dev/null || tap_skip_all "needs curl"
PY=/usr/bin/python3
$PY -c 'import json' 2> /dev/null || tap_skip_all "needs python3"
allocator=$DCOS_BUILD/selftests/allocator-emulated
[ -x "$allocator" ] || tap_skip_all "needs $allocator"

T=$(mktemp -d)
PID= LISTENER=
cleanup() {
	[ -z "$LISTENER" ] || kill "$LISTENER" 2> /dev/null
	[ -z "$PID" ] || kill -9 "$PID" 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
mkdir "$T/state"

# wait_for COMMAND...: until it succeeds, 10 s at most
wait_for() {
	local end=$((SECONDS + 10))
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.05 <> <(:) || :
	done
	return 0
}
start() {
	: > "$T/log"
	"$allocator" -l "127.0.0.1:${1:-0}" --state "$T/state" --emulated 3 > /dev/null 2>> "$T/log" &
	PID=$!
	wait_for grep -q serves "$T/log" || { diag "$(cat "$T/log")"; return 1; }
	PORT=$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$T/log")
	URL=http://127.0.0.1:$PORT
}
# call METHOD PATH [BODY]: body into OUT, status into STATUS
call() {
	STATUS=$(curl -s --max-time 20 -o "$T/out" -w '%{http_code}' -X "$1" ${3+-d "$3"} "$URL$2")
	OUT=$(cat "$T/out")
}
# get EXPRESSION: of the last answer, as d
get() { $PY -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$T/out" "$1"; }
settled() { call GET /v2/deployments && [ "$OUT" = "[]" ]; }
# tasks_are EXPRESSION: it is true of /v2/tasks
tasks_are() { call GET /v2/tasks && [ "$(get "$1")" = True ]; }
