#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every limit and guard that has held is an event, with evidence, whoever holds it on this host.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type python3 > /dev/null 2>&1 || tap_skip_all "needs python3"

AGENT_INTERVAL=200ms
agent_paths
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

run() { dcosctl run --image host --id "$@" > /dev/null 2>&1; }
refusals='sum(e["details"].get("count", 1) for e in every if e["task"] == "guarded" and e["kind"] == "denied")'
all_refused() { [ "$(table "$refusals" 2> /dev/null || echo 0)" -ge 20 ]; }
has() { grep -q "\"task\":\"$1\",\"kind\":\"$2\"" "$T/events"; }
# table FILE: a line of each expression in it; TASK.KIND is the details of the first such event
table() {
	python3 - "$T/events" <<PYTHON
import json
import sys
class Task: pass
every, names = [json.loads(line) for line in open(sys.argv[1])], {}
for e in every:
    e["details"]["text"] = e["text"]
    task = names.setdefault(e["task"], Task())
    task.__dict__.setdefault(e["kind"], e["details"])
for line in """$1""".strip().split("\n"):
    try:
        print(eval(line, dict(names, every=every)))
    except Exception as x:
        print(repr(x))
PYTHON
}

# --- one task for each limit ----------------------------------------------------------
"$DCOS_BUILD/bin/dcosctl" --json events -f > "$T/events" 2> "$T/err" &
FOLLOW=$!
run cpu --cpus 0.1 -- sh -c 'while :; do :; done'
run hog --memory 32M -- sh -c 'ulimit -v 1000000; exec tail /dev/zero'
run forks --pids 4 -- bash -c 'for i in 1 2 3 4 5 6; do sleep 10000 & done 2> /dev/null; wait'
run flood --network none --set resources.egress=1mbit -- \
	bash -c 'exec 3> /dev/udp/127.0.0.1/9; while :; do printf "%1000s" x >&3; done 2> /dev/null'
run guarded --set 'connect_to=["10.0.0.0/8:80/tcp"]' -- \
	bash -c 'for i in {1..20}; do : > /dev/tcp/127.0.0.1/$i; done 2> /dev/null; exec sleep 10000'
run device --seccomp unconfined --cap MKNOD -- \
	sh -c 'mknod /dev/shm/mem c 1 1; (: < /dev/shm/mem) 2> /dev/null; exec sleep 10000'
for pair in "hog oom" "hog ended" "forks pids" "flood network" "device denied" "cpu cpu"; do
	until_ok 60 has $pair
done
until_ok 30 all_refused

mapfile -t got < <(table '
hog.oom["text"]
hog.oom["limit"], hog.oom["value"] > 30 << 20, "top" in hog.oom, "series" in hog.oom["history"]
hog.ended["exit"]["oom"]
forks.pids["text"]
forks.pids["limit"], forks.pids["processes"] >= 4, "bash" in {p["comm"] for p in forks.pids["top"]}
cpu.cpu["text"]
cpu.cpu["quota_millionths"], cpu.cpu["throttled"] * 2 >= cpu.cpu["periods"] >= 10
cpu.cpu["top"][0]["comm"], cpu.cpu["top"][0]["cpu_us"] > 0
max(cpu.cpu["history"]["series"]["throttled"]) > 0
flood.network["text"]
flood.network["what"], flood.network["limit"], flood.network["count"] > 0, flood.network["top"][0]["comm"]
device.denied["what"], device.denied["count"], device.denied["text"]
[guarded.denied[k] for k in ("what", "address", "port", "protocol", "comm")]
'"$refusals")
like "${got[0]}" '(killed by the agent: out of memory, [0-9.]+M of 32M|killed by the kernel, out of memory: [0-9]+, last [0-9]+ tail with [0-9.]+M; memory [0-9.]+M of 32M)' "out of memory: what broke which limit"
is "${got[1]}" "(33554432, True, True, True)" "with the numbers, the processes and the past"
is "${got[2]}" True "and it has ended for that"
like "${got[3]}" '^(forks refused: [0-9]+|as many threads as there may be); pids [0-9] of 4$' "too many threads"
is "${got[4]}" "(4, True, True)" "with the processes"
like "${got[5]}" '^stopped in [0-9]+ of [0-9]+ periods; quota of 0.1 CPUs$' "a quota of CPU time"
is "${got[6]}" "(100000, True)" "of at least 10 periods half"
is "${got[7]}" "('sh', True)" "with who ran"
is "${got[8]}" True "and the seconds before"
like "${got[9]}" '^packets dropped: [0-9]+; egress ([0-9.]+[km]?bit of )?1mbit$' "a rate of packets"
is "${got[10]}" "('egress', 1000000, True, 'bash')" "with who sent them"
is "${got[11]}" "('device', 1, 'opens of devices refused: 1')" "a device that was refused"
is "${got[12]}" "['connect', '127.0.0.1', 1, 'tcp', 'bash']" "a denied connection has its address"
is "${got[13]}" 20 "each of 20 is told, or counted"
grep -q 'cpu: cpu: stopped in' "$T/agent.log" && grep -q 'guarded: denied: connect to 127.0.0.1:1 ' "$T/agent.log"
tap $? "the log has the sentences"
like "$(dcosctl --json metrics | tr -d ' \n')" '"events":\{.*"oom":1,.*"denied":[1-9]' "the agent counts events by kind"
if [ -e "$CGDIR/forks/pids.events" ] || [ -e "$CGDIR/cpu/pids.events" ]; then
	like "$(dcosctl --json inspect forks | tr -d ' \n')" '"pids_max_events":[1-9]' "refused forks are metered"
else
	skip "refused forks are metered" "no pids controller"
fi

kill $FOLLOW
for id in cpu flood guarded device; do
	dcosctl kill -s KILL $id
	dcosctl wait $id 2> /dev/null
done
dcosctl rm -f forks 2> /dev/null
is "$(cat "$T/err")" "" "nobody complained"
is "$(agent_leftovers)" "" "nothing stays"
tap_done
