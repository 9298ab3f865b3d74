# SPDX-License-Identifier: Apache-2.0
# An agent on private paths, for root tests and the demo. Everything it makes is below $T, below
# the cgroup $CGROUP, or a mount on $T/bpf; agent_cleanup takes it all back.
# Needs DCOS_BUILD; sets T, CGROUP, CGDIR, AGENT_PID, DCOS_SOCKET.

agent_paths() {
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
	CGROUP=dcos-test-$$
	CGDIR=$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)/$CGROUP
	export DCOS_SOCKET=$T/run/agent.sock
	chmod 755 "$T"
	cat > "$T/agent.conf" <<-CONF
		[agent]
		state_dir = $T/state
		run_dir = $T/run
		socket = $DCOS_SOCKET
		node = test-node
		[cgroup]
		path = /$CGROUP
		[meter]
		bpffs = $T/bpf
		pin_dir = dcos
		interval = ${AGENT_INTERVAL:-1s}
		${AGENT_CONF:-}
	CONF
	trap agent_cleanup EXIT
	trap 'exit 1' INT TERM
}

# wait until COMMAND succeeds, at most SECONDS: for what has no event to wait for
until_ok() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.05 <> <(:) || :
	done
}

agent_start() {
	"$DCOS_BUILD/bin/dcos-agent" --config "$T/agent.conf" > "$T/agent.out" 2>> "$T/agent.log" < /dev/null &
	AGENT_PID=$!
	until_ok 60 dcosctl info || {
		sed 's/^/# agent: /' "$T/agent.log"
		return 1
	}
}

# agent_stop [SIGNAL]: default a clean stop
agent_stop() {
	[ -n "${AGENT_PID:-}" ] || return 0
	kill "-${1:-TERM}" "$AGENT_PID" 2> /dev/null
	wait "$AGENT_PID" 2> /dev/null
	AGENT_PID=
}

wait_pid() { timeout "${2:-20}" tail --pid="$1" -f /dev/null; }
dcosctl() { "$DCOS_BUILD/bin/dcosctl" "$@"; }

# A small root file system of busybox in DIR
make_rootfs() {
	local dir=$1 name

	mkdir -p "$dir"/{bin,dev,proc,sys,tmp,etc,root}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for name in $("$dir/bin/busybox" --list); do
		[ "$name" = busybox ] || ln -sf busybox "$dir/bin/$name"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n' > "$dir/etc/passwd"
	printf 'root:x:0:\nweb:x:1000:\n' > "$dir/etc/group"
}

# what an agent and its tasks could have left: one line each, nothing if clean
agent_leftovers() {
	[ ! -d "$CGDIR" ] || find "$CGDIR" -mindepth 1 -type d | sed 's/^/cgroup: /'
	grep -F "$T/" /proc/self/mountinfo | grep -v " $T/bpf " | sed 's/^/mount: /'
	[ ! -d "$T/state/rootfs" ] || find "$T/state/rootfs" -mindepth 1 | sed 's/^/file: /'
}

agent_cleanup() {
	agent_stop
	if [ -d "$CGDIR" ]; then
		echo 1 > "$CGDIR/cgroup.kill" 2> /dev/null
		until_ok 5 grep -q 'populated 0' "$CGDIR/cgroup.events"
		find "$CGDIR" -depth -type d -exec rmdir {} \; 2> /dev/null
	fi
	if mountpoint -q "$T/bpf"; then
		rm -rf "$T/bpf/dcos"
		umount "$T/bpf"
	fi
	rm -rf "$T"
}
