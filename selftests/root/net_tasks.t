#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Private networks by way of the agent, whose host's network is one of this test's own: addresses
# that are shown, kept when the agent is started again, and free again when tasks have ended.
# Only in guest 6.12: of the kernel it asks what net_private does in all of them.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -n "${DCOS_TEST_NETNS:-}" ] || DCOS_TEST_NETNS=1 exec unshare --net bash "$0"

PATIENCE=120 # seconds, for what an emulated machine does too
MANY=20
[ "$DCOS_SRC" != /dcos/src ] || MANY=6 # in a guest, where each takes seconds
AGENT_CONF='[network]
ipv4 = 10.99.0.0/26
ipv6 = fd00:dc05::/64
dns = 192.0.2.53
forward = yes
[tasks]
kill_grace = 2s'
agent_paths
make_rootfs "$T/img"
ip link set lo up
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

ipv4() { dcosctl --json inspect "$1" | sed -n 's/.*"ipv4": *"\([0-9.]*\)".*/\1/p'; }
ipv6() { dcosctl --json inspect "$1" | sed -n 's/.*"ipv6": *"\([0-9a-f:]*\)".*/\1/p'; }
pid_of() { dcosctl --json inspect "$1" | grep -o '"pid": *[0-9]*' | head -1 | tr -dc 0-9; }
devices() { ip -o link show type veth | wc -l; }
no_devices() { [ "$(devices)" = 0 ]; }
all_ended() { ! dcosctl --json ps -a | grep -qE '"state": *"(STAGING|STARTING|RUNNING|KILLING)"'; }
refused() { ! "$@" > /dev/null 2>&1; }
sleeper() { dcosctl run --id "$1" --image "$T/img" --network private -- sleep 1000 > /dev/null; }

sleeper one
address=$(ipv4 one)
like "$address" '^10\.99\.0\.[0-9]+$' "inspect shows the address of a private task"
like "$(ip -o link show type veth)" "alias dcos:one:" "the host's device says whose it is"
is "$(grep -c "^${address//./\\.}[[:blank:]]one$" "/proc/$(pid_of one)/root/etc/hosts")" 1 \
	"the task's /etc/hosts has its name and address"
ok "the host reaches it there" busybox ping -c 1 -W 9 "$address"

agent_stop KILL
agent_start || diag "the agent did not start"
is "$(ipv4 one)" "$address" "an agent that is started again knows the address"
dcosctl run --id none --image "$T/img" --network none -- sleep 1000 > /dev/null
is "$(ipv4 none)" "" "a task with no network has none"
dcosctl kill none > /dev/null

# --- nat: a neighbour of the host, which knows no way to the tasks -----------------------------
nat=$(dcosctl --json doctor | tr -d '\n' | grep -o '"name": *"nat of private networks"[^}]*')
if [[ $nat == *'"ok": true'* || $nat == *'"ok":true'* ]]; then
	unshare --net sleep 1000 &
	far=$!
	other_net() { [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
	until_ok "$PATIENCE" other_net
	ip link add near type veth peer name far netns $far
	ip addr add 192.0.2.1/24 dev near && ip link set near up
	beyond() { nsenter --target $far --net "$@"; }
	inside() { nsenter --target "$(pid_of one)" --net busybox ping -c 1 -W "$1" "$2" > /dev/null; }
	beyond ip addr add 192.0.2.2/24 dev far && beyond ip link set far up
	is "$(cat /proc/sys/net/ipv4/ip_forward)" 1 "forward = yes: the host forwards"
	six= page6='exec 3<> /dev/tcp/2001:db8::1/8080 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3 | tail -n 1'
	[ ! -e /proc/sys/net/ipv6 ] || six=1
	if [ "$six" ]; then
		like "$(ipv6 one)" '^fd00:dc05::[0-9a-f]+$' "inspect shows its IPv6 address"
		ip -6 addr add 2001:db8::1/64 dev near nodad
		beyond ip -6 addr add 2001:db8::2/64 dev far nodad
		reaches6() { nsenter --target "$(pid_of one)" --net busybox ping -6 -c 1 -W 9 2001:db8::2 > /dev/null; }
		ok "by IPv6 a task reaches the neighbour too" until_ok "$PATIENCE" reaches6
	else
		skip "IPv6" "this host has none"
	fi
	ok "a task reaches a neighbour of the host, who sees the host's address" inside 9 192.0.2.2
	dcosctl run --id pub --image "$T/img" --network private --publish 8080:80 --publish 5353:53/udp -- \
		sh -c 'mkdir -p /tmp/www; echo published > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www' > /dev/null
	is "$?" 0 "a task with published ports starts"
	page='exec 3<> /dev/tcp/192.0.2.1/8080 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3 | tail -n 1'
	fetch() { "$@" timeout 9 bash -c "$page" 2> /dev/null; }
	serves() { [ "$(fetch)" = published ]; }
	ok "the host reaches it by the port of its own address" until_ok "$PATIENCE" serves
	is "$(fetch beyond)" published "so does the neighbour"
	if [ "$six" ]; then
		page4=$page page=$page6
		is "$(fetch)/$(fetch beyond)" published/published "and both by IPv6"
		page=$page4
	fi
	is "$(fetch nsenter --target "$(pid_of one)" --net)" published "and another task"
	like "$(dcosctl run --id pub2 --image "$T/img" --network private --publish 8080:81 -- true 2>&1)" \
		'publish: a port that another container has' "a port that a task has is refused"
	like "$(dcosctl run --id pub2 --image "$T/img" --publish 8081:81 -- true 2>&1)" 'publish: needs the network' "so is one without a private network"
	busybox nc -l -p 8082 > /dev/null < /dev/zero &
	nc=$!
	listens() { grep -q ':1F92 ' /proc/net/tcp /proc/net/tcp6; }
	until_ok "$PATIENCE" listens
	like "$(dcosctl run --id pub2 --image "$T/img" --network private --publish 8082:81 -- true 2>&1)" \
		'publish: 8082/tcp of the host: Address already in use' "and one that the host has"
	kill $nc
	wait $nc 2> /dev/null
	agent_stop KILL
	nft flush map inet dcos publish
	agent_start || diag "the agent did not start"
	ok "an agent that is started again publishes what was flushed" until_ok "$PATIENCE" serves
	dcosctl kill --signal KILL pub > /dev/null
	elements() { nft list map inet dcos publish | grep -c elements; }
	none() { [ "$(elements)" = 0 ]; }
	ok "with the task its ports end" until_ok "$PATIENCE" none
	sleeper two
	ok "the host reaches the next task" busybox ping -c 1 -W 9 "$(ipv4 two)"
	ok "but no other task does" refused inside 1 "$(ipv4 two)"
	[ -z "$six" ] || ok "nor by IPv6" refused inside 1 "$(ipv6 two)"
	beyond ip route add 10.99.0.0/26 via 192.0.2.1
	ok "the neighbour reaches no task" refused beyond busybox ping -c 1 -W 1 "$address"
	dcosctl kill --signal KILL two > /dev/null
	kill $far
	wait $far 2> /dev/null
else
	skip "nat of private networks" "${nat:-doctor has no line about it}"
fi

# --- many at once, and the agent killed among them ------------------------------------------
runs=()
for i in $(seq $MANY); do
	sleeper "t$i" 2> /dev/null &
	runs+=($!)
done
until_ok "$PATIENCE" eval '[ "$(devices)" -gt 3 ]'
agent_stop KILL
wait "${runs[@]}"
agent_start || diag "the agent did not start"
shown=$(for id in one $(seq -f 't%g' $MANY); do ipv4 "$id" 2> /dev/null; done)
is "$(sort -u <<< "$shown" | wc -l)" "$(wc -l <<< "$shown")" "no two tasks have one address"
for id in one $(seq -f 't%g' $MANY); do
	dcosctl kill --signal KILL "$id" 2> /dev/null
done > /dev/null
ok "tasks and half-made ones end" until_ok "$PATIENCE" all_ended
ok "their devices are gone" until_ok "$PATIENCE" no_devices
is "$(find "$T/run/net" -mindepth 1)" "" "and their files"

sleeper again
like "$(ipv4 again)" '^10\.99\.0\.' "addresses are free for others"
dcosctl kill --signal KILL again > /dev/null
ok "and that one too" until_ok "$PATIENCE" no_devices
agent_stop
is "$(agent_leftovers)" "" "nothing is left of all that"
tap_done
