#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Upgrades and shortages: an agent of another version of the BPF programs, descriptors that run out,
# a state directory that becomes read-only, pins that vanish, a journal that stops, a cgroup that
# somebody removes. What runs is kept, metered and limited; new work that could not be kept is refused; when it can be
# again, it is accepted.
# Not in guests: files and restarts of the agent, which are the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

PATIENCE=60
agent_paths
make_rootfs "$T/img"
mkdir -m 755 "$T/fifo"
for id in older newer nowhere; do mkfifo -m 666 "$T/fifo/$id"; done
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

field() { dcosctl --json inspect "$1" | tr -d ' \n' | grep -o "\"$2\":\"*[^\",}]*" | head -1 | sed 's/.*:"*//'; }
ended_with() { dcosctl wait "$1" > /dev/null; echo $?; }
counts() { [ "$(field busy cpu_ns)" -gt "$((${1:-0} + 1000000))" ]; }
throttled() { [ "$(field busy nr_throttled)" -gt "${1:-0}" ]; }
waits() { dcosctl run --id "$1" --image host --mount "$T/fifo:/mnt" -- sh -c "read -r word < /mnt/$1; exit $2" > /dev/null; }
# release ID: it goes on, and ends while no agent runs
release() { echo go > "$T/fifo/$1"; until_ok "$PATIENCE" grep -q 'populated 0' "$CGDIR/$1/cgroup.events"; }

dcosctl run --id busy --image "$T/img" --cpus 0.2 -- sh -c 'while :; do :; done' > /dev/null 2>&1
busy=$(field busy pid)
own=$(ls "$T/bpf/dcos" 2> /dev/null | grep '^v[0-9]*$')

# --- another version of the programs ---------------------------------------------------------
if [ -n "$own" ]; then
	nr=${own#v}
	for other in "older $((nr - 1)) 6" "newer $((nr + 1)) 7"; do
		read -r id version code <<< "$other"
		waits "$id" "$code"
		agent_stop KILL
		release "$id"
		mv "$T/bpf/dcos/$own" "$T/bpf/dcos/v$version" # as one of that version would have left it
		agent_start
		is "$(field busy state) $(field busy pid)" "RUNNING $busy" "an agent adopts tasks of an agent with $id programs"
		ok "meters them" until_ok "$PATIENCE" counts "$(field busy cpu_ns)"
		ok "and limits them" until_ok "$PATIENCE" throttled "$(field busy nr_throttled)"
		is "$(ended_with "$id")" "$code" "and knows how one ended that ended before it came"
		is "$(ls "$T/bpf/dcos")" "$own" "and the others' pins go"
	done
	agent_stop KILL
	umount -l "$T/bpf"
	mkdir -p "$T/bpf"
	agent_start
	is "$(field busy state) $(field busy pid)" "RUNNING $busy" "tasks are adopted when the bpf file system was unmounted"
	ok "and metered anew" until_ok "$PATIENCE" counts "$(field busy cpu_ns)"
	ok "and limited" until_ok "$PATIENCE" throttled "$(field busy nr_throttled)"

	# ... and while the agent runs: its own descriptors hold programs and maps
	goes_on() { # WHAT
		local cpu=$(field busy cpu_ns) throttles=$(field busy nr_throttled)

		ok "an agent whose $1 while it runs meters on" until_ok "$PATIENCE" counts "$cpu"
		ok "and limits on" until_ok "$PATIENCE" throttled "$throttles"
		is "$(dcosctl run --id "new$RANDOM" --image "$T/img" --wait -- sh -c 'exit 9' > /dev/null; echo $?)" 9 "and runs tasks"
		agent_stop KILL
		agent_start
		is "$(field busy state) $(field busy pid)" "RUNNING $busy" "the next one adopts its tasks"
		ok "meters them" until_ok "$PATIENCE" counts "$(field busy cpu_ns)"
		ok "and limits them" until_ok "$PATIENCE" throttled "$(field busy nr_throttled)"
	}
	nsenter -m -t "$AGENT_PID" umount -l "$T/bpf" 2> /dev/null
	! mountpoint -q "$T/bpf" || umount -l "$T/bpf"
	goes_on "bpf file system is unmounted"
	all=$(ls "$T/bpf/dcos/$own")
	rm "$T/bpf/dcos/$own/$(head -n 1 <<< "$all")" "$T/bpf/dcos/$own/$(tail -n 1 <<< "$all")"
	goes_on "pins are removed"
	is "$(ls "$T/bpf/dcos/$own")" "$all" "which has put them back"
else
	skip "an agent adopts tasks of an agent with other programs" "no BPF meter here"
fi

# --- descriptors -----------------------------------------------------------------------------
# RLIMIT_NOFILE is about the highest number: the free ones below it are the call's and one more
limit=$(prlimit --pid "$AGENT_PID" --nofile --noheadings -o SOFT | tr -d ' ')
free=$(comm -13 <(ls "/proc/$AGENT_PID/fd" | sort) <(seq 0 2000 | sort) | sort -n | head -n 1)
prlimit --pid "$AGENT_PID" --nofile="$((free + 2)):"
like "$(dcosctl run --id many --image "$T/img" -- true 2>&1; echo $?)" 'Too many open files.*1$' "without descriptors a task is refused, with the reason"
is "$(field busy state) $(field busy pid)" "RUNNING $busy" "the others run on"
[ ! -d "$CGDIR/many" ] && [ ! -e "$T/state/logs/many" ] && [ ! -e "$T/state/tasks/many.json" ]
tap $? "nothing half-built stays"
prlimit --pid "$AGENT_PID" --nofile="$limit:"
is "$(dcosctl run --id many --image "$T/img" --wait -- sh -c 'exit 9' > /dev/null; echo $?)" 9 "when there are descriptors again, tasks run"

# --- a state directory that becomes read-only ------------------------------------------------
dcosctl run --id short --image host -- sleep 1000 > /dev/null
inside() { nsenter -m -t "$AGENT_PID" "$@"; } # the agent's own mount namespace
inside mount -t tmpfs -o ro none "$T/state/tasks"
like "$(dcosctl run --id ro --image host -- true 2>&1; echo $?)" 'Read-only file system.*1$' "on a read-only state directory a task is refused, with the reason"
ok "a running one can be killed" dcosctl kill --grace 0 short
is "$(ended_with short)" 137 "and its end is known"
is "$(field busy state) $(field busy pid)" "RUNNING $busy" "the others run on"
inside umount "$T/state/tasks"
written() { grep -q ' short: state KILLED is written down now' "$T/agent.log"; }
ok "the end that could not be written down is, as soon as it can be" until_ok "$PATIENCE" written
is "$(dcosctl run --id rw --image "$T/img" --wait -- sh -c 'exit 9' > /dev/null; echo $?)" 9 "when it can be written again, tasks run"
agent_stop KILL
agent_start
is "$(field short state) $(field busy state)" "KILLED RUNNING" "and known to the next agent"

# --- a journal that stops --------------------------------------------------------------------
# a socket that is open and that nobody reads, in the agent's own mount namespace; as its stream
# another one. Ten datagrams fill the first (unix.max_dgram_qlen), the other some hundred lines.
cat > "$T/stopped.pl" << 'PERL'
use Socket;
my ($dir, @agent) = @ARGV;
socket my $queue, AF_UNIX, SOCK_DGRAM, 0 or die;
bind $queue, pack_sockaddr_un("$dir/socket") or die "bind: $!";
socketpair my $stream, my $unread, AF_UNIX, SOCK_STREAM, 0 or die;
setsockopt $stream, SOL_SOCKET, SO_SNDBUF, 2048 or die;
my $pid = fork // die;
if (!$pid) {
	my ($dev, $ino) = stat $stream;
	$ENV{JOURNAL_STREAM} = "$dev:$ino";
	open STDERR, '>&', $stream or die;
	exec @agent or die;
}
print "$pid\n";
close STDOUT;
my $again = <STDIN>; # now it is read
while (defined recv $queue, my $record, 1 << 16, 0) {
	open my $out, '>>', "$dir/read" or die;
	print $out $record;
	close $out;
}
PERL
agent_stop KILL
mkdir "$T/journal"
mkfifo "$T/journal/again" "$T/journal/pid"
unshare -m --propagation private sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/journal &&
	mount --bind "$0" /run/systemd/journal && exec perl "$@"' "$T/journal" \
	"$T/stopped.pl" /run/systemd/journal "$DCOS_BUILD/bin/dcos-agent" --config "$T/agent.conf" \
	< <(exec cat "$T/journal/again") > "$T/journal/pid" &
journal=$!
read -r AGENT_PID < "$T/journal/pid"
ok "with a journal that has stopped the agent starts" until_ok "$PATIENCE" dcosctl info
is "$(field busy state) $(field busy pid)" "RUNNING $busy" "and adopts its tasks"
failed=
lost() { dcosctl --json doctor | tr -d ' \n' | grep -o '"name":"messagesoftheagentlost[^}]*' | grep -o '"how":"[0-9]*' | tr -dc 0-9; }
for i in {1..60}; do
	dcosctl run --id "untold$i" --image host --wait -- true > /dev/null || failed+=" $i"
	[ "$(lost)" = 0 ] || break
done
is "$failed" "" "tasks run as if it read"
[ "$(lost)" -gt 0 ]
tap $? "messages that nobody took are counted, and doctor shows it"
echo again > "$T/journal/again"
told() { dcosctl run --id "told$RANDOM" --image host --wait -- true > /dev/null; grep -aq 'MESSAGE=[0-9]* messages were lost before' "$T/journal/read"; }
ok "when it reads again it is told how many it has missed" until_ok "$PATIENCE" told
kill -KILL "$AGENT_PID"
kill "$journal"
wait "$journal" 2> /dev/null
until_ok "$PATIENCE" sh -c "! kill -0 $AGENT_PID"
AGENT_PID=
agent_start
is "$(field busy state) $(field busy pid)" "RUNNING $busy" "the next agent, without one, adopts them as well"

# --- a cgroup that somebody removes ----------------------------------------------------------
dcosctl run --id victim --image host -- sleep 1000 > /dev/null
echo 1 > "$CGDIR/victim/cgroup.kill"
until_ok "$PATIENCE" sh -c "! [ -d '$CGDIR/victim' ] || rmdir '$CGDIR/victim'"
is "$(ended_with victim) $(field victim state)" "137 FAILED" "a task whose cgroup somebody ends and removes has FAILED by SIGKILL"
waits nowhere 8
agent_stop KILL
release nowhere
rmdir "$CGDIR/nowhere"
agent_start
is "$(ended_with nowhere)" "$([ -n "$own" ] && echo 8 || echo 1)" "also one whose cgroup is gone before the next agent comes has its code"

dcosctl kill --grace 0 busy
is "$(ended_with busy)" 137 "the task that lived through it all is killed"
is "$(agent_leftovers)" "" "nothing is left"
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error' "$T/agent.log")" 0 "no sanitizer had to say anything"
[ "$tap_failed" = 0 ] || diag "$(grep -v ': info:' "$T/agent.log" | tail -40)"
tap_done
