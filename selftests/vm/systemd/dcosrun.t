#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosrun with cgroups of systemd's: a scope for each container, with its limits, that ends with it.
. "${DCOS_SRC:?of the sources}/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ -d /run/systemd/system ] || tap_skip_all "systemd does not run here"

T=$(mktemp -d /var/tmp/dcos-test.XXXXXX)
chmod 755 "$T"
trap 'dcosrun --root "$T/run" delete --force s1 2> /dev/null; rm -rf "$T"' EXIT
make_rootfs "$T/b/rootfs"
rt() { dcosrun --root "$T/run" --systemd-cgroup "$@"; }
# bundle PATH: with that cgroupsPath
bundle() {
	cat > "$T/b/config.json" <<-JSON
		{"ociVersion": "1.0.2", "root": {"path": "rootfs"},
		 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["sleep", "1000"], "env": ["PATH=/bin"]},
		 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
		 "linux": {"cgroupsPath": "$1", "resources": {"memory": {"limit": 67108864}, "pids": {"limit": 20}},
		  "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "cgroup"}]}}
	JSON
}
cd "$T/b" || exit
bundle "dcos-vm.slice:box:s1"
rt run --detach s1 < /dev/null > "$T/out" 2>&1
is "$? $(cat "$T/out")" "0 " "a container starts"
pid=$(rt state s1 | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
is "$(sed -n 's/^0:://p' "/proc/$pid/cgroup")" "/dcos.slice/dcos-vm.slice/box-s1.scope" "in a scope of the slice that it asks for"
is "$(for p in ActiveState Delegate MemoryMax TasksMax; do systemctl show -P $p box-s1.scope; done | tr '\n' ' ')" "active yes 67108864 20 " "which systemd knows with its limits"
is "$(cat "/sys/fs/cgroup/dcos.slice/dcos-vm.slice/box-s1.scope/memory.max" "/sys/fs/cgroup/dcos.slice/dcos-vm.slice/box-s1.scope/pids.max" | tr '\n' ' ')" "67108864 20 " "and the kernel, too"
is "$(wc -l < /sys/fs/cgroup/dcos.slice/dcos-vm.slice/box-s1.scope/cgroup.procs)" 1 "alone"
systemctl daemon-reload
is "$(cat /sys/fs/cgroup/dcos.slice/dcos-vm.slice/box-s1.scope/memory.max)" 67108864 "they hold when systemd looks at its units again"
is "$(rt exec s1 cat /proc/self/cgroup)" "0::/" "what is run beside it is in there"
ok "it is killed" rt kill s1 KILL
until_ok 20 sh -c "dcosrun --root '$T/run' state s1 | grep -q stopped"
ok "and deleted" rt delete s1
until_ok 20 sh -c "! systemctl is-active --quiet box-s1.scope"
is "$(systemctl list-units --all --no-legend box-s1.scope)" "" "nothing of the scope is left"
bundle ""
rt run --detach s1 < /dev/null > "$T/out" 2>&1
is "$? $(cat "$T/out") $(systemctl is-active s1.scope)" "0  active" "without a path it has the id's name"
rt delete --force s1
bundle "/some/path"
rt run --detach s1 < /dev/null > "$T/out" 2>&1
like "$? $(cat "$T/out")" '^1 .*"/some/path": with systemd allowed is slice:prefix:name' "a path of the file system is refused"
tap_done
