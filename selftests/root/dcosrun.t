#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosrun: the life cycle and the configuration that the OCI runtime specification promises, each seen from inside
# a container or in the kernel's files of it.
# Only in guest 6.12: the isolators that it is made of are tried in all of them.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

. "$DCOS_SRC/selftests/harness/bundle.sh"

# --- life cycle ---------------------------------------------------------------------
TOP='"annotations": {"org.example": "yes"},' config 'echo begun; exec sleep 1000'
rt create --pid-file "$T/pid" c1 < /dev/null > "$T/out" 2>&1
is "$? $(cat "$T/out")" "0 " "create makes a container and says nothing"
like "$(rt state c1 | tr -d ' \n')" '"id":"c1","status":"created","bundle":"'"$T/b"'","annotations":\{"org.example":"yes"\},"pid":'"$(< "$T/pid")" "its state has all that the specification wants, and the number of the pid file"
exec 3< "/proc/$(< "$T/pid")/exe"
rt create c1 > "$T/out2" 2>&1 < /dev/null
like "$? $(cat "$T/out2")" "^1 .*container with id exists: c1" "a second one of the same id is refused"
rt delete c1 2> "$T/out2"
like "$? $(cat "$T/out2") $(rt state c1 | grep status)" "^1 .*it is created.*\"created\"" "one that is not stopped can't be deleted"
ok "start" rt start c1
until_ok 10 grep -q begun "$T/out"
like "$( (: >> /proc/self/fd/3) 2>&1)" "Read-only file system" "the runtime's own program can't be written through what ran it (CVE-2019-5736)"
exec 3<&-
is "$(cat "$T/out") $(rt state c1 | grep -o '"running"')" 'begun "running"' "lets the program run"
rt start c1 2> "$T/out2"
like "$? $(cat "$T/out2")" "^1 .*can't be started: it is running" "once"
is "$(rt exec c1 sh -c 'echo $A; id -u; cat /proc/1/comm; exit 3'; echo $?)" "b c
0
sleep
3" "exec runs a command beside it, with its environment, and has its exit status"
is "$(rt exec --user 7:8 --env X=y --cwd /tmp c1 sh -c 'id -u; id -g; echo $X; pwd' | tr '\n' ' ')" "7 8 y /tmp " "as another user, elsewhere"
echo '{"args": ["sh", "-c", "id -u; pwd"], "cwd": "/etc", "env": ["PATH=/bin"], "user": {"uid": 9, "gid": 9}}' > "$T/process.json"
is "$(rt exec --process "$T/process.json" c1 | tr '\n' ' ')" "9 /etc " "or as a document says"
rt exec c1 nothing-like-this 2> "$T/out2"
like "$? $(cat "$T/out2")" "^1 .*nothing-like-this: No such file" "a program that is not there is named"
like "$(rt ps c1)" "sleep 1000" "ps shows its processes"
is "$(rt ps -f json c1)" "[$(< "$T/pid")]" "also as JSON"
like "$(rt list) $(rt list -q) $(rt list -f json)" "c1 +$(< "$T/pid") +running.* c1 .*\"id\":\"c1\"" "list shows it"
ok "pause" rt pause c1
like "$(rt state c1) $(cat "$MOUNT/$GROUP/c/cgroup.events")" '"paused".*frozen 1' "freezes it"
rt exec c1 true 2> "$T/out2"
like "$? $(cat "$T/out2")" "^1 .*paused" "where nothing can be run"
ok "resume" rt resume c1
like "$(rt events --stats c1)" '^\{"type":"stats","id":"c1","data":\{"cpu":\{"usage":\{"total":[1-9]' "events tells what it uses"
ok "kill" rt kill c1 KILL
until_ok 10 sh -c "'$DCOS_BUILD/bin/dcosrun' --root '$T/run' state c1 | grep -q stopped"
rt kill c1 2> "$T/out2"
like "$? $(cat "$T/out2")" "^1 .*is not running: it is stopped" "one that has stopped gets no signal"
ok "delete" rt delete c1
[ ! -e "$MOUNT/$GROUP/c" ] && [ -z "$(ls "$T/run")" ]
tap $? "leaves no cgroup and no directory"
rt delete c1 2> "$T/out2"
like "$? $(cat "$T/out2") $(rt delete --force c1; echo $?)" "^1 .*does not exist.* 0" "what is not there is an error, but not with --force"
echo '{"ociVersion": "1.0.0", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "mount"}], "cgroupsPath": "/'"$GROUP"'/c"}}' > config.json
ok "one without a process can be created" sh -c "'$DCOS_BUILD/bin/dcosrun' --root '$T/run' create c2 < /dev/null > /dev/null 2>&1"
rt start c2 2> "$T/out2"
like "$? $(cat "$T/out2") $(rt delete --force c2)" "^1 .*config.json has no process" "but not started"
config 'exit 5'
rt run --detach c2 < /dev/null
is "$?" 0 "run --detach does not wait"
rt delete --force c2
config 'exec sleep 1000'
rt --log "$T/log" --log-format json create c3 < /dev/null > /dev/null
rt delete --force c3
is "$(rt list -q)" "" "delete --force ends one that waits for its start"
PROCESS='"args": 1,' config x
rt --log "$T/log" --log-format json run c4 2> /dev/null < /dev/null
like "$(cat "$T/log")" '^\{"level":"error","msg":".+","time":"20' "errors are lines of JSON in the log that engines read"

# --- process ------------------------------------------------------------------------
is "$(inside 'exit 42')" "status 42" "run returns the exit status"
is "$(NAMESPACES='{"type": "mount"}' inside 'kill -9 $$')" "status 137" "and 128 and the signal"
is "$(USER_ID=1000 USER_MORE=', "umask": 23, "additionalGids": [5, 7]' inside 'id -u; id -G; umask')" "1000
0 5 7
0027
status 0" "user, groups and umask are those of the configuration"
is "$(CWD=/made/here inside pwd)" "/made/here
status 0" "a working directory that is missing is made"
rm -rf rootfs/made
is "$(CAPS='{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]}' USER_ID=1 inside 'grep ^Cap /proc/self/status | cut -f 2 | tr -s \"\\\\n\" \" \"')" "0000000000000001 0000000000000001 0000000000000001 0000000000000021 0000000000000001 status 0" "each of the five capability sets is what it says"
like "$(CAPS='{"bounding": ["CAP_NO_SUCH"]}' inside true)" 'process.capabilities.bounding: "CAP_NO_SUCH" is no capability' "a capability that does not exist is an error in version 1.0"
is "$(VERSION=1.1.0 CAPS='{"bounding": ["CAP_NO_SUCH", "CAP_KILL"]}' inside 'grep ^CapBnd /proc/self/status | cut -f 2')" "0000000000000020
status 0" "and left out in later ones"
is "$(PROCESS='"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}],' inside 'ulimit -S -n; ulimit -H -n; ulimit -S -c')" "100
200
0
status 0" "resource limits, up to the one that is none"
is "$(PROCESS='"noNewPrivileges": true, "oomScoreAdj": 500,' inside 'grep ^NoNewPrivs /proc/self/status | cut -f 2; cat /proc/self/oom_score_adj')" "1
500
status 0" "no_new_privs and the OOM score"
is "$(PROCESS='"scheduler": {"policy": "SCHED_BATCH", "nice": 5}, "ioPriority": {"class": "IOPRIO_CLASS_IDLE"},' inside 'cut -d \" \" -f 19,41 /proc/self/stat')" "5 3
status 0" "the scheduling policy and nice value"
SECCOMP='"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "x-new": 1, "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2, "comment": "of Docker"}]},'
is "$(LINUX=$SECCOMP inside 'mkdir /tmp/x 2> /dev/null || echo denied; grep ^Seccomp: /proc/self/status | cut -f 2; grep ^CapEff /proc/self/status | cut -f 2')" "denied
2
0000000000000000
status 0" "a filter without no_new_privs, for a program without capabilities"
FILTER=$(echo "$T/run/.seccomp"/*)
before=$(stat -c %y "$FILTER")
LINUX=$SECCOMP inside true > /dev/null
is "$(stat -c %y "$FILTER")" "$before" "which is compiled once, and kept for the next container"
truncate --size 100 "$FILTER"
is "$(LINUX=$SECCOMP inside 'mkdir /tmp/x 2> /dev/null || echo denied') $(($(stat -c %s "$FILTER") > 100))" "denied
status 0 1" "a file of it that is damaged is made anew"
config 'exit 0'
sed -i 's/"sh", "-c", "exit 0"/"nothing-like-this"/' config.json
rt run r1 > "$T/out" 2>&1 < /dev/null
like "$? $(cat "$T/out")" "^1 .*exec nothing-like-this: No such file or directory" "a program that is not there is an error"

# --- terminal -----------------------------------------------------------------------
PROCESS='"terminal": true, "consoleSize": {"height": 30, "width": 90},' config 'tty; stty size; ls -l /dev/console | cut -c 1; read x; echo got $x'
like "$( (sleep 0.3; echo line) | rt run r1 2>&1 | tr -d '\r' | tr '\n' '|'; echo)" '/dev/pts/0\|(line\|)?30 90\|(line\|)?c\|(line\|)?got line\|' "a terminal of the container's own, of the size asked for, with our input"
rt create r1 > "$T/out" 2>&1 < /dev/null
like "$? $(cat "$T/out")" "^1 .*--console-socket is needed" "which create has to hand to somebody"

# --- root and mounts ----------------------------------------------------------------
mkdir -p "$T/vol/below" rootfs/data
echo text > "$T/vol/file"
mount --bind rootfs rootfs
mount --make-shared rootfs
is "$(inside 'grep -c . /proc/mounts'; grep -c "$T/b/rootfs/" /proc/self/mountinfo)" "4
status 0
0" "what is mounted inside does not show on the host"
like "$(LINUX='"rootfsPropagation": "shared",' inside 'head -n 1 /proc/self/mountinfo')" " / rw,relatime shared:" "a root that is shared inside"
like "$(LINUX='"rootfsPropagation": "rslave",' inside 'head -n 1 /proc/self/mountinfo')" " / rw,relatime master:" "or gets what is mounted on the host"
umount rootfs
is "$(READONLY=true inside 'touch /x 2> /dev/null || echo read-only')" "read-only
status 0" "a root that is read-only"
is "$(MOUNTS=', {"destination": "/vol/deep", "source": "'"$T/vol"'", "type": "bind", "options": ["rbind", "ro", "nosuid", "noexec"]}, {"destination": "/one", "source": "'"$T/vol/file"'", "options": ["bind"]}' inside 'cat /vol/deep/file /one; touch /vol/deep/x 2> /dev/null || echo read-only; grep -c \" /vol/deep ro,nosuid,noexec\" /proc/self/mountinfo')" "text
text
read-only
1
status 0" "binds of a directory and a file, with options, their places made"
rm -rf rootfs/vol rootfs/one
echo image > rootfs/data/f
is "$(MOUNTS=', {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "tmpcopyup", "noatime"]}' inside 'cat /data/f; echo new > /data/f; grep \" /data \" /proc/mounts | cut -d \" \" -f 3,4 | sed s/,inode64//')" "image
tmpfs rw,noatime,size=64k
status 0" "a tmpfs that begins with what the image has"
is "$(cat rootfs/data/f)" image "which the image keeps"
mount --bind "$T/vol/below" "$T/vol/below"
is "$(MOUNTS=', {"destination": "/data", "source": "'"$T/vol"'", "options": ["rbind", "rro"]}' inside 'touch /data/below/x 2> /dev/null || echo read-only')" "read-only
status 0" "attributes of a mount and all below it"
umount "$T/vol/below"
ln -s /etc rootfs/link
is "$(MOUNTS=', {"destination": "/link/x", "source": "'"$T/vol/file"'", "options": ["bind"]}' inside 'cat /etc/x')" "text
status 0" "links of the image stay in the image"
[ ! -e /etc/x ]
tap $? "and do not lead to the host"
rm -f rootfs/link rootfs/etc/x
like "$(MOUNTS=', {"destination": "/proc/sys", "source": "'"$T/vol"'", "options": ["bind"]}' inside true)" "mounting on /proc/sys: Operation not permitted" "nothing covers procfs"
like "$(MOUNTS=', {"destination": "/data", "source": "'"$T/nothing"'", "options": ["bind"]}' inside true)" "mounts: /data: $T/nothing: No such file" "a source that is missing is named"
is "$(LINUX='"maskedPaths": ["/etc/passwd", "/tmp", "/not/there"], "readonlyPaths": ["/root"],' inside 'cat /etc/passwd; ls /tmp; touch /root/x 2> /dev/null || echo read-only')" "read-only
status 0" "masked and read-only paths"
is "$(LINUX='"devices": [{"path": "/dev/d/zero2", "type": "c", "major": 1, "minor": 5, "fileMode": 432, "uid": 3, "gid": 4}, {"path": "/dev/pipe", "type": "p"}],' inside 'stat -c \"%F %t:%T %a %u %g\" /dev/d/zero2; stat -c %F /dev/pipe; readlink /dev/fd; head -c 1 /dev/null; stat -c %t:%T /dev/null')" "character special file 1:5 660 3 4
fifo
/proc/self/fd
1:3
status 0" "device nodes, the default ones and the links"
is "$(LINUX='"resources": {"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 2, "access": "rw"}, {"allow": false, "type": "c", "minor": 2, "access": "w"}]},' CAPS='{"bounding": ["CAP_MKNOD"], "permitted": ["CAP_MKNOD"], "effective": ["CAP_MKNOD"]}' inside 'mknod /tmp/k c 1 2; mknod /tmp/m c 1 1; (: < /tmp/k) 2>&1; (: > /tmp/k) 2>&1; (: < /tmp/m) 2>&1; rm /tmp/k /tmp/m' | sed 's/.*: //')" "No such device or address
Operation not permitted
Operation not permitted
status 0" "rules for devices are kept in their order (of 1:2 the kernel has no driver)"

# --- linux --------------------------------------------------------------------------
is "$(TOP='"hostname": "box", "domainname": "dom",' inside 'hostname; cat /proc/sys/kernel/domainname')" "box
dom
status 0" "names of the host and the domain"
is "$(LINUX='"sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"},' inside 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax')" "1
4096
status 0" "switches of its namespaces"
like "$(LINUX='"sysctl": {"kernel.panic": "1"},' inside true)" "linux.sysctl: kernel.panic is not in a namespace" "and none of the host's"
is "$(NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "user"}, {"type": "uts"}, {"type": "network"}, {"type": "ipc"}' LINUX='"uidMappings": [{"containerID": 0, "hostID": 70000, "size": 10}, {"containerID": 10, "hostID": 80000, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 70000, "size": 10}],' inside 'tr -s \" \" < /proc/self/uid_map; id -u; stat -c %t:%T /dev/null')" " 0 70000 10
 10 80000 1
0
1:3
status 0" "a user namespace with several ranges of ids"
mkdir -p "$T/ns"
touch "$T/ns/net"
unshare --net="$T/ns/net" true
is "$(NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "'"$T/ns/net"'"}' inside 'readlink /proc/self/ns/net')" "net:[$(stat -c %i "$T/ns/net")]
status 0" "a namespace that exists is joined"
unshare --user --net sleep 1000 &
other=$!
until_ok 10 sh -c "echo '0 90000 100' > /proc/$other/uid_map && echo '0 90000 100' > /proc/$other/gid_map"
is "$(NAMESPACES='{"type": "user", "path": "/proc/'"$other"'/ns/user"}, {"type": "network", "path": "/proc/'"$other"'/ns/net"}, {"type": "pid"}, {"type": "mount"}, {"type": "uts"}' TOP='"hostname": "in",' inside 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; id -u; hostname; echo $$; tr -s \" \" < /proc/self/uid_map')" "$(readlink /proc/$other/ns/user /proc/$other/ns/net)
0
in
1
 0 90000 100
status 0" "a user namespace that exists, with new ones of its own"
kill $other
MAPS='"uidMappings": [{"containerID": 0, "hostID": 90000, "size": 100}], "gidMappings": [{"containerID": 0, "hostID": 90000, "size": 100}],'
NAMESPACES="$OWN, "'{"type": "user"}' LINUX=$MAPS config 'exec sleep 1000'
rt run -d --pid-file "$T/pid" j1 < /dev/null > "$T/out" 2>&1
other=$(< "$T/pid")
joined='{"type": "mount"}'
for kind in pid:pid network:net ipc:ipc uts:uts cgroup:cgroup user:user; do
	joined+=', {"type": "'${kind%:*}'", "path": "/proc/'$other'/ns/'${kind#*:}'"}'
done
CG=d NAMESPACES=$joined config 'exec sleep 1001'
rt run -d --pid-file "$T/pid" j2 < /dev/null >> "$T/out" 2>&1
is "$(cat "$T/out")$(tr '\0' ' ' < "/proc/$(< "$T/pid")/cmdline") $(rt state j2 | grep -c "\"pid\": $(< "$T/pid"),")" "sleep 1001  1" "who joins all that another container has is known by its number on the host"
is "$(cat "$MOUNT/$GROUP/d/cgroup.procs")" "$(< "$T/pid")" "and is in its own cgroup, which the other's cgroup namespace does not show"
like "$(rt exec j2 sh -c 'readlink /proc/self/ns/pid; ps' | tr '\n' ' ')" "^$(readlink "/proc/$other/ns/pid" | sed 's/[][]/\\&/g') .* sleep 1000 .* sleep 1001 " "and exec is beside both, not on the host"
rt delete --force j2
is "$(rt list -q) $(tr '\0' ' ' < "/proc/$other/cmdline")" "j1 sleep 1000 " "its end is its own"
rt delete --force j1
if [ -e /proc/self/ns/time ]; then
	is "$(NAMESPACES='{"type": "pid"}, {"type": "mount"}, {"type": "time"}' LINUX='"timeOffsets": {"boottime": {"secs": 1000000}},' inside 'cut -d . -f 1 /proc/uptime | grep -c -E \"^1[0-9]{6}\"')" "1
status 0" "a time namespace with an offset"
else
	skip "a time namespace with an offset" "this kernel has none"
fi
is "$(LINUX='"personality": {"domain": "LINUX32"},' inside 'uname -m')" "i686
status 0" "the personality"
like "$(NAMESPACES='{"type": "pid"}, {"type": "pid"}, {"type": "mount"}' inside true)" "linux.namespaces: pid is given twice" "a namespace twice is refused"
like "$(LINUX='"intelRdt": {},' inside true)" "linux.intelRdt: is not supported here" "what is not supported is refused by name"
if grep -qw pids "$MOUNT/cgroup.controllers"; then
	LINUX='"resources": {"pids": {"limit": 20}, "memory": {"limit": 67108864, "swap": 67108864}, "cpu": {"quota": 50000, "period": 100000, "shares": 1024}, "unified": {"memory.high": "50000000"}},' config 'exec sleep 1000'
	rt run -d c5 < /dev/null
	is "$(cd "$MOUNT/$GROUP/c" && cat pids.max memory.max memory.swap.max cpu.max cpu.weight memory.high | tr '\n' ' ')" "20 67108864 0 50000 100000 39 49999872 " "limits are those of the configuration"
	ok "update" rt update --pids-limit 30 --memory 134217728 c5
	rt update --pids-limit 40 --cpu-period 1 c5 2> "$T/out2"
	like "$? $(cat "$T/out2") $(cat "$MOUNT/$GROUP/c/pids.max" "$MOUNT/$GROUP/c/memory.max" | tr '\n' ' ')" "^1 .*cpu.max=max 1.* 30 134217728 $" "changes all limits or none"
	rt delete --force c5
else
	like "$(LINUX='"resources": {"pids": {"limit": 20}},' inside true)" "linux.resources: pids.max=20: the host has no such file" "a limit that nobody would hold is refused by name"
fi

if grep -qw memory "$MOUNT/cgroup.controllers"; then
	LINUX='"resources": {"memory": {"limit": 16777216, "swap": 16777216}},' config 'read x; head -c 100000000 /dev/zero | tail > /dev/null; exec sleep 1000'
	mkfifo "$T/go"
	exec 7<> "$T/go"
	rt run -d c1 < "$T/go" > /dev/null 2>&1
	rt events --interval 1h c1 > "$T/events" &
	job=$!
	until_ok 10 grep -q stats "$T/events"
	echo >&7
	until_ok 60 grep -qx '{"type":"oom","id":"c1"}' "$T/events"
	is "$(grep -v stats "$T/events" | sort -u)" '{"type":"oom","id":"c1"}' "events tells when the kernel kills for memory"
	rt delete --force c1
	wait $job
	exec 7>&-
else
	skip "events tells when the kernel kills for memory" "cgroup2 has no memory controller"
fi

# --- hooks --------------------------------------------------------------------------
cat > "$T/hook" <<-'HOOK'
	#!/bin/sh
	echo "$1 $(readlink /proc/self/ns/mnt | tr -dc 0-9) $(cat)" >> "$2"
HOOK
chmod +x "$T/hook"
: > "$T/hooks"
: > rootfs/hooks
cat > rootfs/hook <<-'HOOK'
	#!/bin/sh
	echo "$1 $(cat)" >> /hooks
HOOK
chmod +x rootfs/hook
hook() { echo '"'"$1"'": [{"path": "'"$T/hook"'", "args": ["hook", "'"$1"'", "'"$T/hooks"'"], "env": ["PATH='"$PATH"'"]}]'; }
TOP='"hooks": {'"$(hook prestart), $(hook createRuntime), $(hook createContainer), $(hook poststart), $(hook poststop)"', "startContainer": [{"path": "/hook", "args": ["hook", "startContainer"], "env": ["PATH=/bin"]}]},' config 'exec sleep 1000'
rt create h1 < /dev/null > "$T/out" 2>&1
is "$(cut -d ' ' -f 1 "$T/hooks" | tr '\n' ' ')" "prestart createRuntime createContainer " "create runs its hooks in their order"
is "$(awk '{print $2}' "$T/hooks" | uniq -c | awk '{print $1}' | tr '\n' ' ')" "2 1 " "those of the runtime in our namespaces, that of the container in its own"
like "$(head -n 1 "$T/hooks")" '"status":"creating".*"pid":[1-9]' "each with the state"
rt start h1
is "$(cut -d ' ' -f 1 "$T/hooks" rootfs/hooks | tr '\n' ' ')" "prestart createRuntime createContainer poststart startContainer " "start runs its two"
rt delete --force h1
is "$(tail -n 1 "$T/hooks" | cut -d ' ' -f 1)" "poststop" "delete the last"
rm -f rootfs/hook rootfs/hooks
like "$(TOP='"hooks": {"createRuntime": [{"path": "/bin/false"}]},' inside 'echo never')" "hook /bin/false: .*status 1$" "a hook that fails fails the container"
is "$(rt list -q)$(cd "$MOUNT/$GROUP" && echo */)" "*/" "of which nothing stays"
TOP='"hooks": {"createRuntime": [{"path": "'"$(command -v sleep)"'", "args": ["sleep", "1000"]}]},' config 'exec sleep 1000'
"$DCOS_BUILD/bin/dcosrun" --root "$T/run" create k1 < /dev/null > /dev/null 2>&1 &
killed=$!
until_ok 20 grep -q 'populated 1' "$MOUNT/$GROUP/c/cgroup.events"
is "$(rt state k1 | grep -o '"status": "[a-z]*"')" '"status": "creating"' "one that is being made says so"
hook=$(pgrep -P $killed -x sleep)
kill -9 $killed
wait $killed 2> /dev/null
kill "$hook"
ok "what a killed create has left" rt delete --force k1
is "$(rt list -q)$(cd "$MOUNT/$GROUP" && echo */)" "*/" "is taken away by delete --force"

# --- what is wrong ------------------------------------------------------------------
# wrong PATTERN: config.json is refused with a sentence like it
wrong() {
	rt run w1 > "$T/out" 2>&1 < /dev/null
	like "$? $(cat "$T/out") $(rt list -q)" "^1 dcosrun: $1.* $" "refused: $1"
}
echo '{' > config.json; wrong "$T/b/config.json: line 2 column"
echo '{"ociVersion": "1.0.0"}' > config.json; wrong "root: is missing"
echo '{"ociVersion": "3.0.0", "root": {"path": "rootfs"}}' > config.json; wrong 'ociVersion: "3.0.0": allowed is 1.0.0 to 1.x'
CWD=relative config true; wrong 'process.cwd: "relative": allowed is an absolute path'
USER_ID=-1 config true; wrong 'process.user.uid: -1: allowed is 0'
PROCESS='"rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}],' config true; wrong 'process.rlimits\[0\].type: "RLIMIT_X"'
MOUNTS=', {"type": "tmpfs"}' config true; wrong 'mounts\[3\].destination: is missing'
LINUX='"maskedPaths": ["proc"],' config true; wrong 'linux.maskedPaths: "proc": allowed is an absolute path'
NAMESPACES='{"type": "pid"}, {"type": "planet"}' config true; wrong 'linux.namespaces\[1\].type: "planet"'
NAMESPACES='{"type": "pid"}, {"type": "mount"}' TOP='"hostname": "x",' config true; wrong 'namespaces: hostname is given, without a uts namespace|hostname is given'
is "$(cd "$MOUNT/$GROUP" && echo */)" "*/" "and no cgroup stays"
tap_done
