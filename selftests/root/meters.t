#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the agent tells of tasks with a known load: Usage, History, flight records, Metrics; and
# snapshots for subscribers that are many, slow in their rate, or left waiting.
# Not in guests: loads of real time against meters; under software emulation a loop gets too little of it.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type perl > /dev/null 2>&1 || tap_skip_all "needs perl"

PATIENCE=60
AGENT_INTERVAL=100ms
agent_paths
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

json() { dcosctl --json "$@" | tr -d ' \n'; }
peer() { perl "$DCOS_SRC/selftests/harness/peer.pl" "$@"; }
usage() { json inspect "$1" | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }
metric() { json metrics | grep -o "\"$1\":[0-9]*" | head -1 | cut -d: -f2; }
# series ID NAME [SECONDS]: its values, one a line
series() { json history ${3:+-n "$3"} "$1" | grep -o "\"$2\":\[[0-9,]*" | cut -d'[' -f2 | tr , '\n' | grep .; }
values() { series "$@" | wc -l; }
sum() { series "$@" | awk '{s += $1} END {printf "%.0f\n", s}'; }
at_least() { [ "$(values "$1" "$2")" -ge "$3" ]; }
run() { dcosctl run --image host "$@" > /dev/null; }
# near GOT WANT PERCENT NAME
near() {
	awk "BEGIN {d = $1 - $2; if (d < 0) d = -d; exit !($2 > 0 && d * 100 <= $2 * $3)}"
	tap $? "$4 ($1, $2)"
}
metered() { json doctor | grep -q '"name":"meter","kind":"isolator","ok":true'; }

mkdir "$T/disk"
run --id half -- perl -MTime::HiRes=sleep -e 'while () { my $end = times() + 0.05; do { 1 for 1 .. 1000 } while times() < $end; sleep 0.05 }'
run --id sleeps -- sleep 10000
run --id writes --workdir "$T/disk" -- sh -c 'while :; do dd if=/dev/zero of=x bs=1M count=4 conv=fsync 2> /dev/null; sleep 0.2; done'
ok "values come with the readings" until_ok "$PATIENCE" at_least half cpu 40

# --- a known load ----------------------------------------------------------------------------
awk -v max=650000 '{s += $1} END {exit !(s / NR > 20000 && s / NR < max)}' < <(series half cpu)
tap $? "a task that runs half of the time takes no more than half a CPU, and some"
series sleeps cpu | awk 'NR > 5 {s += $1} END {exit !(s < 20000)}'
tap $? "one that sleeps takes none"
if metered; then
	series half memory_bytes | awk 'NR > 5 && $1 < 1000000 {bad = 1} END {exit bad}'
	tap $? "its memory is told all the time"
	user=$(usage half cpu_user_us) system=$(usage half cpu_system_us)
	[ "$((user + system))" -gt 0 ] && [ "$user" -gt "$system" ]
	tap $? "a loop in user mode is user time ($user us, $system us)"
else
	skip "its memory is told all the time" "no BPF meter here"
	skip "a loop in user mode is user time" "no BPF meter here"
fi
moment=$(json inspect half)
of_moment() { grep -o "\"$1\":[0-9]*" <<< "$moment" | head -1 | cut -d: -f2; }
is "$(($(of_moment cpu_user_us) + $(of_moment cpu_system_us)))" "$(($(of_moment cpu_ns) / 1000))" "user and system time add up to CPU time"
cpu_before=$(usage half cpu_ns)
[ "$(usage half cpu_ns)" -ge "$cpu_before" ]
tap $? "counters do not go back"

case $(stat -f -c %T "$T/disk") in
ext2/ext3 | xfs | btrfs) on_disk=1 ;;
*) on_disk= ;;
esac
if [ "$on_disk" ] && [ -n "$(usage writes disk_write_bytes)" ]; then
	wrote() { [ "$(usage writes disk_write_bytes)" -ge 8388608 ]; }
	ok "what a task writes to a disk is counted" until_ok "$PATIENCE" wrote
	ok "and is in its history" sh -c "[ $(sum writes disk_write) -gt 0 ]"
	disks=$(json inspect writes | grep -o '"disks":\[[^]]*\]')
	like "$disks" '"device":"[0-9]+:[0-9]+"' "the disk is named by its number"
	[ "$(sum writes disk_p99_us)" -gt 0 ]
	tap $? "and its latency told"
else
	for name in "what a task writes to a disk is counted" "and is in its history" "the disk is named by its number" "and its latency told"; do
		skip "$name" "$T is on no disk, or disks are not metered here"
	done
fi

run --id talks --network none -- perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1", PeerPort => 9) or die;
	while () { $s->send("x" x 1000) for 1 .. 50; select undef, undef, undef, 0.05 }'
if [ -n "$(usage talks tx_bytes)" ]; then
	talked() { [ "$(usage talks tx_udp_bytes)" -gt 1000000 ]; }
	ok "what a task sends is counted, by protocol" until_ok "$PATIENCE" talked
	moment=$(json inspect talks)
	[ "$(of_moment tx_udp_bytes)" -eq $(($(of_moment tx_udp_packets) * 1028)) ]
	tap $? "to the byte, with the headers of IP and UDP"
	[ "$(sum talks tx)" -gt 1000000 ]
	tap $? "and is in its history"
else
	for name in "what a task sends is counted, by protocol" "to the byte, with the headers of IP and UDP" "and is in its history"; do
		skip "$name" "packets are not metered here"
	done
fi

dcosctl run --id quota --image host --cpus 0.2 -- sh -c 'while :; do :; done' > /dev/null 2> "$T/warnings"
if ! grep -q 'resources.cpus' "$T/warnings"; then
	is "$(usage quota cpu_quota_millionths)" 200000 "a quota that holds is told"
	until_ok "$PATIENCE" at_least quota cpu 40
	series quota cpu | awk '{s += $1} END {exit !(s / NR < 300000)}'
	tap $? "the task gets no more"
	[ "$(usage quota nr_throttled)" -gt 0 ] && [ "$(usage quota nr_throttled)" -le "$(usage quota nr_periods)" ]
	tap $? "and the periods in which it was stopped are counted"
	[ "$(sum quota throttled)" -gt 0 ]
	tap $? "the time is in its history"
else
	for name in "a quota that holds is told" "the task gets no more" "and the periods in which it was stopped are counted" "the time is in its history"; do
		skip "$name" "nothing enforces CPU quotas here"
	done
fi
dcosctl kill --grace 0 quota

# --- how much, how far back --------------------------------------------------------------------
is "$(values half cpu 1)" 10 "one second at ten readings a second is ten values"
like "$(peer call io.dcos.Agent.History '{"id":"nobody"}')" 'NoSuchTask' "history of an unknown task"
like "$(peer call io.dcos.Agent.History '{"id":"half","seconds":0}')" 'seconds: a whole number, 1 to 36000' "no seconds are refused with the range"
like "$(peer call io.dcos.Agent.History '{"id":"half","seconds":"x"}')" 'InvalidParameter' "what is no number is refused"

# --- flight records ------------------------------------------------------------------------------
run --id short -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; exit 3'
dcosctl wait short > /dev/null 2>&1
[ "$(values short cpu)" -ge 1 ] && [ "$(sum short cpu)" -gt 0 ]
tap $? "a task that ended between two readings has a value of its life"
dcosctl kill --grace 0 half
dcosctl wait half > /dev/null 2>&1
like "$(json ps -a | grep -o '"id":"half","state":"[A-Z]*"')" KILLED "the busy task is ended"
near "$(sum half cpu)" "$(($(usage half cpu_ns) / 100))" 20 "its flight record adds up to its CPU time"
[ "$(usage half processes)" = 0 ] || ! metered
tap $? "nothing of it is left"
record=$(json history half)
disks=$(json inspect half | grep -o '"disks":\[[^]]*\]')
kept=$(usage sleeps nr_execs)
agent_stop KILL
agent_start
tap $? "a new agent starts after SIGKILL"
is "$(json history half)" "$record" "the flight record is the same"
is "$(json inspect half | grep -o '"disks":\[[^]]*\]')" "$disks" "and so are its disks"
is "$(values half cpu 1)" 10 "of a flight record one can ask for the end"
ok "the history of what runs begins anew" until_ok "$PATIENCE" at_least sleeps cpu 3
series sleeps cpu | awk '{s += $1} END {exit !(s < 50000)}'
tap $? "and not with all that it did before"
is "$(usage sleeps nr_execs)" "$kept" "its counters went on"

# --- the agent itself --------------------------------------------------------------------------
ticks=$(metric ticks)
more_ticks() { [ "$(metric ticks)" -gt "$ticks" ]; }
ok "readings are counted" until_ok "$PATIENCE" more_ticks
[ "$(metric cpu_ns)" -gt 0 ] && [ "$(metric memory_bytes)" -gt 1000000 ] && [ "$(metric history_bytes)" -ge 65536 ]
tap $? "the agent tells what it costs"
undocumented=
for name in $(json metrics | grep -o '"losses":{[^}]*' | grep -o '"[a-z_]*":[0-9]' | cut -d'"' -f2); do
	grep -q "^\`\`$name\`\`" "$DCOS_SRC/Documentation/metrics.rst" || undocumented+=" $name"
done
is "$undocumented" "" "every loss is in Documentation/metrics.rst"
undocumented=
for name in $(json inspect sleeps | grep -o '"usage":{[^}]*' | grep -o '"[a-z_]*":[0-9[]' | cut -d'"' -f2); do
	grep -qE "\`\`($name|${name%_*}_\*)\`\`" "$DCOS_SRC/Documentation/metrics.rst" || undocumented+=" $name"
done
is "$undocumented" "" "and so is every number of a task"
if metered; then
	like "$(json metrics)" '"name":"meter_switch"' "its programs are listed"
else
	skip "its programs are listed" "no BPF meter here"
fi

# --- an agent that was kept from reading --------------------------------------------------------
skipped=$(metric ticks_skipped)
kill -STOP "$AGENT_PID"
read -r -t 1.5 <> <(:) # long enough for many readings to be missed
kill -CONT "$AGENT_PID"
late() { [ "$(metric ticks_skipped)" -ge $((skipped + 10)) ]; }
ok "readings that were missed are counted" until_ok "$PATIENCE" late
[ "$(values sleeps cpu)" -ge 12 ]
tap $? "and filled in the history"

# --- subscribers -------------------------------------------------------------------------------
is "$(peer crowd 1 5 '{}')" "got 1 steps 1" "a subscriber gets every snapshot"
is "$(peer crowd 1 3 '{"interval_ms":1000}')" "got 1 steps 10" "one that asks for one a second gets every tenth"
is "$(peer crowd 1 3 '{"interval_ms":250}')" "got 1 steps 3" "an interval that is no multiple is rounded up"
is "$(peer crowd 200 10 '{}')" "got 200 steps 1" "200 subscribers at once get every snapshot"
drops=$(metric snapshots_dropped)
is "$drops" 0 "and none was dropped"
left() { [ "$(metric subscribers)" = 0 ]; }
ok "who hangs up is forgotten" until_ok "$PATIENCE" left

dcosctl drain --grace 0 > /dev/null 2>&1
is "$(agent_leftovers)" "" "nothing is left"
agent_stop

# --- without a meter: what files tell -------------------------------------------------------------
umount "$T/bpf" 2> /dev/null
sed -i "s#^bpffs = .*#bpffs = $T/agent.conf#" "$T/agent.conf" # no directory
agent_start
tap $? "an agent without a meter starts"
dcosctl drain --off > /dev/null
run --id plain -- sh -c 'while :; do :; done'
ok "its tasks have a history" until_ok "$PATIENCE" at_least plain cpu 10
[ "$(usage plain cpu_ns)" -gt 0 ] && [ "$(sum plain cpu)" -gt 0 ]
tap $? "their CPU time is that of cpu.stat"
[ "$(usage plain memory_bytes)" -gt 0 ] && [ "$(usage plain memory_peak_bytes)" -ge "$(usage plain memory_bytes)" ]
tap $? "their memory is told"
is "$(usage plain pids)" 1 "and their threads"
if [ -e "$CGDIR/plain/cpu.pressure" ]; then
	like "$(usage plain cpu_some_us)" '^[0-9]+$' "and their pressure"
else
	skip "and their pressure" "this kernel keeps none"
fi
is "$(usage plain wait_ns)$(usage plain disk_reads)$(usage plain rx_bytes)$(series plain wait)" "" "what only the meter knows is absent"
dcosctl kill --grace 0 plain
dcosctl wait plain > /dev/null 2>&1
[ "$(sum plain cpu)" -gt 0 ]
tap $? "they have a flight record"
agent_stop
tap_done
