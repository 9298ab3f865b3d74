# SPDX-License-Identifier: Apache-2.0
# Golden tests: compare text with files beside the test; GOLDEN_UPDATE=1 writes them anew, for
# git diff to be read. Sets T, DCOS_SOCKET; needs DCOS_BUILD and DCOS_SRC.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"

GOLDEN=$DCOS_SRC/selftests/golden
T=$(mktemp -d "${TMPDIR:-/tmp}/dcos-golden-XXXXXXXX")
export DCOS_SOCKET=$T/s LC_ALL=C.UTF-8 TZ=UTC
PATH=$DCOS_BUILD/bin:$PATH
unset NO_COLOR
trap golden_cleanup EXIT
trap 'exit 1' INT TERM

tm() { tmux -S "$T/tmux" -f /dev/null "$@"; }

golden_cleanup() {
	tm kill-server 2> /dev/null
	fake_stop
	rm -rf "$T"
}

# until_ok SECONDS COMMAND...: for what has no event to wait for
until_ok() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.02 <> <(:) || :
	done
}

# fake_start REPLIES: an agent with canned replies; what it is asked is in $T/calls
fake_start() {
	rm -f "$T/calls" # what an earlier one wrote is not news
	"$DCOS_BUILD/selftests/golden/fake-agent" "$DCOS_SOCKET" "$1" > "$T/calls" &
	FAKE_PID=$!
	until_ok 10 grep -q ready "$T/calls"
}

fake_stop() {
	[ -n "${FAKE_PID:-}" ] || return 0
	kill "$FAKE_PID" 2> /dev/null
	wait "$FAKE_PID" 2> /dev/null
	FAKE_PID=
}

# golden NAME FILE TEXT
golden() {
	if [ -n "${GOLDEN_UPDATE:-}" ]; then
		printf '%s\n' "$3" > "$GOLDEN/$2"
	fi
	printf '%s\n' "$3" | diff -u "$GOLDEN/$2" - > "$T/diff" 2>&1
	tap $? "$1"
	[ ! -s "$T/diff" ] || diag "$(cat "$T/diff")"
}
