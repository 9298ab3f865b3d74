#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input: one sentence with the key, the value and what is allowed; exit 1, or 2 for a wrong
# command line; and nothing half-built stays.
# Not in guests: no kernel plays a part in it, and there it takes a minute and a half.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

agent_paths
make_rootfs "$T/img"
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

shopt -s nullglob
# what is there of tasks, on disk and in the kernel
remains() { echo "$CGDIR"/*/ "$T"/state/{rootfs,tasks,logs}/*; }
before=$(remains)

# said NAME STATUS PATTERN COMMAND...: status, one line, the pattern in it, nothing left
said() {
	local name=$1 status=$2 pattern=$3 out rc lines

	shift 3
	out=$("$@" 2>&1 < "$T/in")
	rc=$?
	lines=${out//[^$'\n']/}
	like "$rc ${#lines} $out" "^$status 0 .*($pattern)" "$name"
	[ "$(remains)" = "$before" ] || is "$(remains)" "$before" "$name: nothing stays"
}

# spec NAME PATTERN DOCUMENT: refused by the agent
spec() {
	printf '%s' "$3" > "$T/in"
	said "$1" 1 "$2" dcosctl run -f -
}

# key NAME PATTERN MEMBERS: the same with members beside an image and a command
key() { spec "$1" "$2" "{\"image\":\"$T/img\",\"command\":[\"true\"],$3}"; }

# --- the document ----------------------------------------------------------------------------
spec "no JSON" 'line 1' '{"image":"host",'
spec "an empty document" 'line 1|JSON' ''
spec "an array" 'must be a JSON object' '[]'
spec "a number" 'line 1.*42' '42'
spec "a key twice" 'duplicate.*image|image.*twice' '{"image":"host","image":"host","command":["true"]}'
spec "text that is not UTF-8" 'line 1.*0xff' "$(printf '{"image":"host","command":["\xff"]}')"
key "an unknown key" 'colour: no such key' '"colour":"red"'
key "a key that is nearly one" 'memroy: no such key, the nearest is .memory' '"resources":{"memroy":1}' 
spec "no command" 'command: .*(required|missing|needed|cmd)' '{"image":"host"}'
spec "two commands" 'cmd: ' '{"image":"host","command":["true"],"cmd":"true"}'
spec "an empty command" 'command: is empty, allowed are 1 to 4096' '{"image":"host","command":[]}'
spec "a command of a wrong type" 'command.1.: 1 is a number, must be text' '{"image":"host","command":["x",1]}'
printf '{"image":"host","command":["true"],"labels":{"a":"%01100000d"}}' 0 > "$T/in"
said "a document of more than a megabyte" 1 '(large|long|bytes|megabyte|MB|size)' dcosctl run -f -
printf '{"image":"host","command":["%0200000d"]}' 0 > "$T/in"
said "an argument that is too long" 1 'command.0.: .*131071' dcosctl run -f -

# --- names -----------------------------------------------------------------------------------
for id in 'a/b' '..' '.' '.a' 'a b' 'ä' "$(printf '%0129d' 0)" ''; do
	key "the id '${id:0:9}'" 'id: .*(letters|128)' "\"id\":\"$id\""
done
key "an id that is a number" 'id: 7 is a number' '"id":7'
dcosctl run --id twice --image "$T/img" -- sleep 1000 > /dev/null
before=$(remains)
: > "$T/in"
said "an id in use" 1 'twice' dcosctl run --id twice --image host -- true
ok "which leaves the other task alone" sh -c "'$DCOS_BUILD/bin/dcosctl' ps | grep -q 'twice *RUNNING'"
dcosctl kill --grace 0 twice
dcosctl wait twice > /dev/null
before=$(remains)
said "an id of a task that has ended" 1 'twice' dcosctl run --id twice --image host -- true
dcosctl rm twice > /dev/null
before=$(remains)
key "a host name" 'hostname: ' '"hostname":"-a"'
key "a name of a seccomp profile that is not there" 'seccomp: .*none-such' '"seccomp":"none-such"'
key "one with a slash" 'seccomp: .*\.\./x' '"seccomp":"../x"'
key "a profile that is none" 'seccomp' '"seccomp":{"defaultAction":"SCMP_ACT_NONSENSE"}'
key "an unknown capability" 'capabilities.0.: .*CAP_NONSENSE' '"capabilities":["CAP_NONSENSE"]'
key "an unknown user" 'user: .*nobody-here' '"user":"nobody-here"'
key "a user id out of range" 'user: .*70000' '"user":"70000"'
key "an unknown group" 'groups.0.: ' '"groups":["no-such-group"]'

# --- places ----------------------------------------------------------------------------------
spec "an image that is not there" 'image: ./nowhere/at/all. .*|image=/nowhere|/nowhere/at/all.*No such file' '{"image":"/nowhere/at/all","command":["true"]}'
spec "an image that is no directory" '/etc/passwd.*(directory|Not a)' '{"image":"/etc/passwd","command":["true"]}'
printf '%s' '{"image":"some/where","command":["true"]}' > "$T/in"
said "an image that the store does not have" 1 'no image in .* is called some/where:latest' dcosctl run --store "$T/lib/images" -f -
spec "an image with .." 'image: ' "{\"image\":\"$T/../x\",\"command\":[\"true\"]}"
spec "the root of the host as image" 'image: ' '{"image":"/","command":["true"]}'
key "a mount without a source" 'mounts.0.' '"mounts":[{"target":"/mnt"}]'
key "a mount of what is not there" '/nowhere' '"mounts":[{"source":"/nowhere","target":"/mnt"}]'
key "a mount to a relative place" 'mounts.0..target: ' '"mounts":[{"source":"/etc","target":"mnt"}]'
key "a mount out of the container" 'mounts.0..target: ' '"mounts":[{"source":"/etc","target":"/../../mnt"}]'
key "a work directory of an image task" 'workdir: ' '"workdir":"/tmp"'
spec "a work directory that is not there" 'workdir' '{"image":"host","workdir":"/nowhere/at/all","command":["true"]}'
spec "/proc as work directory" 'workdir: ' '{"image":"host","workdir":"/proc/1","command":["true"]}'
spec "the agent's own directory as work directory" 'workdir: ' "{\"image\":\"host\",\"workdir\":\"$T/state/tasks\",\"command\":[\"true\"]}"
key "a current directory that is not there" '/not-there' '"cwd":"/not-there"'
spec "a program that is not there" '/no/such' '{"image":"host","command":["/no/such"]}'
spec "a program that is none" '/etc/passwd.*Permission denied' "{\"image\":\"$T/img\",\"command\":[\"/etc/passwd\"]}"
spec "a directory as program" '/etc.*Permission denied' "{\"image\":\"$T/img\",\"command\":[\"/etc\"]}"
key "a device that is not there" 'devices.0.' '"devices":[{"path":"/dev/nonsense"}]'
key "a device outside of /dev" 'devices.0..path: ' '"devices":[{"path":"/etc/passwd"}]'

# --- numbers ---------------------------------------------------------------------------------
key "no process at all" 'resources.pids: .*1 to 4194304' '"resources":{"pids":0}'
key "too many processes" 'resources.pids: .*1 to 4194304' '"resources":{"pids":4194305}'
key "less than no process" 'resources.pids: .*1 to 4194304' '"resources":{"pids":-1}'
key "half a process" 'resources.pids: ' '"resources":{"pids":1.5}'
key "text for a number" 'resources.pids: ' '"resources":{"pids":"many"}'
key "little memory" 'resources.memory: .*1M' '"resources":{"memory":"1K"}'
key "no size" 'resources.memory: .*1Q' '"resources":{"memory":"1Q"}'
key "no CPU" 'resources.cpus: ' '"resources":{"cpus":0}'
key "less than no CPU" 'resources.cpus: ' '"resources":{"cpus":-1}'
key "a burst above the quota" 'resources.cpu_burst: ' '"resources":{"cpus":0.1,"cpu_burst":"1s"}'
key "a CPU weight" 'resources.cpu_weight: .*1 to 10000' '"resources":{"cpu_weight":0}'
key "a limit whose soft value is above the hard one" 'rlimits.nofile: .*soft' '"rlimits":{"nofile":[20,10]}'
key "a umask" 'umask: ' '"umask":"0888"'
key "an OOM score" 'oom_score_adj: .*1000' '"oom_score_adj":1001'
key "a time of grace" 'kill_grace: .*1h' '"kill_grace":"2h"'
key "a small log" 'log_max: .*4K' '"log_max":"1K"'
key "too many labels" 'labels: .*64' "\"labels\":{$(for i in {1..65}; do printf '"l%d":"",' "$i"; done | sed 's/,$//')}"
key "a network that there is not" 'network: .*bridge' '"network":"bridge"'
key "a truth value that is a number" 'userns: 1 is a number' '"userns":1'

# usage NAME PATTERN COMMAND...: exit 2, and it is said on standard error only
usage() {
	local name=$1 pattern=$2 out rc

	shift 2
	out=$("$@" 2> "$T/err" < "$T/in")
	rc=$?
	like "$rc $out$(head -1 "$T/err")" "^2 .*($pattern)" "usage: $name"
	[ "$(remains)" = "$before" ] || is "$(remains)" "$before" "$name: nothing stays"
}

# --- calls -----------------------------------------------------------------------------------
: > "$T/in"
for command in kill wait inspect logs rm; do
	said "$command of a task that is not there" 1 'no-such-task' dcosctl "$command" no-such-task
done
said "update of one" 1 'no-such-task' dcosctl update no-such-task pids=5
dcosctl run --id runs --image "$T/img" -- sleep 1000 > /dev/null
before=$(remains)
said "update of an unknown key" 1 'colour' dcosctl update runs colour=5
said "update out of range" 1 'pids: .*1 to 4194304' dcosctl update runs pids=0
said "rm of a task that runs" 1 'runs' dcosctl rm runs
usage "a signal that there is not" 'signal=NONSENSE: .*1 to 64' dcosctl kill -s NONSENSE runs
usage "a signal out of range" 'signal=65: .*1 to 64' dcosctl kill -s 65 runs
ok "and it runs on" sh -c "'$DCOS_BUILD/bin/dcosctl' ps | grep -q 'runs *RUNNING'"
dcosctl kill --grace 0 runs
dcosctl wait runs > /dev/null
before=$(remains)
said "a spec file that is not there" 1 '/nowhere.json' dcosctl run -f /nowhere.json
said "a directory as spec file" 1 "$T/img" dcosctl run -f "$T/img"
said "a socket that is not there" 1 '/nowhere.sock' dcosctl --socket /nowhere.sock ps
said "a file as socket" 1 "$T/in" dcosctl --socket "$T/in" ps
usage "an unknown command" 'nonsense' dcosctl nonsense
usage "an unknown option" 'nonsense' dcosctl ps --nonsense
usage "no task to kill" 'ID' dcosctl kill
usage "nothing to run" '[a-z]' dcosctl run
usage "an argument too much" 'x' dcosctl info x
usage "a limit without a value" 'runs|KEY=VALUE|pids' dcosctl update runs pids
usage "an option of the agent" 'nonsense' "$DCOS_BUILD/bin/dcos-agent" --nonsense
usage "an argument of the agent" 'nonsense' "$DCOS_BUILD/bin/dcos-agent" nonsense

# --- configuration ---------------------------------------------------------------------------
# config NAME PATTERN LINE...: the agent does not start with this, and says so in a line. What is
# not said here is as for the agent that runs, so that none of it could start beside that.
config() {
	local name=$1 pattern=$2 line
	shift 2
	cp "$T/agent.conf" "$T/base.conf"
	for line; do sed -i "\\,^${line%%[ =]*} *=,d" "$T/base.conf"; done
	{ cat "$T/base.conf"; printf '%s\n' "$@"; } > "$T/bad.conf"
	said "configuration: $name" 1 "$pattern" timeout 60 "$DCOS_BUILD/bin/dcos-agent" --config "$T/bad.conf"
}
config "an unknown key" 'colour' '[agent]' 'colour = red'
config "an unknown section" 'nonsense' '[nonsense]' 'a = b'
config "no line" "bad.conf:$(($(wc -l < "$T/agent.conf") + 2))" '[agent]' 'nonsense'
config "a key that is there twice" 'node: given twice' '[agent]' 'node=a' 'node=b'
config "a number out of range" 'tasks_max: .0. .*1 to 1023' '[agent]' 'tasks_max = 0'
config "a time out of range" 'interval: .1ms. .*100ms' '[meter]' 'interval = 1ms'
config "a path that is none" 'state_dir: .x. .*absolute' '[agent]' 'state_dir = x'
config "a socket path that is too long" 'socket: .*107' '[agent]' "socket = /$(printf '%0120d' 0)"
config "a choice that there is not" 'read_access: .some. .*all, group' '[agent]' 'read_access = some'
config "ids beyond the last" 'userns' '[tasks]' 'userns_base = 4294967294'
config "a state directory that can't be made" '/proc/nonsense' '[agent]' 'state_dir = /proc/nonsense'
config "a state directory below a file" "$T/in.*Not a directory" '[agent]' "state_dir = $T/in/x"
config "a run directory that is a file" "$T/in: Not a directory" '[agent]' "state_dir = $T/state2" "run_dir = $T/in"
said "configuration: a file that is not there" 1 '/nowhere.conf' "$DCOS_BUILD/bin/dcos-agent" --config /nowhere.conf
rm -rf "$T/state2"

is "$(agent_leftovers)" "" "nothing is left"
kill -0 "$AGENT_PID"
tap $? "the agent has seen it all"
agent_stop
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error' "$T/agent.log")" 0 "no sanitizer had to say anything"
tap_done
