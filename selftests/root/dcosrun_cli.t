#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosrun: the options of its commands that engines use now and then, spelt as other runtimes have them.
# Not in guests: it would take minutes there, and what it tries is the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
. "$DCOS_SRC/selftests/harness/bundle.sh"

config 'exec sleep 1000'
rt run -d --pid-file "$T/pid" c1 < /dev/null > /dev/null 2>&1
pid=$(< "$T/pid")

# --- what there is ------------------------------------------------------------------
like "$(rt list) $(rt state c1 | tr -d ' \n')" 'CREATED OWNER.* root .*"owner":"root"' "list and state say whose it is"
if [ -x /bin/ps ]; then
	like "$(rt ps c1 | tr '\n' '|')" "^UID +PID +PPID .*\\|root +$pid .*sleep 1000[^|]*\\|$" "ps is the part of ps -ef that is of the container"
	like "$(rt ps c1 -o pid,args | tr '\n' '|')" "^ +PID COMMAND\\| *$pid sleep 1000\\|$" "or of what is asked for"
	rt ps c1 -o args > "$T/out" 2>&1
	like "$? $(cat "$T/out")" "^1 .*no column PID" "which must have the column PID"
else
	skip "ps is the part of ps -ef that is of the container" "there is no ps"
fi

# --- exec ---------------------------------------------------------------------------
is "$(rt exec -u 5:6 -g 7 -g 8 -e X=1 --env Y=2 --cwd /etc -c CAP_KILL --no-new-privs --pid-file "$T/pid2" c1 sh -c 'id -u; id -g; id -G; echo $X$Y; pwd; grep -E "^(CapBnd|NoNewPrivs)" /proc/self/status | cut -f 2' | tr '\n' ' ')" "5 6 6 7 8 12 /etc 0000000000000020 1 " "exec takes user, groups, environment, directory, capability, no_new_privs"
like "$(< "$T/pid2")" '^[0-9]+$' "and writes the process' number"
is "$(rt exec --preserve-fds 1 c1 cat /proc/self/fd/3 3< "$T/pid") $(rt exec --preserve-fds 0 c1 echo none)" "$pid none" "descriptors that are to stay open"
is "$(LISTEN_FDS=1 bash -c 'exec 3< "$0"; export LISTEN_PID=$$; exec "$@"' "$T/pid" "$DCOS_BUILD/bin/dcosrun" --root "$T/run" exec c1 sh -c 'cat <&3; echo " $LISTEN_FDS $LISTEN_PID"')" "$pid 1 1" "and the sockets of a service manager"
is "$(LISTEN_FDS=1 LISTEN_PID=1 rt exec c1 sh -c 'echo "$LISTEN_FDS"')" "" "but none that are meant for another process"
rt exec -d --pid-file "$T/pid2" c1 sleep 2000 < /dev/null > /dev/null 2>&1
like "$(tr '\0' ' ' < "/proc/$(< "$T/pid2")/cmdline")" "sleep 2000" "--detach"
rt exec --apparmor no-such-profile c1 true > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*process.apparmorProfile" "--apparmor is held, or refused by name"
mkdir "$MOUNT/$GROUP/c/sub"
is "$(rt exec --cgroup sub c1 grep ^0:: /proc/self/cgroup) $(rt exec c1 grep ^0:: /proc/self/cgroup)" "0::/sub 0::/" "--cgroup is below the container's own"
echo "$pid" > "$MOUNT/$GROUP/c/sub/cgroup.procs"
is "$(rt exec c1 grep ^0:: /proc/self/cgroup) $(rt exec --cgroup / c1 grep ^0:: /proc/self/cgroup)" "0::/sub 0::/" "without it, where the first process has gone"
rt exec --cgroup ../x c1 true > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*--cgroup=../x: allowed is a path without" "and nowhere else"
rt pause c1
before=$(cat "$MOUNT/$GROUP"/c/{.,sub}/cgroup.procs | wc -l)
rt exec --ignore-paused -d --pid-file "$T/pid2" c1 sleep 3000 < /dev/null > "$T/out" 2>&1 &
job=$!
until_ok 10 sh -c "[ \$(cat '$MOUNT/$GROUP'/c/cgroup.procs '$MOUNT/$GROUP'/c/sub/cgroup.procs | wc -l) -gt $before ]"
rt resume c1
wait $job
is "$? $(cat "$T/out")" "0 " "--ignore-paused waits for the end of a pause"
if command -v python3 > /dev/null; then
	cat > "$T/take.py" <<-'PY'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		for _ in (1, 2):
		    c = s.accept()[0]
		    fd = socket.recv_fds(c, 64, 1)[1][0]
		    print([l.split()[1] for l in open(f"/proc/self/fdinfo/{fd}") if l.startswith("Pid:")][0], flush=True)
	PY
	python3 "$T/take.py" "$T/sock" > "$T/taken" &
	taker=$!
	until_ok 60 test -S "$T/sock"
	rt exec -d --pidfd-socket "$T/sock" --pid-file "$T/pid2" c1 sleep 4000 < /dev/null > "$T/out" 2>&1
	CG=c2 config 'exec sleep 1000'
	rt create --pidfd-socket "$T/sock" --pid-file "$T/pid3" c2 < /dev/null > "$T/out2" 2>&1
	until_ok 60 sh -c "[ \$(wc -l < '$T/taken') = 2 ]"
	kill $taker 2> /dev/null
	is "$(cat "$T/out" "$T/out2" "$T/taken")" "$(cat "$T/pid2" <(echo) "$T/pid3")" "--pidfd-socket gets a descriptor of the process, of exec and of create"
	rt delete --force c2
else
	skip "--pidfd-socket gets a descriptor of the process, of exec and of create" "there is no python3"
fi
rt exec --pidfd-socket "$T/none" c1 true > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*--pidfd-socket=$T/none: No such file" "one that is not there is named"

# --- what a process begins with -----------------------------------------------------
printf 'root:x:0:0::/root:/bin/sh\nlong:%05000d:5:5::/no:/x\nsomebody:x:5:5:a b:/home/some:/bin/sh' 0 > rootfs/etc/passwd
is "$(rt exec c1 sh -c 'echo $HOME') $(rt exec -u 5 c1 sh -c 'echo $HOME') $(rt exec -u 6 c1 sh -c 'echo $HOME') $(rt exec -e HOME=/x c1 sh -c 'echo $HOME')" "/root /home/some / /x" "HOME is that of the container's passwd, if nobody says another one"
mkdir -m 700 rootfs/secret
is "$(rt exec -u 5 --cwd /secret c1 sh -c 'pwd; ls 2> /dev/null || echo closed')" "/secret
closed" "a working directory that is root's alone"
rt exec -u 5 --cwd /secret/none c1 true > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*cwd /secret/none: (Permission denied|No such file)" "but none that is not there"
is "$(cd "$T" && "$DCOS_BUILD/bin/dcosrun" --root run list -q)" "c1" "--root may be relative"

# --- what is somebody else's --------------------------------------------------------
mkdir "$MOUNT/$GROUP/taken"
sleep 1000 &
stranger=$!
echo $stranger > "$MOUNT/$GROUP/taken/cgroup.procs"
CG=taken config true
for command in run create; do
	rt $command t1 > "$T/out" 2>&1 < /dev/null
	like "$? $(cat "$T/out") $(rt list -q | tr '\n' ' ')" "^1 .*there are processes in cgroup taken.* c1 $" "$command is refused for a cgroup that has processes"
done
kill -0 $stranger
is "$? $(cat "$MOUNT/$GROUP/taken/cgroup.procs")" "0 $stranger" "which live on"
kill $stranger
rt kill c1 0
is "$?" 0 "signal 0 asks whether there is somebody"

# --- update -------------------------------------------------------------------------
rt update c1 --kernel-memory -1 --kernel-memory-tcp -1
is "$?" 0 "update takes what cgroup v2 has not, as long as it is no limit"
rt update --cpu-rt-period 5 c1 > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*cpu.realtimePeriod: is not supported by cgroup v2" "and refuses it by name"
rt update --l3-cache-schema L3:0=f c1 > "$T/out" 2>&1
like "$? $(cat "$T/out")" "^1 .*--l3-cache-schema: linux.intelRdt is not supported" "likewise"

# --- events -------------------------------------------------------------------------
rt events --interval 20ms c1 > "$T/events" &
job=$!
until_ok 10 sh -c "[ \$(grep -c '\"type\":\"stats\",\"id\":\"c1\"' '$T/events') -ge 3 ]"
rt kill c1 KILL
wait $job
is "$?" 0 "events goes on until the container ends"
rt delete c1

tap_done
