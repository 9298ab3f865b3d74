#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make demo-cluster: three nodes and an allocator on this machine, each in a network namespace of its own,
# joined by TLS. A service is deployed, grows under real load and shrinks after it, and lives through
# SIGKILL of the allocator and of an agent. Every claim is checked; nothing stays. With
# DCOS_DEMO_SHOT=FILE.png a picture of the page is taken by chromium while it is under load; with
# DCOS_DEMO_WAIT=1 it waits for the Enter key at the end.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/harness/cluster.sh"
. "$DCOS_SRC/selftests/harness/browser.sh"

failed=0
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
claim() { # TEXT COMMAND...
	if "${@:2}" > /dev/null 2>&1; then
		echo "  [ok]   $1"
	else
		echo "  [FAIL] $1"
		failed=$((failed + 1))
	fi
}
NODES=3
[ "$(id -u)" = 0 ] || { echo "make demo-cluster needs root: sudo make demo-cluster" >&2; exit 1; }
cluster_paths && cluster_hub || { echo "no bridge can be made here" >&2; exit 1; }
states() { call GET /v2/nodes | grep -o '"state":"[a-z]*"' | grep -c active; }
active() { [ "$(states)" = "$1" ]; }
# running: "NODE TASK" of all that run
running() { for ((nr = 1; nr <= NODES; nr++)); do on "$nr" ps 2> /dev/null | sed -n "s/^\(app\.[^ ]*\) .*RUNNING.*/n$nr \1/p"; done; }
count() { [ "$(running | wc -l)" = "$1" ]; }
at_least() { [ "$(running | wc -l)" -ge "$1" ]; }
ports() { call GET /v2/apps/web/tasks | grep -o '"slaveId":"n[0-9]*","ports":\[[0-9]*' | sed 's/.*:"n\([0-9]*\)".*\[/\1 /'; }
show() { printf '$ %s\n' "$*"; "$@"; }

say "An authority, an allocator, $NODES nodes that dial in by TLS"
allocator_start || { cat "$T/allocator.log"; exit 1; }
for ((nr = 1; nr <= NODES; nr++)); do node_start "$nr" --attribute zone="z$nr" || exit 1; done
claim "$NODES nodes are active" until_ok 20 active "$NODES"

say "A web service: two instances, one CPU-bound page, more instances when it is busy"
make_rootfs "$T/img"
mkdir -p "$T/img/www/cgi-bin"
cat > "$T/img/www/cgi-bin/work" <<'CGI'
#!/bin/sh
i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done
printf 'Content-Type: text/plain\r\n\r\n%s\n' "$MESOS_TASK_ID"
CGI
chmod 755 "$T/img/www/cgi-bin/work"
cat > "$T/web.json" <<JSON
{"id": "/web", "cmd": "exec httpd -f -p \$PORT0 -h /www", "instances": 2, "cpus": 0.2, "mem": 32,
 "portDefinitions": [{"port": 0}], "taskKillGracePeriodSeconds": 1,
 "container": {"type": "DOCKER", "docker": {"image": "$T/img"}},
 "unreachableStrategy": {"inactiveAfterSeconds": 300, "expungeAfterSeconds": 600},
 "dcos": {"autoscale": {"min": 2, "max": 5, "metrics": [{"signal": "cpu", "target": 50}],
   "windowSeconds": 3, "upCooldownSeconds": 3, "downCooldownSeconds": 6}}}
JSON
show cat "$T/web.json"
call POST /v2/apps "$(cat "$T/web.json")" > /dev/null
claim "two instances run" until_ok 30 count 2
claim "on two nodes" [ "$(running | cut -d' ' -f1 | sort -u | wc -l)" = 2 ]
answers() { local n p; read -r n p < <(ports) && in_net hub curl -sf --max-time 5 "http://10.77.0.$((10 + n)):$p/cgi-bin/work" | grep -q '^app.web'; }
claim "they answer" until_ok 10 answers

say "Load: clients ask every instance in turn"
load() {
	while [ ! -e "$T/enough" ]; do
		while read -r n p; do
			in_net hub curl -s --max-time 5 -o /dev/null "http://10.77.0.$((10 + n)):$p/cgi-bin/work"
		done < <(ports)
	done
}
LOADS=()
for nr in 1 2 3 4; do
	load &
	LOADS+=($!)
done
claim "it grows to four instances or more" until_ok 90 at_least 4
if [ -n "${DCOS_DEMO_SHOT:-}" ]; then
	browser_start nsenter --net="$T/net/hub" && browser_open "$URL/" && sleep 20 && browser_shot "$DCOS_DEMO_SHOT"
	browser_end
	claim "a picture of the page is taken" [ -s "$DCOS_DEMO_SHOT" ]
fi
running
why() { call GET /v2/apps/web/scaling | grep -o '"text":"[^"]*"' | tail -"$1"; }
say "All nodes in one table"
echo '$ dcostop --cluster'
in_net hub "$DCOS_BUILD/bin/dcostop" --cluster --allocator "$URL" -b -n 1

say "Why"
why 4

say "The allocator and an agent are killed under load"
end "$ALLOCATOR_PID" KILL
before=$(running | sort)
end "${AGENT_PIDS[2]}" KILL
node_agent 2
claim "no task noticed" [ "$(running | sort)" = "$before" ]
allocator_start
claim "all nodes come back" until_ok 40 active "$NODES"
claim "no task was lost" grep -q '^dcos_allocator_failed_total 0' <(call GET /metrics)

say "The load ends"
touch "$T/enough"
wait "${LOADS[@]}"
claim "it shrinks to two instances" until_ok 120 count 2
why 2
if [ -n "${DCOS_DEMO_WAIT:-}" ]; then
	echo "The page: $URL/ in the network namespace $T/net/hub. Enter ends all."
	read -r
fi
call DELETE '/v2/apps/web?force=true' > /dev/null # a deployment of the scaling may be under way
claim "deleted, its tasks end" until_ok 30 count 0
[ "$failed" = 0 ] && say "All claims hold" || { say "$failed claims do not hold"; tail -n 5 "$T"/*.log "$T"/n*/*.log; }
exit "$((failed > 0))"
