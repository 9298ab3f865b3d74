#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosaudit off line: what it prints of profiles and recordings, and what it exits with.
. "${DCOS_SRC:?of the sources}/selftests/golden/golden.sh"
cd "$GOLDEN/audit" || exit 1

out() {
	"$@" > "$T/out" 2> "$T/err" < /dev/null
	echo "exit $?"
	sed 's/^/1: /' "$T/out"
	sed 's/^/2: /' "$T/err"
}
status() { "$@" > /dev/null 2>&1; echo $?; }

# --- usage -----------------------------------------------------------------------
golden "help" dcosaudit-help.txt "$(out dcosaudit --help)"
is "$(dcosaudit help diff)" "$(dcosaudit diff --help)" "help COMMAND is COMMAND --help"
for words in "" nonsense lint "lint --colour x" "explain default extra" "explain --arch pdp11 default" \
	"explain --caps CAP_NONE default" "explain -s no_such_call default" "diff default" "generate a b" \
	"generate --default nothing run1.json" "coverage --weight 0 run1.json"; do
	like "$(out dcosaudit $words)" '^exit 2.2: dcosaudit: .*2: Try: dcosaudit.* --help$' "usage: dcosaudit $words"
done
like "$(out dcosaudit --version)" '^exit 0.1: dcosaudit [0-9]' "version"
if [ -e /dev/full ]; then
	like "$(dcosaudit lint default 2>&1 > /dev/full; echo "exit $?")" "can't write.*exit 1" "a full disk is told"
fi

missing=
for c in $(dcosaudit --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	grep -q "^$c\b" "$DCOS_SRC/Documentation/man/dcosaudit.1.rst" || missing+=" $c"
	grep -qw "$c" "$DCOS_SRC/tools/completion/dcosaudit" || missing+=" completion:$c"
	for o in $(dcosaudit help "$c" | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
		grep -qE -- "^(-.*, )?$o\b" "$DCOS_SRC/Documentation/man/dcosaudit.1.rst" || missing+=" $c:$o"
	done
done
is "$missing" "" "every command and option is in the manual"
missing=
for code in $(sed -nE 's/.*"([a-z]+(-[a-z]+)*)",( pointer| "\/| arches_pointer)?.*/\1/p' "$DCOS_SRC"/tools/dcosaudit/lint_*.c |
	grep -vxE 'schema|socket|connect|bind' | sort -u); do
	grep -q "SEVERITY_[A-Z]*, \"$code\"" <(tr '\n' ' ' < <(cat "$DCOS_SRC"/tools/dcosaudit/lint_*.c) | tr -s ' \t' ' ') || continue
	grep -q "^$code\b" "$DCOS_SRC/Documentation/man/dcosaudit.1.rst" || missing+=" $code"
done
is "$missing" "" "every code of lint is in the manual"

# --- lint ------------------------------------------------------------------------
golden "lint tells of meaning" dcosaudit-lint.txt "$(out dcosaudit lint --quiet broken.json)"
golden "lint tells of form, all of it" dcosaudit-lint-form.txt "$(out dcosaudit lint form.json)"
is "$(dcosaudit lint --json broken.json | jq -c '[.errors, (.findings[] | select(.code == "high-bits") | .line, .column)]' 2> /dev/null ||
	dcosaudit lint --json broken.json | grep -oE '"code":"high-bits","line":[0-9]+,"column":[0-9]+')" \
	"$(command -v jq > /dev/null && echo '[3,6,13]' || echo '"code":"high-bits","line":6,"column":13')" "lint as JSON"
is "$(status dcosaudit lint broken.json)" 3 "errors are exit status 3"
is "$(status dcosaudit lint default strict web)" 0 "the profiles of the agent have no errors"
is "$(status dcosaudit lint --strict default strict web)" 0 "and no warnings"
is "$(status dcosaudit lint default broken.json)" 3 "one of several is enough"

# --- bad input ---------------------------------------------------------------------
printf '{"defaultAction":\n  "SCMP_ACT_ALLOW",,}' > "$T/bad.json"
like "$(out dcosaudit lint "$T/bad.json")" 'exit 3.*bad.json:2:[0-9]+: no JSON' "broken JSON has line and column"
like "$(out dcosaudit explain "$T/bad.json")" 'exit 1.*bad.json:2:[0-9]+: no JSON' "also where a profile is needed"
printf '{"defaultAction":"SCMP_ACT_ALLOW","defaultAction":"SCMP_ACT_LOG"}' > "$T/twice.json"
like "$(out dcosaudit explain "$T/twice.json")" 'exit 1.*twice.json:1:[0-9]+: .*duplicate' "a key twice has its place"
printf '{"defaultAction":\n"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NO"}]}' > "$T/word.json"
like "$(out dcosaudit cost "$T/word.json")" 'exit 1.*word.json:2:[0-9]+: /syscalls/0/action: "SCMP_ACT_NO" is unknown' "an unknown word has its place"
truncate -s 50M "$T/large.json"
like "$(out dcosaudit lint "$T/large.json")" 'exit 1.*large.json: has more than 1048576 bytes' "50 MB are refused"
head -c 100 /dev/zero > "$T/zeros.json"
like "$(out dcosaudit lint "$T/zeros.json")" 'exit 3.*NUL' "zeros are refused"
like "$(out dcosaudit lint "$T/none.json")" 'exit 1.*none.json: No such file' "a missing file is named"
like "$(out dcosaudit lint "$T")" 'exit 1.*: Is a directory' "a directory is named"
mkfifo "$T/fifo"
like "$(out dcosaudit lint "$T/fifo")" 'exit 1.*fifo: must be a file' "a FIFO does not block"
printf '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_S390X"]}' > "$T/s390.json"
like "$(out dcosaudit explain "$T/s390.json")" 'exit 0.*lists SCMP_ARCH_S390X and no architecture of this machine' "another machine's profile is told"
like "$(out dcosaudit lint "$T/s390.json")" 's390.json:1:35: warning: SCMP_ARCH_S390X .*other-machine' "with its place"
is "$(dcosaudit lint - < small.json | sed -n '$s/.*: \([0-9]* errors\).*/\1/p')" "0 errors" "standard input is read"
printf '\033[31m{' > "$T/$(printf 'a\033b')"
like "$(out dcosaudit lint "$T/$(printf 'a\033b')")" 'a\\x1bb' "control characters of a name drive no terminal"
like "$(out dcosaudit generate small.json)" 'exit 1.*small.json: /format: must be' "a profile is no recording"
like "$(out dcosaudit coverage "$T/bad.json")" 'exit 1.*bad.json:2:[0-9]+: no JSON' "a recording that is no JSON"

# --- explain, diff, cost -------------------------------------------------------------
golden "one call explained" dcosaudit-explain-socket.txt "$(out dcosaudit explain -s socket small.json | grep -v '^1: x32\|^1: x86 ' )"
like "$(out dcosaudit explain small.json)" 'exit 0.*ALLOW: 9.*By arguments.*socket.*compared with the text' "a profile explained"
like "$(dcosaudit explain default)" 'x86_64 +29[0-9] calls allowed.*surface +[0-9]+ of' "figures of a profile"
is "$(status dcosaudit explain --json default)" 0 "explained as JSON"
golden "diff" dcosaudit-diff.txt "$(out dcosaudit diff --all small.json wider.json)"
is "$(status dcosaudit diff --fail-on-wider small.json wider.json)" 3 "wider is exit status 3 on request"
is "$(status dcosaudit diff small.json wider.json)" 0 "and 0 without"
is "$(status dcosaudit diff --fail-on-wider default default)" 0 "the same profile is not wider"
is "$(status dcosaudit diff --fail-on-wider default web)" 0 "web is not wider than default"
like "$(dcosaudit cost default)" 'tree +[0-9]+.*linear +[0-9]+' "cost of both layouts"
like "$(dcosaudit cost --mix run1.json default)" 'over 2038 calls' "cost over a recorded mix"

# --- recordings ------------------------------------------------------------------------
if [ "$(uname -m)" = x86_64 ]; then
	golden "a profile from a recording" dcosaudit-generate.txt "$(out dcosaudit generate run1.json)"
	golden "a profile from two" dcosaudit-merge.txt "$(out dcosaudit generate --merge run1.json run2.json --no-startup)"
	like "$(out dcosaudit generate -m run1.json run2.json -o "$T/p.json")" 'exit 0.*p.json: 6 calls from 2 runs, 2 of them at startup only; 1 left out' "figures of it"
	is "$(status dcosaudit lint "$T/p.json")" 0 "lint has no error in it"
	dcosaudit generate --merge --as-recording run1.json run2.json > "$T/both.json"
	is "$(dcosaudit generate "$T/both.json")" "$(dcosaudit generate --merge run1.json run2.json)" "a joined recording gives the same"
	is "$(status dcosaudit coverage --profile "$T/p.json" --fail-on-risky --weight 2 run1.json run2.json)" 0 "nothing risky in it is unused"
	golden "coverage" dcosaudit-coverage.txt "$(out dcosaudit coverage --profile wider.json run1.json | grep -v 'x86:\|x32:')"
	is "$(status dcosaudit coverage --profile wider.json --fail-on-risky run1.json)" 3 "something risky is unused"
else
	skip "recordings" "the samples are of x86_64"
fi

# --- profiles of others: from Debian's packages, unpacked and not kept -------------------
# package PACKAGE PATH: where the file is, after fetching the package if it is not installed
package() {
	[ ! -e "$2" ] || { echo "$2"; return; }
	(mkdir -p "$T/packages" && cd "$T/packages" && timeout 60 apt-get download -q "$1" && dpkg -x "$1"_*.deb .) \
		> /dev/null 2>&1 && [ -e "$T/packages$2" ] && echo "$T/packages$2"
}
podman=$(package golang-github-containers-common /usr/share/containers/seccomp.json)
docker=$(package golang-github-docker-docker-dev \
	/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json)
if [ -n "$podman" ]; then
	is "$(status dcosaudit explain "$podman")" 0 "Podman's profile is compiled to what it says"
	like "$(dcosaudit lint "$podman")" 'setns.*the filter does ALLOW .unreachable' "a denial without effect is found in it"
	like "$(dcosaudit lint "$podman")" 'is denied but socket.0x1000000' "a way around a denial is found in it"
else
	skip "Podman's profile" "golang-github-containers-common is neither installed nor to be had"
fi
if [ -n "$docker" ]; then
	is "$(status dcosaudit explain "$docker")" 0 "Docker's profile is compiled to what it says"
	like "$(dcosaudit diff default "$docker")" 'surface [0-9]+ to [0-9]+' "and can be compared with ours"
	is "$(status dcosaudit diff --fail-on-wider default "$docker")" 3 "which is narrower"
	like "$(dcosaudit explain --caps CAP_SYS_ADMIN -s mount "$docker")" 'ALLOW +any arguments' "with CAP_SYS_ADMIN it allows mount"
	like "$(dcosaudit explain --caps none -s mount "$docker")" 'ERRNO.* +any arguments' "and without it does not"
else
	skip "Docker's profile" "golang-github-docker-docker-dev is neither installed nor to be had"
fi
tap_done
