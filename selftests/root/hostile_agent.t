#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile tasks against the agent that runs them: it goes on, the log stays bounded, others are
# served. Most of them as root in the host's tree without a filter, which can do the most.
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
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

json() { dcosctl --json "$@" | tr -d ' \n'; }
run() { dcosctl run "$@" > /dev/null; }
root() { run --image host --seccomp unconfined "$@"; }
fds() { ls "/proc/$AGENT_PID/fd" | wc -l; }
said() { dcosctl logs "$1" | grep -q "$2"; }
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
tap_done
