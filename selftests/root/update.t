#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosctl update: all limits or none, in the kernel, in what inspect shows and on disk; whatever
# of it fails, and whoever is killed halfway. And io limits as users give them.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"

json() { dcosctl --json "$@"; }
agent_paths
make_rootfs "$T/img"
agent_start || { tap 1 "the agent starts"; diag "$(cat "$T/agent.log")"; tap_done; }
dcosctl run --id t --image "$T/img" --cpus 0.5 --pids 60 --memory 300M -- sleep 1000 > /dev/null
tap $? "a task runs with limits"
pid=$(json inspect t | tr -d ' \n' | grep -o '"pid":[0-9]*' | head -1 | cut -d: -f2)
cg=$CGDIR/t

# Everything that holds and is known of the task's limits; counters are left out.
all_of() {
	local f

	for f in cpu.max cpu.max.burst cpu.weight pids.max io.max io.weight memory.{max,high,low,swap.max}; do
		[ ! -e "$cg/$f" ] || echo "$f: $(cat "$cg/$f")"
	done
	grep 'Max processes' "/proc/$pid/limits"
	json inspect t | tr -d ' \n' | grep -o '"resources":{[^}]*}\|"warnings":\[[^]]*\]\|"cpu_quota_millionths":[0-9]*\|"pids_max":[0-9]*'
	tr -d ' \n' < "$T/state/tasks/t.json" | grep -o '"resources":{[^}]*}'
}
before=$(all_of)
like "$before" 'pids.max: 60|Max processes +60 ' "its limits can be seen"

# --- a limit that is refused ------------------------------------------------------
like "$(dcosctl update t cpus=0.25 pids=50 cpu_weight=20 memory=200M \
	'io_max={"device":"/dev/no-such-disk","read_bps":"1M"}' 2>&1; echo "exit $?")" \
	'/dev/no-such-disk: No such file.*exit 1|/dev/no-such-disk: No such file.*
exit 1' "an update whose last limit names a disk that is not there fails by name"
is "$(all_of)" "$before" "and leaves every limit as it was, in the kernel, shown and on disk"
like "$(dcosctl update t cpus=0.25 io_max=10M 2>&1; echo "exit $?")" 'resources.io_max: "10M" is text' "a rate without a name is refused"

# --- limits that can't be written down ----------------------------------------------
mkdir "$T/state/tasks/t.json~"
like "$(dcosctl update t cpus=0.25 pids=50 cpu_weight=20 memory=200M 2>&1; echo "exit $?")" 't.json: Is a directory' \
	"an update that can't be written down fails by the name of the file"
is "$(all_of)" "$before" "and leaves every limit as it was, too"
rmdir "$T/state/tasks/t.json~"
ok "without that it succeeds" dcosctl update t cpus=0.25 pids=50
after=$(all_of)
like "$after" '"cpu_quota_millionths":250000' "and holds"
like "$after" '"resources":\{[^}]*"cpus":0.25' "and is written down"

# --- io, and an agent that is killed between the kernel and the disk ------------------
disk=$(grep -l . /sys/block/{vd,sd,nvme}*/dev 2> /dev/null | head -1)
[ -z "$disk" ] || disk=$(< "$disk")
out=$(dcosctl update t io_weight=300 'io_max={"device":"9999:7","write_bps":"2M"}' 2>&1)
if [ -e "$cg/io.max" ]; then
	like "$out" 'io.max=9999:7 .*No such device' "a disk that the kernel does not know is refused by its words"
	is "$(all_of)" "$after" "and nothing has changed"
	if [ -n "$disk" ]; then
		ok "update: io_weight and io_max" dcosctl update t io_weight=300 "io_max={\"device\":\"$disk\",\"write_bps\":\"2M\"}"
		is "$(cat "$cg/io.max")" "$disk rbps=max wbps=2097152 riops=max wiops=max" "hold in the kernel"
		like "$(json inspect t | tr -d ' \n')" '"io_max":\{"device":"'"$disk"'","write_bps":"2M"\}' "inspect shows them"
	fi
else
	like "$out" 'resources.io_max is not enforced: no io controller' "without the io controller io_max is a warning"
	like "$out" 'resources.io_weight is not enforced: no io controller' "and so is io_weight"
	like "$(json inspect t)" 'resources.io_max is not enforced' "which inspect shows"
	like "$(json doctor | tr -d ' \n')" '"name":"io","kind":"isolator","ok":false' "as doctor does"
fi
after=$(all_of)
agent_stop KILL
for f in cpu.max:77000 pids.max:999 ${disk:+"io.max:$disk wbps=777777"}; do
	[ ! -e "$cg/${f%%:*}" ] || echo "${f#*:}" > "$cg/${f%%:*}"
done
agent_start
tap $? "an agent starts after one that was killed in the middle of an update"
is "$(all_of)" "$after" "and the limits are those that are written down"
ok "update: io limits taken off" dcosctl update t io_weight= io_max=
is "$(cat "$cg/io.max" 2> /dev/null)" "" "are gone"
like "$(json inspect t | tr -d ' \n')" '"memory_enforcer":"(controller|meter|none)","memory_enforcer_why":"' "inspect says who holds memory, and why"
dcosctl rm -f t > /dev/null
tap_done
