#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each fuzz target (or those named) for $FUZZ_SECONDS, as TAP. What fails is kept, its path printed.
set -u
cd "$(dirname "$0")" || exit 2
seconds=${FUZZ_SECONDS:-5}
programs=$DCOS_BUILD/selftests/fuzz
if [ $# -eq 0 ]; then
	for source in *.c; do
		[ ! -e "$source" ] || set -- "$@" "${source%.c}"
	done
fi
number=0 failed=0
echo "1..$#"
for name in "$@"; do
	number=$((number + 1))
	corpus=$DCOS_BUILD/fuzz/corpus/$name
	found=$DCOS_BUILD/fuzz/found/$name
	log=$DCOS_BUILD/fuzz/$name.log
	mkdir -p "$corpus" "$found"
	args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536
		-artifact_prefix="$found/" -print_final_stats=1)
	[ ! -e "$name.dict" ] || args+=(-dict="$name.dict")
	if "$programs/$name" "${args[@]}" "$corpus" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $number - fuzz $name: ${runs:-?} inputs in $seconds s"
	else
		failed=1
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok $number - fuzz $name: see $log and $found"
	fi
done
exit $failed
