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
keys '>'
see "> sorts by the next column" 'by PIDS'
keys '<' '<'
see "< by the one before" 'by P99'
keys i w
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
keys / 'cpu>=30 && why~disk' Enter
see "an expression over columns" 'by CPU%  /cpu>=30 && why~disk'
is "$(screen | grep -cE 'RUNNING|FAILED|KILLED|FINISHED')" 1 "leaves those it is true for"
shows '^db\.1 .*disk wait'
tap $? "which is the one that waits for a disk"
keys Escape / 'cpu>>5' Enter
see "a wrong one is told with its place" 'filter, at character 5: a value is wanted'
keys Escape
see "and shows everything" 'sleeper'
keys a
see "a shows apps" '^db/ +2 tasks +34\.0'
see "a label names an app" '^shop/ +1 task +43\.0'
golden "tree" dcostop-tree.txt "$(screen)"
keys a
for set in 2:CPU 3:memory 4:disk 5:network 6:security; do
	keys "${set%:*}"
	see "columns: ${set#*:}" "${set#*:}  by CPU%"
	golden "columns of ${set#*:}" "dcostop-${set#*:}.txt" "$(screen)"
done
keys Tab
see "Tab comes round to the overview" ' +by CPU%$'
keys Space
see "space pauses" 'PAUSED'
keys Space
keys h
see "h shows the help" 'keys and columns'
golden "help" dcostop-help-screen.txt "$(screen)"
keys NPage NPage NPage NPage
see "it scrolls to the last column" 'destinations denied'
keys x
see "any key goes back" '^q quit'
tm resize-window -t top -x 40 -y 8
see "a smaller terminal shows fewer columns" '^ID +CPU% THR% +P99 +RSS$'
keys End
see "End goes to the last row" '^stopped'
keys Home
see "Home goes to the top" '^db\.1'
tm resize-window -t top -x 80 -y 24
see "a larger one shows them again" 'PIDS WHY'

# --- the past ------------------------------------------------------------------------
keys '['
see "[ shows the table of a second ago" 'PAST  1s ago$'
see "with the cause of then" '^db\.1 +RUNNING +30\.0 .*disk wait'
keys k
see "nothing can be done there" '^this is the past'
keys '[' '[' '[' '[' '[' '[' '[' '[' '[' '[' '['
see "a task that has ended is there while it ran" '^greedy +RUNNING +100\.0 .*memory'
golden "the table of twelve seconds ago" dcostop-past.txt "$(screen)"
keys ']' ']' ']'
see "] goes forth" 'PAST  9s ago$'
! shows '^greedy'
tap $? "and the task has ended"
keys '}'
see "} comes back to now" 'seq 42  dropped 0'

# --- a task ------------------------------------------------------------------------
keys / w e b Enter Down Enter
see "Enter shows the task's page" '^why: throttled: 40 %, 210 ms/s'
see "with its history" '^CPU % .* most +49'
golden "page of a task" dcostop-task.txt "$(screen)"
keys '[' '[' '['
see "[ goes back in its history" 'the last 57 readings, 1000 ms each, up to 3s ago'
! shows 'in this interval'
tap $? "where histograms are not known"
keys Escape
see "the table is of the same time" 'PAST  3s ago$'
keys Enter ']' ']' ']'
see "] comes back" 'the last 60 readings, 1000 ms each$'
keys k
see "k asks before" '^kill web-frontend\?  y SIGTERM'
keys n
see "n does nothing" '^nothing was done'
! grep -q '^Kill' "$T/calls"
tap $? "and the agent was not asked"
keys k y
see "y sends the signal" '^sent signal 15 to web-frontend'
is "$(grep '^Kill' "$T/calls")" 'Kill {"id":"web-frontend","signal":15}' "to the task that is shown"
keys u 0 . 2 5 Enter
see "u asks before it changes the quota" '^0\.25 CPUs for web-frontend\?'
keys y
see "y changes it" '^web-frontend has a quota of 0\.25 CPUs'
is "$(grep '^Update' "$T/calls")" 'Update {"id":"web-frontend","resources":{"cpus":0.25}}' "live"
keys u x Enter
see "what is no number is refused" '^CPUs: x: must be a number above 0'
keys Escape
see "Esc goes back to the table" 'by CPU%  /web'
keys Escape

# --- the mouse -----------------------------------------------------------------------
# click X Y: as an xterm reports it
click() { tm send-keys -t top -l $'\x1b'"[M $(printf "\\x$(printf %x $((32 + $1)))\\x$(printf %x $((32 + $2)))")"; tm send-keys -t top -l $'\x1b'"[M#$(printf "\\x$(printf %x $((32 + $1)))\\x$(printf %x $((32 + $2)))")"; }
click 3 4
see "a click on a title sorts by it" 'by ID'
keys c
fake_stop
see "a lost connection is told" 'no agent at|hung up'
fake_start "$GOLDEN/replies.json"
see "and it comes back by itself" '^Mem .* by CPU%'
keys q
see "q quits" 'ended with 0'

# --- an agent that does not answer ----------------------------------------------------
sed 's/600000/100/g' "$GOLDEN/replies.json" > "$T/quick.json"
fake_stop
fake_start "$T/quick.json"
top_start 80x24
until_ok 10 shows 'sleeper +RUNNING +0\.0'
kill -STOP $FAKE_PID
see "silence is told" '^no snapshot for [0-9]+ s: the agent is stopped or busy'
keys m
see "keys go on to work" 'sleeper'
keys Down k y
see "what is asked for has no answer yet" '^asked the agent, no answer yet'
keys k y
see "and is not asked for twice" '^the agent has not answered the last request yet'
kill -CONT $FAKE_PID
see "then it has" '^sent signal 15 to'
keys q
see "q quits" 'ended with 0'
fake_stop
fake_start "$GOLDEN/replies.json"

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

# --- recordings ---------------------------------------------------------------------
dcostop -b -n 2 --record "$T/r" > "$T/live"
is "$(wc -l < "$T/r")" 3 "a recording has a line for each snapshot, after one about the node"
is "$(dcostop -b --replay "$T/r")" "$(cat "$T/live")" "replayed it gives the same text"
like "$(dcostop -b -n 1 --record "$T/r" 2>&1; echo "exit $?")" 'File exists.*exit 1$' "an old recording is not written over"
head -c -10 "$T/r" > "$T/cut"
like "$(dcostop --replay "$T/cut" 2>&1; echo "exit $?")" 'line 3: the recording is cut off here.*exit 1$' "a cut one is refused"
echo '{"replies": []}' > "$T/foreign"
like "$(dcostop --replay "$T/foreign" 2>&1; echo "exit $?")" 'is no recording of dcostop.*exit 1$' "a foreign file too"
head -c 4096 /dev/urandom > "$T/noise"
like "$(dcostop --replay "$T/noise" 2>&1; echo "exit $?")" 'is no recording of dcostop.*exit 1$' "and noise"
top_start 80x24 --replay "$T/r"
see "a recording plays on the screen" 'REPLAY  1s of 1s  snapshot 2 of 2'
keys '['
see "[ goes back and pauses" 'REPLAY  PAUSED  0 of 1s  snapshot 1 of 2'
keys ']'
see "] goes forth" 'PAUSED  1s of 1s  snapshot 2 of 2'
see "with the rates of then" '^web-frontend +RUNNING +43\.0'
keys '{'
see "{ goes far back, as far as there is something" 'snapshot 1 of 2'
keys g 1 s Enter
see "g goes to a time" '1s of 1s  snapshot 2 of 2'
keys g x Enter
see "what is no time is refused" '^x: must be a time such as'
keys End Enter
see "a task's page has the history that was recorded" 'the last 1 readings'
keys Escape
keys k
see "nothing can be done to its tasks" 'this is a recording'
keys q
see "q quits a recording" 'ended with 0'

# --- text and JSON ---------------------------------------------------------------
golden "batch" dcostop-batch.txt "$(dcostop -b -n 2)"
is "$(dcostop -n 1 | head -1 | cut -d' ' -f1)" dcostop "what is no terminal gets text"
golden "CSV" dcostop-csv.txt "$(dcostop --csv -n 2 | tr -d '\r')"
golden "JSON" dcostop-json.txt "$(dcostop --json -n 2 | tail -1 | python3 -m json.tool)"
is "$(dcostop -b -n 2 --filter web --sort id | tail -1 | cut -d' ' -f1)" web-frontend "filter and sort by option"
dcostop -b -n 1 -d 2s > /dev/null
is "$(tail -1 "$T/calls")" 'Subscribe {"interval_ms":2000}' "the interval is asked for"
golden "batch of a set" dcostop-batch-disk.txt "$(dcostop -b -n 2 -c disk -f 'disk_read>1M' -s disk_p99 -t | tail -4)"
for words in "-d 1ms" "-n 0" "-s colour" "--colour" "extra" "-d soon" "-c none" "-f cpu>" "--json --csv"; do
	like "$(dcostop $words 2>&1; echo "exit $?")" '^dcostop: .*exit 2$' "usage: dcostop $words"
done
like "$(DCOS_SOCKET=/nowhere/s dcostop 2>&1; echo "exit $?")" 'no agent at /nowhere/s.*exit 1$' "no agent: says so"
like "$(dcostop -b -n 2 2>&1 > /dev/full; echo "exit $?")" 'exit 1' "a full disk is a failure"
tap_done
