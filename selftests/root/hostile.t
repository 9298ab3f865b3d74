#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile clients: whatever they send, keep open or do not read, the agent stays the same process,
# its tasks are untouched and others are served. DCOS_HOSTILE scales the amounts, in percent.
# Not in guests: sockets and memory of the agent, no kernel plays a part in it, and there it takes three minutes.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
type setpriv perl > /dev/null 2>&1 || tap_skip_all "needs setpriv and perl"

PATIENCE=120 # seconds, for what an emulated machine does too
percent=${DCOS_HOSTILE:-100}
some() { echo $((($1 * percent + 99) / 100)); }

AGENT_INTERVAL=100ms
agent_paths
make_rootfs "$T/img"
cp "$DCOS_SRC/selftests/harness/peer.pl" "$DCOS_BUILD/bin/dcosctl" "$T/" # where nobody may read
agent_start
tap $? "an agent starts"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || tap_done

json() { dcosctl --json "$@" | tr -d ' \n'; }
pid_of() { json inspect "$1" | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2; }
run() { dcosctl run "$@" > /dev/null; }
peer() { perl "$T/peer.pl" "$@"; }
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
another=(setpriv --reuid=65533 --regid=65533 --clear-groups --)
counter() { json doctor | grep -o "\"name\":\"${1// /}\",[^}]*" | grep -o '"how":"[0-9]*' | tr -dc 0-9; }
fds() { ls "/proc/$AGENT_PID/fd" | wc -l; }
start_of() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }
status_kb() { awk -v key="$1:" '$1 == key {print $2}' "/proc/$AGENT_PID/status"; }
sanitized() { grep -q libasan "/proc/$AGENT_PID/maps"; }

# peer_begin NAME COMMAND...: a client that stays; $T/NAME has what it prints
peer_begin() {
	local name=$1
	shift
	"$@" > "$T/$name" 2>&1 < /dev/null &
	eval "${name}_pid=$!"
	until_ok "$PATIENCE" grep -q . "$T/$name"
}

# peer_end NAME: it is told to go on to its end
peer_end() {
	local pid=$1_pid
	kill "${!pid}"
	wait "${!pid}"
}

# peer_drop NAME: it dies as it is
peer_drop() {
	local pid=$1_pid
	kill -KILL "${!pid}"
	wait "${!pid}" 2> /dev/null
}

run --id sleeper --image "$T/img" -- sleep 10000
run --id looper --image host -- sh -c 'while :; do sleep 1; done'
run --id flood --image "$T/img" --network none -- sh -c 'trap "exit 0" TERM; while :; do yes "a line of the flood" | head -n 20000; sleep 0.2; done'
sleeper=$(pid_of sleeper) looper=$(pid_of looper) flood=$(pid_of flood)
began=$(start_of "$AGENT_PID")
fds_before=$(for i in 1 2 3 4 5; do fds; read -r -t 0.1 <> <(:); done | sort -n | head -1) # without one that just ends
few_fds() { [ "$(fds)" -le "$fds_before" ]; }

# --- bytes that are no call ------------------------------------------------------------------
garbage=$(counter "connections dropped: garbage")
is "$(head -c 65536 /dev/urandom | tr '\0' x | peer raw)" "" "bytes that never end are dropped without an answer"
is "$(printf 'hello\0' | peer raw)" "" "what is no JSON is dropped"
is "$(printf '[]\0{"method":1}\0' | peer raw)" "" "JSON that is no call is dropped"
is "$(printf '\0' | peer raw)" "" "an empty message is dropped"
is "$(printf '{"method":"io.dcos.Agent.Info","x":"\xff\xfe"}\0' | peer raw)" "" "text that is not UTF-8 is dropped"
is "$(printf '{"method":"io.dcos.Agent.Info","method":"io.dcos.Agent.List"}\0' | peer raw)" "" "a key that is there twice is dropped"
is "$({ printf '{"method":"io.dcos.Agent.Run","parameters":{"spec":'; head -c 200000 /dev/zero | tr '\0' '['; printf '\0'; } | peer raw)" "" "200,000 brackets are dropped"
is "$(printf '{"method":"io.dcos.Agent.Info"' | peer raw)" "" "half a message and a hang-up get no answer"
garbage=$(($(counter "connections dropped: garbage") - garbage))
[ "$garbage" -ge 6 ]
tap $? "they are counted as garbage ($garbage)"

hwm=$(status_kb VmHWM)
mb=$(some 100)
{ printf '{"method":"'; head -c "${mb}M" /dev/zero | tr '\0' a; } | peer raw > /dev/null
ok "the agent lives after a line of $mb MB" dcosctl info
grown=$(($(status_kb VmHWM) - hwm))
if sanitized; then
	skip "its memory stayed small" "a sanitizer's memory says nothing"
else
	[ "$grown" -lt 8192 ]
	tap $? "its memory stayed small (grew by $grown kB at most)"
fi

# --- calls that are wrong --------------------------------------------------------------------
like "$(peer call io.dcos.Agent.Nonsense)" 'MethodNotFound' "an unknown method is told so"
like "$(peer call com.example.Other.Thing)" 'InterfaceNotFound' "and an unknown interface"
like "$(peer call io.dcos.Agent.Kill '{"id":"sleeper","colour":1}')" 'InvalidParameter.*colour' "an unknown parameter is named"
like "$(peer call io.dcos.Agent.Kill '{"id":17}')" 'InvalidParameter.*"id"' "a parameter of a wrong type is named"
like "$(peer call io.dcos.Agent.Kill '{"id":"sleeper","signal":65}')" 'signal: a whole number, 1 to 64' "one out of range with its range"
like "$(peer call io.dcos.Agent.Kill '{"id":"sleeper","grace_ms":-1}')" 'grace_ms: a whole number, 0 to ' "a negative time too"
like "$(peer call io.dcos.Agent.Kill '{"id":"../../etc"}')" 'NoSuchTask' "a path is no task"
like "$(peer call io.dcos.Agent.Logs '{"id":"flood","tail_bytes":9223372036854775808}')$(peer call io.dcos.Agent.Info)" 'boot_id' "a number beyond 64 bits harms nobody"
like "$(peer call io.dcos.Agent.Logs '{"id":"flood","stream":"stdin"}')" 'stdout or stderr' "an unknown stream is named"
like "$(peer call io.dcos.Agent.Run '{"spec":[]}')" 'spec: an object' "a spec that is no object"
like "$(peer call io.dcos.Agent.Update '{"id":"sleeper"}')" 'resources: an object' "an update without limits"
like "$(peer call io.dcos.Agent.Update '{"id":"sleeper","resources":null}')" 'resources: an object' "or with none"
like "$(peer call io.dcos.Agent.Run)" 'spec: an object' "a run without a spec"
like "$(peer call io.dcos.Agent.Inspect '{"id":null}')" 'InvalidParameter' "a task without a name"
deep=$(printf '%0.s{"a":' {1..25})1$(printf '%0.s}' {1..25})
like "$(peer call io.dcos.Agent.Run "{\"spec\":$deep}")" 'InvalidSpec' "a spec nested 25 deep"
is "$(for i in {1..200}; do printf '{"method":"io.dcos.Agent.Info"}\0'; done | peer raw | grep -c '"boot_id"')" 200 "200 calls in one write get 200 answers"
is "$(for i in {1..50}; do printf '{"method":"io.dcos.Agent.Info","oneway":true}\0'; done | peer raw)" "" "calls that want no answer get none"

# --- clients that leave ----------------------------------------------------------------------
for i in $(seq "$(some 5)"); do
	peer leave io.dcos.Agent.Wait '{"id":"sleeper"}'
	peer leave io.dcos.Agent.Logs '{"id":"flood","follow":true}' more
	peer leave io.dcos.Agent.Subscribe '{}' more
	peer leave io.dcos.Agent.Logs '{"id":"flood"}' more
done > "$T/left"
is "$(sort -u "$T/left")" left "clients hang up in the middle of Wait, Logs and Subscribe"
ok "the agent has closed what they left" until_ok "$PATIENCE" few_fds

# --- clients that do not read ----------------------------------------------------------------
for i in $(seq "$(some 40)"); do run --image host -- true; done # so that snapshots are large for a minute
dropped=$(counter "snapshots dropped: slow subscriber")
more_dropped() { [ "$(counter "snapshots dropped: slow subscriber")" -gt "$((dropped + $1))" ]; }
peer_begin deaf perl "$T/peer.pl" slow io.dcos.Agent.Subscribe '{}'
until_ok "$PATIENCE" more_dropped 0
tap $? "snapshots for a subscriber that does not read are dropped and counted"
"$DCOS_BUILD/bin/dcostop" -b -n 5 --json > "$T/top" 2>&1
is "$(tr -d ' \n' < "$T/top" | grep -o '"seq":[0-9]*' | cut -d: -f2 | awk 'NR > 1 && $1 != last + 1 {print "gap"} {last = $1}')" "" "another subscriber misses none meanwhile"
is "$(grep -o '"seq"' "$T/top" | wc -l)" 5 "and gets all that it asked for"
until_ok "$PATIENCE" more_dropped 3
peer_end deaf
like "$(tail -1 "$T/deaf")" 'replies [1-9][0-9]* jump ([2-9]|[1-9][0-9]+)$' "who reads again sees by seq that some are missing"

peer_begin dumb perl "$T/peer.pl" slow io.dcos.Agent.Logs '{"id":"flood","follow":true}'
hwm=$(status_kb VmHWM)
before=$(stat -c %s "$T/state/logs/flood/stdout")
grew() { [ "$(stat -c %s "$T/state/logs/flood/stdout")" -gt $((before + $(some 4000000))) ]; }
until_ok "$PATIENCE" grew
ok "a follower that does not read stops nobody" dcosctl ps
if sanitized; then
	skip "what waits for it is bounded" "a sanitizer's memory says nothing"
else
	[ $(($(status_kb VmHWM) - hwm)) -lt 4096 ]
	tap $? "what waits for it is bounded"
fi
peer_drop dumb

run --id torrent --image host --set log_max=1M -- yes "a line of the torrent"
torrent=$T/state/logs/torrent/stdout
wrote() { [ "$(stat -c %s "$torrent")" -gt $(($1 * 1000000)) ]; }
until_ok "$PATIENCE" wrote "$(some 400)"
bounded() { [ $(($(stat -c %b "$torrent") / 2048)) -lt "$(($(some 400) / 4))" ]; }
until_ok "$PATIENCE" bounded # a hole waits for the disk, which others may keep busy
tap $? "a log that is written without an end is bounded ($(($(stat -c %b "$torrent") / 2048)) MB on disk of $(($(stat -c %s "$torrent") / 1000000)) MB)"
dcosctl kill --grace 0 torrent
dcosctl wait torrent > /dev/null

# --- clients that are many -------------------------------------------------------------------
refused=$(counter "connections refused")
peer_begin many "${nobody[@]}" perl "$T/peer.pl" hold "$(some 2000)"
like "$(cat "$T/many")" '^served 896 refused [1-9]|^served ([1-9][0-9]*) refused 0$' "one user's connections end at 896 ($(cat "$T/many"))"
ok "root is served while a user holds all it can get" dcosctl info
peer_begin others "${another[@]}" perl "$T/peer.pl" hold "$(some 300)"
like "$(cat "$T/others")" '^served [1-9]' "another user is served too ($(cat "$T/others"))"
ok "root is served while two users hold all they can get" dcosctl info
if [ "$percent" -ge 100 ]; then
	[ "$(($(counter "connections refused") - refused))" -ge 1000 ]
	tap $? "the refused ones are counted"
fi
peer_end many
peer_end others

peer_begin fat "${nobody[@]}" perl "$T/peer.pl" stuff "$(some 200)" 900000
peer_begin fatter "${another[@]}" perl "$T/peer.pl" stuff "$(some 100)" 900000
like "$(cat "$T/fat")" '^held ([1-9][0-9]?|100)$' "unfinished messages of one user are bounded ($(cat "$T/fat") of $(some 200))"
ok "root is served while two users fill all memory that they can get" dcosctl info
printf '{"image":"host","command":["true"],"env":{"A":"%0100000d"}}' 1 > "$T/spec.json"
ok "and can send a large call" dcosctl run -f "$T/spec.json"
[ "$(status_kb VmRSS)" -lt 262144 ] || sanitized
tap $? "the agent's memory is bounded meanwhile ($(status_kb VmRSS) kB)"
peer_end fat
peer_end fatter

# --- rights ----------------------------------------------------------------------------------
as_nobody() { "${nobody[@]}" "$T/dcosctl" "$@" 2>&1; }
denied=$(counter "calls denied")
like "$(as_nobody ps)" 'sleeper +RUNNING' "a user without rights may list tasks"
like "$(as_nobody doctor)" 'cgroup v2' "and ask the doctor"
like "$(as_nobody kill sleeper; echo "$?")" 'ermission.*1$' "but not kill"
like "$(as_nobody run --image host -- true; echo "$?")" 'ermission.*1$' "nor run"
like "$(as_nobody logs flood; echo "$?")" 'ermission.*1$' "nor read logs"
like "$(as_nobody inspect sleeper; echo "$?")" 'ermission.*1$' "nor read specs"
like "$(as_nobody drain; echo "$?")" 'ermission.*1$' "nor drain"
[ "$(($(counter "calls denied") - denied))" -ge 5 ]
tap $? "denied calls are counted"

# --- after all that --------------------------------------------------------------------------
until_ok "$PATIENCE" few_fds
tap $? "the agent has no more descriptors than before ($fds_before, now $(fds))"
is "$(start_of "$AGENT_PID")" "$began" "it is the same process"
is "$(pid_of sleeper) $(pid_of looper) $(pid_of flood)" "$sleeper $looper $flood" "the tasks are the same processes"
ok "and they run" kill -0 "$sleeper" "$looper" "$flood"

peer_begin drainer perl "$T/peer.pl" slow io.dcos.Agent.Drain '{"grace_ms":600000}'
peer leave io.dcos.Agent.Drain '{"grace_ms":600000}' more > /dev/null
peer_drop drainer
ok "clients hang up in the middle of Drain" dcosctl info
dcosctl drain --off > /dev/null
run --id stubborn --image "$T/img" -- sh -c 'trap : TERM; echo ready; while :; do sleep 0.1; done'
until_ok "$PATIENCE" grep -q ready "$T/state/logs/stubborn/stdout"
dcosctl drain --grace 1h > "$T/draining" 2>&1 &
draining=$!
until_ok "$PATIENCE" sh -c "'$DCOS_BUILD/bin/dcosctl' info | grep -qi 'drain.*\(yes\|true\)'"
dcosctl drain --off > /dev/null
ok "who waits for draining is told when it is called off" wait_pid "$draining" "$PATIENCE"
ok "drain ends all tasks" dcosctl drain --grace 0
is "$(json ps | grep -c RUNNING)" 0 "none runs"
is "$(agent_leftovers)" "" "nothing is left"
agent_stop
is "$(grep -c 'ERROR: .*Sanitizer\|runtime error' "$T/agent.log")" 0 "no sanitizer had to say anything" 
[ "$tap_failed" = 0 ] || diag "$(tail -20 "$T/agent.log")"

# --- read_access = group ---------------------------------------------------------------------
sed -i '/^\[agent\]/a read_access = group' "$T/agent.conf"
agent_start
tap $? "an agent with read_access=group"
like "$(as_nobody ps; echo "$?")" '1$' "refuses a user who is not of the group"
chmod 666 "$DCOS_SOCKET"
like "$(as_nobody ps; echo "$?")" 'ermission.*1$' "also if the file of the socket does not"
ok "and serves root" dcosctl ps
agent_stop
tap_done
