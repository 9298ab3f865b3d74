#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosctl against an agent with canned replies: what it prints, asks and exits with.
. "${DCOS_SRC:?of the sources}/selftests/golden/golden.sh"

# out COMMAND...: standard output, standard error and exit status, told apart
out() {
	"$@" > "$T/out" 2> "$T/err" < /dev/null
	echo "exit $?"
	sed 's/^/1: /' "$T/out"
	sed 's/^/2: /' "$T/err"
}
last_call() { tail -n "${1:-1}" "$T/calls"; }

# --- without an agent ------------------------------------------------------------
golden "no socket: says what to do" dcosctl-no-socket.txt "$(DCOS_SOCKET=/nowhere/s out dcosctl ps)"
: > "$T/file"
like "$(DCOS_SOCKET=$T/file out dcosctl ps)" 'exit 1.*nobody listens' "a socket without an agent is named"
mkfifo "$T/in"
like "$(out dcosctl --socket "$(printf 'x%.0s' {1..200})" ps)" 'exit 1.*shorter than 108' "a path that is too long is named"
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	fake_start "$GOLDEN/replies.json"
	chmod 755 "$T"
	like "$(out setpriv --reuid=65534 --clear-groups "$(type -P dcosctl)" ps)" 'exit 1.*permission denied; be root' "a socket that one may not use is named"
	fake_stop
else
	skip "a socket that one may not use is named" "needs root and setpriv"
fi

# --- usage -----------------------------------------------------------------------
golden "help" dcosctl-help.txt "$(out dcosctl --help)"
golden "help of run" dcosctl-run-help.txt "$(out dcosctl run --help)"
is "$(dcosctl help run)" "$(dcosctl run --help)" "help COMMAND is COMMAND --help"
for words in nonsense "ps extra" "kill" "wait a b" "update web" "update web =1" "update web cpus=1 cpus=2" \
	"--colour" "ps --colour" "kill -g soon web" "kill -s NOPE web" "drain --off -g 1s" "run" "run --mount x true" "logs --tail x web" "history" "history -n 0 web" "metrics web" "events a b" "events -n 0"; do
	like "$(out dcosctl $words)" '^exit 2.2: dcosctl: .*2: Try: dcosctl.* --help$' "usage: dcosctl $words"
done
like "$(out dcosctl --version)" '^exit 0.1: dcosctl [0-9]' "version"

# --- the manual and the completion know everything ---------------------------------
commands=$(dcosctl --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
missing=
for c in $commands; do
	grep -q "^$c\b" "$DCOS_SRC/Documentation/man/dcosctl.1.rst" || missing+=" $c"
	grep "compgen -W 'run ps " "$DCOS_SRC/tools/completion/dcosctl" | grep -qw "$c" || missing+=" completion:$c"
	for o in $(dcosctl help "$c" | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
		grep -qE -- "^(-.*, )?$o\b" "$DCOS_SRC/Documentation/man/dcosctl.1.rst" || missing+=" $c:$o"
	done
done
for o in $(dcostop --help | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
	grep -qE -- "^(-.*, )?$o\b" "$DCOS_SRC/Documentation/man/dcostop.1.rst" || missing+=" dcostop:$o"
done
is "$missing" "" "every command and option is in the manual"

# complete WORDS...: what bash offers for the last word
complete_words() {
	local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	. "$DCOS_SRC/tools/completion/dcosctl"
	_dcosctl
	echo "${COMPREPLY[*]}"
}
is "$(complete_words dcosctl lo)" logs "completion: commands"
is "$(complete_words dcosctl run --dr)" "--dry-run" "completion: options of a command"

# --- tables ----------------------------------------------------------------------
fake_start "$GOLDEN/replies.json"
tap $? "an agent with canned replies starts"
golden "ps" dcosctl-ps.txt "$(out dcosctl ps)"
is "$(dcosctl)" "$(dcosctl ps)" "the bare command is ps"
golden "ps -a" dcosctl-ps-all.txt "$(out dcosctl ps -a)"
is "$(dcosctl ps -aq | paste -sd' ')" "web-frontend sleeper exits-3 greedy lost" "ps -aq: ids only"
is "$(complete_words dcosctl kill sl)" sleeper "completion: ids of running tasks"
is "$(complete_words dcosctl rm ex)" exits-3 "completion: ids of ended ones"
is "$(dcosctl ps -a | grep -c $'\x1b')" 0 "another's text can't drive the terminal"
golden "inspect" dcosctl-inspect.txt "$(out dcosctl inspect exits-3)"
golden "doctor" dcosctl-doctor.txt "$(out dcosctl doctor)"
if command -v tmux > /dev/null; then
	tm new-session -d -s doctor -x 80 -y 24 "'$DCOS_BUILD/bin/dcosctl' doctor; exec sleep 60"
	until_ok 10 sh -c "tmux -S '$T/tmux' capture-pane -p -t doctor | grep -q ^counter"
	golden "doctor in a terminal of 80 columns" dcosctl-doctor-80.txt "$(tm capture-pane -p -t doctor)"
else
	skip "doctor in a terminal of 80 columns" "needs tmux"
fi
like "$(out dcosctl doctor --strict)" '^exit 1' "doctor --strict fails when something has no replacement"
golden "info" dcosctl-info.txt "$(out dcosctl info)"
for words in ps inspect\ exits-3 doctor info wait\ web; do
	dcosctl --json $words | python3 -c 'import json, sys; json.load(sys.stdin)' 2> "$T/err"
	tap $? "dcosctl --json $words is one JSON document"
done

# --- run -------------------------------------------------------------------------
like "$(out dcosctl run --image host -- true)" '^exit 0.1: web.2: dcosctl: warning: resources.memory is not' "run: id on stdout, warnings on stderr"
is "$(last_call)" 'Run {"spec":{"command":["true"],"image":"host"}}' "run: asks for no more than it was told"
golden "run: all options" dcosctl-run-spec.txt "$(dcosctl run --dry-run --id w --image host -c 0.5 -m 64M -p 20 -e A=b=c \
	-l x=y -v /a:/b:ro -v /c:/d --tmpfs /t:4M --device /dev/fuse:rw --cap NET_ADMIN --cwd / --workdir /w --user 1:2 \
	--network none --hostname h --seccomp unconfined --read-only --no-userns --kill-grace 3s \
	--set rlimits.nofile=1024 --set umask=0027 -- sh -c 'exit 3' | python3 -m json.tool --sort-keys)"
echo '{"id": "old", "image": "host", "cmd": "x", "env": {"A": "1", "B": "2"}}' > "$T/spec.json"
dcosctl run -f "$T/spec.json" --id new -e A=3 -- y > /dev/null 2>&1
is "$(last_call)" 'Run {"spec":{"command":["y"],"env":{"A":"3","B":"2"},"id":"new","image":"host"}}' "run -f: options change the spec"
is "$(dcosctl run -f - --dry-run < "$T/spec.json")" "$(dcosctl run -f "$T/spec.json" --dry-run)" "run -f -: reads standard input"
printf '{"image":"host",' > "$T/bad.json"
like "$(out dcosctl run -f "$T/bad.json")" '^exit 1.2: dcosctl: .*bad.json: line 1, column 16: ' "run -f: line and column of what is no JSON"
printf '{"id":"a","id":"b"}' > "$T/bad.json"
like "$(out dcosctl run -f "$T/bad.json")" '^exit 1.2: .*duplicate' "run -f: a key that is there twice"
like "$(out dcosctl run -f "$T/none.json")" '^exit 1.2: .*none.json: No such file' "run -f: no such file"
like "$(out dcosctl run -f /dev/zero)" '^exit 1.2: .*/dev/zero: File too large' "run -f: what has no end is refused"
like "$(out dcosctl run --wait --image host -- x)" '^exit 7.1: web' "run --wait: exits as the task"
golden "run --logs: both streams, bytes as they are" dcosctl-run-logs.txt "$(out dcosctl run --rm --logs --image host -- x | sort | cat -v)"
is "$(last_call)" 'Remove {"id":"web"}' "run --rm: removes the task"

# --- one task --------------------------------------------------------------------
like "$(out dcosctl wait exits-3)" '^exit 3$' "wait: the task's code"
like "$(out dcosctl wait greedy)" '^exit 137$' "wait: 128 + signal"
like "$(out dcosctl wait lost)" '^exit 1.2: dcosctl: lost: nobody knows' "wait: an unknown end is a failure"
like "$(out dcosctl kill -s USR1 -g 1.5s sleeper lost nobody)" '^exit 1.2: .*lost: the task has ended \(LOST\).2: .*nobody: no such task' "kill: goes on after a failure"
is "$(last_call 3 | head -1)" 'Kill {"grace_ms":1500,"id":"sleeper","signal":10}' "kill: signal and grace"
like "$(out dcosctl rm sleeper)" '^exit 1.2: .*sleeper: the task still runs' "rm: a task that runs is refused"
dcosctl rm -f sleeper > /dev/null 2>&1
is "$(last_call 4 | paste -sd' ')" 'Inspect {"id":"sleeper"} Kill {"grace_ms":0,"id":"sleeper","signal":9} Wait {"id":"sleeper"} Remove {"id":"sleeper"}' "rm -f: kills, waits, removes"
dcosctl update web cpus=0.5 memory=64M pids= swap=0
is "$(last_call)" 'Update {"id":"web","resources":{"cpus":0.5,"memory":"64M","pids":null,"swap":0}}' "update: numbers, text and no limit"
like "$(out dcosctl update sleeper cpus=99)" '^exit 1.2: dcosctl: resources.cpus: 99: must be at most 2' "update: key, value and range of what is refused"
like "$(out dcosctl update exits-3 cpus=1)" '^exit 1.2: dcosctl: cpu.max=50000 100000: Permission denied$' "update: what the kernel refused"

# --- logs ------------------------------------------------------------------------
dcosctl logs --stdout x > "$T/out" 2> "$T/err"
is "$(od -An -tx1 "$T/out" | tr -d ' \n')" "6f6e650aff00610a" "logs: bytes that are no text come as they were"
like "$(cat "$T/err")" '12 bytes of stdout are not kept' "logs: says what was dropped"
dcosctl logs -f -t 1K --stderr x > "$T/out" 2> /dev/null
is "$(last_call)" 'Logs {"follow":true,"id":"x","stream":"stderr","tail_bytes":1024}' "logs: follow and tail"
is "$(wc -c < "$T/out")" 8 "logs --stderr: goes to standard output"
like "$(out dcosctl logs nobody)" '^exit 1.2: .*nobody: no such task' "logs: no such task"
is "$(dcosctl logs --json --stdout x | wc -l)" 2 "logs --json: one document a line"

# --- events ----------------------------------------------------------------------
golden "events" dcosctl-events.txt "$(TZ=UTC out dcosctl events)"
is "$(last_call)" 'Events {"since":0}' "events: of all tasks"
is "$(TZ=UTC dcosctl events -n 1)" "$(TZ=UTC dcosctl events | tail -1)" "events: the last one"
is "$(dcosctl --json events -n 2 | wc -l)" 2 "events --json: one event a line"
dcosctl events -f -n 1 web > /dev/null 2>&1
is "$(last_call 2 | paste -sd' ')" 'Events {"since":0,"task":"web"} Events {"since":1004,"task":"web"}' "events -f: goes on behind what was printed"

# --- drain, top ------------------------------------------------------------------
golden "drain" dcosctl-drain.txt "$(out dcosctl drain -g 2s)"
is "$(last_call)" 'Drain {"grace_ms":2000}' "drain: grace"
is "$(dcosctl drain --json | wc -l)" 3 "drain --json: one document a line"
dcosctl drain --off
is "$(last_call)" 'Drain {"off":true}' "drain --off"
is "$(dcosctl top -b -n 2 | tail -1)" "$(dcostop -b -n 2 | tail -1)" "top is dcostop"

# --- meters ----------------------------------------------------------------------
fake_stop
fake_start "$GOLDEN/meters.json"
golden "history" dcosctl-history.txt "$(out dcosctl history web-frontend)"
like "$(LC_ALL=C dcosctl history web-frontend)" 'cpu .*#.*denied .*#' "history: a curve of letters where there is no UTF-8"
dcosctl history -n 300 web-frontend > /dev/null
is "$(last_call)" 'History {"id":"web-frontend","seconds":300}' "history: so far back"
like "$(out dcosctl history lost)" '^exit 1.2: dcosctl: nothing is kept' "history: a task of which nothing is kept"
like "$(out dcosctl history nobody)" '^exit 1.2: .*nobody: no such task' "history: no such task"
golden "metrics" dcosctl-metrics.txt "$(out dcosctl metrics)"
for words in history\ web-frontend metrics; do
	dcosctl --json $words | python3 -c 'import json, sys; json.load(sys.stdin)' 2> "$T/err"
	tap $? "dcosctl --json $words is one JSON document"
done
fake_stop
fake_start "$GOLDEN/replies.json"

# --- trouble ---------------------------------------------------------------------
like "$(dcosctl ps 2>&1 > /dev/full; echo "exit $?")" 'standard output.*exit 1' "a full disk is a failure"
fake_stop
echo '{"Wait": {"hold": true}}' > "$T/hold.json"
fake_start "$T/hold.json"
dcosctl wait x 2> "$T/err" &
waiter=$!
until_ok 10 grep -q Wait "$T/calls"
fake_stop
wait "$waiter"
like "exit $? $(cat "$T/err")" '^exit 1 .*the agent hung up' "an agent that stops in mid-call is named"
tap_done
