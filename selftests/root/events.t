#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Events: what happened to tasks, and which limits and guards have held, with evidence.
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
has() { events 'e["kind"]' "$2" | grep -qx "$1"; }
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

# --- breaches -------------------------------------------------------------------------
run cpu --cpus 0.1 -- sh -c 'while :; do :; done' > /dev/null
run hog --memory 32M -- sh -c 'ulimit -v 1000000; exec tail /dev/zero' > /dev/null
run forks --pids 4 -- bash -c 'for i in 1 2 3 4 5 6; do sleep 10000 & done 2> /dev/null; wait' > /dev/null 2>&1
run flood --network none --set resources.egress=1mbit -- \
	bash -c 'exec 3> /dev/udp/127.0.0.1/9; while :; do printf "%1000s" x >&3; done 2> /dev/null' > /dev/null
run guarded --set 'connect_to=["10.0.0.0/8:80/tcp"]' -- \
	bash -c 'for i in {1..20}; do : > /dev/tcp/127.0.0.1/$i; done 2> /dev/null; exec sleep 10000' > /dev/null
run device --seccomp unconfined --cap MKNOD -- \
	sh -c 'mknod /dev/shm/mem c 1 1; (: < /dev/shm/mem) 2> /dev/null; exec sleep 10000' > /dev/null
dcosctl wait hog 2> /dev/null
is "$(kinds hog | tr ' ' '\n' | grep -cx oom)" 1 "out of memory: one event"
like "$(last oom hog 'e["text"]')" '(killed by the agent: out of memory, [0-9.]+M of 32M|killed by the kernel, out of memory: [0-9]+; memory [0-9.]+M of 32M)' "which says what broke which limit"
is "$(last oom hog 'd["limit"], d["value"] > 30 << 20, "top" in d, "series" in d["history"]')" "(33554432, True, True, True)" \
	"with the numbers, the processes and the past"
until_ok 30 has pids forks
like "$(last pids forks 'e["text"]')" '^(forks refused: [0-9]+|as many threads as there may be); pids [0-9] of 4$' "too many threads"
is "$(last pids forks 'd["processes"] >= 4, sorted({p["comm"] for p in d["top"]})')" "(True, ['bash', 'sleep'])" "with the processes"
until_ok 60 has cpu cpu
like "$(last cpu cpu 'e["text"]')" '^stopped in [0-9]+ of [0-9]+ periods; quota of 0.1 CPUs$' "a quota of CPU time"
is "$(last cpu cpu 'd["quota_millionths"], d["throttled"] * 2 >= d["periods"] >= 10, d["top"][0]["comm"], d["top"][0]["cpu_us"] > 0')" \
	"(100000, True, 'sh', True)" "with the share of periods and who ran"
is "$(last cpu cpu 'len(d["history"]["series"]["throttled"]) >= 5 and max(d["history"]["series"]["throttled"]) > 0')" True "and the past seconds"
until_ok 30 has network flood
like "$(last network flood 'e["text"]')" '^packets dropped: [0-9]+; egress 1mbit$' "a rate of packets"
is "$(last network flood 'd["what"], d["limit"], d["count"] > 0, d["top"][0]["comm"]')" "('egress', 1000000, True, 'bash')" "with who sent them"
until_ok 30 has denied device
is "$(last denied device 'd["what"], d["count"]')" "('device', 1)" "a device that was refused"
all_denials() { [ "$(events 'e["details"].get("count", 1) * (e["kind"] == "denied")' guarded | python3 -c 'import sys; print(sum(map(int, sys.stdin)))')" = 20 ]; }
until_ok 30 all_denials
tap $? "each of 20 connections that the guard denied is told, or counted"
is "$(events 'd.get("what"), d.get("address"), d.get("port"), d.get("protocol"), d.get("comm")' guarded | sed -n 2p)" \
	"('connect', '127.0.0.1', 1, 'tcp', 'bash')" "the first ones with their addresses"
grep -q 'cpu: cpu: stopped in' "$T/agent.log" && grep -q 'guarded: denied: connect to 127.0.0.1:1 ' "$T/agent.log"
tap $? "the log has the sentences"
for id in forks flood guarded device; do
	dcosctl kill -s KILL $id
done
counted() { dcosctl --json metrics | python3 -c 'import json, sys; print(*[f"{k}={v}" for k, v in json.load(sys.stdin)["agent"]["events"].items() if k in sys.argv[1:]])' "$@"; }
is "$(counted oom pids launch_failed)" "launch_failed=1 oom=1 pids=1" "the agent counts events by kind"

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
dcosctl kill -s KILL cpu
dcosctl wait cpu 2> /dev/null
is "$(cat "$T/err")" "" "nobody complained"
is "$(agent_leftovers)" "" "nothing stays"
tap_done
