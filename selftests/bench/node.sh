#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the agent costs with many tasks: its share of a CPU, its memory beyond the mapped slots, what
# a reading takes and the bytes of a snapshot, without and with subscribers. No test: nothing fails.
# node.sh [TASKS [SECONDS [READERS]]]: one task in 20 wakes ten times a second and starts a process,
# the others sleep. Needs root, DCOS_BUILD, DCOS_SRC. AGENT_INTERVAL: 1s.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"

tasks=${1:-1000}
seconds=${2:-20}
readers=${3:-100}

# memory KIND: kB of the agent that are resident: slots (maps of BPF that it has mapped) or other
memory() {
	awk -v kind="$1" '
		/^[0-9a-f]+-[0-9a-f]+ / {slots = $0 ~ /bpf-map/}
		/^Rss:/ {sum[slots ? "slots" : "other"] += $2}
		END {print sum[kind] + 0}' "/proc/$AGENT_PID/smaps"
}

metrics() { dcosctl --json metrics | tr -d ' \n'; }
metric() { metrics | grep -o "\"$1\":[0-9]*" | head -1 | cut -d: -f2; }
tick_hist() { metrics | grep -o '"tick_hist_us":\[[0-9,]*' | cut -d'[' -f2; }

# what grew from the first to the second histogram: the bound in us that 95 % are below
tick_p95() {
	awk -v a="$1" -v b="$2" 'BEGIN {
		n = split(b, now, ",")
		split(a, before, ",")
		for (i = 1; i <= n; i++) all += now[i] -= before[i]
		for (i = 1; i <= n; i++) if ((sum += now[i]) >= all * 0.95) {print 2 ^ i; exit}
	}'
}

# the next SECONDS of the agent, as the arrays' next element
measure() {
	local ran hist

	ran=$(cut -d' ' -f1 "/proc/$AGENT_PID/schedstat")
	hist=$(tick_hist)
	read -r -t "$seconds" <> <(:)
	share+=("$(awk "BEGIN {printf \"%.2f\", ($(cut -d' ' -f1 "/proc/$AGENT_PID/schedstat") - $ran) / $seconds / 1e7}")")
	resident+=("$(memory other)")
	took+=("$(tick_p95 "$hist" "$(tick_hist)")")
}

start_tasks() {
	for ((i = 0; i < tasks; i++)); do
		if ((i % 20)); then
			dcosctl run --image host -- sleep 100000
		else
			dcosctl run --image host -- sh -c 'while :; do sleep 0.1; done'
		fi > /dev/null || return 1
		((i % 100)) || printf '\r%d of %d tasks ' "$i" "$tasks" >&2
	done
	printf '\r%30s\r' '' >&2
}

# read_by NUMBER
read_by() {
	perl "$DCOS_SRC/selftests/harness/peer.pl" crowd "$1" 1000000 '{}' > /dev/null 2>&1 &
	reader=$!
	until_ok 20 subscribed "$1"
}
subscribed() { [ "$(metric subscribers)" = "$1" ]; }
nobody_reads() {
	kill -KILL "$reader"
	wait "$reader" 2> /dev/null
	until_ok 20 subscribed 0
}

row() { printf '%-33s %11s %11s %11s %11s\n' "$@"; }

share=() resident=() took=()
agent_paths
agent_start || exit 1
measure
start_tasks || exit 1
measure
read_by 1
measure
bytes=$(metric snapshot_bytes)
nobody_reads
read_by "$readers"
measure
nobody_reads
row "$tasks tasks, every ${AGENT_INTERVAL:-1s}" "no task" "no reader" "one reader" "$readers readers"
row "agent, % of one CPU" "${share[@]}"
row "resident beyond the slots, kB" "${resident[@]}"
row "95 % of readings took less, us" "${took[@]}"
echo "resident slots $(memory slots) kB, a snapshot $bytes bytes, history $(metric history_bytes) bytes, snapshots dropped $(metric snapshots_dropped)"
