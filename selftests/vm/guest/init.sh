#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Process 1 of the guest that runs root tests: what a booted host without a service manager has,
# all of cgroup v2, and then the suites, or a shell for people. The kernel's messages have the
# serial port for themselves.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
export HOME=/root TERM=${TERM:-linux} LANG=C.UTF-8
export DCOS_SRC=/dcos/src DCOS_BUILD=/dcos/build
export DCOS_TEST_LIMIT_S=120 # of one test: a guest is slow
export DCOS_HOSTILE=55 # percent: the least that reaches every bound

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
mount -t bpf -o mode=700 bpf /sys/fs/bpf
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin
ln -sfn fd/1 /dev/stdout
ln -sfn fd/2 /dev/stderr
hostname guest
ip link set lo up
ulimit -Hn 524288

for controller in $(< /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || echo "<3>init: no $controller" > /dev/kmsg
done
modprobe -a virtio_console || echo "<3>init: no virtio_console" > /dev/kmsg

cd /dcos/src || exit
if [ "$DCOS_GUEST" = shell ]; then
	# a session of its own on the console, for ^C and job control
	setsid -c -w bash -c 'stty sane rows "$DCOS_ROWS" cols "$DCOS_COLS"; exec bash' \
		< /dev/hvc0 > /dev/hvc0 2>&1
else
	selftests/vm/guest/suites.sh /dcos/suites
fi
exec poweroff -ff
