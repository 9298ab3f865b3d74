#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nodes that dial in over TLS: who is let in, what an app on two of them does when an uplink, an agent
# or the allocator is killed, when a wire is cut, and when a node lies.
# Not in guests: programs and connections, which are the same on every kernel.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/harness/cluster.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v curl > /dev/null || tap_skip_all "needs curl"
command -v ip > /dev/null || tap_skip_all "needs ip"

cluster_paths || { tap 1 "certificates are made"; tap_done; }
cluster_hub || tap_skip_all "no bridge can be made here"
state_of() { call GET /v2/nodes | grep -o "\"id\":\"$1\",[^{]*\"state\":\"[a-z]*" | sed 's/.*"//'; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
counter() { call GET /metrics | sed -n "s/^dcos_allocator_agents_$1 //p"; }
more() { [ "$(counter "$1")" -gt "$2" ]; }
settled() { [ "$(call GET /v2/deployments)" = "[]" ]; }
# tasks NODE: ids of those that run there
tasks() { on "$1" ps 2> /dev/null | sed -n 's/^\(app\.[^ ]*\) .*RUNNING.*/\1/p' | sort; }
healthy() { [ "$(call GET /v2/apps/web | grep -o '"tasksRunning":[0-9]*' | head -1)" = "\"tasksRunning\":$1" ]; }

allocator_start
tap $? "the allocator starts"
for nr in 1 2; do
	node_start "$nr" --attribute rack="r$nr"
	tap $? "node $nr starts"
done
both() { is_state n1 active && is_state n2 active; }
ok "both register" until_ok 20 both
ok "with their attributes" grep -q '"attributes":{"rack":"r1"}' <(call GET /v2/nodes)

# --- who is not let in -------------------------------------------------------------------------
stranger() { # NAME OPTION...: an uplink of node 1 that comes as another
	in_net n1 timeout 3 "$DCOS_BUILD/bin/dcos-uplink" --allocator "$HUB:7070" \
		--socket "$T/n1/run/agent.sock" "${@:2}" > /dev/null 2> "$T/$1.log" < /dev/null
}
keys() { echo --ca "$1/ca.crt" --certificate "$1/$2.crt" --key "$1/$2.key"; }
dcosctl pki --dir "$T/other" init && dcosctl pki --dir "$T/other" node n1
before=$(counter refused_tls_total)
stranger other --ca "$T/pki/ca.crt" --certificate "$T/other/n1.crt" --key "$T/other/n1.key"
more refused_tls_total "$before"
tap $? "a certificate of another authority is refused and counted"
stranger distrust $(keys "$T/other" n1)
like "$(cat "$T/distrust.log")" 'The certificate is NOT trusted' "nor does a node trust an allocator of another authority"
before=$(counter refused_tls_total)
stranger server $(keys "$T/pki" allocator)
more refused_tls_total "$before"
tap $? "an allocator's certificate is no node's"
dcosctl pki --dir "$T/pki" node n9
stranger liar $(keys "$T/pki" n9)
like "$(cat "$T/liar.log")" 'refuses this node: its certificate is another' "a node is who its certificate says"
ok "which is counted" more refused_identity_total 0
stranger twice $(keys "$T/pki" n1)
like "$(cat "$T/twice.log")" 'refuses this node: a node of that name is connected' "a second one of a name is refused"
ok "and the first stays" both
printf 'GET / HTTP/1.0\r\n\r\n' | in_net hub timeout 3 bash -c "cat > /dev/tcp/$HUB/7070" 2> /dev/null
ok "what speaks no TLS is refused" until_ok 5 more refused_tls_total "$((before + 1))"

# --- an app -------------------------------------------------------------------------------------
make_rootfs "$T/img"
APP='{"id": "/web", "cmd": "echo hello; trap \"exit 0\" TERM; while :; do sleep 0.2; done", "instances": 2, "cpus": 0.1,
	"mem": 16, "taskKillGracePeriodSeconds": 1, "constraints": [["rack", "UNIQUE"]],
	"unreachableStrategy": {"inactiveAfterSeconds": 600, "expungeAfterSeconds": 1200},
	"container": {"type": "DOCKER", "docker": {"image": "'$T/img'"}}}'
like "$(call POST /v2/apps "$APP")" '"id":"/web"' "an app is accepted"
ok "its deployment ends" until_ok 30 settled
one=$(tasks 1 | grep web) two=$(tasks 2 | grep web)
like "$one" '^app\.web\.[^ ]*$' "one task runs on the first node"
like "$two" '^app\.web\.[^ ]*$' "one on the second"
metered() { call GET /v2/nodes | grep -o '"used":{"cpus":[0-9.]*' | grep -c '[1-9]' | grep -qx 2; }
ok "what both use is known" until_ok 20 metered
top() { in_net hub "$DCOS_BUILD/bin/dcostop" --cluster --allocator "$URL" -b -n 1 "$@" 2>&1; }
rows() { top --csv "$@" | sed 1d; }
shown() { [ "$(rows | grep -c ',"/web","RUNNING"')" = 2 ]; }
ok "dcostop --cluster shows the tasks of both" until_ok 20 shown
is "$(rows | tr -d '\r' | sed 's/.*,//' | sort | paste -sd' ')" '"n1" "n2"' "with their nodes"
is "$(rows --filter 'node=n2' | cut -d, -f2)" "\"$two\"" "by which they are filtered"
like "$(top)" "2 of 2 nodes.*" "it says how many nodes there are"
like "$(top --json)" '"id":"'"$one"'"[^}]*"cpu":[0-9.]+,.*"node":"n|"node":"n1"' "and programs get the same"
like "$(top --socket /x)" 'only one of them' "it asks the allocator or an agent, not both"
like "$(in_net hub "$DCOS_BUILD/bin/dcostop" --cluster --allocator http://127.0.0.1:9 -b 2>&1)" 'dcostop: allocator 127.0.0.1 port 9' "an allocator that is away is named"
same() { [ "$(tasks 1 | grep web)" = "$one" ] && [ "$(tasks 2 | grep web)" = "$two" ]; }

# --- a network of its own, and a published port --------------------------------------------------
if grep -q '"nat of private networks"[^}]*"ok": *true' <(on 1 --json doctor | tr -d '\n'); then
	call POST /v2/apps '{"id": "/site", "cmd": "mkdir /tmp/www; echo bridged > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www",
		"cpus": 0.1, "mem": 16, "networks": [{"mode": "container/bridge"}], "taskKillGracePeriodSeconds": 1,
		"container": {"type": "DOCKER", "docker": {"image": "'$T/img'"}, "portMappings": [{"containerPort": 80}]}}' > /dev/null
	site() { # what is at the port that the task has got
		local n p
		read -r n p < <(call GET /v2/apps/site/tasks | sed -n 's/.*"slaveId":"n\([0-9]*\)","ports":\[\([0-9]*\).*/\1 \2/p')
		[ "$(in_net hub curl -s --max-time 5 "http://10.77.0.$((10 + n)):$p/")" = bridged ]
	}
	ok "a task in a network of its own is reached by its port" until_ok 30 site
	call DELETE '/v2/apps/site?force=true' > /dev/null
else
	skip "a task in a network of its own is reached by its port" "no nf_tables here"
fi

# --- what is killed -----------------------------------------------------------------------------
end "${UPLINK_PIDS[1]}" KILL
ok "an uplink is killed: its node is unreachable" until_ok 20 is_state n1 unreachable
like "$(call GET /v2/tasks)" 'TASK_UNREACHABLE' "and so is its task"
node_uplink 1 --attribute rack=r1
ok "a new one registers" until_ok 20 both
ok "the app has its two tasks" until_ok 20 healthy 2
ok "the same" same
end "${AGENT_PIDS[2]}" KILL
node_agent 2
tap $? "an agent is killed and started again"
ok "the node is active" until_ok 20 both
ok "with the same tasks" same
end "$ALLOCATOR_PID" KILL
allocator_start
ok "the allocator is killed and started again: both nodes come back" until_ok 30 both
ok "it knows their tasks" until_ok 20 healthy 2
ok "the same as before" same
end "${UPLINK_PIDS[2]}" KILL
on 2 kill "$two" > /dev/null
on 2 wait "$two" > /dev/null
on 2 rm "$two" > /dev/null
node_uplink 2 --attribute rack=r2
replaced() { healthy 2 && [ -n "$(tasks 2)" ] && [ "$(tasks 2)" != "$two" ]; }
ok "a task that ended while nobody looked is replaced" until_ok 30 replaced
two=$(tasks 2)

# --- the wire is cut ----------------------------------------------------------------------------
in_net hub ip link set v1 down
ok "a wire is cut: the node is unreachable" until_ok 40 is_state n1 unreachable
ok "its task runs on" same
in_net hub ip link set v1 up
ok "mended: it is active" until_ok 60 both
ok "with its task" same
ok "which the app has" until_ok 20 healthy 2

# --- what is no node ---------------------------------------------------------------------------
mkdir "$T/store2"
nsenter --net="$T/net/hub" "$DCOS_BUILD/bin/dcos-allocator" -l 127.0.0.1:8081 --state "$T/store2" --insecure \
	--agents 127.0.0.1:7071 > /dev/null 2> "$T/insecure.log" < /dev/null &
INSECURE=$!
until_ok 20 grep -q serves "$T/insecure.log"
# raw MESSAGE: what is answered to it
raw() {
	printf '%s' "$1" | tr '~' '\0' | in_net hub timeout 5 bash -c '
		exec 3<> /dev/tcp/127.0.0.1/7071; cat >&3; cat <&3' 2> /dev/null | tr '\0' '\n'
}
REGISTER='{"method":"io.dcos.Allocator.Register","more":true,"parameters":{"node":"x","session":"1","hostname":"x",
	"version":"1","cpus":1,"memory_bytes":1,"disk_bytes":1,"ports":[],"attributes":{},"draining":false,"doctor":[]}}'
refusal() { like "$(raw "$2")" "Refused.*$3" "$1"; }
refusal "text that is no JSON" 'nonsense~' 'no JSON'
refusal "a report before a registration" '{"method":"io.dcos.Allocator.Report","parameters":{}}~' 'must register once'
refusal "a name that is none" "${REGISTER/\"x\"/\"a/b\"}~" 'node: must be 1 to 253'
refusal "more CPUs than there are" "${REGISTER/\"cpus\":1/\"cpus\":99999999}~" 'cpus, memory_bytes'
refusal "ports that are none" "${REGISTER/\"ports\":[]/\"ports\":[[5,1]]}~" 'ports: must be'
refusal "a second registration" "$REGISTER~$REGISTER~" 'must register once'
is "$(raw "$(printf '%070000d' 0)")" "" "a stranger's message without end ends the connection"
is "$(raw "$REGISTER~{\"method\":\"io.dcos.Allocator.Report\",\"parameters\":{\"all\":true,\"tasks\":[1,{\"id\":7},[]],\"gone\":[{}],\"usages\":[null,{\"id\":\"y\",\"cpu_ns\":-1}],\"answers\":[{\"order\":\"a\"},3]}}~" | head -1)" \
	'{"parameters":{},"continues":true}' "a report of nothing but wrong types is lived with"
kill -0 "$INSECURE"
tap $? "the allocator has seen it all"
end "$INSECURE"
nsenter --net="$T/net/hub" "$DCOS_BUILD/bin/dcos-allocator" -l 127.0.0.1:8081 --state "$T/store2" --insecure \
	--agents "$HUB:7071" > /dev/null 2> "$T/insecure.log"
like "$? $(cat "$T/insecure.log")" '^2 .*--insecure: 10.77.0.1:7071 is not an address of this machine' "without TLS only to this machine's own addresses"

# --- to the end ----------------------------------------------------------------------------------
is "$(call GET "/v2/tasks/$two/log")" "hello" "a task's log comes from its node"
is "$(call GET "/v2/tasks/none/log")" '{"message":"there is no such task"}' "one that is not there has none"
call DELETE /v2/apps/web > /dev/null
none() { [ -z "$(tasks 1)$(tasks 2)" ]; }
ok "the app is deleted: its tasks end" until_ok 30 none
for nr in 1 2; do
	kill -TERM "${UPLINK_PIDS[$nr]}"
	wait "${UPLINK_PIDS[$nr]}"
	is $? 0 "uplink $nr ends cleanly"
done
is "$(grep -h 'ERROR: .*Sanitizer\|runtime error' "$T"/*.log "$T"/n*/*.log | head -3)" "" "no sanitizer had to say anything"
[ "$tap_failed" = 0 ] || diag "$(tail -n 5 "$T"/allocator.log "$T"/n*/*.log)"
tap_done
