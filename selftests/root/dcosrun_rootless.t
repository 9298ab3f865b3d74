#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosrun for who is not root: a user without privileges, and root of a user namespace. (The test itself is root, which
# makes the bundle and becomes that user.)
# Not in guests: it would take minutes there, and what it tries is the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
USER_NR=70001
as_user() { setpriv --reuid $USER_NR --regid $USER_NR --clear-groups "$@"; }
as_user unshare --user true 2> /dev/null || tap_skip_all "this host lets no user make a user namespace"
. "$DCOS_SRC/selftests/harness/bundle.sh"

cp "$DCOS_BUILD/bin/dcosrun" "$T/dcosrun" # which the user may not be able to reach otherwise
mkdir "$T/own" "$T/vol" && echo text > "$T/vol/file"
chown -R $USER_NR:$USER_NR "$T"
rtu() { as_user env XDG_RUNTIME_DIR="$T/own" "$T/dcosrun" "$@"; }
ONE='[{"containerID": 0, "hostID": '$USER_NR', "size": 1}]'
MAPS='"uidMappings": '$ONE', "gidMappings": '$ONE','
OWN="$OWN"', {"type": "user"}'
# it COMMAND: what it prints in a container of the user's, and its exit status
it() {
	LINUX="${LINUX-$MAPS}" config "$1"
	rtu run r1 < /dev/null 2>&1
	echo "status $?"
}

# --- a user -------------------------------------------------------------------------
is "$(it 'id -u; tr -s \" \" < /proc/self/uid_map; hostname; echo > /dev/null; cut -d : -f 1 /proc/net/dev | grep -c lo; exit 3' | grep -v '^dcosrun: warning')" "$(printf '0\n 0 %d 1\n%s\n1\nstatus 3' $USER_NR "$(hostname)")" "a user's container has its ids, devices and network"
is "$(MOUNTS=', {"destination": "/vol", "source": "'"$T/vol"'", "options": ["rbind", "ro", "nosuid"]}, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}' READONLY=true it 'cat /vol/file; touch /vol/x /x 2>&1 | grep -c Read-only; ls /sys/class/net' | grep -v warning)" "text
2
lo
status 0" "binds, file systems and a root that is read-only"
SECCOMP='"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]},'
is "$(LINUX="$MAPS $SECCOMP"'"maskedPaths": ["/etc/passwd", "/tmp"], "readonlyPaths": ["/root"],' it 'mkdir /y 2> /dev/null || echo denied; cat /etc/passwd; ls /tmp; touch /root/x 2> /dev/null || echo read-only' | grep -v warning)" "denied
read-only
status 0" "a filter, masked and read-only paths"
LINUX="$MAPS" config 'echo begun; exec sleep 1000'
rtu create --pid-file "$T/own/pid" c1 < /dev/null > "$T/out" 2> "$T/out2"
is "$? $(stat -c %u "/proc/$(< "$T/own/pid")")" "0 $USER_NR" "create"
ok "start" rtu start c1
until_ok 10 grep -q begun "$T/out"
is "$(rtu exec --cwd /etc c1 sh -c 'id -u; pwd; cat /proc/1/comm; [ "$(readlink /proc/self/ns/pid)" = "$(readlink /proc/1/ns/pid)" ] && echo same; exit 5'; echo $?)" "0
/etc
sleep
same
5" "exec"
like "$(rtu list) $(rtu ps c1)" "c1 .* running .*sleep 1000" "list and ps"
rtu pause c1 2> "$T/out2"
like "$? $(cat "$T/out2")" "^1 .*has no cgroup of its own" "what needs a cgroup says that there is none"
ok "kill" rtu kill c1 KILL
until_ok 10 sh -c "setpriv --reuid $USER_NR --regid $USER_NR --clear-groups '$T/dcosrun' --root '$T/own/dcosrun' state c1 | grep -q stopped"
ok "delete" rtu delete c1
like "$(LINUX="$MAPS"'"resources": {"pids": {"limit": 9}},' it true)" "linux.resources: pids.max=9: the container has no cgroup" "a limit that nobody would hold is refused"
like "$(LINUX='' NAMESPACES='{"type": "pid"}, {"type": "mount"}' it true)" "without privileges a container needs a user namespace" "as is a container without a user namespace"
like "$(PROCESS='"oomScoreAdj": -500,' it 'echo ran' | grep -v warning)" "^ran" "a lower OOM score than the user may have is left as it is"
(cd "$T/own" && rtu spec --rootless && sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sh", "-c", "id -u; exit 6"/; s|"path": "rootfs"|"path": "'"$T"'/b/rootfs"|' config.json)
is "$(rtu run --bundle "$T/own" s1 2>&1 < /dev/null; echo $?)" "0
6" "what spec --rootless writes runs"
if command -v newuidmap > /dev/null; then
	has=$(grep -c "^#$USER_NR\|^$USER_NR:" /etc/subuid)
	[ "$has" != 0 ] || { echo "$USER_NR:900000:1000" >> /etc/subuid; echo "$USER_NR:900000:1000" >> /etc/subgid; }
	MANY='[{"containerID": 0, "hostID": '$USER_NR', "size": 1}, {"containerID": 1, "hostID": 900000, "size": 1000}]'
	is "$(USER_ID=5 USER_MORE=', "additionalGids": [7]' LINUX='"uidMappings": '"$MANY"', "gidMappings": '"$MANY"',' it 'id -u; id -G; tr -s \" \" < /proc/self/uid_map' | grep -v warning)" "5
0 7
 0 $USER_NR 1
 1 900000 1000
status 0" "more ids by newuidmap and newgidmap"
	[ "$has" != 0 ] || sed -i "/^$USER_NR:900000:1000\$/d" /etc/subuid /etc/subgid
else
	MANY='[{"containerID": 0, "hostID": '$USER_NR', "size": 1}, {"containerID": 1, "hostID": 900000, "size": 1000}]'
	like "$(LINUX='"uidMappings": '"$MANY"', "gidMappings": '"$MANY"',' it true)" "linux.uidMappings: more than the caller's own id needs newuidmap" "more ids than one need newuidmap"
fi

# --- root of a user namespace -------------------------------------------------------
NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}, {"type": "network"}' config 'id -u; echo > /dev/null; cut -d : -f 1 /proc/net/dev | grep -c lo; exec sleep 1000'
inner() { as_user unshare --user --map-root-user --mount "$@"; }
inner sh -c '"$1" --root "$2" run -d c2 && "$1" --root "$2" exec c2 sh -c "until grep sleep /proc/1/comm; do :; done" && "$1" --root "$2" delete --force c2' sh "$T/dcosrun" "$T/own/root" < /dev/null > "$T/out" 2> "$T/out2"
is "$? $(sort "$T/out" | tr '\n' ' ')" "0 0 1 sleep " "root of a user namespace needs no other for a container"
NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "/proc/NETWORK/ns/net"}' config 'readlink /proc/self/ns/net'
is "$(inner sh -c 'unshare --net sleep 1000 &
	until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
	sed -i "s/NETWORK/$!/" config.json
	[ "$("$1" --root "$2" run c3 < /dev/null)" = "$(readlink /proc/$!/ns/net)" ] && echo joined
	kill $!' sh "$T/dcosrun" "$T/own/root" 2>&1 | grep -v warning)" "joined" "and joins namespaces that it could not come back from"
sed -i 's|/proc/[0-9]*/ns/net|/proc/0/ns/net|' config.json
like "$(inner "$T/dcosrun" --root "$T/own/root" run c3 2>&1 < /dev/null)" "linux.namespaces: /proc/0/ns/net: No such file" "with the reason why not"

tap_done
