# SPDX-License-Identifier: Apache-2.0
# Boots a guest; to be sourced after common.sh and vm_tmp. Software emulation, always: the tests
# have to run where no KVM is, and a choice would make two layers of one.

# QEMU 7.2 emulates cmpxchg16b such that guests with several CPUs crash under load, and with a
# thread per CPU they still do now and then; five-level page tables only cost time.
QEMU_MACHINE=(-M q35 -accel "tcg,thread=single" -cpu "max,cx16=off,la57=off" -smp 2 -m 1024)
# A panic reboots at once, which ends QEMU. All CPUs have one TSC, but older kernels trust none that
# is not Intel's. Without cmpxchg16b, kernels since 6.18 give BPF memory for its local storage only
# from caches that are checked, which is good here anyway.
GUEST_CMDLINE="console=ttyS0 panic=-1 oops=panic net.ifnames=0 random.trust_cpu=on"
GUEST_CMDLINE+=" tsc=reliable slab_debug=F,kmalloc-* ${DCOS_VM_CMDLINE:-}"
GUEST_SECONDS=${DCOS_VM_SECONDS:-1500} # in all, then it counts as hung
SUITE_SECONDS=${DCOS_VM_SUITE_SECONDS:-600} # per suite
CONSOLE_LINES=60 # of a guest that died, shown: from its panic on, else the last ones

KERNELS=(6.1 6.12 new)

# prepare COMMAND...: run it, its output goes to $T/answer. SKIP all when what is missing is not
# ours; any other failure is a failed test.
prepare() {
	local reason rc

	reason=$("$@" 2>&1 > "$T/answer")
	rc=$?
	[ "$rc" != 0 ] || return 0
	if [ "$rc" = "$VM_UNAVAILABLE" ]; then
		echo "1..0 # SKIP ${reason##*$'\n'}"
		exit 0
	fi
	relay_result "not ok" "${1##*/} makes what the guest needs"
	sed 's/^/# /' <<< "$reason"
	relay_done
	exit 1
}

# run_all COMMAND...: run commands, each one word "SCRIPT KERNEL" of this directory, at the same
# time; as many work as there are slots. Print their streams as one.
run_all() {
	local command label rc pids=() i=0

	for command; do
		# shellcheck disable=SC2086
		setpriv --pdeathsig TERM "$VM"/$command > "$T/$i.tap" < /dev/null &
		pids+=($!)
		i=$((i + 1))
	done
	trap 'kill "${pids[@]}" 2> /dev/null; wait; rm -rf "$T"' EXIT
	i=0
	for command; do
		wait "${pids[i]}"
		rc=$?
		label= # names of tests in guests have one
		[[ $command != layer.t* ]] || label="vm layer: "
		relay_file "$command" "$T/$i.tap" "$rc" "$label"
		i=$((i + 1))
	done
	relay_done
}

# guest_initrd KERNEL_DIR: make $T/initrd: busybox and the first program, then the modules
guest_initrd() {
	local busybox

	busybox=$(command -v busybox) || unavailable "not installed: busybox-static (make deps)"
	ldd "$busybox" > /dev/null 2>&1 && unavailable "busybox is not a static one: install busybox-static"
	mkdir -p "$T/early/bin"
	cp "$busybox" "$T/early/bin/busybox"
	install -m 755 "$VM/guest/early.sh" "$T/early/init"
	(cd "$T/early" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) > "$T/initrd"
	cat "$1/initrd" >> "$T/initrd"
}

# guest_qemu KERNEL_DIR ROOT_IMAGE LOG CMDLINE [QEMU_ARGUMENT...]: make ready to boot; sets
# qemu_command. Images stay as they are, what the guest writes is gone afterwards.
guest_qemu() {
	local kernel=$1 root=$2 log=$3 cmdline=$4
	shift 4

	guest_initrd "$kernel"
	mkdir -p "${log%/*}"
	# it ends with the shell that starts it, even if that is killed
	qemu_command=(setpriv --pdeathsig KILL env TMPDIR="$T"
		qemu-system-x86_64 "${QEMU_MACHINE[@]}"
		-nodefaults -no-user-config -no-reboot -display none -monitor none
		-kernel "$kernel/vmlinuz" -initrd "$T/initrd" -append "$GUEST_CMDLINE $cmdline"
		-drive "file=$root,format=raw,if=none,id=root,snapshot=on,cache=unsafe"
		-device virtio-blk-pci,drive=root,serial=root
		-drive "file=$kernel/modules.ext4,format=raw,if=none,id=modules,readonly=on"
		-device virtio-blk-pci,drive=modules,serial=modules
		-chardev "file,id=kernel,path=$log" -serial chardev:kernel
		-device virtio-serial-pci "$@")
}

guest_kill() {
	[ -n "${guest_pid:-}" ] || return 0
	kill "$guest_pid" 2> /dev/null # timeout passes it on
	wait "$guest_pid" 2> /dev/null
	guest_pid=
}

# guest_death RC LOG: one line that says why a guest ended without a status
guest_death() {
	local panic

	panic=$(grep -a -o -m 1 'Kernel panic - not syncing.*' "$2" | tr -d '\r')
	if [ -n "$panic" ]; then
		echo "$panic"
	elif [ "$1" = 124 ] || [ "$1" = 137 ]; then
		echo "hung, killed after $GUEST_SECONDS s"
	elif [ "$1" != 0 ]; then
		echo "QEMU ended with status $1: $(tail -n 1 "$T/qemu.log")"
	else
		echo "powered off without an exit status"
	fi
}

console_tail() {
	{
		sed -n "/Kernel panic/,+${CONSOLE_LINES}p" "$1" | grep -a . ||
			tail -n "$CONSOLE_LINES" "$1"
	} | tr -d '\r' | tr -c '\n\t -~' '?' | sed 's/^/# console: /'
}

# guest_suites KERNEL_DIR ROOT_IMAGE LOG CMDLINE [QEMU_ARGUMENT...]: boot, run the suites that are
# listed in the image, print their TAP as one stream; succeeds if every test did.
guest_suites() {
	local log=$3 line rc

	: > "$T/tap"
	: > "$T/status"
	guest_qemu "$@" \
		-chardev "file,id=tap,path=$T/tap" -device virtserialport,chardev=tap,name=dcos.tap \
		-chardev "file,id=status,path=$T/status" \
		-device virtserialport,chardev=status,name=dcos.status
	setpriv --pdeathsig KILL timeout -k 5 "$GUEST_SECONDS" "${qemu_command[@]}" \
		< /dev/null > "$T/qemu.log" 2>&1 &
	guest_pid=$!
	trap 'guest_kill; rm -rf "$T"' EXIT

	while IFS= read -r line; do
		relay_line "$line"
	done < <(tail -n +1 -f -s 0.2 --pid="$guest_pid" "$T/tap" 2> /dev/null)
	wait "$guest_pid" # it ended, else tail had gone on
	rc=$?
	guest_pid=
	if ! grep -q '^[0-9][0-9]*$' "$T/status"; then
		relay_result "not ok" "guest died: $(guest_death "$rc" "$log")${relay_suite:+, in $relay_suite}"
		console_tail "$log"
	fi
	relay_done
}
