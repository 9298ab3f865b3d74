#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The arrows between directories (Documentation/architecture.rst): a file may include project
# headers only of the directories that its own may know.
allowed() {
	case $1 in
	agent/lib/*) echo agent/lib/ ;;
	cgroupfs/*) echo cgroupfs/ agent/lib/ ;;
	bpf/*) echo bpf/ ;;
	isolators/*) echo isolators/ cgroupfs/ bpf/ agent/lib/ ;;
	agent/*) echo agent/ isolators/ cgroupfs/ bpf/ ;;
	tools/dcosrun/*) echo tools/ agent/container.h agent/launch.h agent/procfs.h agent/seal.h isolators/ cgroupfs/ bpf/ agent/lib/ ;;
	tools/dcosaudit/*) echo tools/ isolators/ cgroupfs/ bpf/ agent/lib/ ;;
	tools/allocator/policy/*) echo tools/allocator/policy/ agent/lib/ ;;
	tools/dcosctl/image*) echo tools/ isolators/layers.h agent/lib/ ;;
	tools/*) echo tools/ agent/lib/ ;;
	selftests/*) echo selftests/ agent/ isolators/ cgroupfs/ bpf/ tools/ ;;
	esac
}

bad=0
for file; do
	for inc in $(sed -nE 's/^#include "([a-z]+\/[^"]+)".*/\1/p' "$file"); do
		for dir in $(allowed "$file"); do
			[[ $inc == "$dir"* ]] && continue 2
		done
		echo "$file: may not include $inc" >&2
		bad=1
	done
	if grep -n '#include "\.\./' "$file" /dev/null >&2; then
		echo "$file: includes are from the root of the tree" >&2
		bad=1
	fi
done
exit $bad
