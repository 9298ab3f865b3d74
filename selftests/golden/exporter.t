#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcos-exporter with an agent that plays canned replies: pages, HTTP, clients that mean no good,
# and what is delivered with it: alert rules, dashboard, the table in the man page.
set -u
. "$(dirname "$0")/golden.sh"
command -v curl > /dev/null || tap_skip_all "needs curl"
REPLIES=$GOLDEN/exporter.json
exporter=$DCOS_BUILD/bin/dcos-exporter
OM=application/openmetrics-text\;version=1.0.0
if dir=$("$DCOS_SRC/selftests/harness/package.sh" prometheus promtool prometheus 2> "$T/why"); then
	PATH=$dir:$PATH
	why=
else
	why=$(tail -n 1 "$T/why")
fi

# what a run can't repeat
mask() {
	sed -E -e 's/^((process_[a-z_]+|dcos_agent_snapshot_age_seconds|dcos_exporter_page_seconds|container_last_seen(\{[^}]*\})?) ).*/\1X/' \
		-e 's/^([a-z_]+_created(\{[^}]*\})? ).*/\1X/' -e 's/"'"${DCOS_VERSION:-0.1.0}"'"/"VERSION"/'
}
page() { "$exporter" --print "$1" "${@:2}" | mask; }
stop() { kill "$PID" 2> /dev/null; wait "$PID" 2> /dev/null; }
golden_cleanup_all() {
	exec 9>&-
	stop
	golden_cleanup
}
# start [OPTION...]: sets PID, PORT, URL
start() {
	rm -f "$T/log" # the last one's port is not ours
	"$exporter" -l 127.0.0.1:0 "$@" > /dev/null 2> "$T/log" &
	PID=$!
	until_ok 10 grep -q serves "$T/log"
	PORT=$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' "$T/log")
	URL=http://127.0.0.1:$PORT
}
get() { curl -s --max-time 30 "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
type_of() { get -o /dev/null -w '%{content_type}' -H "Accept: $1" "$URL/metrics"; }
metric() { get "$URL/metrics" | sed -n "s/^$1 //p"; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
http() { "$DCOS_SRC/selftests/harness/http.pl" "$PORT" "$@"; }
# trickle NR TEXT [slow|unread]: connections that stay open until trickle_end, which sets CLOSED to
# how many of them the exporter has closed
trickle() {
	mkfifo "$T/fifo"
	http "${3:-slow}" "$1" "$2" < "$T/fifo" > "$T/trickle" &
	TRICKLE=$!
	exec 9> "$T/fifo"
	until_ok 20 grep -q ready "$T/trickle"
}
trickle_end() {
	exec 9>&-
	wait "$TRICKLE"
	rm -f "$T/fifo"
	CLOSED=$(sed 1d "$T/trickle")
}
PID=
trap golden_cleanup_all EXIT

golden "--help" exporter-help.txt "$("$exporter" --help)"
for args in "--listen 9924" "--max-series 10" "--bucket-step 9" "--print xml" "--interval 1ms" "x"; do
	# shellcheck disable=SC2086
	out=$("$exporter" $args 2>&1)
	is $? 2 "$args is refused: ${out#dcos-exporter: }"
done

# --- pages ------------------------------------------------------------------------
fake_start "$REPLIES"
golden "a page in text format 0.0.4" exporter-text.txt "$(page text)"
golden "a page in OpenMetrics 1.0.0" exporter-openmetrics.txt "$(page openmetrics --bucket-step 4)"
golden "a page without what is excluded" exporter-few.txt \
	"$(page openmetrics -x 'dcos_*' -x 'container_[^c]*' -x 'process_*')"
for args in "" "--bucket-step 1" "-x container_*"; do
	if [ -n "$why" ]; then
		skip "promtool finds nothing wrong: ${args:-as it is}" "$why"
		continue
	fi
	# shellcheck disable=SC2086
	"$exporter" --print text $args > "$T/page"
	ok "promtool finds nothing wrong: ${args:-as it is}" promtool check metrics < "$T/page"
done

# --- HTTP -------------------------------------------------------------------------
: > "$T/calls" # by pages until now; the agent appends
start
is "$(type_of "$OM")" "application/openmetrics-text; version=1.0.0; charset=utf-8" \
	"OpenMetrics for who asks for it"
is "$(type_of 'text/plain;version=0.0.4')" "text/plain; version=0.0.4; charset=utf-8" \
	"text for who asks for that"
is "$(get -H "Accept: $OM" "$URL/metrics" | tail -n 1)" "# EOF" "an OpenMetrics page is whole"
like "$(get -I "$URL/metrics")" 'Content-Length: [0-9]{5}' "HEAD tells the length"
is "$(status "$URL/healthz") $(status "$URL/") $(status "$URL/metric")" "200 200 404" \
	"/healthz and / are there, /metric is not"
like "$(get -i -d x=y "$URL/metrics")" '405.*Allow: GET, HEAD' "POST is not allowed"
is "$(status -X DELETE "$URL/")" 405 "nor is DELETE"
is "$(status "$URL/metrics?collect=x")" 200 "a query is ignored"
out=$("$exporter" -l "127.0.0.1:$PORT" 2>&1)
is "$? $out" "1 dcos-exporter: --listen=127.0.0.1:$PORT: Address already in use" \
	"a second one on the same port fails with a sentence"

# --- clients that mean no good -------------------------------------------------------
is "$({ printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n%.0s' 1 2 3
	printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; } | http raw | paste -sd' ')" \
	"200 200 200 200" "requests in a row are answered in a row"
out=$({ printf 'GET / HTTP/1.1\r\nHost: x\r\nX: '; head -c 100000 /dev/zero | tr '\0' a; printf '\r\n\r\n'; } | http raw 2>&1)
like "$out" '^4[0-9]{2}$|^$' "headers without end are refused: ${out:-hung up}"
out=$(head -c 100000 /dev/urandom | http raw)
like "$out" '^(400)?$' "noise is refused: ${out:-hung up}"
is "$(printf 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n%05000d' 0 | http raw)" \
	200 "the body of a GET is read and ignored"
trickle 1000 'GET /metrics HTTP/1.1\r\nHo'
is "$(status "$URL/metrics")" 200 "a page in time, with 1000 slow clients"
is "$(status "$URL/healthz")" 200 "and again"
trickle_end
ok "most of the slow ones were hung up on, the slowest first: $CLOSED of 1000" test "${CLOSED:-0}" -ge 700
dropped_many() { [ "$(metric dcos_exporter_connections_dropped_total)" -ge 700 ]; }
ok "and that is counted" until_ok 10 dropped_many
trickle 100 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' unread
is "$(status "$URL/metrics")" 200 "a page in time, with 100 clients that never read"
trickle_end
pages=$(metric dcos_exporter_pages_total)
for _ in 1 2 3 4 5 6 7 8 9 10; do get -o /dev/null "$URL/metrics"; done
ok "who asks often gets the same page" test $(($(metric dcos_exporter_pages_total) - pages)) -le 3
is "$(grep -c '^List ' "$T/calls")" "$(grep -c '^Metrics ' "$T/calls")" "the agent is asked as often for each"
is "$(grep -c '^Subscribe' "$T/calls")" 1 "and has one subscription"

# --- the agent comes and goes --------------------------------------------------------
fake_stop
ok "without an agent /healthz is 503" until_ok 10 eval '[ "$(status "$URL/healthz")" = 503 ]'
ok "and dcos_agent_up 0" until_ok 10 metric_is dcos_agent_up 0
is "$(get "$URL/metrics" | grep -c '^container_')" 0 "and nothing is said of tasks"
like "$(get "$URL/healthz")" "hung up|Connection refused|No such file" "with the reason"
fake_start "$REPLIES"
ok "when it is back, dcos_agent_up is 1 by itself" until_ok 20 metric_is dcos_agent_up 1
like "$(metric dcos_exporter_connects_total)" '^[2-9]' "connections to the agent are counted"
is "$(grep -c 'trying again' "$T/log")" 1 "the log told it once"
stop

# --- agents that mean no good --------------------------------------------------------
misbehave() { # NAME REPLIES: the agent answers with that
	fake_stop
	echo "$2" > "$T/replies"
	fake_start "$T/replies"
	start
	is "$(status "$URL/metrics")" 200 "$1: a page all the same"
	like "$(metric dcos_agent_up)" "$3" "$1: dcos_agent_up is $3"
	ok "$1: the exporter goes on" kill -0 "$PID"
	stop
}
snapshot='{"seq":1,"time_ns":1,"interval_ms":60000,"ncpu":1,"usages":[{"id":"a","state":"RUNNING","cpu_ns":5}]}'
misbehave "an agent that never answers questions" \
	"{\"Subscribe\":{\"replies\":[{\"snapshot\":$snapshot}],\"hold\":true},\"Info\":{\"hold\":true}}" 1
misbehave "an agent that lacks methods" "{\"Subscribe\":{\"replies\":[{\"snapshot\":$snapshot}],\"hold\":true},
	\"List\":{\"error\":\"org.varlink.service.MethodNotFound\",\"params\":{}},
	\"Metrics\":{\"error\":\"org.varlink.service.MethodNotFound\",\"params\":{}}}" 1
misbehave "an agent that refuses to subscribe" \
	'{"Subscribe":{"error":"io.dcos.Agent.LimitReached","params":{"what":"subscribers","limit":1}}}' 0
misbehave "an agent with an odd snapshot" '{"Subscribe":{"replies":[{"snapshot":[]},{}],"hold":true}}' 0
fake_stop

# --- what is delivered with it ---------------------------------------------------------
cp "$DCOS_SRC/Documentation/prometheus-alerts.yml" "$GOLDEN/exporter-alerts.yml" "$T"
if [ -n "$why" ]; then
	skip "promtool accepts the alert rules" "$why"
	skip "and they fire when they should" "$why"
else
	ok "promtool accepts the alert rules" promtool check rules "$T/prometheus-alerts.yml"
	ok "and they fire when they should" promtool test rules "$T/exporter-alerts.yml"
fi
"$exporter" --list-metrics > "$T/list"
sed -n 's/^``\(.*\)``$/\1/p' "$T/list" | sort > "$T/names"
ok "the list has $(wc -l < "$T/names") metrics" test "$(wc -l < "$T/names")" -gt 80
# every field of the interface is in a metric; id and state are labels, exit has fields of its own
missing=
for type in Usage AgentUsage; do
	for field in $(sed -n "/^type $type (/,/^)/p" "$DCOS_SRC/agent/io.dcos.Agent.varlink" |
		sed -nE 's/^  ([a-z_]+): .*/\1/p' | grep -vxE 'id|state|exit'); do
		grep -qE "\`([a-z_]+[-+?|])*$field([-+?|][a-z_]+)*\`" "$T/list" ||
			missing+="$type.$field "
	done
done
is "$missing" "" "every field of Usage and AgentUsage is in a metric"
for file in prometheus-alerts.yml grafana-dashboard.json; do
	grep -oE '\b(container|dcos|machine|process)_[a-z_]+' "$DCOS_SRC/Documentation/$file" |
		sed -E 's/_(bucket|sum|count)$//' | sort -u > "$T/used"
	is "$(comm -23 "$T/used" "$T/names" | paste -sd' ')" "" "$file names only metrics that there are"
done
sed -n '/^METRICS$/,/^OVERHEAD$/p' "$DCOS_SRC/Documentation/man/dcos-exporter.8.rst" > "$T/man"
is "$(grep -vxF -f "$T/man" "$T/list")" "" "dcos-exporter(8) has the list as it is"
is "$(sed -n 's/^``\(.*\)``$/\1/p' "$T/man" | sort)" "$(cat "$T/names")" "and nothing else"
tap_done
