#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcos-exporter beside a real agent, as a user without rights: numbers of real tasks, a real
# Prometheus that reads the pages, restarts of the agent, and who may read.
set -u
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
command -v curl > /dev/null || tap_skip_all "needs curl"

exporter=$DCOS_BUILD/bin/dcos-exporter
NOBODY=65534
NOGROUP=$(sed -n 's/^nogroup:[^:]*:\([0-9]*\):.*/\1/p' /etc/group)
OTHERS=1 # a group of its own, whatever its name
agent_paths
PIDS=()
stop_exporters() {
	[ ${#PIDS[@]} != 0 ] || return 0 # a wait for nobody is one for all, the agent too
	kill "${PIDS[@]}" 2> /dev/null
	wait "${PIDS[@]}" 2> /dev/null
	PIDS=()
}
cleanup() {
	stop_exporters
	agent_cleanup
}
trap cleanup EXIT

# start NAME GID [OPTION...]: an exporter without rights; sets PORT
start() {
	local log=$T/$1.log gid=$2
	shift 2
	rm -f "$log"
	setpriv --reuid $NOBODY --regid "$gid" --clear-groups --no-new-privs --inh-caps=-all \
		"$exporter" -l 127.0.0.1:0 --socket "$DCOS_SOCKET" "$@" > /dev/null 2> "$log" &
	PIDS+=($!)
	until_ok 10 grep -q serves "$log"
	PORT=$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$log")
}
page() { curl -s --max-time 20 "http://127.0.0.1:$PORT/metrics"; }
# value METRIC [LABELS]: of the first series with these words in its labels
value() { page | grep "^$1[{ ]" | grep -F -- "${2:-}" | sed -n '1s/.* //p'; }
is_up() { [ "$(value dcos_agent_up)" = "$1" ]; }
more() { [ "$(awk -v a="$1" -v b="$2" 'BEGIN { print (a > b) }')" = 1 ]; }

cp "$exporter" "$T/exporter" && exporter=$T/exporter # where everybody may look
chmod 755 "$T/exporter"
make_rootfs "$T/img"
agent_start || tap_skip_all "the agent does not start"
chmod 755 "$T/run"
dcosctl run --id busy --image "$T/img" --label app=burner -- sh -c 'while :; do :; done' > /dev/null 2>&1
dcosctl run --id three --image "$T/img" -- sh -c 'exit 3' > /dev/null 2>&1
dcosctl wait three > /dev/null

# --- numbers ----------------------------------------------------------------------------
start first $OTHERS
ok "a user without rights gets snapshots" until_ok 20 is_up 1
has_three() { [ "$(value dcos_task_exit_code 'name="three"')" = 3 ]; }
ok "the exit code of a task that ended" until_ok 20 has_three
id="id=\"/$CGROUP/busy\",image=\"$T/img\",name=\"busy\""
like "$(page)" "container_cpu_usage_seconds_total\{$id,cpu=\"total\"\} [0-9.]+" "the labels of cAdvisor"
like "$(page)" 'dcos_task_info\{[^}]*label_app="burner"' "and the task's own"
one=$(value container_cpu_usage_seconds_total 'name="busy"')
grown() { more "$(value container_cpu_usage_seconds_total 'name="busy"')" "$1"; }
ok "its CPU time grows" until_ok 20 grown "$one"
usage() { awk '/^usage_usec/ { printf "%.6f", $2 / 1e6 }' "$CGDIR/busy/cpu.stat"; }
before=$(usage)
ok "what cpu.stat said is soon on the page: $before" until_ok 20 grown "$before"
value=$(value container_cpu_usage_seconds_total 'name="busy"')
ok "and the page is never ahead of it: $value" more "$(usage)" "$value"
like "$(value dcos_agent_tasks 'state="RUNNING"') $(value dcos_agent_tasks 'state="FAILED"')" '^1 1$' \
	"tasks by state"
ticks=$(value dcos_agent_ticks_total)
ticked() { more "$(value dcos_agent_ticks_total)" "${ticks:-0}"; }
ok "the agent's own meters move" until_ok 20 ticked
ok "it used CPU time" more "$(value dcos_agent_cpu_seconds_total)" 0
like "$(page)" 'dcos_agent_losses_total\{what="slots_full"\} 0' "its losses are there by name"
like "$(value machine_cpu_cores)" "^$(nproc --all)$" "the CPUs of the host"

# --- Prometheus ---------------------------------------------------------------------------
if ! dir=$("$DCOS_SRC/selftests/harness/package.sh" prometheus promtool prometheus 2> "$T/why"); then
	skip "Prometheus reads the page" "$(tail -n 1 "$T/why")"
else
	page | "$dir/promtool" check metrics > "$T/lint" 2>&1
	is "$? $(cat "$T/lint")" "0 " "promtool finds nothing wrong with a page of real tasks"
	cat > "$T/prometheus.yml" <<-YML
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: [$DCOS_SRC/Documentation/prometheus-alerts.yml]
		scrape_configs:
		  - job_name: dcos-node
		    static_configs: [{targets: ['127.0.0.1:$PORT']}]
	YML
	PROM=$(perl -MIO::Socket::INET -e \
		'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	"$dir/prometheus" --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
		--web.listen-address="127.0.0.1:$PROM" > "$T/prometheus.log" 2>&1 &
	PIDS+=($!)
	query() { curl -s --max-time 20 -G "http://127.0.0.1:$PROM/api/v1/query" --data-urlencode "query=$1"; }
	answers() { query "$1" | grep -qF "$2"; }
	ok "Prometheus reads the page" until_ok 60 answers 'up{job="dcos-node"}' ',"1"]'
	like "$(curl -s "http://127.0.0.1:$PROM/api/v1/targets")" '"health":"up","scrapeInterval"' \
		"as a healthy target" || sed 's/^/# /' "$T/prometheus.log"
	like "$(page | grep 'requests_total{format="openmetrics"}')" ' [1-9]' "which took OpenMetrics"
	ok "a counter has a rate" until_ok 30 answers 'rate(container_cpu_usage_seconds_total{name="busy"}[10s]) > 0.01' '"value"'
	ok "a histogram has a quantile" until_ok 30 answers \
		'histogram_quantile(0.99, rate(dcos_task_run_queue_wait_seconds_bucket{name="busy"}[10s])) > 0' '"value"'
	ok "labels can be joined in" until_ok 30 answers \
		'sum by (label_app) (container_cpu_usage_seconds_total * on (instance, name) group_left (label_app) dcos_task_info)' burner
	ok "metadata has type and unit" sh -c "curl -s 'http://127.0.0.1:$PROM/api/v1/metadata?metric=container_cpu_usage_seconds' |
		grep -q '\"type\":\"counter\".*\"unit\":\"seconds\"'"
	# every expression of the dashboard, with its variables filled in
	grep -o '"expr": ".*"' "$DCOS_SRC/Documentation/grafana-dashboard.json" | sed -e 's/^"expr": "//' \
		-e 's/",\{0,1\}$//' -e 's/\\"/"/g' -e 's/\$__rate_interval/10s/g' -e 's/\$instance/.*/g' \
		-e 's/\$task/.*/g' > "$T/exprs"
	bad=
	while read -r expr; do
		query "$expr" | grep -q '"status":"success"' || bad+="$expr: $(query "$expr")"$'\n'
	done < "$T/exprs"
	is "$bad" "" "all $(wc -l < "$T/exprs") expressions of the dashboard are evaluated"
	like "$(curl -s "http://127.0.0.1:$PROM/api/v1/alerts")" 'DcosTaskFailed.*three' \
		"the alert for the task that failed fires"
	is "$(curl -s "http://127.0.0.1:$PROM/api/v1/rules" | grep -o '"health":"[a-z]*"' | sort -u)" \
		'"health":"ok"' "all alert rules are evaluated"
fi

# --- the agent comes and goes -----------------------------------------------------------------
before=$(value container_cpu_usage_seconds_total 'name="busy"')
agent_stop KILL
ok "when the agent was killed, dcos_agent_up is 0" until_ok 20 is_up 0
is "$(page | grep -c 'name="busy"')" 0 "and nothing old is said of its tasks"
agent_start
ok "the next agent is found by itself" until_ok 30 is_up 1
ok "and the counters went on" grown "$before"

# --- who may read ---------------------------------------------------------------------------
stop_exporters
agent_stop
sed -i '/^\[agent\]/a read_access = group' "$T/agent.conf"
agent_start
start refused $OTHERS
ok "read_access=group: not for everybody" is_up 0
stop_exporters
agent_stop
sed -i '/^\[agent\]/a read_group = nogroup' "$T/agent.conf"
agent_start
start reader $NOGROUP
ok "but for members of read_group" until_ok 20 is_up 1
as_reader() { setpriv --reuid $NOBODY --regid $NOGROUP --clear-groups "$T/dcosctl" "$@" 2>&1; }
cp "$DCOS_BUILD/bin/dcosctl" "$T/dcosctl"
like "$(as_reader kill busy)" 'ermission denied' "who may not manage tasks"
like "$(as_reader logs busy)" 'ermission denied' "nor read their logs"
stop_exporters
start stranger $OTHERS
ok "and for nobody else" is_up 0
stop_exporters
dcosctl drain --grace 0 > /dev/null 2>&1
is "$(agent_leftovers)" "" "nothing is left"
tap_done
