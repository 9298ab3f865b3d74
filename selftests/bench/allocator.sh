#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcos-allocator with emulated nodes on a unix socket, without TLS: what reports of all nodes once a second cost, how
# long all nodes take to come back after SIGKILL of the allocator, and placing many instances. No test: nothing
# fails. allocator.sh [NODES [TASKS]]. Needs no root.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"
nodes=${1:-10000} tasks=${2:-10}
ulimit -n "$(ulimit -Hn)"
T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
mkdir "$T/store"
PID= AGENTS=
trap 'kill -9 $PID $AGENTS 2> /dev/null; rm -rf "$T"' EXIT
start() {
	: > "$T/log"
	"$DCOS_BUILD/bin/dcos-allocator" -l 127.0.0.1:0 --state "$T/store" --agents "unix:$T/agents" > /dev/null 2>> "$T/log" &
	PID=$!
	until_ok 30 grep -q serves "$T/log"
	URL=$(sed -n 's,.*\(http://127.0.0.1:[0-9]*\)/.*,\1,p' "$T/log")
}
agents() { # NODES TASKS SECONDS
	: > "$T/agents.log"
	"$DCOS_BUILD/selftests/bench/agents" "$T/agents" "$@" > "$T/agents.log" 2>&1 &
	AGENTS=$!
}
value() { curl -s --max-time 20 "$URL/metrics" | sed -n "s/^dcos_allocator_$1 //p"; }
cpu() { awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$PID/stat"; } # ms
rss() { awk '/^RssAnon/ { print $2 }' "/proc/$PID/status"; } # KiB
active() { [ "$(value nodes_active)" = "$1" ]; }
seconds() { # COMMAND...: how long until it succeeds
	local begin=$EPOCHREALTIME end=$((SECONDS + 100))
	until "$@" > /dev/null 2>&1 || [ $SECONDS -gt $end ]; do read -r -t 0.05 <> <(:) || :; done
	awk -v b="$begin" -v e="$EPOCHREALTIME" 'BEGIN { printf "%.2f", e - b }'
}

start
empty=$(rss)
agents "$nodes" "$tasks" 45
printf '%s nodes register                        %6s s\n' "$nodes" "$(seconds active "$nodes")"
sleep 5
c1=$(cpu) r1=$(value agents_reports_total) b1=$(value agents_bytes_total)
for ((i = 0; i < 60; i++)); do
	curl -s -o /dev/null -w '%{time_total}\n' "$URL/ping"
	read -r -t 0.15 <> <(:) || :
done > "$T/pings"
worst=$(sort -n "$T/pings" | tail -n 1)
c2=$(cpu) r2=$(value agents_reports_total) b2=$(value agents_bytes_total)
full=$(rss)
awk -v c=$((c2 - c1)) -v r=$((r2 - r1)) -v b=$((b2 - b1)) -v n="$nodes" -v t="$tasks" -v k=$((full - empty)) -v w="$worst" 'BEGIN {
	printf "reports taken                                %6d, of %d bytes\n", r, b / r
	printf "CPU for each                                 %6.1f us\n", c * 1000 / r
	printf "so that one CPU takes                        %6d nodes of %d tasks\n", 1e6 / (c * 1000 / r), t
	printf "memory of the allocator, each node           %6.1f KiB\n", k / n
	printf "slowest of 60 answers to /ping meanwhile     %6.0f ms\n", w * 1000 }'
kill -9 "$PID"
wait "$PID" 2> /dev/null
start
printf 'killed: all nodes are back after             %6s s\n' "$(seconds active "$nodes")"
wait "$AGENTS"
tail -n 1 "$T/agents.log"

kill "$PID"
wait "$PID" 2> /dev/null
rm -rf "$T/store" && mkdir "$T/store"
start
agents 1000 0 120
until_ok 30 active 1000
curl -s -o /dev/null -d '{"id":"/many","cmd":"true","cpus":1,"mem":64,"instances":10000}' "$URL/v2/apps"
run() { [ "$(curl -s "$URL/v2/apps/many" | grep -o '"tasksRunning":[0-9]*' | head -1)" = '"tasksRunning":10000' ]; }
printf '10,000 instances run on 1,000 nodes          %6s s\n' "$(seconds run)"
