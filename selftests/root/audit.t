#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosaudit with tasks of an agent: from recording to an enforced profile, shadow, watch, tasks.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
[ -r /sys/kernel/btf/vmlinux ] || tap_skip_all "this kernel has no BTF"

agent_paths
dcosaudit() { "$DCOS_BUILD/bin/dcosaudit" "$@"; }
make_rootfs "$T/img"
agent_start
tap $? "an agent starts on private paths"
[ -n "$AGENT_PID" ] && kill -0 "$AGENT_PID" || { diag "$(cat "$T/agent.log")"; tap_done; }

ended_with() { dcosctl wait "$1" > /dev/null; echo $?; }
out() { "$@" > "$T/out" 2>&1; echo "exit $? $(tr '\n' ' ' < "$T/out")"; }
# names FILE [startup|running]: of the calls of a recording
names() { perl -MJSON::PP -e 'local $/; my $d = decode_json(<STDIN>); print join(" ", map { $_->{name} } map { @{$d->{$_}{calls}} } @ARGV ? @ARGV : qw(startup running)), "\n"' "${@:2}" < "$1"; }
# attached PID: it has programs in the kernel, or has ended
attached() { ! kill -0 "$1" 2> /dev/null || grep -q 'bpf-map' <(ls -l "/proc/$1/fd" 2> /dev/null) && grep -q bpf_link <(ls -l "/proc/$1/fd" 2> /dev/null); }
audit_bg() { "$DCOS_BUILD/bin/dcosaudit" "$@" > "$T/audit.out" 2> "$T/audit.err" < /dev/null & AUDIT=$!; until_ok 20 attached $AUDIT; }

# --- from record to an enforced profile --------------------------------------------
work='echo a b c | tr " " "\n" | sort > /tmp/x; wc -l < /tmp/x; cat /etc/passwd | grep -c root'
audit_bg record --wait -o "$T/pipe.json" pipe
dcosctl run --id pipe --image "$T/img" -- sh -c "$work" > /dev/null
is "$(ended_with pipe)" 0 "a shell pipeline runs while it is recorded"
wait $AUDIT
is $? 0 "the recorder ends with the task"
like " $(names "$T/pipe.json") " ' execve .*' "the first call is in the recording: the execve under the filter"
[[ " $(names "$T/pipe.json") " != *" pivot_root "* && " $(names "$T/pipe.json") " != *" mount "* ]]
tap $? "what the agent did to build the container is not"
like " $(names "$T/pipe.json") " ' pipe2? ' "the shell's pipe is"
ok "generate: a profile from it" dcosaudit generate -o "$T/pipe.profile" "$T/pipe.json"
ok "a task that carries the profile starts" dcosctl run --id again --image "$T/img" --seccomp "@$T/pipe.profile" -- sh -c "$work"
is "$(ended_with again) $(dcosctl logs again | tr '\n' ' ')" "0 3 1 " "and does the same work under it"

audit_bg watch --duration 60s
dcosctl run --id other --image "$T/img" --seccomp "@$T/pipe.profile" -- sh -c "$work; mkdir /tmp/d" > /dev/null
is "$(ended_with other)" 1 "one call outside of it fails"
until_ok 10 grep -q 'other.*mkdir' "$T/audit.out"
kill -INT $AUDIT
wait $AUDIT
like "$(cat "$T/audit.out")" 'other (mkdir|sh)\[[0-9]+/[0-9]+\] mkdir\(0x[0-9a-f]+, 0x1ff\) ERRNO\(ENOSYS\)' "watch shows it: task, program, call, verdict"
like "$(cat "$T/audit.out")" 'COUNT.*1 other +mkdir' "and counts it for the task"

# --- shadow ------------------------------------------------------------------------
cat > "$T/nomkdir.json" <<'EOF'
{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}
EOF
audit_bg shadow --wait --json --profile "$T/nomkdir.json" shade
dcosctl run --id shade --image "$T/img" -- sh -c 'mkdir /tmp/1; mkdir /tmp/2; ls -d /tmp/2' > /dev/null
is "$(ended_with shade) $(dcosctl logs shade)" "0 /tmp/2" "shadow: the task is let alone"
wait $AUDIT
is $? 0 "shadow ends with the task"
like "$(cat "$T/audit.out")" '"refused_calls": ?2' "shadow: what a candidate would have denied"
like "$(cat "$T/audit.out")" '"comm": ?"(mkdir|sh)"' "with the process"
like "$(cat "$T/audit.out")" '"stack": ?\[ ?"[^"]*(0x|\+)' "and where it was called"
like "$(out dcosaudit shadow --fail-on-denial --profile "$T/nomkdir.json" --command -- sh -c "mkdir $T/d1")" '^exit 3 ' "shadow --fail-on-denial is exit status 3"
like "$(out dcosaudit shadow --fail-on-denial --profile "$T/nomkdir.json" --command -- true)" '^exit 0 ' "and 0 if nothing is"

# --- a task that runs already ----------------------------------------------------------
dcosctl run --id long --image "$T/img" -- sh -c 'while :; do sleep 0.1; ls / > /dev/null; done' > /dev/null
ok "record: a running task, for a time" dcosaudit record --duration 1s -o "$T/long.json" long
is "$(names "$T/long.json" startup)" "" "it has started"
like " $(names "$T/long.json" running) " 'getdents64' "and its calls are in the recording"
ok "coverage --live: a task against its own profile" dcosaudit coverage --live --duration 1s long
like "$(dcosaudit coverage --live --duration 1s --json long)" '"profile": ?"default".*"call": ?"ptrace"' "and what it never used is named"
audit_bg record -o "$T/killed.json" --flush 200ms long
until_ok 10 test -s "$T/killed.json"
kill -KILL $AUDIT
wait $AUDIT 2> /dev/null
like "$(out dcosaudit generate "$T/killed.json")" 'exit 0 .*defaultAction.*not complete' "a recorder that is killed leaves what it had, marked as not complete"
audit_bg record -o "$T/ends.json" long
dcosctl kill --signal KILL long > /dev/null
wait $AUDIT
is $? 0 "a task that ends while it is recorded ends the recording"
[ -s "$T/ends.json" ]
tap $? "and what was seen is kept"

# --- bad input ---------------------------------------------------------------------------
like "$(out dcosaudit record nobody)" '^exit 1 dcosaudit: nobody: no such task' "an unknown task"
like "$(out dcosaudit record pipe)" '^exit 1 dcosaudit: pipe: the task has ended' "a task that has ended"
like "$(out dcosaudit record --pid 4194304)" '^exit 1 dcosaudit: --pid=4194304: there is no such process' "an unknown process"
like "$(out dcosaudit record --cgroup /no/such/group)" '^exit 1 .*cgroup .*No such file' "an unknown cgroup"
like "$(out dcosaudit shadow --profile "$T/none.json" --command -- true)" '^exit 1 .*none.json: No such file' "an unknown profile"
printf '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_NONE"}]}' > "$T/bad.json"
like "$(out dcosaudit shadow --profile "$T/bad.json" --command -- true)" '^exit 1 .*bad.json:1:[0-9]+: /syscalls/0/action' "a wrong profile, with line and column"
like "$(out dcosaudit record -o "$T/n.json" --command -- /no/such/program)" 'exit 0 .*No such file' "a command that can't be executed"
like "$(out dcosaudit record -o /no/such/dir/x --command -- true)" '^exit 1 .*/no/such/dir/x' "a place that can't be written"
if id nobody > /dev/null 2>&1 && command -v setpriv > /dev/null; then
	cp "$DCOS_BUILD/bin/dcosaudit" "$T/dcosaudit"
	like "$(out setpriv --reuid nobody --clear-groups --bounding-set -all "$T/dcosaudit" record -o /tmp/none --command -- true)" \
		'^exit 1 .*be root' "not root"
else
	skip "not root" "no user nobody, or no setpriv"
fi
tap_done
