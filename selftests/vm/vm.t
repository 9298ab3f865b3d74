#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vm.t [[--suites DIR] 6.1|6.12|new [SUITE...]]: run the root tests, all or those named, in a guest
# with that Debian kernel and pure cgroup v2; without a kernel, in guests with every one. One TAP
# stream; the kernel's messages stay in $DCOS_BUILD/vm/KERNEL.log. With --suites the executables of
# DIR, which is below the sources, instead.
set -uo pipefail
. "$(dirname "$0")/common.sh"
. "$VM/relay.sh"
. "$VM/guest.sh"

suites_dir=
[ "${1:-}" != --suites ] || { suites_dir=$(cd "$2" && pwd) && shift 2; } || exit 2

# left_out SUITE: whose source says "Not in guests:", or "Only in guest KERNEL:" of another, and why
left_out() {
	local only source=$DCOS_SRC/selftests/root/${1%.t}

	[ -e "$source.t" ] && source+=.t || source+=.c
	grep -qs '^# Not in guests:' "$source" && return
	only=$(sed -nE 's/^(#| \*) Only in guest ([^:]*):.*/\2/p' "$source" 2> /dev/null)
	[ -n "$only" ] && [ "$only" != "$kernel" ]
}

# "SECONDS PATH" of each suite, with its path in the guest; who is left out is so unless it is named
list_suites() {
	local file name

	for file in "${suites_dir:-$DCOS_BUILD/selftests/root}"/* \
		"${suites_dir:-$DCOS_SRC/selftests/root}"/*.t; do
		[ -f "$file" ] && [ -x "$file" ] || continue
		name=${file##*/}
		[ $# = 0 ] || [[ " $* " == *" ${name%.t} "* ]] || continue
		[ $# != 0 ] || [ "$suites_dir" ] || ! left_out "$name" || continue
		case $file in
		"$DCOS_BUILD"/*) echo "$SUITE_SECONDS /dcos/build${file#"$DCOS_BUILD"}" ;;
		*) echo "$SUITE_SECONDS /dcos/src${file#"$DCOS_SRC"}" ;;
		esac
	done | sort -u -k 2
}

vm_tmp
prepare need_programs qemu-system-x86_64 setpriv cpio flock
[ $# -gt 0 ] || { run_all "${KERNELS[@]/#/vm.t }"; exit; }

kernel=$1
shift
RELAY_PREFIX="vm $kernel: "
prepare "$VM/kernels.sh" "$kernel"
kernel_dir=$(< "$T/answer")
vm_slot
list_suites "$@" > "$T/suites"
[ -s "$T/suites" ] || { relay_result "not ok" "there are suites to run"; relay_done; exit; }
prepare "$VM/image.sh" "$T/root.ext4" "$T/suites"
guest_suites "$kernel_dir" "$T/root.ext4" "$DCOS_BUILD/vm/$kernel.log" \
	"DCOS_INIT=/dcos/src/selftests/vm/guest/init.sh DCOS_GUEST=suites"
