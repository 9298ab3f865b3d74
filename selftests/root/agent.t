#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent from outside: real tasks through dcosctl.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

agent_paths
make_rootfs "$T/img"
agent_start
tap $? "an agent starts on private paths"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

json() { dcosctl --json "$@"; }
usage_of() { json inspect "$1" | tr -d ' \n' | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }
# more_than ID COUNTER N
more_than() { [ "$(usage_of "$1" "$2")" -gt "$3" ]; }
ended_with() { dcosctl wait "$1"; echo $?; }

# --- host root -------------------------------------------------------------------
ok "run: a task in the host's tree" dcosctl run --id three --image host -- sh -c 'exit 3'
is "$(ended_with three)" 3 "wait: gives the task's exit code"
like "$(dcosctl ps -a)" 'three +FAILED' "ps: shows the task as FAILED"
dcosctl run --id ro --image host -- sh -c 'touch /etc/x 2>/dev/null || touch /usr/x 2>/dev/null || exit 9; exit 0' > /dev/null
is "$(ended_with ro)" 9 "the host's tree is read-only"
dcosctl run --id tmp --image host -- sh -c 'ls -A /tmp | grep -q . && exit 8; echo a > /tmp/x && test -s /tmp/x' > /dev/null
is "$(ended_with tmp)" 0 "/tmp is private, empty and writable"
mkdir "$T/desk"
dcosctl run --id work --image host --workdir "$T/desk" -- sh -c 'echo made > made' > /dev/null
is "$(ended_with work) $(cat "$T/desk/made" 2>&1)" "0 made" "the work directory is writable and is the current one"

# --- image root ------------------------------------------------------------------
ok "run: a task from an unpacked root file system" \
	dcosctl run --id img --image "$T/img" -- sh -c 'echo out; echo err >&2; id -u; hostname; touch /new; cat /proc/self/uid_map'
is "$(ended_with img)" 0 "it ends with 0"
is "$(dcosctl logs img | head -3 | paste -sd' ')" "out 0 img" "logs: its output; uid 0 and its own host name inside"
is "$(dcosctl logs --stderr img)" err "logs: its standard error"
like "$(dcosctl logs img | tail -1)" '^ +0 +[1-9][0-9]+ +65536' "its root is an unprivileged user of the host"
[ ! -e "$T/img/new" ]
tap $? "what it wrote did not touch the image"
dcosctl run --id pids --image "$T/img" -- sh -c 'test $$ = 1 && test "$(ls /proc | grep -c "^[0-9]")" -lt 5' > /dev/null
is "$(ended_with pids)" 0 "it sees only its own processes"
dcosctl run --id net --image "$T/img" --network none -- sh -c 'test "$(ls /sys/class/net)" = lo && ping -c1 -w2 127.0.0.1 > /dev/null 2>&1; test "$(cat /sys/class/net/lo/operstate)" != down' > /dev/null
is "$(ended_with net)" 0 "network none: only lo, and it is up"

# --- what is forbidden -----------------------------------------------------------
dcosctl run --id sys --image "$T/img" -- sh -c 'mount -t tmpfs x /tmp 2>/dev/null && exit 1; unshare -m true 2>/dev/null && exit 2; exit 0' > /dev/null
is "$(ended_with sys)" 0 "mount and unshare are denied"
dcosctl run --id dev --image "$T/img" --seccomp unconfined -- sh -c 'mknod /tmp/mem c 1 1 2>/dev/null && dd if=/tmp/mem of=/dev/null count=1 2>/dev/null && exit 1; echo x > /dev/null' > /dev/null
is "$(ended_with dev)" 0 "a device outside the list is denied, /dev/null is not"

# --- the agent's own program: CVE-2019-5736 ----------------------------------------
dcosctl run --id exe --image host --seccomp unconfined -- /proc/self/exe --version > /dev/null
is "$(ended_with exe)" 0 "a task can make the agent's program its own"
like "$(dcosctl logs exe)" '^dcos-agent ' "and gets it"
[ ! -w "/proc/$AGENT_PID/exe" ]
tap $? "but only from a read-only mount"
is "$(cat "/proc/$AGENT_PID/comm")" dcos-agent "the agent has its name"

# --- kill, names, bad input ------------------------------------------------------
dcosctl run --id sleeper --image "$T/img" -- sleep 1000 > /dev/null
pid=$(json inspect sleeper | tr -d ' \n' | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2)
like "$(dcosctl run --id sleeper --image host -- true 2>&1; echo $?)" 'sleeper.* 1$|sleeper.*
1$' "run: an id in use is refused"
ok "kill: a sleeper" dcosctl kill sleeper
is "$(ended_with sleeper)" 137 "wait: 128 + SIGKILL, since init of a pid namespace has no handler"
like "$(dcosctl ps -a)" 'sleeper +KILLED' "ps: it is KILLED"
[ ! -e "/proc/$pid" ]
tap $? "its process is gone"

refused() { # NAME PATTERN SPEC
	local out rc
	out=$(printf '%s' "$3" | dcosctl run -f - 2>&1)
	rc=$?
	like "$rc $out" "^1 .*$2" "bad input: $1"
}
refused "unknown key" 'colour' '{"image":"host","command":["true"],"colour":"red"}'
refused "malformed JSON" 'line 1' '{"image":"host",'
refused "missing image" 'nowhere' '{"image":"/nowhere/at/all","command":["true"]}'
refused "a name with a slash" 'id' '{"id":"a/b","image":"host","command":["true"]}'
refused "a name that is .." 'id' '{"id":"..","image":"host","command":["true"]}'
refused "out of range" 'pids' '{"image":"host","command":["true"],"resources":{"pids":0}}'
refused "unknown profile" 'seccomp' '{"image":"host","command":["true"],"seccomp":"none-such"}'
refused "no such program" '/no/such' '{"image":"host","command":["/no/such"]}'
is "$(dcosctl nonsense > /dev/null 2>&1; echo $?)" 2 "usage errors exit with 2"
refused "no port" 'bind_ports' '{"image":"host","command":["true"],"bind_ports":[65536]}'
refused "no network" 'connect_to' '{"image":"host","command":["true"],"connect_to":["10.0.0.1/8"]}'
is "$(agent_leftovers)" "" "nothing half-built stays"

# --- a guard ---------------------------------------------------------------------
if [ "$(json doctor | tr -d ' \n' | grep -c '"name":"guard","kind":"isolator","ok":true')" = 1 ]; then
	printf '%s' '{"id":"guarded","image":"host","connect_to":["127.0.0.0/8:1-9"],"command":["bash","-c",
		"exec 2>&1; echo > /dev/tcp/127.0.0.1/9; echo > /dev/tcp/127.0.0.1/10"]}' |
		dcosctl run -f - > /dev/null
	ended_with guarded > /dev/null
	like "$(dcosctl logs guarded)" '/9: Connection refused' "guard: an address that is listed gets an answer"
	like "$(dcosctl logs guarded)" '/10: Operation not permitted' "one that is not is denied"
	is "$(usage_of guarded connect_denied)" 1 "which is counted"
	until_ok 5 grep -q 'guarded.*denied: connect to 127.0.0.1:10 (tcp) by bash, pid' "$T/agent.log"
	tap $? "and logged with address and process"
else
	skip "a guard" "no guard programs here"
fi

# --- restart ---------------------------------------------------------------------
dcosctl run --id busy --image "$T/img" -- sh -c 'while :; do :; done' > /dev/null
dcosctl run --id dies --image "$T/img" -- sh -c 'trap "exit 7" TERM; while :; do sleep 0.05; done' > /dev/null
dcosctl run --id shot --image "$T/img" -- sleep 1000 > /dev/null
dcosctl run --id swept --image "$T/img" -- sleep 1000 > /dev/null
pid_of() { json inspect "$1" | tr -d ' \n' | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2; }
busy=$(pid_of busy) dies=$(pid_of dies) shot=$(pid_of shot) swept=$(pid_of swept)
until_ok 5 grep -q 'SigCgt:.*[4-7c-f]...$' "/proc/$dies/status" # its trap is set
if [ -e "$CGDIR/busy/cpu.max" ]; then
	ok "update: another CPU quota" dcosctl update busy cpus=0.5
	is "$(cat "$CGDIR/busy/cpu.max")" "50000 100000" "holds at once"
	ok "update: none" dcosctl update busy cpus=
	is "$(cat "$CGDIR/busy/cpu.max")" "max 100000" "takes it off"
else
	is "$(dcosctl update busy cpus=0.5 2>&1)" "" "update: a CPU quota that the governor holds"
	like "$(json inspect busy | tr -d ' \n')" '"cpu_quota_millionths":500000' "inspect shows it"
	until_ok 10 more_than busy nr_throttled 2
	tap $? "and it holds"
	ok "update: none" dcosctl update busy cpus=
	like "$(dcosctl update busy cpu_weight=200 2>&1)" 'resources.cpu_weight is not enforced' "update: a limit that is not held is a warning"
	like "$(json inspect busy)" 'resources.cpu_weight is not enforced' "which inspect shows"
	is "$(dcosctl update busy cpu_weight= 2>&1)" "" "and which goes with the limit"
	ok "update: the quota again" dcosctl update busy cpus=0.5
fi
netquota=$(json doctor | tr -d ' \n' | grep -c '"name":"netquota","kind":"isolator","ok":true')
if [ "$netquota" = 1 ]; then
	printf '%s' '{"id":"flood","image":"host","network":"none","command":["perl","-MSocket","-e",
		"socket(S, PF_INET, SOCK_DGRAM, 0); $to = pack_sockaddr_in(9, inet_aton(q(127.0.0.1))); while () {send(S, q(x) x 1000, 0, $to); select(undef, undef, undef, 0.001)}"]}' |
		dcosctl run -f - > /dev/null
	until_ok 60 more_than flood tx_packets 100
	tap $? "a flood of datagrams goes out"
	is "$(usage_of flood tx_dropped)" 0 "all of it, without a quota"
	like "$(dcosctl update flood egress=1mbit pids=0 2>&1; echo $?)" 'pids.* 1$|pids.*
1$' "update: one bad limit of two"
	is "$(usage_of flood tx_dropped)" 0 "sets neither"
	is "$(dcosctl update flood egress=100kbit 2>&1)" "" "update: a network quota"
	until_ok 60 more_than flood tx_dropped 100
	tap $? "drops what is too much"
fi
before=$(usage_of busy cpu_ns)
agent_stop KILL
ok "SIGKILL of the agent leaves tasks running" kill -0 "$busy" "$dies" "$shot"
kill -TERM "$dies"
kill -KILL "$shot" "$swept"
wait_pid "$dies"
wait_pid "$shot"
wait_pid "$swept"
until_ok 5 rmdir "$CGDIR/swept" # as systemd does when it stops the tasks' unit
agent_start
tap $? "a new agent starts on the same state"
like "$(dcosctl ps)" 'busy +RUNNING' "it adopted the task that runs"
if [ ! -e "$CGDIR/busy/cpu.max" ]; then
	throttled=$(usage_of busy nr_throttled)
	until_ok 10 more_than busy nr_throttled "$throttled"
	tap $? "and governs it again"
fi
if [ "$netquota" = 1 ]; then
	dropped=$(usage_of flood tx_dropped)
	like "$(json inspect flood | tr -d ' \n')" '"egress":"100kbit"' "it knows the network quota"
	until_ok 60 more_than flood tx_dropped "$dropped"
	tap $? "which holds"
	is "$(dcosctl update flood egress= 2>&1)" "" "update: none"
	sent=$(usage_of flood tx_packets)
	until_ok 60 more_than flood tx_packets $((sent + 500))
	tap $? "lets all of it go"
	dcosctl rm -f flood > /dev/null
fi
is "$(pid_of busy)" "$busy" "with the same process"
after=$(usage_of busy cpu_ns)
[ "${after:-0}" -ge "${before:-1}" ]
tap $? "counters went on while no agent ran (${before:-none} to ${after:-none} ns)"
if [ "$(json doctor | tr -d ' \n' | grep -c '"name":"meter","kind":"isolator","ok":true')" = 1 ]; then
	is "$(ended_with dies)" 7 "the exit code of a task that ended meanwhile is known"
	is "$(ended_with shot)" 137 "and the signal of one that was killed"
	is "$(ended_with swept)" 137 "even if somebody has removed its cgroup"
else
	skip "exit codes of tasks that ended meanwhile" "no BPF meter here"
fi
agent_stop
ok "a clean stop leaves tasks running" kill -0 "$busy"
agent_start
tap $? "the agent starts again"

# --- a restart of the machine: the cgroup is gone, files are not ------------------
dcosctl run --id rebooted --image "$T/img" -- sleep 1000 > /dev/null
rebooted=$(pid_of rebooted)
agent_stop KILL
kill -KILL "$rebooted"
wait_pid "$rebooted"
until_ok 5 rmdir "$CGDIR/rebooted"
sed -i 's/"boot_id": *"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/' "$T/state/tasks/rebooted.json"
mkdir -p "$T/state/rootfs/stale/upper/x"
agent_start
tap $? "an agent starts after a restart of the machine"
like "$(json inspect rebooted)" 'the machine was restarted' "a task of before is LOST"
is "$(ls "$T/state/rootfs" | paste -sd' ')" busy "layers of what is gone are removed, those in use stay"

# --- one after the other, everything ends ----------------------------------------
ok "dcostop -b prints rows" sh -c "'$DCOS_BUILD/bin/dcostop' -b -n 2 | grep -q busy"
ok "drain ends all tasks" dcosctl drain --grace 2s
is "$(dcosctl ps --json | grep -c RUNNING)" 0 "no task runs"
like "$(dcosctl run --image host -- true 2>&1)" 'drain' "a draining node refuses tasks"
ok "drain --off" dcosctl drain --off
ok "and tasks are accepted again" dcosctl run --id again --image host -- true
dcosctl wait again > /dev/null
is "$(agent_leftovers)" "" "nothing is left: no cgroup, no mount, no layer"
agent_stop
tap_done
