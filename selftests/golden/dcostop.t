#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcostop against an agent with canned replies: its screen in a terminal of tmux, text and JSON.
. "${DCOS_SRC:?of the sources}/selftests/golden/golden.sh"
command -v tmux > /dev/null || tap_skip_all "needs tmux"

screen() { tm capture-pane -p -t top; }
shows() { screen | grep -qE -- "$1"; }
keys() { tm send-keys -t top "$@"; }
# top_start WxH [OPTION...]
top_start() {
	local size=$1
	shift
	tm kill-session -t top 2> /dev/null
	tm new-session -d -s top -x "${size%x*}" -y "${size#*x}" \
		"env TERM=screen-256color $TOP_ENV '$DCOS_BUILD/bin/dcostop' $*; echo \"ended with \$?\"; exec sleep 60"
}
# see NAME PATTERN: it appears on the screen
see() {
	until_ok 10 shows "$2"
	local r=$?
	tap $r "$1"
	[ $r = 0 ] || diag "$(screen)"
}

TOP_ENV=
fake_start "$GOLDEN/replies.json"
tm new-session -d -s keep "exec sleep 600" # so that the server does not end with a session

# --- the screen ------------------------------------------------------------------
for size in 80x24 20x5 120x30 40x8; do
	top_start $size
	until_ok 10 shows 'sleeper +0\.0|sleeper +RUNNING +0\.0'
	golden "screen of $size" "dcostop-$size.txt" "$(screen)"
	keys q
	see "q quits at $size" 'ended with 0'
done
top_start 1x1
until_ok 10 grep -q 'Subscribe' "$T/calls"
keys q
tm resize-window -t top -x 80 -y 24
see "1x1 does not crash" 'ended with 0'

top_start 80x24
until_ok 10 shows 'sleeper +RUNNING +0\.0'
first_row() { screen | sed -n 5p; }
keys m
see "m sorts by memory" 'by RSS'
keys w
see "w sorts by wait" 'by P99'
is "$(first_row | cut -d' ' -f1)" web-frontend "the longest wait is on top"
keys i
see "i sorts by id" 'by ID'
keys r
see "r reverses" 'by ID reversed'
is "$(first_row | cut -d' ' -f1)" web-frontend "the last id is on top"
keys r c
see "c sorts by CPU" 'by CPU%$'
keys / w e b
see "a filter is shown while it is typed" '^/web_'
is "$(screen | grep -cE 'RUNNING|FAILED|KILLED|FINISHED')" 1 "only matching rows are left"
keys Enter
see "Enter keeps the filter" 'by CPU%  /web'
keys Escape
see "Esc takes it off" 'sleeper'
keys Space
see "space pauses" 'PAUSED'
keys Space
keys h
see "h shows the help" 'keys and columns'
golden "help" dcostop-help-screen.txt "$(screen)"
keys x
see "any key goes back" '^q quit'
tm resize-window -t top -x 40 -y 8
see "a smaller terminal shows fewer columns" '^ID +CPU% THR% +P99 +RSS$'
keys Down Down
see "down scrolls to the last page" '^stopped'
keys Home
see "Home goes to the top" '^batch'
tm resize-window -t top -x 80 -y 24
see "a larger one shows them again" 'PIDS EXIT'
fake_stop
see "a lost connection is told" 'no agent at|hung up'
fake_start "$GOLDEN/replies.json"
see "and it comes back by itself" '^Mem .* by CPU%'
keys q
see "q quits" 'ended with 0'

# --- the terminal is given back -----------------------------------------------------
top_start 80x24
until_ok 10 shows 'sleeper +RUNNING'
# pid of dcostop: the only child of the pane's shell
kill -TERM "$(cat /proc/"$(tm display-message -p -t top '#{pane_pid}')"/task/*/children)"
see "SIGTERM ends it" 'ended with'
is "$(tm display-message -p -t top '#{alternate_on} #{cursor_flag}')" "0 1" "and gives the terminal back"

# --- colour ----------------------------------------------------------------------
top_start 80x24
until_ok 10 shows 'exits-3 +FAILED'
tm capture-pane -p -e -t top | grep -q $'\x1b\[[0-9;]*31m'
tap $? "what failed is red"
TOP_ENV=NO_COLOR=1
top_start 80x24
until_ok 10 shows 'exits-3 +FAILED'
is "$(tm capture-pane -p -e -t top | grep -cE $'\x1b\\[[0-9;]*3[0-7]m')" 0 "NO_COLOR: no colour"
TOP_ENV=TERM=nonsense
top_start 80x24
see "an unknown terminal is named" 'try --batch'
TOP_ENV=

# --- text and JSON ---------------------------------------------------------------
golden "batch" dcostop-batch.txt "$(dcostop -b -n 2)"
is "$(dcostop -n 1 | head -1 | cut -d' ' -f1)" dcostop "what is no terminal gets text"
golden "JSON" dcostop-json.txt "$(dcostop --json -n 2 | tail -1 | python3 -m json.tool)"
is "$(dcostop -b -n 2 --filter web --sort id | tail -1 | cut -d' ' -f1)" web-frontend "filter and sort by option"
dcostop -b -n 1 -d 2s > /dev/null
is "$(tail -1 "$T/calls")" 'Subscribe {"interval_ms":2000}' "the interval is asked for"
for words in "-d 1ms" "-n 0" "-s colour" "--colour" "extra" "-d soon"; do
	like "$(dcostop $words 2>&1; echo "exit $?")" '^dcostop: .*exit 2$' "usage: dcostop $words"
done
like "$(DCOS_SOCKET=/nowhere/s dcostop 2>&1; echo "exit $?")" 'no agent at /nowhere/s.*exit 1$' "no agent: says so"
like "$(dcostop -b -n 2 2>&1 > /dev/full; echo "exit $?")" 'exit 1' "a full disk is a failure"
tap_done
