#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first program of a guest, in its initramfs: finds the disks by their serial numbers, mounts
# root and modules, unpacks what is to be added to the root, and hands over to $DCOS_INIT of it.
# The kernel gives words NAME=VALUE of its command line as environment.
PATH=/bin:/sbin
/bin/busybox mkdir -p /bin /proc /sys /dev /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

give_up() {
	echo "early: $*" > /dev/kmsg
	poweroff -f
}

[ -x /bin/insmod ] || give_up "no insmod in busybox"
while read -r module; do
	insmod "/modules/$module" || give_up "insmod $module failed"
done < /modules/load

# disk SERIAL: print its device; waits up to 10 s, for probing may be asynchronous
disk() {
	for try in $(seq 100); do
		for dir in /sys/block/vd*; do
			[ "$(cat "$dir/serial" 2> /dev/null)" = "$1" ] || continue
			echo "/dev/${dir##*/}"
			return
		done
		sleep 0.1
	done
	give_up "no disk $1"
}

mount -t ext4 "$(disk root)" /root || give_up "cannot mount the root file system"
mkdir -p /root/usr/lib/modules
mount -t ext4 -o ro "$(disk modules)" /root/usr/lib/modules || give_up "cannot mount the modules"
if [ -n "$DCOS_ADD" ]; then
	tar -xf "$(disk add)" -C /root || give_up "cannot unpack what is to be added"
fi
mount --move /dev /root/dev
umount /sys /proc
exec switch_root /root "$DCOS_INIT"
