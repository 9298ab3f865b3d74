#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shell.sh 6.1|6.12|new: an interactive shell in the guest that runs root tests, in /dcos/src, with
# the build in $DCOS_BUILD. `exit` ends the guest, what it wrote is gone; so does ^A x. The kernel's
# messages are in $DCOS_BUILD/vm/shell.log.
set -uo pipefail
. "$(dirname "$0")/common.sh"
. "$VM/guest.sh"

[ $# = 1 ] || { echo "usage: $0 6.1|6.12|new" >&2; exit 2; }
need_programs qemu-system-x86_64 setpriv cpio flock
kernel_dir=$("$VM/kernels.sh" "$1") || exit
vm_tmp
: > "$T/suites"
"$VM/image.sh" "$T/root.ext4" "$T/suites" || exit
size=$(stty size 2> /dev/null || echo 24 80)

guest_qemu "$kernel_dir" "$T/root.ext4" "$DCOS_BUILD/vm/shell.log" \
	"DCOS_INIT=/dcos/src/selftests/vm/guest/init.sh DCOS_GUEST=shell TERM=${TERM:-linux} \
DCOS_ROWS=${size% *} DCOS_COLS=${size#* }" \
	-chardev stdio,id=console,signal=off,mux=on -device virtconsole,chardev=console
echo "starting, some seconds; exit or ^A x ends it" >&2
"${qemu_command[@]}"
