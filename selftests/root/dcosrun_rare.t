#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosrun: what few configurations ask for, each seen from inside a container or in the kernel's files of it.
# Not in guests: it would take minutes there, and what it tries is the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
. "$DCOS_SRC/selftests/harness/bundle.sh"

# --- where a process runs -----------------------------------------------------------
is "$(LINUX='"personality": {"domain": "LINUX32", "flags": ["ADDR_NO_RANDOMIZE"]},' inside 'cat /proc/self/personality')" "00040008
status 0" "a personality with flags"
like "$(LINUX='"personality": {"domain": "LINUX", "flags": ["X"]},' inside true)" 'linux.personality.flags: "X" is not one' "of which unknown ones are refused"
if [ -e /proc/self/numa_maps ]; then
	is "$(LINUX='"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},' inside 'cut -d \" \" -f 2 /proc/self/numa_maps | sort -u')" "bind=static:0
status 0" "a policy of memory"
	like "$(LINUX='"memoryPolicy": {"mode": "MPOL_BIND"},' inside true)" 'linux.memoryPolicy: Invalid argument' "which the kernel refuses without nodes"
else
	skip "a policy of memory" "this kernel has no NUMA"
	skip "which the kernel refuses without nodes" "this kernel has no NUMA"
fi
like "$(LINUX='"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "2-1"},' inside true)" 'linux.memoryPolicy.nodes: "2-1": allowed is a list' "nor is a list that is none taken"
last=$(($(nproc --all) - 1))
PROCESS='"execCPUAffinity": {"initial": "0", "final": "'$last'"},' config 'exec sleep 1000'
rt run -d --pid-file "$T/pid" a1 < /dev/null > /dev/null 2>&1
is "$(rt exec a1 grep ^Cpus_allowed_list /proc/self/status | cut -f 2) $(grep ^Cpus_allowed_list "/proc/$(< "$T/pid")/status" | cut -f 2)" "$last $(grep ^Cpus_allowed_list /proc/self/status | cut -f 2)" "CPUs of what exec runs, and of nobody else"
echo '{"args": ["grep", "^Cpus_allowed_list", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"], "execCPUAffinity": {"initial": "0"}}' > "$T/process.json"
is "$(rt exec --process "$T/process.json" a1 | cut -f 2)" "0" "which begins on those of the runtime"
rt delete --force a1

# --- no cgroup ----------------------------------------------------------------------
none() { rt --cgroup-manager disabled "$@"; }
config 'sleep 1000 & exec sleep 1001'
ok "--cgroup-manager=disabled" sh -c "'$DCOS_BUILD/bin/dcosrun' --root '$T/run' --cgroup-manager disabled run -d --pid-file '$T/pid' n1 < /dev/null > /dev/null 2>&1"
is "$(grep ^0:: "/proc/$(< "$T/pid")/cgroup") $(find "$MOUNT/$GROUP" -mindepth 1 -type d 2> /dev/null)" "$(grep ^0:: /proc/self/cgroup) " "leaves it in the caller's cgroup, and makes none"
until_ok 10 sh -c "'$DCOS_BUILD/bin/dcosrun' --root '$T/run' ps n1 | grep -q 'sleep 1000'"
like "$(none ps n1 | grep -o 'sleep .*' | sort | tr '\n' ' ')" "^sleep 1000 sleep 1001 $" "where ps knows its processes by their namespace"
is "$(none exec n1 sh -c 'echo in; exit 4'; echo $?)" "in
4" "exec runs one more"
for command in pause "update --pids-limit 5" "events --stats"; do
	none $command n1 2> "$T/out2"
	like "$? $(cat "$T/out2")" "^1 .*container n1 has no cgroup of its own" "${command%% *} is refused"
done
none kill --all n1 STOP
is "$(none exec n1 sh -c 'cat /proc/[0-9]*/stat' | awk '/sleep/ {print $3}' | tr '\n' ' ')" "T T " "kill --all sends a signal to all"
none kill n1 KILL
until_ok 10 sh -c "'$DCOS_BUILD/bin/dcosrun' --root '$T/run' state n1 | grep -q stopped"
ok "delete takes it away" none delete n1
like "$(LINUX='"resources": {"pids": {"limit": 9}},' config true; none run n2 2>&1 < /dev/null)" "linux.resources: pids.max=9: the container has no cgroup of its own" "limits that nobody would hold are refused"
like "$(none --systemd-cgroup run n2 2>&1)" "allowed is one of them" "and a manager beside none"

# --- many mounts --------------------------------------------------------------------
# binds NUMBER: so many more mounts
binds() { for i in $(seq "$1"); do printf ', {"destination": "/mnt/%d", "source": "%s/vol", "options": ["bind", "ro"]}' "$i" "$T"; done; }
mkdir -p "$T/vol"
MOUNTS=$(binds 300) # not in the environment, where it would not fit
is "$(inside 'grep -c \" /mnt/[0-9]* [a-z0-9]* ro\" /proc/mounts; ls -d /mnt/300')" "300
/mnt/300
status 0" "more mounts than descriptors fit into a message"
like "$(NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "user"}' LINUX='"uidMappings": [{"containerID": 0, "hostID": 70000, "size": 10}], "gidMappings": [{"containerID": 0, "hostID": 70000, "size": 10}],' inside true)" 'mounts\[203\]: more than 200 binds' "which a user namespace can't have"
MOUNTS=$(binds 17000)
like "$(inside true)" "mounts: 17003 entries, allowed are up to 16384" "and there are bounds"
unset MOUNTS

# --- devices of the host's network (here of a namespace of the test's own) ----------
host() { nsenter --net="$T/ns/net" "$@"; }
mkdir -p "$T/ns"
: > "$T/ns/net"
unshare --net="$T/ns/net" true
host ip link add v0 address 02:00:00:00:00:01 mtu 1400 type veth peer name v1 > "$T/out2" 2>&1
host ip addr add 192.0.2.7/24 dev v0
host ip addr add 2001:db8::7/64 dev v0 2> "$T/out2"
LINUX='"netDevices": {"v0": {"name": "data0"}, "v1": {}},' config 'cd /sys/class/net; cat data0/address data0/mtu data0/operstate; echo *; cat /proc/net/fib_trie | grep -c 192.0.2.7; grep -c 20010db8000000000000000000000007 /proc/net/if_inet6'
sed -i 's|"mounts": \[|&{"destination": "/sys", "type": "sysfs", "source": "sysfs"}, |' config.json
is "$(host "$DCOS_BUILD/bin/dcosrun" --root "$T/run" run d1 2>&1 < /dev/null)" "02:00:00:00:00:01
1400
up
data0 lo v1
2
1" "devices are moved, named, switched on, with the addresses that they had"
host ip link add v0 type veth peer name v1
LINUX='"netDevices": {"v0": {"name": "data0"}, "v1": {"name": "lo"}},' config true
host "$DCOS_BUILD/bin/dcosrun" --root "$T/run" run d1 > "$T/out2" 2>&1 < /dev/null
like "$? $(cat "$T/out2")" "^1 dcosrun: linux.netDevices.v1: there is one inside that is called lo: " "a name that is taken is refused"
is "$(host ls -d /proc/sys/net/ipv4/conf/v0 /proc/sys/net/ipv4/conf/v1 | wc -l)" "2" "and all devices are where they were"
like "$(NAMESPACES='{"type": "pid"}, {"type": "mount"}' LINUX='"netDevices": {"v0": {}},' inside true)" "linux.netDevices.v0: the container has the host's network" "nobody shares one"
like "$(LINUX='"netDevices": {"v0": {"name": "a/b"}},' inside true)" 'linux.netDevices.v0: "a/b": allowed is the name of a device' "nor has it any name"

# --- namespaces that exist ----------------------------------------------------------
unshare --user --mount --net --ipc --uts --cgroup sleep 1000 &
other=$!
until_ok 10 sh -c "echo '0 90000 100' > /proc/$other/uid_map && echo '0 90000 100' > /proc/$other/gid_map"
# there TYPE FILE: the namespace of that process
there() { echo '{"type": "'"$1"'", "path": "/proc/'"$other"'/ns/'"$2"'"}'; }
kinds=$(for kind in user net ipc uts cgroup; do readlink "/proc/$other/ns/$kind"; done)
NAMESPACES='{"type": "pid"}, {"type": "mount"}, '"$(there user user), $(there network net), $(there ipc ipc), $(there uts uts), $(there cgroup cgroup)" config 'exec sleep 1000'
rt run -d j1 < /dev/null > /dev/null 2>&1
is "$(rt exec -u 5:6 j1 sh -c 'for kind in user net ipc uts cgroup; do readlink /proc/self/ns/$kind; done; id -u; id -g' | tr '\n' ' ')" "$(tr '\n' ' ' <<< "$kinds")5 6 " "exec goes into all that were joined, a user namespace among them"
rt delete --force j1
kill $other
unshare --mount sleep 1000 &
other=$!
until_ok 10 sh -c "[ \$(readlink /proc/$other/ns/mnt) != $(readlink /proc/self/ns/mnt) ]"
is "$(NAMESPACES='{"type": "pid"}, '"$(there mount mnt)" READONLY=true inside 'readlink /proc/self/ns/mnt; echo $$; cut -d \" \" -f 2 /proc/mounts | tr \"\\n\" \" \"; touch /x 2> /dev/null || echo read-only')" "$(readlink /proc/$other/ns/mnt)
1
/ /proc /dev /dev/pts read-only
status 0" "a mount namespace that exists is joined, with a root of the bundle"
is "$(grep -c "$T/b/rootfs" /proc/self/mounts) $(nsenter --target $other --mount grep -c "$T/b/rootfs" /proc/self/mounts)" "0 4" "whose mounts stay there, and show nowhere else"
NAMESPACES='{"type": "pid"}, '"$(there mount mnt)" config 'exec sleep 1000'
rt run -d j2 < /dev/null > /dev/null 2>&1
is "$(rt exec --cwd /etc j2 sh -c 'readlink /proc/self/ns/mnt; pwd; cat /proc/1/comm; ls -d /proc/self/root/usr 2> /dev/null')" "$(readlink /proc/$other/ns/mnt)
/etc
sleep" "and exec goes to that root"
rt delete --force j2
kill $other

# --- what engines and their suites do -----------------------------------------------
like "$(inside 'true'; sed -i 's/"A=b c"/"ONE=1", "HOME=\/x", "ONE=2", "HOME="/; s/"sh", "-c", "true"/"env"/' config.json; rt run r1 < /dev/null | sort | tr '\n' ' ')" "^status 0.HOME=/root ONE=2 PATH=/bin $" "a variable is there once, with its last value, and an empty HOME is none"
config 'exec sleep 1000'
for id in b2 c3 a1; do
	CG=$id config 'exec sleep 1000'
	rt run -d $id < /dev/null > /dev/null 2>&1
done
is "$(rt list -q | tr '\n' ' ')" "a1 b2 c3 " "list is sorted"
is "$(rt exec --env A=new --env Z=1 --env Z=2 a1 env | grep -E '^(A|Z)=' | tr '\n' ' ')" "A=new Z=2 " "what exec adds takes the place of the container's own"
is "$(rt exec --process <(echo '{"args": ["echo", "piped"], "cwd": "/", "env": ["PATH=/bin"]}') a1)" "piped" "a process can come through a pipe"
like "$(rt exec --process <(head -c 17000000 /dev/zero) a1 2>&1)" "/dev/fd/[0-9]+: File too large" "not one without end"
for id in a1 b2 c3; do
	rt delete --force $id
done
mkdir -m 2710 rootfs/box
tmpfs() { MOUNTS=', {"destination": "/box", "type": "tmpfs", "source": "tmpfs", "options": ['"$1"']}' inside 'stat -c %a /box'; }
is "$(tmpfs '' | head -n 1) $(tmpfs '"mode=0444"' | head -n 1)" "2710 444" "a tmpfs without a mode has that of the place which it covers"
rmdir rootfs/box

tap_done
