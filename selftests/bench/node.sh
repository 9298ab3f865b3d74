#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the agent costs with many tasks: its share of a CPU, its memory beyond the mapped slots and
# the bytes of a snapshot, without and with a subscriber. No test: nothing fails here.
# node.sh [TASKS [SECONDS]]: one task in 20 wakes ten times a second and starts a process, the others
# sleep. Needs root, DCOS_BUILD, DCOS_SRC. AGENT_INTERVAL: 1s.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"

tasks=${1:-1000}
seconds=${2:-20}

# share of a CPU, in percent, that the agent takes in the next SECONDS
cpu_share() {
	local before after
	before=$(cut -d' ' -f1 "/proc/$AGENT_PID/schedstat")
	read -r -t "$seconds" <> <(:)
	after=$(cut -d' ' -f1 "/proc/$AGENT_PID/schedstat")
	awk "BEGIN {printf \"%.2f\", ($after - $before) / $seconds / 1e7}"
}

# memory KIND: kB of the agent that are resident: slots (maps of BPF that it has mapped) or other
memory() {
	awk -v kind="$1" '
		/^[0-9a-f]+-[0-9a-f]+ / {slots = $0 ~ /bpf-map/}
		/^Rss:/ {sum[slots ? "slots" : "other"] += $2}
		END {print sum[kind] + 0}' "/proc/$AGENT_PID/smaps"
}

metric() { dcosctl --json metrics | tr -d ' \n' | grep -o "\"$1\":[0-9]*" | head -1 | cut -d: -f2; }
# the upper bound in us of the class that 99 % of the ticks' costs are below
tick_p99() {
	dcosctl --json metrics | tr -d ' \n' | grep -o '"tick_hist_us":\[[0-9,]*' | cut -d'[' -f2 | tr , '\n' |
		awk '{n[NR] = $1; all += $1} END {for (i = 1; i <= NR; i++) {sum += n[i]; if (sum >= all * 0.99) {print 2 ^ i; exit}}}'
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

row() { printf '%-36s %12s %12s %12s\n' "$@"; }

AGENT_CONF="[tasks]
userns_count = 2000"
agent_paths
agent_start || exit 1
empty_kb=$(memory other)
empty=$(cpu_share)
start_tasks || exit 1
alone=$(cpu_share)
alone_kb=$(memory other)
perl "$DCOS_SRC/selftests/harness/peer.pl" call io.dcos.Agent.Subscribe '{}' more > /dev/null 2>&1 &
reader=$!
until_ok 20 sh -c "'$DCOS_BUILD/bin/dcosctl' --json metrics | grep -q '\"snapshots_sent\":[^0]'"
read_by_one=$(cpu_share)
row "$tasks tasks, every ${AGENT_INTERVAL:-1s}" "no task" "no reader" "one reader"
row "agent, % of one CPU" "$empty" "$alone" "$read_by_one"
row "resident beyond the slots, kB" "$empty_kb" "$alone_kb" "$(memory other)"
row "resident slots, kB" "" "" "$(memory slots)"
row "bytes of a snapshot" "" "" "$(metric snapshot_bytes)"
row "bytes of history" "" "" "$(metric history_bytes)"
row "99 % of ticks took less than, us" "" "" "$(tick_p99)"
kill "$reader"
wait "$reader" 2> /dev/null
