#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Events of tasks: told as they happen, and afterwards.
# Not in guests: what depends on the kernel is in breaches.t.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type python3 > /dev/null 2>&1 || tap_skip_all "needs python3"

AGENT_INTERVAL=100ms
agent_paths
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

# events EXPRESSION [ID]: of each that is kept, e; d is its details
events() {
	dcosctl --json events ${2:+"$2"} | python3 -c '
import json, sys
reply = json.load(sys.stdin)
for e in reply["events"]:
    d = e["details"]
    print(eval(sys.argv[1]))' "$1"
}
kinds() { events 'e["kind"]' "$1" | paste -sd' '; }
# last KIND ID EXPRESSION: of the last event of that kind; d is its details
last() {
	dcosctl --json events "$2" | python3 -c '
import json, sys
e = [e for e in json.load(sys.stdin)["events"] if e["kind"] == sys.argv[1]][-1]
d = e["details"]
print(eval(sys.argv[2]))' "$1" "$3" 2>&1
}
run() { dcosctl run --image host --id "$@"; }

# --- a life ---------------------------------------------------------------------------
is "$(dcosctl events)" "" "an agent begins without events"
"$DCOS_BUILD/bin/dcosctl" events -f > "$T/all" 2> "$T/err" &
FOLLOW=$!
"$DCOS_BUILD/bin/dcosctl" --json events -f life > "$T/life" 2>> "$T/err" &
FOLLOW_ONE=$!
run life -- sleep 10000 > /dev/null
dcosctl update life pids=50 cpus=0.5 2> /dev/null
dcosctl update life cpus= 2> /dev/null
dcosctl update life cpus=-1 memory=64M 2> /dev/null
run other -- sh -c 'exit 3' > /dev/null
dcosctl wait other
dcosctl kill life
dcosctl wait life
run fails -- /nonexistent 2> /dev/null
is "$(kinds life)" "started update update kill ended" "start, changed limits, kill, end: an event each; a refused change is none"
is "$(last update life 'e["text"], d["old"]["cpus"], d["new"]["cpus"], d["new"]["pids"]')" \
	"('cpus 0.5 to none', 0.5, None, 50)" "a change has the old limits and the new ones"
is "$(last ended other 'e["text"], d["state"], d["exit"]["code"]')" "('exited with code 3', 'FAILED', 3)" "an end has its exit"
like "$(last launch_failed fails 'e["text"]')" 'exec /nonexistent: No such file' "a task that could not be launched is known here"
dcosctl rm life
is "$(kinds life)" "started update update kill ended" "a task that was removed is still known here"
is "$(events 'e["seq"] - reply["events"][0]["seq"]' | paste -sd' ')" "0 1 2 3 4 5 6 7" "numbers grow by one"
until_ok 20 grep -q launch_failed "$T/all"
is "$(dcosctl events)" "$(cat "$T/all")" "who follows is told the same"
until_ok 20 grep -q '"ended"' "$T/life"
is "$(grep -c '"task":"life"' "$T/life") $(wc -l < "$T/life")" "5 5" "who follows one task is told of that alone"
kill $FOLLOW $FOLLOW_ONE
is "$(dcosctl --json events -n 3 | wc -l) $(dcosctl events -n 3 life | wc -l)" "3 3" "the last ones"

# --- many -----------------------------------------------------------------------------
run busy -- sleep 10000 > /dev/null
"$DCOS_BUILD/bin/dcosctl" --json events -f > "$T/slow" 2>> "$T/err" &
SLOW=$!
until_ok 20 grep -q busy "$T/slow"
kill -STOP $SLOW
DCOS_UPDATES=1100 python3 - "$DCOS_SOCKET" <<'PYTHON'
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for i in range(int(os.environ["DCOS_UPDATES"])):
    call = {"method": "io.dcos.Agent.Update",
            "parameters": {"id": "busy", "resources": {"cpu_weight": 1 + i}}}
    s.sendall(json.dumps(call).encode() + b"\0")
    reply = b""
    while not reply.endswith(b"\0"):
        reply += s.recv(65536)
    assert b"error" not in reply, reply
PYTHON
tap $? "more events than the agent keeps"
kill -CONT $SLOW
is "$(events 'e["seq"]' | wc -l)" 1024 "the last 1024 are kept"
until_ok 20 grep -q '"cpu_weight":1100}' "$T/slow"
tap $? "who was stopped meanwhile is told the rest"
kill $SLOW
call() { python3 -c '
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(json.dumps({"method": "io.dcos.Agent.Events", "parameters": json.loads(sys.argv[2])}).encode() + b"\0")
reply = b""
while not reply.endswith(b"\0"):
    reply += s.recv(65536)
p = json.loads(reply[:-1])
print(p.get("error", "ok"), len(p["parameters"].get("events", [])), p["parameters"].get("lost"))' "$DCOS_SOCKET" "$1"; }
first=$(events 'e["seq"]' | sed -n 1p)
is "$(call "{\"since\": $((first - 7))}")" "ok 1024 7" "who asks for older ones is told how many are lost"
is "$(call "{\"since\": $((first + 1000))}")" "ok 24 0" "who asks for later ones gets those"
is "$(call "{\"since\": $((first + 5000))}")" "ok 0 0" "there are none from the future"
for bad in '{"since": -1}' '{"task": 3}' '{"id": "busy"}'; do
	is "$(call "$bad")" "org.varlink.service.InvalidParameter 0 None" "bad parameters: $bad"
done

# --- another agent ----------------------------------------------------------------------
run cpu --cpus 0.1 -- sh -c 'while :; do :; done' > /dev/null
run guarded --set 'connect_to=["10.0.0.0/8:80/tcp"]' -- \
	bash -c ': > /dev/tcp/127.0.0.1/1; exec sleep 10000' > /dev/null
has() { dcosctl events "$1" | grep -q "  $1  $2: "; }
until_ok 20 has guarded denied
tap $? "a denial is told at once"
newest=$(events 'e["seq"]' | tail -1)
agent_stop KILL
agent_start
tap $? "a new agent starts"
is "$(dcosctl events)" "" "it has no events of the one before"
dcosctl kill busy
dcosctl wait busy 2> /dev/null
[ "$(events 'e["seq"]' busy | sed -n 1p)" -gt "$newest" ]
tap $? "numbers grow on"
is "$(kinds busy)" "kill ended" "of a task that it took over it tells what comes"
until_ok 60 has cpu cpu
tap $? "a breach that goes on is told by the new agent"
is "$(kinds guarded)" "" "one that was told before is not"
for id in cpu guarded; do
	dcosctl kill -s KILL $id
	dcosctl wait $id 2> /dev/null
done
is "$(cat "$T/err")" "" "nobody complained"
is "$(agent_leftovers)" "" "nothing stays"
tap_done
