#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosaudit generate: a web server and a database are recorded, then do the same work under the profile made of it.
# What the client asks for decides the profile: it is as wide as the recorded run was.
# Not in guests: as audit.t, with 6.1 record misses the execve under the filter.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -r /sys/kernel/btf/vmlinux ] || tap_skip_all "this kernel has no BTF"

agent_paths
make_rootfs "$T/img"
agent_start
tap $? "an agent starts on private paths"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

ended_with() { dcosctl wait "$1" > /dev/null; echo $?; }
attached() { ! kill -0 "$1" 2> /dev/null || grep -q 'bpf-map' <(ls -l "/proc/$1/fd" 2> /dev/null) && grep -q bpf_link <(ls -l "/proc/$1/fd" 2> /dev/null); }
audit_bg() { "$DCOS_BUILD/bin/dcosaudit" "$@" > "$T/audit.out" 2> "$T/audit.err" < /dev/null & AUDIT=$!; until_ok 20 attached $AUDIT; }
# prove NAME TITLE EXPECTED WORK: recorded, made a profile of, run again under it, and with one call more
prove() {
	local name=$1 title=$2 expected=$3 work=$4

	audit_bg record --wait -o "$T/$name.json" "$name"
	dcosctl run --id "$name" "${WHERE[@]}" -- sh -c "$work" > /dev/null
	is "$(ended_with "$name") $(dcosctl logs "$name")" "0 $expected" "$title does its work while it is recorded"
	wait $AUDIT
	is $? 0 "$title: the recording ends with it"
	ok "$title: a profile is made of the recording" "$DCOS_BUILD/bin/dcosaudit" generate -o "$T/$name.profile" "$T/$name.json"
	dcosctl run --id "$name-again" "${WHERE[@]}" --seccomp "@$T/$name.profile" -- sh -c "$work" > /dev/null
	is "$(ended_with "$name-again") $(dcosctl logs "$name-again")" "0 $expected" "$title does the same work under it"
	audit_bg watch --duration 60s
	dcosctl run --id "$name-more" "${WHERE[@]}" --seccomp "@$T/$name.profile" -- sh -c "$work; exec chroot / true" > /dev/null
	[ "$(ended_with "$name-more")" != 0 ]
	tap $? "$title: a call that was not recorded fails"
	until_ok 10 grep -q "$name-more.*chroot" "$T/audit.out"
	kill -INT $AUDIT
	wait $AUDIT
	like "$(cat "$T/audit.out")" "$name-more chroot\[[0-9]+/[0-9]+\] chroot\(0x[0-9a-f]+\) ERRNO\(ENOSYS\)" "$title: and watch shows it"
}

# --- a web server: one request over loopback of the task's own network namespace ----------
mkdir -p "$T/img/www"
echo "a page" > "$T/img/www/index.html"
WHERE=(--image "$T/img" --network none)
# The first wget that is answered ends the loop; one that is refused always comes first, so that the
# recording has it, too, however fast the server is.
prove web "a web server" "a page" 'wget -q -O - http://127.0.0.1:1/ 2> /dev/null; httpd -f -p 127.0.0.1:8080 -h /www & s=$!; until wget -q -O - http://127.0.0.1:8080/ 2> /dev/null; do :; done; kill $s'

# --- a database: SQLite of Debian, with a file, a transaction, an index and a sort ---------
if command -v sqlite3 > /dev/null; then
	for f in $(command -v sqlite3) $(ldd "$(command -v sqlite3)" | grep -o '/[^ ]*'); do
		mkdir -p "$T/img$(dirname "$f")"
		cp -L "$f" "$T/img$f"
	done
	WHERE=(--image "$T/img")
	prove db "a database" "2|three" 'rm -f /tmp/db; sqlite3 /tmp/db "create table t(n integer, w text); create index i on t(w); begin; insert into t values(1, \"one\"), (2, \"three\"); commit;" && sqlite3 /tmp/db "select * from t order by w desc limit 1"'
else
	skip "a database" "no sqlite3 (package sqlite3)"
fi
tap_done
