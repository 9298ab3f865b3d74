#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each fuzz target (or those named) for $FUZZ_SECONDS, as TAP. What fails is kept, its path printed.
set -u
cd "$(dirname "$0")" || exit 2
seconds=${FUZZ_SECONDS:-3}
programs=$DCOS_BUILD/selftests/fuzz
if [ $# -eq 0 ]; then
	for source in *.c; do
		[ ! -e "$source" ] || set -- "$@" "${source%.c}"
	done
fi
# fuzz NUMBER NAME: its lines of TAP are kept, so that they come in order
fuzz() {
	local name=$2 corpus=$DCOS_BUILD/fuzz/corpus/$2 found=$DCOS_BUILD/fuzz/found/$2
	local log=$DCOS_BUILD/fuzz/$2.log args runs

	mkdir -p "$corpus" "$found"
	args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536
		-artifact_prefix="$found/" -print_final_stats=1)
	[ ! -e "$name.dict" ] || args+=(-dict="$name.dict")
	if "$programs/$name" "${args[@]}" "$corpus" > "$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $1 - fuzz $name: ${runs:-?} inputs in $seconds s"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok $1 - fuzz $name: see $log and $found"
	fi > "$log.tap"
}

mkdir -p "$DCOS_BUILD/fuzz"
echo "1..$#"
# every one of as many workers as there are CPUs takes its share of the targets
workers=$(nproc) targets=("$@") pids=()
for ((w = 0; w < workers; w++)); do
	for ((i = w; i < $#; i += workers)); do
		fuzz $((i + 1)) "${targets[i]}"
	done &
	pids+=($!)
done
wait "${pids[@]}"
for name in "$@"; do
	cat "$DCOS_BUILD/fuzz/$name.log.tap" || exit 2
done | tee "$DCOS_BUILD/fuzz/all.tap"
! grep -q '^not ok' "$DCOS_BUILD/fuzz/all.tap"
