# SPDX-License-Identifier: Apache-2.0
# Machines of a cluster on one: each node is an agent and its uplink in a network namespace of their
# own, with paths and a cgroup of their own; the allocator has one, too, and a bridge joins them.
# Source it behind agent.sh. Needs DCOS_BUILD; sets T, URL, ALLOCATOR_PID; cluster_cleanup takes all
# back.
HUB=10.77.0.1
AGENT_PIDS=() UPLINK_PIDS=() ALLOCATOR_PID=

cluster_paths() {
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
	CGROUP2=$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)
	chmod 755 "$T"
	mkdir "$T/net" "$T/store"
	trap cluster_cleanup EXIT
	trap 'exit 1' INT TERM
	dcosctl pki --dir "$T/pki" init && dcosctl pki --dir "$T/pki" allocator "$HUB"
}

in_net() { nsenter --net="$T/net/$1" "${@:2}"; }

# net_new NAME: a namespace that its file keeps; the hub's has the bridge
net_new() {
	touch "$T/net/$1" && unshare --net="$T/net/$1" true && in_net "$1" ip link set lo up
}

cluster_hub() {
	net_new hub && in_net hub ip link add br0 type bridge &&
		in_net hub ip addr add "$HUB/24" dev br0 && in_net hub ip link set br0 up
}

# node_net NUMBER: its wire to the hub
node_net() {
	net_new "n$1" && in_net hub ip link add "v$1" type veth peer name eth0 netns "$T/net/n$1" &&
		in_net hub ip link set "v$1" master br0 up &&
		in_net "n$1" ip addr add "10.77.0.$((10 + $1))/24" dev eth0 && in_net "n$1" ip link set eth0 up
}

# node_paths NUMBER: its directory, configuration and certificate
node_paths() {
	local dir=$T/n$1

	mkdir -p "$dir"
	chmod 755 "$dir"
	cat > "$dir/agent.conf" <<-CONF
		[agent]
		state_dir = $dir/state
		run_dir = $dir/run
		socket = $dir/run/agent.sock
		node = n$1
		[cgroup]
		path = /dcos-test-$$-n$1
		[meter]
		bpffs = $dir/bpf
		pin_dir = dcos
		[network]
		forward = yes
	CONF
	dcosctl pki --dir "$T/pki" node "n$1"
}

# on NUMBER COMMAND...: dcosctl there
on() { DCOS_SOCKET=$T/n$1/run/agent.sock dcosctl "${@:2}"; }

node_agent() { # NUMBER: start its agent
	nsenter --net="$T/net/n$1" "$DCOS_BUILD/bin/dcos-agent" --config "$T/n$1/agent.conf" \
		> "$T/n$1/agent.out" 2>> "$T/n$1/agent.log" < /dev/null &
	AGENT_PIDS[$1]=$!
	until_ok 60 on "$1" info
}

node_uplink() { # NUMBER [OPTION...]: start its uplink
	nsenter --net="$T/net/n$1" "$DCOS_BUILD/bin/dcos-uplink" --allocator "$HUB:7070" --socket "$T/n$1/run/agent.sock" \
		--ca "$T/pki/ca.crt" --certificate "$T/pki/n$1.crt" --key "$T/pki/n$1.key" "${@:2}" \
		> /dev/null 2>> "$T/n$1/uplink.log" < /dev/null &
	UPLINK_PIDS[$1]=$!
}

node_start() { node_net "$1" && node_paths "$1" && node_agent "$1" && node_uplink "$@"; }

# allocator_start: in the hub's namespace; its HTTP is at $URL there, see call
allocator_start() {
	: > "$T/allocator.log"
	nsenter --net="$T/net/hub" "$DCOS_BUILD/bin/dcos-allocator" -l "$HUB:8080" --state "$T/store" --web "$DCOS_SRC/tools/allocator/web" --agents "$HUB:7070" \
		--ca "$T/pki/ca.crt" --certificate "$T/pki/allocator.crt" --key "$T/pki/allocator.key" \
		> /dev/null 2>> "$T/allocator.log" < /dev/null &
	ALLOCATOR_PID=$!
	URL=http://$HUB:8080
	until_ok 20 grep -q serves "$T/allocator.log"
}

# call METHOD PATH [BODY]: of the allocator's HTTP
call() { in_net hub curl -s --max-time 20 -X "$1" ${3+-d "$3"} "$URL$2"; }

# end PID [SIGNAL]
end() {
	[ -z "${1:-}" ] || kill "-${2:-TERM}" "$1" 2> /dev/null
	[ -z "${1:-}" ] || wait "$1" 2> /dev/null
} 2> /dev/null

node_cleanup() {
	local dir=$CGROUP2/dcos-test-$$-n$1

	end "${UPLINK_PIDS[$1]:-}"
	end "${AGENT_PIDS[$1]:-}"
	if [ -d "$dir" ]; then
		echo 1 > "$dir/cgroup.kill" 2> /dev/null
		until_ok 5 grep -q 'populated 0' "$dir/cgroup.events"
		find "$dir" -depth -type d -exec rmdir {} \; 2> /dev/null
	fi
	if mountpoint -q "$T/n$1/bpf"; then
		rm -rf "$T/n$1/bpf/dcos"
		until_ok 5 umount "$T/n$1/bpf" # who thaws tasks of a killed agent is there for a moment
	fi
}

cluster_cleanup() {
	local file

	end "$ALLOCATOR_PID"
	for file in "$T"/n[0-9]*; do
		[ ! -d "$file" ] || node_cleanup "${file##*/n}"
	done
	for file in "$T"/net/*; do umount "$file" 2> /dev/null; done
	rm -rf "$T"
}
