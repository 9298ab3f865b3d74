#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The web page of dcos-allocator in a browser: what it shows of nodes, apps and tasks, why an app waits,
# charts that move, a task's log, and that nothing an app is called becomes markup.
# Not in guests: a browser is not in their image.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
. "$DCOS_SRC/selftests/harness/browser.sh"
command -v chromedriver > /dev/null || tap_skip_all "needs chromedriver"

T=$(mktemp -d "${TMPDIR:-/var/tmp}/dcos-test.XXXXXX")
mkdir "$T/store"
ALLOCATOR=
cleanup() {
	browser_end
	[ -z "$ALLOCATOR" ] || kill "$ALLOCATOR" 2> /dev/null
	rm -rf "$T"
}
trap cleanup EXIT
echo 500 > "$T/load"
"$DCOS_BUILD/selftests/allocator-emulated" -l 127.0.0.1:0 --state "$T/store" --web "$DCOS_SRC/tools/allocator/web" \
	--emulated 3 --load "$T/load" > /dev/null 2> "$T/allocator.log" < /dev/null &
ALLOCATOR=$!
until_ok 20 grep -q serves "$T/allocator.log" || tap_skip_all "the allocator does not start: $(cat "$T/allocator.log")"
URL=$(sed -n 's,.*\(http://127.0.0.1:[0-9]*\)/.*,\1,p' "$T/allocator.log")
call() { curl -s --max-time 20 -X "$1" ${3+-d "$3"} "$URL$2"; }

# --- files ---------------------------------------------------------------------------------------
like "$(curl -si "$URL/")" "Content-Security-Policy: default-src 'none'; script-src 'self'" "the page may run no script but its own"
is "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is "$URL/../../etc/passwd")" 404 "other files are not there"
is "$(curl -s -o /dev/null -w '%{http_code}' -H 'Origin: http://elsewhere.example' -d '{"id":"/x","cmd":"true"}' "$URL/v2/apps")" 403 \
	"a page of another origin may change nothing"
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Origin: $URL" -d '{"id":"/own","cmd":"true","cpus":0.1}' "$URL/v2/apps")" 201 "its own may"

# --- in a browser --------------------------------------------------------------------------------
browser_start || { diag "$(tail -n 3 "$T/chromedriver.log")"; tap_skip_all "no browser starts"; }
call POST /v2/apps '{"id":"/web","cmd":"true","cpus":0.5,"instances":2,"env":{"A":"b"}}' > /dev/null
call POST /v2/apps '{"id":"/greedy","cmd":"true","cpus":64}' > /dev/null
browser_open "$URL/"
rows() { page "return [...document.querySelectorAll('#$1 tbody tr')].map(r => [...r.cells].map(c => c.textContent).join('|'))"; }
shows() { [[ $(rows "$1") == *"$2"* ]]; }
ok "it is live" until_ok 20 [ "$(page "return document.querySelector('#link').textContent")" = '"live"' ]
ok "three nodes are active" until_ok 20 shows nodes '"node-2|active|4|'
ok "an app has its tasks" until_ok 20 shows apps '"/web|2/2|'
ok "one that fits nowhere says why" until_ok 20 shows apps '"/greedy|0/1|||||'
like "$(rows apps)" 'greedy[^"]*waits for a node that fits: cpus at 3 of 3 nodes; node-[0-2] is short by 6[0-9.]+ CPUs' "by what it lacks"
ok "what tasks use is shown" until_ok 20 shows tasks '|0.1'
moves() { [ "$(page "const p = document.querySelector('#tasks path'); return p ? p.getAttribute('d').split('L').length : 0")" -ge "$1" ]; }
ok "in charts that move" until_ok 20 moves 4
page "document.querySelector('#tasks button').click()" > /dev/null
ok "a task's log is shown" until_ok 10 [ "$(page "return document.querySelector('#log pre').textContent.slice(0, 4)")" = '"app."' ]
call PUT /v2/apps/web '{"instances":3}' > /dev/null
ok "a change is seen without being asked for" until_ok 10 shows apps '"/web|3/3|'
ok "and told as an event" until_ok 5 [ "$(page "return document.querySelectorAll('#events li').length > 0")" = true ]
page "takeEvent({data: JSON.stringify({eventType: 'status_update_event', timestamp: '2026-01-01T00:00:00', taskId: '<img src=x onerror=document.title=1>', taskStatus: 'x'})})" > /dev/null
is "$(page "return document.querySelectorAll('img').length + document.title")" '"0dcos-node"' "text stays text"
kill -USR1 "$ALLOCATOR"
ok "a lost node is unreachable" until_ok 10 shows nodes '"node-0|unreachable'
is "$(page "return document.querySelectorAll('table').length - document.querySelectorAll('section[aria-labelledby] table').length")" 0 "every table has a heading"
tap_done
