#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Odd states: whatever the agent finds when it starts, and whenever it is killed, tasks that run
# are kept, what has ended is known, and what nobody owns is cleared away or named.
# Not in guests: files and restarts of the agent; agent.t has the kernel's part of it. There it takes four minutes.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

PATIENCE=120 # seconds, for what an emulated machine does too
AGENT_CONF='[tasks]
kill_grace = 2s'
agent_paths
make_rootfs "$T/img"
cp -a "$T/img" "$T/img2"
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

json() { dcosctl --json "$@" | tr -d ' \n'; }
pid_of() { json inspect "$1" | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2; }
usage_of() { json inspect "$1" | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }
state_of() { json inspect "$1" | grep -o '"state":"[A-Z]*' | head -1 | cut -d'"' -f4; }
reason_of() { dcosctl --json inspect "$1" | sed -n 's/.*"reason": *"\(.*\)".*/\1/p' | head -1; }
counter() { json doctor | grep -o "\"name\":\"${1// /}\",[^}]*" | grep -o '"how":"[0-9]*' | tr -dc 0-9; }
is_metered() { json doctor | grep -q '"name":"meter","kind":"isolator","ok":true'; }
ended_with() { dcosctl wait "$1"; echo $?; }
run() { dcosctl run "$@" > /dev/null; }
gone() { ! kill -0 "$@" 2> /dev/null; }
file() { echo "$T/state/tasks/$1.json"; }
edit() { sed -i "$2" "$(file "$1")"; }
in_state() { edit "$1" "s/\"state\":\"[A-Z]*\"/\"state\":\"$2\"/"; }
restart() { agent_start || diag "the agent did not start"; }
# another agent that must not start: its status and what it says
refused_agent() { timeout "$PATIENCE" "$DCOS_BUILD/bin/dcos-agent" --config "$1" 2>&1; echo "status $?"; }

# --- killed in every state -------------------------------------------------------------------
for name in staging starting killing undone; do
	run --id $name --image "$T/img" -- sh -c 'trap "echo asked" TERM; while :; do sleep 0.1; done'
done
run --id keeper --image "$T/img2" -- sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done'
staging=$(pid_of staging) starting=$(pid_of starting) killing=$(pid_of killing)
undone=$(pid_of undone) keeper=$(pid_of keeper)
until_ok "$PATIENCE" grep -q 'SigCgt:.*[4-7c-f]...$' "/proc/$killing/status" # its trap is set
dcosctl kill --grace 1h killing
is "$(state_of killing)" KILLING "a task that is asked to end and does not is KILLING"
agent_stop KILL
in_state staging STAGING
edit staging 's/"pid":[0-9]*/"pid":0/'
in_state starting STARTING
in_state undone FAILED
edit undone 's/}$/,"exit":{"known":true,"oom":false,"code":3,"ended_unix_us":1,"reason":"exited with code 3"}}/'
rm -rf "$T/img2" # the task has its mounts
cp "$(file keeper)" "$(file keeper)~" # a write that did not come to its end
asked=$(wc -l < "$T/state/logs/killing/stdout")
restart
is "$(state_of staging)" LOST "a launch that did not finish is LOST"
like "$(reason_of staging)" 'while it launched' "for that reason"
ok "and its processes are gone" until_ok "$PATIENCE" gone "$staging"
is "$(state_of starting) $(pid_of starting)" "RUNNING $starting" "a task that was starting and runs is adopted"
is "$(state_of undone)" FAILED "a task that had ended stays so"
ok "and what was left of it is gone" until_ok "$PATIENCE" gone "$undone"
is "$(state_of keeper) $(pid_of keeper)" "RUNNING $keeper" "a task is adopted whose image directory is gone"
[ ! -e "$(file keeper)~" ]
tap $? "half a checkpoint is removed"
is "$(ended_with killing)" 137 "a task in KILLING is asked again, then killed when its own grace is over"
[ "$(wc -l < "$T/state/logs/killing/stdout")" -gt "$asked" ]
tap $? "it was asked"
is "$(state_of killing)" KILLED "it is KILLED"
dcosctl kill --grace 0 starting
is "$(ended_with starting)" 137 "an adopted task can be killed"
like "$(find "$CGDIR" -mindepth 1 -type d)" '^[^ ]*/keeper$' "only the task that runs has a cgroup"

# --- killed while it launches ----------------------------------------------------------------
for round in 1 2 3; do
	for i in 1 2 3 4; do
		dcosctl run --id "r$round-$i" --image "$T/img" -- sleep 1000 > /dev/null 2>&1 &
		launches[i]=$!
	done
	until_ok "$PATIENCE" sh -c "[ \$(ls '$CGDIR' | grep -c r$round-) -ge $round ]"
	agent_stop KILL
	wait "${launches[@]}"
	restart
done
is "$(json ps -a | grep -o '"id":"r[^}]*"state":"[A-Z]*"' | grep -vc 'RUNNING"$\|LOST"$\|FAILED"$')" 0 "every launch that the agent died in has come to run, or is known to have not"
is "$(find "$CGDIR" -mindepth 1 -maxdepth 1 -type d | wc -l)" "$(json ps | grep -o '"state":"RUNNING"' | wc -l)" "each cgroup has its task"
dcosctl ps -q | grep '^r[0-9]-' | xargs -r "$DCOS_BUILD/bin/dcosctl" kill --grace 0

# --- checkpoints that can't be read ----------------------------------------------------------
run --id orphan --image "$T/img" -- sleep 10000
run --id other --image "$T/img" -- sleep 10000
orphan=$(pid_of orphan) other=$(pid_of other)
agent_stop KILL
echo '{"half' > "$(file orphan)"
: > "$(file empty)"
head -c 3000000 /dev/zero > "$(file large)"
mkfifo "$(file pipe)"
ln -s /etc/passwd "$(file link)"
cp "$(file other)" "$(file alias)"
sed 's/"version":1/"version":9/' "$(file other)" > "$(file newer)"
sed 's/"colour":1//; s/"image":/"colour":1,"image":/' "$(file other)" > "$(file odd)"
head -c 100 /dev/urandom > "$(file noise)"
printf '%0.s[' {1..5000} > "$(file deep)"
restart
is "$(counter "checkpoints unreadable at start")" 10 "checkpoints that can't be read are counted by doctor"
is "$(cd "$T/state/tasks" && ls ./*.bad | tr -d '\n')" "./alias.json.bad./deep.json.bad./empty.json.bad./large.json.bad./link.json.bad./newer.json.bad./noise.json.bad./odd.json.bad./orphan.json.bad./pipe.json.bad" "and set aside"
like "$(grep 'alias.json' "$T/agent.log")" 'id=other: allowed is the file' "the log says why"
is "$(pid_of other) $(pid_of keeper)" "$other $keeper" "the other tasks are adopted"
ok "a task without a checkpoint is left alone" kill -0 "$orphan"
is "$(counter "cgroups of no task at start")" 1 "and counted by doctor"
like "$(grep 'cgroup.kill' "$T/agent.log")" "$CGROUP/orphan has processes" "and named in the log"
like "$(dcosctl run --id orphan --image "$T/img" -- true 2>&1; echo $?)" 'orphan.*File exists.*1$' "its name can't be used meanwhile"
ok "which does it no harm" kill -0 "$orphan"
echo 1 > "$CGDIR/orphan/cgroup.kill"
wait_pid "$orphan"
agent_stop
restart
[ ! -d "$CGDIR/orphan" ] && [ ! -d "$T/state/rootfs/orphan" ]
tap $? "when it has ended, the next start clears it away"
rm -f "$T"/state/tasks/*.bad

# --- a restart of the machine ----------------------------------------------------------------
agent_stop KILL
edit other 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/'
restart
is "$(state_of other)" LOST "a checkpoint of another boot is a task that is LOST"
ok "and what has its name is cleared away" until_ok "$PATIENCE" gone "$other"

# --- pins ------------------------------------------------------------------------------------
if is_metered; then
	run --id busy --image "$T/img" -- sh -c 'while :; do :; done'
	agent_stop KILL
	rm -rf "$T/bpf/dcos"
	restart
	is_metered
	tap $? "the agent starts without its pins"
	first=$(usage_of busy cpu_ns)
	counts() { [ "$(usage_of busy cpu_ns)" -gt "$((${first:-0} + 1000000))" ]; }
	ok "and meters adopted tasks anew" until_ok "$PATIENCE" counts
	dcosctl kill --grace 0 busy
else
	skip "the agent starts without its pins" "no BPF meter here"
	skip "and meters adopted tasks anew" "no BPF meter here"
fi

# --- started without standard streams --------------------------------------------------------
agent_stop
"$DCOS_BUILD/bin/dcos-agent" --config "$T/agent.conf" <&- >&- 2>&- &
AGENT_PID=$!
until_ok "$PATIENCE" dcosctl info
is "$(readlink "/proc/$AGENT_PID/fd/"{0,1,2} | paste -sd' ')" "/dev/null /dev/null /dev/null" "an agent without standard streams writes to no file of its own"
agent_stop
restart

# --- descriptors that systemd has kept -------------------------------------------------------
# agent_stored NAME PID: as systemd starts it, with a pidfd of PID stored as NAME; PID 0: of a
# process that has ended
agent_stored() {
	perl -e 'use Fcntl; my ($name, $pid, @agent) = @ARGV;
		my $own = $pid ? 0 : fork;
		exit if !$pid && !$own && sleep 1000;
		my $fd = syscall 434, ($pid || $own) + 0, 0; # pidfd_open
		if ($own) { kill "KILL", $own; waitpid $own, 0 }
		$^F = 3;
		open my $null, "<", "/dev/null" or die if $fd != 3;
		syscall 33, $fd, 3 if $fd != 3; # dup2
		open my $f, "<&=", 3 or die;
		fcntl $f, F_SETFD, 0;
		@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 1, $name);
		exec @agent' "$1" "$2" "$DCOS_BUILD/bin/dcos-agent" --config "$T/agent.conf" > /dev/null 2>> "$T/agent.log" < /dev/null &
	AGENT_PID=$!
	until_ok "$PATIENCE" dcosctl info
}
if type perl > /dev/null 2>&1; then
	agent_stop KILL
	agent_stored keeper 0
	is "$(state_of keeper) $(pid_of keeper)" "RUNNING $keeper" "a stored descriptor of an earlier task of that name does not end this one"
	agent_stop KILL
	agent_stored keeper $$
	is "$(state_of keeper) $(pid_of keeper)" "RUNNING $keeper" "nor does one of another process"
	agent_stop KILL
	agent_stored keeper "$keeper"
	is "$(state_of keeper) $(pid_of keeper)" "RUNNING $keeper" "its own is taken"
	agent_stop
	restart
else
	skip "descriptors that systemd has kept" "needs perl"
fi

# --- many that have ended --------------------------------------------------------------------
run --id quick --image host -- true
dcosctl wait quick
agent_stop
edit quick "s/\"ended_unix_us\":[0-9]*/\"ended_unix_us\":$(date -d '1 hour' +%s)000000/" # for that long it is shown
labels=$(for l in {1..64}; do printf '"l%02d":"%01000d",' "$l" 0; done)
{
	echo "s/\"image\":\"host\"/&,\"labels\":{${labels%,}}/"
	echo "s/\"command\":\[\"true\"/&,\"$(printf '%0100000d' 0)\"/"
} > "$T/long.sed"
# copies FROM TO: read a checkpoint, make some
copies() {
	awk -v dir="$T/state/tasks" -v from="$1" -v to="$2" '{
		for (i = from; i <= to; i++) {
			doc = $0
			gsub(/"id":"quick"/, "\"id\":\"many" i "\"", doc)
			file = dir "/many" i ".json"
			print doc > file
			close(file)
		}
	}'
}
sed -f "$T/long.sed" "$(file quick)" | copies 1 80 # five megabytes of labels
copies 81 300 < "$(file quick)"
restart
is "$(dcosctl ps -a | grep -c '^many')" 300 "a list is one reply, also if it has megabytes"
[ "$(json ps -a | wc -c)" -gt 4500000 ]
tap $? "with all labels"
is "$(json ps -a | grep -o '0[.][.][.]"' | wc -l)" 80 "and with the beginning of commands"
like "$(json inspect many1 | wc -c)" '^2[0-9]{5}$' "inspect has them in full"
is "$("$DCOS_BUILD/bin/dcostop" -b -n 1 --json | grep -o '"state": *"F[A-Z]*"' | wc -l)" 256 "a snapshot has no more than 256 tasks that have ended"
agent_stop
rm -f "$T"/state/tasks/many*.json "$T"/state/logs/many*
restart

# --- one agent to a place --------------------------------------------------------------------
sed "s,^socket = .*,socket = $T/run/b.sock," "$T/agent.conf" > "$T/b.conf"
like "$(refused_agent "$T/b.conf")" "state_dir=$T/state is used by another agent.*status 1" "a second agent on the same state directory is refused"
sed -i "s,^state_dir = .*,state_dir = $T/state-b," "$T/b.conf"
like "$(refused_agent "$T/b.conf")" "path=/$CGROUP in .cgroup. is used by another agent.*status 1" "and on the same cgroup"
sed -i "s,^path = .*,path = /$CGROUP-b,; s,^socket = .*,socket = $DCOS_SOCKET," "$T/b.conf"
like "$(refused_agent "$T/b.conf")" "socket=$DCOS_SOCKET: Address already in use.*status 1" "and on the same socket"
echo precious > "$T/run/b.sock"
sed -i "s,^socket = .*,socket = $T/run/b.sock," "$T/b.conf"
like "$(refused_agent "$T/b.conf") $(cat "$T/run/b.sock")" "b.sock: File exists.*status 1 precious" "a file that is no socket is not replaced"
rm "$T/run/b.sock"
is "$(pid_of keeper)" "$keeper" "the first agent does not notice"

sed -i 's,^pin_dir = .*,pin_dir = dcos-b,' "$T/b.conf"
"$DCOS_BUILD/bin/dcos-agent" --config "$T/b.conf" > /dev/null 2> "$T/b.log" < /dev/null &
second=$!
b() { "$DCOS_BUILD/bin/dcosctl" --socket "$T/run/b.sock" "$@"; }
ok "a second agent with places of its own starts" until_ok "$PATIENCE" b info
ok "and runs a task of a name that the first has too" b run --id keeper --image "$T/img" -- sleep 1000
b kill --grace 0 keeper
is "$(b wait keeper; echo $?) $(state_of keeper)" "137 RUNNING" "the end of one is not the end of the other"
kill -KILL "$second"
wait "$second" 2> /dev/null
[ -S "$T/run/b.sock" ]
tap $? "an agent that is killed leaves the file of its socket"
"$DCOS_BUILD/bin/dcos-agent" --config "$T/b.conf" > /dev/null 2>> "$T/b.log" < /dev/null &
second=$!
ok "which its successor replaces" until_ok "$PATIENCE" b info
kill "$second"
wait "$second"
is "$?" 0 "and removes when it stops"
[ ! -e "$T/run/b.sock" ]
tap $? "it is gone"
rmdir "${CGDIR}-b"
tap $? "and nothing of its tasks is left"
rm -rf "$T/bpf/dcos-b" "$T/state-b"

# --- ends ------------------------------------------------------------------------------------
dcosctl kill keeper
is "$(ended_with keeper) $(state_of keeper)" "7 KILLED" "a task that ends by itself when asked gives its own code"
run --id stubborn --image "$T/img" -- sh -c 'trap "echo asked" TERM; echo ready; while :; do sleep 0.1; done'
until_ok "$PATIENCE" grep -q ready "$T/state/logs/stubborn/stdout"
from=$(date +%s%N)
dcosctl kill --grace 1s stubborn
is "$(ended_with stubborn)" 137 "one that does not is killed"
took=$((($(date +%s%N) - from) / 1000000))
[ "$took" -ge 990 ]
tap $? "after the grace ($took ms for 1 s)"
like "$(dcosctl logs stubborn)" asked "and was asked before"
run --id hostnet --image host --network host -- sh -c 'sleep 1000 & sleep 1000 & wait'
until_ok "$PATIENCE" sh -c "[ \$(wc -l < '$CGDIR/hostnet/cgroup.procs') = 3 ]"
procs=$(cat "$CGDIR/hostnet/cgroup.procs")
dcosctl kill --grace 0 hostnet
is "$(ended_with hostnet)" 137 "a task in the host's network is killed"
ok "with all its processes" gone $procs
[ ! -d "$CGDIR/hostnet" ]
tap $? "its cgroup is gone when wait returns"
codes="0 1 2 3 77 125 126 127 128 129 137 143 254 255"
for code in $codes; do run --id "code$code" --image host -- sh -c "exit $code"; done
is "$(for code in $codes; do echo "$(ended_with "code$code")"; done | paste -sd' ')" "$codes" "exit codes from 0 to 255 are what they are"
like "$(dcosctl --json inspect code137)" '"code": *137' "137 is a code and no signal"
like "$(dcosctl ps -a | grep -w code0) $(dcosctl ps -a | grep -w code255)" 'FINISHED.*FAILED' "0 is FINISHED, others are FAILED"
like "$(dcosctl kill code0 2>&1; echo $?)" 'code0.*1$' "what has ended can't be killed"

# --- limits ----------------------------------------------------------------------------------
run --id limited --image "$T/img" -- sleep 1000
is "$(dcosctl update limited cpus=0.5 pids=50 > /dev/null 2>&1; echo $?)" 0 "limits are changed"
agent_stop KILL
restart
like "$(json inspect limited)" '"cpus":"?0\.5"?,.*"pids":50|"pids":50,.*"cpus":"?0\.5"?' "and are known after a restart"
if [ -e "$CGDIR/limited/cpu.max" ]; then
	is "$(cat "$CGDIR/limited/cpu.max" "$CGDIR/limited/pids.max" | paste -sd' ')" "50000 100000 50" "and hold"
else
	skip "and hold" "no cpu controller in cgroup v2 here"
fi
is "$(dcosctl run --image host --wait --logs -- sh -c 'ulimit -Sn')" "$(n=$(ulimit -Hn); [ "$n" = unlimited ] || [ "$n" -gt 1024 ] && echo 1024 || echo "$n")" "tasks do not inherit the agent's own limit of descriptors"

# --- memory of ended tasks -------------------------------------------------------------------
sed -i '/^\[agent\]/a ended_tasks_max = 3' "$T/agent.conf"
agent_stop
restart
remembered() { json ps -a | grep -o '"state":"\(FINISHED\|FAILED\|KILLED\|LOST\)"' | wc -l; }
three() { [ "$(remembered)" = 3 ]; }
ok "ended_tasks_max is obeyed" until_ok "$PATIENCE" three
for i in 1 2 3 4 5; do run --id "t$i" --image host -- true; dcosctl wait "t$i"; done
ok "also when more tasks end" until_ok "$PATIENCE" three
is "$(json ps -a | grep -o '"id":"t[0-9]"' | tr -dc '0-9')" 345 "the oldest are forgotten first"
is "$(cd "$T/state" && ls logs tasks | grep -c '^t[12]')" 0 "with their files"
dcosctl kill --grace 0 limited
dcosctl wait limited > /dev/null
is "$(agent_leftovers)" "" "nothing is left"
agent_stop

# --- a full, a read-only state directory -----------------------------------------------------
rm -rf "$T/state"
mkdir "$T/state"
if mount -t tmpfs -o size=2m,mode=0755 none "$T/state"; then
	restart
	run --id before --image host -- sh -c 'while :; do sleep 0.1; done'
	before=$(pid_of before)
	cat /dev/zero > "$T/state/ballast" 2> /dev/null
	like "$(dcosctl run --id full --image host -- true 2>&1; echo $?)" 'full.*No space left on device.*1$' "on a full disk a task is refused, with the file and the reason"
	is "$(state_of before) $(pid_of before)" "RUNNING $before" "the others run on"
	[ ! -d "$CGDIR/full" ] && [ ! -e "$T/state/logs/full" ]
	tap $? "nothing half-built stays"
	ok "a task can still be killed" dcosctl kill --grace 0 before
	is "$(ended_with before)" 137 "and its end is known"
	rm "$T/state/ballast"
	ok "when there is room again, tasks run" dcosctl run --id after --image host -- true
	dcosctl wait after
	agent_stop
	mount -o remount,ro "$T/state"
	like "$(refused_agent "$T/agent.conf")" "$T/state/lock: Read-only file system.*status 1" "on a read-only one no agent starts"
	umount "$T/state"
else
	skip "on a full disk a task is refused" "no tmpfs can be mounted"
fi
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error' "$T/agent.log")" 0 "no sanitizer had to say anything"
[ "$tap_failed" = 0 ] || diag "$(grep -v ': info:' "$T/agent.log" | tail -40)"
tap_done
