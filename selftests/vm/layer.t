#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# layer.t [6.1|6.12|new]: the VM layer itself: what it says of suites that fail, lie or hang and of
# guests that die, and that nothing stays of it. Sample suites are in samples/.
: "${DCOS_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$DCOS_SRC/selftests/vm/common.sh"
. "$DCOS_SRC/selftests/harness/tap.sh"
kernel=${1:-6.1}
vm_tmp

# samples NAME...: run them in a guest; sets out and rc. The kernel's messages get a place of their
# own: the root tests may be running in a guest with the same kernel.
samples() {
	out=$(DCOS_BUILD=$T/log "$VM/vm.t" --suites "$VM/samples" "$kernel" "$@" 2> "$T/err")
	rc=$?
}
# line PATTERN NAME: a line of the output matches
line() {
	grep -qE "$1" <<< "$out"
	tap $? "$2"
}
no_line() {
	! grep -qE "$1" <<< "$out"
	tap $? "$2"
}

reason=$("$VM/kernels.sh" "$kernel" 2>&1 > /dev/null)
[ $? != "$VM_UNAVAILABLE" ] || tap_skip_all "$reason"
command -v qemu-system-x86_64 > /dev/null || tap_skip_all "not installed: qemu-system-x86_64"

# --- every sort of suite, then a panic ------------------------------------------------
DCOS_VM_SUITE_SECONDS=20 samples a-good b-skipped c-fails d-lies e-hangs f-panics g-after
good=$(grep -cE "^ok [0-9]+ - vm $kernel: a-good: " <<< "$out")
is "$good" 10 "tests of a good suite are passed on"
no_line '^not ok .*a-good' "none of them failed"
line "^ok [0-9]+ - vm $kernel: a-good: some feature # SKIP for a reason$" "a skipped test keeps its reason"
line "^ok [0-9]+ - vm $kernel: b-skipped # SKIP nothing to do$" "so does a skipped suite"
line "^not ok [0-9]+ - vm $kernel: c-fails: wrong$" "a failed test is passed on"
line '^# got: 1$' "with its diagnostics"
no_line 'c-fails: (exit|planned)' "and is not reported twice"
line '^not ok .* d-lies: exit status 3 though no test failed$' "a bad exit status alone is a failure"
line '^not ok .* d-lies: planned 2 tests, ran 1$' "so is a wrong plan"
line '^not ok .* e-hangs: ended within its 20 s$' "so is a suite that hangs"
line '^not ok .* e-hangs: printed no plan, ran 1$' "and one without a plan"
line '^not ok .* guest died: Kernel panic - not syncing: sysrq.*, in f-panics$' "a panic is a guest that died"
line '^# console: .*Kernel panic - not syncing: sysrq' "with the end of the console"
no_line 'g-after' "no suite runs afterwards"
is "$rc" 1 "the exit status says that tests failed"
numbers=$(grep -oE '^(not )?ok [0-9]+' <<< "$out" | grep -oE '[0-9]+' | paste -sd,)
last=$(grep -oE '^1\.\.[0-9]+$' <<< "$out" | cut -c 4-)
is "$numbers" "$(seq -s, "${last:-0}")" "the stream is numbered from 1 to its plan"
[ "$good" = 10 ] && [ "$rc" = 1 ] || diag "$out" "$(< "$T/err")"

# --- other ends -----------------------------------------------------------------------
samples h-leaves
line '^not ok 1 - .* guest died: powered off without an exit status, in h-leaves$' "a guest that powers off early died"
DCOS_VM_SECONDS=40 samples e-hangs
line '^not ok .* guest died: hung, killed after 40 s, in e-hangs$' "so did one that exceeds its time"
samples none-such
is "$out" "not ok 1 - vm $kernel: there are suites to run
1..1" "no suite at all is a failure"

# --- nothing stays ----------------------------------------------------------------------
pids_end() { local pid; for pid; do timeout 20 tail --pid="$pid" -f /dev/null || return; done; }
guests() { pgrep -f "path=$T/log/vm/$kernel.log" || :; }
TMPDIR=$T DCOS_BUILD=$T/log "$VM/vm.t" --suites "$VM/samples" "$kernel" e-hangs > "$T/out" 2>&1 &
script=$!
end=$((SECONDS + 900))
until grep -qs e-hangs "$T/out" || [ $SECONDS -ge $end ]; do
	read -r -t 0.1 <> <(:) || :
done
pids=$(guests)
[ -n "$pids" ]
tap $? "a guest runs"
kill -KILL "$script"
wait "$script" 2> /dev/null
ok "it ends with the script, even if that is killed" pids_end $pids
left=("$T"/dcos-vm.*)
ok "what it left in the temporary directory" test -d "${left[0]}"
TMPDIR=$T "$VM/vm.t" --suites "$VM/samples" "$kernel" none-such > /dev/null 2>&1
ok "is removed by the next run" test ! -e "${left[0]}"

# --- off line ---------------------------------------------------------------------------
echo 'Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "/dev/null";' > "$T/apt.conf"
out=$(DCOS_VM_CACHE=$T/cache APT_CONFIG=$T/apt.conf "$VM/vm.t" "$kernel" 2> /dev/null)
like "$out" "^1\.\.0 # SKIP kernel $kernel: not cached, and apt knows no Debian mirror$" \
	"neither mirror nor cache: skipped, with the reason"
tap_done
