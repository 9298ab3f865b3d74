#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The environment that the guest promises; run by layer.t.
. "$DCOS_SRC/selftests/harness/tap.sh"
like "$(stat -f -c %T /sys/fs/cgroup)" '^cgroup2' "cgroup2 is at /sys/fs/cgroup"
like "$(< /sys/fs/cgroup/cgroup.subtree_control)" 'cpu.* io.* memory.* pids' "its controllers are on"
is "$(grep -c cgroup /proc/self/mounts)" 1 "no version 1 hierarchy is mounted"
like "$(stat -f -c %T /sys/fs/bpf)" 'bpf' "the bpf file system is mounted"
is "$DCOS_BUILD" /dcos/build "the build directory is in the environment"
mkdir /tmp/{lower,upper,work,merged}
ok "overlay is there" mount -t overlay -o lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work overlay /tmp/merged
ok "a pair of veth is there" ip link add left type veth peer name right
ok "so is the fq qdisc" tc qdisc add dev left root fq
ok "lo is up" ping -c 1 -w 5 127.0.0.1
skip "some feature" "for a reason"
tap_done
