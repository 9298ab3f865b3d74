#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make demo: the main job on this machine as it is. Runs real containers, meters them, shows them
# live, prints how each ended, and leaves nothing behind. Every claim that it prints is checked;
# the exit status is 0 only if all of them hold.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"

failed=0
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

# claim TEXT COMMAND...: print the claim with its verdict
claim() {
	local text=$1
	shift
	if "$@" > /dev/null 2>&1; then
		echo "  [ok]   $text"
	else
		echo "  [FAIL] $text"
		failed=$((failed + 1))
	fi
}

field() { dcosctl --json inspect "$1" | tr -d ' \n' | grep -o "\"$2\":\"\?[^,}\"]*" | head -1 | sed 's/.*[":]//'; }
ended() { # ID STATUS: wait gives this status
	local rc=0
	dcosctl wait "$1" > /dev/null || rc=$?
	[ "$rc" = "$2" ]
}

[ "$(id -u)" = 0 ] || { echo "make demo needs root: sudo make demo" >&2; exit 1; }
AGENT_INTERVAL=500ms
agent_paths
make_rootfs "$T/img"

say "An agent on private paths"
agent_start || exit 1
run dcosctl info

say "What this host can do, and what is used instead where it cannot"
run dcosctl doctor || true

say "Tasks from a real root file system: own namespaces, user ids, cgroup, seccomp filter, devices"
run dcosctl run --id busy --image "$T/img" --cpus 0.5 --memory 64M --pids 50 -- sh -c 'while :; do :; done'
run dcosctl run --id sleeper --image "$T/img" -- sleep 1000
run dcosctl run --id exits-3 --image "$T/img" -- sh -c 'echo "I end with 3"; exit 3'
run dcosctl run --id pipes --image "$T/img" -- sh -c 'while :; do yes | head -c 30m > /dev/null; done'
run dcosctl run --id bad-syscall --image "$T/img" -- sh -c 'unshare -U true || exit 42'
run dcosctl run --id no-filter --image "$T/img" --seccomp unconfined -- sh -c 'unshare -U true || exit 42'
run dcosctl run --id bad-device --image host --seccomp unconfined --cap MKNOD -- \
	sh -c 'mknod /dev/shm/mem c 1 1; dd if=/dev/shm/mem of=/dev/null count=1 || exit 43'

say "dcosctl ps"
run dcosctl ps -a

say "dcostop for three seconds"
run "$DCOS_BUILD/bin/dcostop" -b -n 6 | tee "$T/top"

say "What was claimed"
claim "exits-3 ended with 3" ended exits-3 3
claim "and its output is in its log" grep -q 'I end with 3' <(dcosctl logs exits-3)
claim "the forbidden system call was denied" ended bad-syscall 42
claim "by the seccomp filter: without it the same call is made" ended no-filter 0
claim "the forbidden device was denied" ended bad-device 43
denied=$(field bad-device device_denied)
[ -z "$denied" ] || claim "and the denial was counted ($denied)" [ "$denied" -ge 1 ]
c1=$(field busy cpu_ns) w1=$(field busy nr_switches)
read -r -t 1 <> <(:) || :
c2=$(field busy cpu_ns) w2=$(field busy nr_switches)
claim "busy's meter moves: $c1 to $c2 ns on CPU in a second" [ "$c2" -gt "$((c1 + 50000000))" ]
[ -z "$w1" ] || claim "and it was switched $w1 to $w2 times" [ "$w2" -ge "$w1" ]
claim "dcostop showed busy using CPU" grep -Eq 'busy +RUNNING +[1-9][0-9]*' "$T/top"
claim "and pipes, which forked $(field pipes nr_forks) processes so far" \
	grep -Eq 'pipes +RUNNING +[1-9][0-9]*' "$T/top"
claim "sleeper runs in namespaces of its own" \
	[ "$(readlink "/proc/$(field sleeper pid)/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]

say "The agent is killed, the tasks are not"
pid=$(field busy pid)
agent_stop KILL
claim "busy survives SIGKILL of the agent" kill -0 "$pid"
agent_start || exit 1
claim "the new agent has adopted it" [ "$(field busy state)/$(field busy pid)" = "RUNNING/$pid" ]
claim "and its counters went on" [ "$(field busy cpu_ns)" -gt "$c2" ]

say "Everything ends"
run dcosctl kill busy pipes sleeper
claim "busy was killed" ended busy 137
claim "sleeper was killed" ended sleeper 137
run dcosctl ps -a
dcosctl drain > /dev/null
agent_stop
claim "no cgroup, mount or layer is left" [ -z "$(agent_leftovers)" ]
pins=$(find "$T/bpf/dcos" -type f | wc -l)
bpf=$T/bpf cg=$CGDIR
agent_cleanup
trap - EXIT
claim "the meter's $pins pins, its bpffs and its cgroup are taken away" \
	sh -c "! grep -qF '$bpf' /proc/self/mountinfo && [ ! -e '$cg' ] && [ ! -e '$T' ]"

if [ "$failed" = 0 ]; then
	say "All claims hold"
else
	say "$failed claims do not hold"
	exit 1
fi
