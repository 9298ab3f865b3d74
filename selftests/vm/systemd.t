#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# systemd.t [6.1|6.12|new [SUITE...]]: install into a guest with a real systemd and that Debian
# kernel, and run selftests/vm/systemd/*.t, all or those named, inside; without a kernel, with
# every one. One TAP stream; the console stays in $DCOS_BUILD/vm/systemd-KERNEL.log, the journal at
# its end.
set -uo pipefail
. "$(dirname "$0")/common.sh"
. "$VM/relay.sh"
. "$VM/guest.sh"

# `make install` as a packager runs it, of what is built
install_tree() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES \
		make -s -C "$DCOS_SRC" O="$DCOS_BUILD" PREFIX=/usr DESTDIR="$1" install
}

# make_add BASE SUITES TAR: what is unpacked over the root file system of BASE: the installation,
# libraries that it lacks, the tests
make_add() (
	stage=$T/add
	(vm_lock install && install_tree "$stage") || exit 1
	mapfile -t programs < <(find "$stage" -type f -perm -u+x)
	for library in $(host_libraries "${programs[@]}"); do
		path=$library
		[[ $path == /usr/* ]] || path=/usr$path # of a system with merged directories
		grep -qxF "$path" "$1/files" || install -D "$library" "$stage$path"
	done
	install -D -m 644 "$VM/guest/suites.service" \
		"$stage/etc/systemd/system/dcos-vm-suites.service"
	mkdir -p "$stage/etc/systemd/system/multi-user.target.wants" "$stage/dcos/src"
	ln -s ../dcos-vm-suites.service "$stage/etc/systemd/system/multi-user.target.wants/"
	tar -C "$DCOS_SRC" -c selftests | tar -C "$stage/dcos/src" -x
	cp "$2" "$stage/dcos/suites"
	# no directories: those of the base keep their modes
	cd "$stage" && find . ! -type d -print0 |
		tar --null -T - --owner=0 --group=0 -c -f "$3"
)

list_suites() {
	local file name

	for file in "$VM"/systemd/*.t; do
		name=${file##*/}
		[ $# = 0 ] || [[ " $* " == *" ${name%.t} "* ]] || continue
		echo "$SUITE_SECONDS /dcos/src/selftests/vm/systemd/$name"
	done
}

vm_tmp
prepare need_programs qemu-system-x86_64 setpriv cpio flock
[ $# -gt 0 ] || { run_all "${KERNELS[@]/#/systemd.t }"; exit; }

kernel=$1
shift
RELAY_PREFIX="systemd $kernel: "
prepare "$VM/kernels.sh" "$kernel"
kernel_dir=$(< "$T/answer")
prepare "$VM/systemd-base.sh"
base=$(< "$T/answer")
vm_slot
list_suites "$@" > "$T/suites"
[ -s "$T/suites" ] || { relay_result "not ok" "there are suites to run"; relay_done; exit; }
prepare make_add "$base" "$T/suites" "$T/add.tar"
guest_suites "$kernel_dir" "$base/root.ext4" "$DCOS_BUILD/vm/systemd-$kernel.log" \
	"DCOS_INIT=/lib/systemd/systemd DCOS_ADD=yes" \
	-drive "file=$T/add.tar,format=raw,if=none,id=add,readonly=on" \
	-device virtio-blk-pci,drive=add,serial=add
