# SPDX-License-Identifier: Apache-2.0
# For tests that kill the agent: source it behind tap.sh and agent.sh.
CRASH_AGENT=$DCOS_BUILD/crash/bin/dcos-agent
PATIENCE=60

exec {TICKS}<> <(:) # nothing comes out of it: read is a pause that needs no process
tick() { read -r -t 0.01 -u "$TICKS" || :; }
# alive: nor is it a zombie that this shell has not waited for yet
alive() {
	local stat=

	[ -n "$AGENT_PID" ] && read -r stat 2> /dev/null < "/proc/$AGENT_PID/stat" && [[ $stat != *') '[ZX]* ]]
} 2> /dev/null
reap() { wait "$AGENT_PID" 2> /dev/null; AGENT_PID=; }

# crash_start [POINT]: returns 0 when the agent answers, 1 when it has ended before
crash_start() {
	local end=$((SECONDS + PATIENCE))

	rm -f "$DCOS_SOCKET"
	DCOS_CRASH_AT=${1:-} "$CRASH_AGENT" --config "$T/agent.conf" > "$T/agent.out" 2>> "$T/agent.log" < /dev/null &
	AGENT_PID=$!
	until [ -S "$DCOS_SOCKET" ] && dcosctl info > /dev/null 2>&1; do
		alive || { reap; return 1; }
		[ $SECONDS -lt $end ] || { diag "the agent does not answer"; kill -KILL "$AGENT_PID"; reap; return 1; }
		tick
	done
}

# died_at NAME: is that where the agent has ended?
died_at() { [ "$(tail -n 1 "$T/agent.log")" = "dcos-agent: crash point $1" ]; }

# processes of agents, of guards, of children that never came to their program
agents() {
	local dir nr=0

	for dir in $(grep -lzxF "$T/agent.conf" /proc/[0-9]*/cmdline 2> /dev/null); do
		[ "$(cat "${dir%cmdline}comm" 2> /dev/null)" = dcos-thaw ] || nr=$((nr + 1))
	done
	echo "$nr"
}

pins() { find "$T/bpf/dcos" -mindepth 1 2> /dev/null | sort; }

# observe ID...: findings about the agent's tasks; those named were told to run
observe() {
	dcosctl --json ps -a | "$DCOS_SRC/selftests/crash/observe.pl" "$T" "$CGDIR" "$@"
}
