#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Network quotas against tbf and htb at the same rates, in one run: iperf3 as a task of an agent,
# over a pair of virtual Ethernet devices to another network namespace. No test: nothing fails.
# netquota.sh [SECONDS [RATES [FLOWS [WITH]]]]: seconds of each run (10), mbit ("10 100 1000"), TCP
# connections or udp ("1 8 32 udp"), what holds the rate ("dcos tbf htb"; "none" for no limit;
# "dcos-in" for what the task receives instead, "dcos-local" for what it receives from another task).
# Needs root, iperf3, tc, DCOS_BUILD, DCOS_SRC. All in network namespaces of its own.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
[ -n "${NETQUOTA_INSIDE:-}" ] || NETQUOTA_INSIDE=1 exec unshare -n -- "$0" "$@"
. "$DCOS_SRC/selftests/harness/agent.sh"

seconds=${1:-10}
rates=${2:-10 100 1000}
flows=${3:-1 8 32 udp}
with=${4:-dcos tbf htb}
here=10.77.0.1 there=10.77.0.2 port=5201
peer= server_ip=

need() { command -v "$1" > /dev/null || { echo "$1 is missing" >&2; exit 1; }; }

# the peer: a namespace that a sleeping process keeps, and a server in it
peer_start() {
	unshare -n sleep 100000 &
	peer=$!
	until_ok 5 test ! "/proc/$peer/ns/net" -ef /proc/self/ns/net || return 1
	ip link set lo up && ip link add veth0 type veth peer name eth0 netns "$peer" &&
		ip addr add $here/24 dev veth0 && ip link set veth0 up &&
		nsenter -t "$peer" -n ip addr add $there/24 dev eth0 &&
		nsenter -t "$peer" -n ip link set eth0 up || return 1
	nsenter -t "$peer" -n iperf3 -s -J -p $port > /dev/null 2>&1 &
	server=$!
	until_ok 10 server_listens
}
server_listens() { nsenter -t "${1:-$peer}" -n ss -Htln "sport = :$port" | grep -q .; }

# the same server as a task; sets server_ip
server_task() {
	local json

	printf '{"id":"server","image":"host","network":"private","command":["iperf3","-s","-p","%s"]}' $port |
		dcosctl run -f - > /dev/null || return 1
	json=$(dcosctl --json inspect server)
	server_ip=$(sed -n 's/.*"ipv4": *"\([0-9.]*\)".*/\1/p' <<< "$json")
	until_ok 10 server_listens "$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' <<< "$json")"
}

# no queueing discipline, or the one of that name at MBIT
queue() { # WITH MBIT
	tc qdisc del dev veth0 root 2> /dev/null
	case $1 in
	tbf) tc qdisc add dev veth0 root tbf rate "$2mbit" burst "$(burst "$2")" latency 100ms ;;
	htb) tc qdisc add dev veth0 root handle 1: htb default 1 &&
		tc class add dev veth0 parent 1: classid 1:1 htb rate "$2mbit" burst "$(burst "$2")" ;;
	esac
}
# what the quota's own burst is: of 10 ms, 32 KiB at least
burst() { awk -v m="$1" 'BEGIN {b = m * 1250; print b < 32768 ? 32768 : b}'; }

# the client's report of one run
client() { # WITH MBIT FLOWS
	local limit= args=("-P" "$3") to=$there

	[ "$3" != udp ] || args=(-u -b "$(($2 * 2))M" -l 1400)
	[ "$1" != dcos-in ] || { limit="\"ingress\":\"$2mbit\"" && args+=(-R); }
	[ "$1" != dcos-local ] || {
		limit="\"ingress\":\"$2mbit\"" && args+=(-R)
		to=$server_ip
	}
	[ "$1" != dcos ] || limit="\"egress\":\"$2mbit\""
	printf '{"id":"client","image":"host","network":"host","log_max":"4M",
		"resources":{%s},
		"command":["iperf3","-c","%s","-p","%s","-J","--get-server-output","-t","%s"%s]}' "$limit" "$to" $port \
		"$seconds" "$(printf ',"%s"' "${args[@]}")" | dcosctl run -f - > /dev/null || return 1
	dcosctl wait client > /dev/null
	dcosctl logs client | tee "${NETQUOTA_KEEP:-/dev/null}"
	dcosctl rm client > /dev/null
}

# goodput and its most in a second in % of the rate, mean round trip, retransmits, Jain's index,
# seconds of CPU in both processes a gigabyte
summary() { # MBIT
	perl -MJSON::PP -e '
		my $rate = shift() * 1e6;
		local $/;
		my $r = decode_json(<STDIN>);
		if ($r->{error}) { print "- - - - - -"; exit }
		my ($end, $rtt, $most, @per) = ($r->{end}, 0, 0);
		for (@{$r->{end}{streams}}) {
			push @per, ($_->{receiver} || $_->{udp})->{bits_per_second};
			$rtt += $_->{sender}{mean_rtt} / @{$r->{end}{streams}} if $_->{sender};
		}
		my $got = $end->{sum_received} || $end->{sum};
		my $bits = $got->{bits_per_second};
		my $receiver = $r->{start}{test_start}{reverse} ? $r : $r->{server_output_json} || {};
		for (@{$receiver->{intervals}}) { # the sender fills buffers first
			my $i = $_->{sum};
			$most = $i->{bits_per_second} if $i->{bits_per_second} > $most && $i->{seconds} > 0.9;
		}
		my ($s, $q) = (0, 0);
		$s += $_, $q += $_ * $_ for @per;
		my $cpu = $end->{cpu_utilization_percent};
		my $gb = $bits / 8 * $got->{seconds} / 1e9;
		my $busy = ($cpu->{host_total} + $cpu->{remote_total}) / 100 * $got->{seconds};
		printf "%.1f %.1f %s %s %s %.2f", 100 * $bits / $rate, 100 * $most / $rate,
			$rtt ? sprintf("%.2f", $rtt / 1000) : "-",
			$end->{sum_sent}{retransmits} // "-",
			$rtt ? sprintf("%.3f", $q ? $s * $s / (@per * $q) : 0) : "-", $gb ? $busy / $gb : 0;
	' "$1"
}

row() { printf '%9s %5s %5s %8s %8s %9s %8s %6s %7s\n' "$@"; }

need iperf3
need tc
need ip
need ss
need nsenter
agent_paths
trap '[ -z "$peer" ] || kill "$server" "$peer"; agent_cleanup' EXIT
peer_start && agent_start || exit 1
[[ $with != *local* ]] || server_task || exit 1
printf 'Linux %s, %s CPUs, %s s a run\n' "$(uname -r)" "$(nproc)" "$seconds"
row 'rate Mbit' flows with 'goodput%' 'most 1s%' 'RTT ms' retrans Jain 's/GB'
for rate in $rates; do
	for nr in $flows; do
		for what in $with; do
			queue "$what" "$rate" || { row "$rate" "$nr" "$what" - - - - - -; continue; }
			# shellcheck disable=SC2046 # six words
			row "$rate" "$nr" "$what" $(client "$what" "$rate" "$nr" | summary "$rate")
		done
	done
done
