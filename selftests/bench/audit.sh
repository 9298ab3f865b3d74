#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What recording costs a task, and one beside it: each runs dd, a byte at a time, which is little
# but system calls; and a search through a tree of files, which is what programs are. Rounds of
# nothing recorded, the neighbour recorded, the task itself recorded alternate; the medians of the
# ratios within each round count. No test: nothing fails. audit.sh [ROUNDS]
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"

rounds=${1:-9}

# how long the load took in this very round, in ms: the task says so in its log at each end
took() { dcosctl logs "$1" | awk 'END { print $2 }'; }
turns() { dcosctl logs "$1" | awk 'END { print NR + 0 }'; }
turned() { [ "$(turns "$1")" -ge "$2" ]; }

# the first whole turn from now on
measure() { until_ok 60 turned "$1" $(($(turns "$1") + 2)) && took "$1"; }

recorded() { # BY TASK
	local pid value

	"$DCOS_BUILD/bin/dcosaudit" record --flush 1s -o "$T/recording" "$1" > /dev/null 2>&1 &
	pid=$!
	until_ok 20 test -e "$T/recording"
	value=$(measure "$2")
	kill -TERM "$pid"
	wait "$pid" 2> /dev/null
	rm -f "$T/recording"
	echo "$value"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
against() { paste "$T/$1" "$T/none" | awk '{ print 100 * ($1 / $2 - 1) }' | median; }

compare() { # NAME COMMAND
	dcosctl run --id load --image host -- bash -c "while :; do
		begin=\${EPOCHREALTIME/./}
		$2 > /dev/null 2>&1
		echo turn \$(((\${EPOCHREALTIME/./} - begin) / 1000))
	done" > /dev/null || return
	: > "$T/none" > "$T/beside" > "$T/self"
	for ((i = 0; i < rounds; i++)); do
		measure load >> "$T/none"
		recorded idle load >> "$T/beside"
		recorded load load >> "$T/self"
	done
	printf '  %-40s %8d %+9.1f %% %+9.1f %%\n' "$1" "$(median < "$T/none")" \
		"$(against beside)" "$(against self)"
	dcosctl kill --grace 0 load > /dev/null
	dcosctl wait load > /dev/null
	dcosctl rm load > /dev/null
}

agent_paths
agent_start || exit 1
dcosctl run --id idle --image host -- sleep 100000 > /dev/null || exit 1
printf '%-42s %8s %11s %11s\n' "$rounds rounds, medians" "ms" "beside one" "recorded"
compare "dd of 200,000 single bytes" "dd if=/dev/zero of=/dev/null bs=1 count=200000"
compare "find over /usr/share" "find /usr/share -newer /etc/passwd"
dcosctl drain --grace 0 > /dev/null 2>&1
