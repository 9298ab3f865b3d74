#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile tasks against the agent that runs them: it goes on, the log stays bounded, others are
# served. Most of them as root in the host's tree without a filter, which can do the most.
# Not in guests: it passes there with each kernel, but takes a minute and a half; name it to run it.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type perl fallocate > /dev/null 2>&1 || tap_skip_all "needs perl and fallocate"

PATIENCE=60 # seconds, for what an emulated machine does too
DEADLINE=20 # seconds for an answer of an agent that is not held up

AGENT_INTERVAL=100ms
agent_paths
make_rootfs "$T/img"
export DCOS_TEST_MARK=secret # the agent's, not its tasks'
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

json() { dcosctl --json "$@" | tr -d ' \n'; }
run() { dcosctl run "$@" > /dev/null; }
root() { run --image host --seccomp unconfined "$@"; }
fds() { ls "/proc/$AGENT_PID/fd" | wc -l; }
said() { dcosctl logs $1 | grep -q "$2"; }
log_kb() { du -k "$T/state/logs/$1/stdout" | cut -f1; }

began=$(sed 's/.*) //' "/proc/$AGENT_PID/stat" | cut -d' ' -f20)
run --id neighbour --image "$T/img" -- sleep 10000

# --- the log -------------------------------------------------------------------------
# blocks that no size tells of
root --id reserve --set log_max='"64K"' -- sh -c 'echo first; fallocate -n -l 64M /proc/self/fd/1; echo last; exec sleep 10000'
until_ok "$PATIENCE" said reserve last
few_blocks() { [ "$(log_kb reserve)" -lt 1024 ]; }
until_ok "$PATIENCE" few_blocks
tap $? "a log: what a task reserves beyond its end is given back"
is "$(dcosctl logs reserve | paste -sd' ')" "first last" "and what it printed is there"

# a size that no block stands for
root --id sparse --set log_max='"64K"' -- perl -e '$| = 1; print "first\n"; truncate(STDOUT, 1 << 40) or die; print "last\n"; sleep 10000'
until_ok "$PATIENCE" said sparse last
like "$(dcosctl logs sparse 2>&1 | tr -d '\0' | paste -sd' ')" '^first.*: [0-9]{13} bytes of stdout are not kept.* last$' "a log that was made a terabyte is read to its end"

# who opens a file with a lease waits for its holder
root --id lease -- perl -e '$SIG{IO} = "IGNORE"; $| = 1; fcntl(STDOUT, 1024, 1) or print "none: $!\n"; print STDERR "held\n"; sleep 10000'
until_ok "$PATIENCE" sh -c "$DCOS_BUILD/bin/dcosctl logs --stderr lease | grep -q held"
timeout "$DEADLINE" "$DCOS_BUILD/bin/dcosctl" logs lease > "$T/lease" 2>&1
is "$? $(cut -d';' -f1 "$T/lease")" "1 dcosctl: the agent failed: EAGAIN" "a log with a lease of the task's is not waited for"
like "$(cat "$T/agent.log")" 'lease: its log can.t be read before' "and the agent says why"
ok "and the agent serves others" timeout "$DEADLINE" "$DCOS_BUILD/bin/dcosctl" inspect neighbour
run --id leaser --image host -- perl -e 'open(F, "<", "/etc/passwd") or exit 8; exit(fcntl(F, 1024, 1) ? 9 : $!{EACCES} ? 7 : 6)'
is "$(dcosctl wait leaser > /dev/null; echo $?)" 7 "under the default profile there are no leases of the host's files"

# --- the agent itself ----------------------------------------------------------------
# what it is: by a number that means another process inside, by the paths of its files, by sockets
root --id prowler --env "A=$AGENT_PID" --env "D=$T" -- sh -c '
	kill -0 $A 2> /dev/null && ! grep -q "^NSpid:.*	$A$" /proc/$A/status && echo "sees the agent"
	for f in $D/run/agent.sock $D/state/tasks $D/state/logs $D/bpf/dcos; do [ ! -e $f ] || echo $f; done
	grep -asq "dcos[-]agent" /proc/*/cmdline && echo "sees its command"
	grep -asq "DCOS_TEST[_]MARK" /proc/*/environ && echo "sees its environment"
	echo looked'
dcosctl wait prowler > /dev/null
is "$(dcosctl logs prowler)" looked "a task in the host's tree finds neither process nor files of the agent"
inodes=$(ls -l "/proc/$AGENT_PID/fd" | grep -o 'socket:\[[0-9]*' | tr -dc '0-9\n' | paste -sd'|')
is "$(grep -E " ($inodes) +@" /proc/net/unix)" "" "the agent has no abstract socket (CVE-2020-15257)"

# the kernel lets processes of one user trace, signal and read each other's
run --id twin --image "$T/img" -- sleep 10000
base_of() { awk '{print $2}' "/proc/$(json inspect "$1" | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2)/uid_map"; }
one=$(base_of neighbour) two=$(base_of twin)
[ -n "$one" ] && [ -n "$two" ] && [ $((one > two ? one - two : two - one)) -ge 65536 ]
tap $? "no user of a task is a user of another task or of the host"
like "$(dcosctl run --image "$T/img" --mount "$T/state:/stolen" -- true 2>&1)" 'agent.s own' "files of the agent and of tasks can't be mounted by a task"

# --- more than there is --------------------------------------------------------------
run --id bomb --image "$T/img" --pids 40 -- sh -c 'bomb() { bomb | bomb & }; (while :; do bomb; done) & exec sleep 10000'
until_ok "$PATIENCE" said "--stderr bomb" "can't fork"
run --id files --image host --set 'rlimits.nofile=256' -- perl -e 'for (1 .. 8) { last unless fork } open($f[$_], "<", "/dev/null") or last for 0 .. 1e6; $| = 1; print "had $#f\n"; sleep 10000'
until_ok "$PATIENCE" said files had
like "$(dcosctl logs files | sort -u | paste -sd' ')" '^had 25[0-9]$' "a task opens as many files as its limit says"
tasks=$(find "$CGDIR" -path '*bomb*' -name cgroup.threads -exec cat {} + | wc -l)
[ "$tasks" -gt 0 ] && [ "$tasks" -le 40 ]
tap $? "a fork bomb that has met its limit has no more processes than it may"
ok "while both go on, others start and end" sh -c "$DCOS_BUILD/bin/dcosctl run --rm --image '$T/img' -- true"
ok "a fork bomb can be killed" dcosctl kill --signal KILL bomb
like "$(dcosctl wait bomb > /dev/null; dcosctl ps -a)" 'bomb +KILLED' "and is gone"

# arguments that no program can be given: one of more than 128 KiB, more than 2 MiB together
head -c 200000 /dev/zero | tr '\0' a > "$T/long"
spec() { printf '{"id":"long","image":"%s","command":["true"%s]}' "$T/img" "$1" > "$T/long.json"; }
spec ",\"$(< "$T/long")\""
like "$(dcosctl run --file "$T/long.json" 2>&1 | cut -c1-300)" 'command.1.: has 200000 bytes, allowed are at most 131071' "an argument that is too long is refused with its limit"
spec "$(for i in {1..20}; do printf ',"%s"' "$(head -c 131000 "$T/long")"; done)"
like "$(dcosctl run --file "$T/long.json" 2>&1 | cut -c1-300)" ': File too large' "and so are too many of them"
is "$(find "$CGDIR" -type d -path '*long*')" "" "and leaves nothing"

is "$(sed 's/.*) //' "/proc/$AGENT_PID/stat" | cut -d' ' -f20)" "$began" "the agent is still the same process"
like "$(dcosctl ps)" 'neighbour +RUNNING' "and the neighbour runs"
tap_done
