#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dcosaudit with tasks of an agent: from recording to an enforced profile, shadow, watch, tasks.
# Not in guests: with 6.1 record misses the execve under the filter, and shadow all; audit_live has the kernel's part.
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

# --- tasks -------------------------------------------------------------------------------
is "$(dcosaudit tasks)" "No task runs." "tasks: none"
dcosctl run --id web-1 --image "$T/img" --seccomp web --network none --label role=web -- sh -c 'echo 1 | nc -l -p 8080; sleep 1000' > /dev/null
dcosctl run --id bad-1 --image host --seccomp unconfined --set no_new_privileges=false -- sleep 1000 > /dev/null
listens() { dcosaudit tasks --json | grep -q tcp/8080; }
ok "tasks: a task listens" until_ok 10 listens
field() { dcosaudit tasks --json "${@:2}" | perl -MJSON::PP -e 'local $/; my %t = map { $_->{id} => $_ } @{decode_json(<STDIN>)->{tasks}}; my $v = eval $ARGV[0]; print ref $v ? join(" ", map { ref $_ ? $_->{rule} // $_->{path} : $_ } @$v) : $v // "", "\n"' "$1"; }
is "$(field '$t{"web-1"}{profile}') $(field '$t{"bad-1"}{profile}')" "web unconfined" "profiles"
is "$(field '$t{"web-1"}{seccomp}') $(field '$t{"bad-1"}{seccomp}')" "filter none" "and what the kernel says of them"
like "$(field '$t{"web-1"}{filter_sha256}')" '^[0-9a-f]{64}$' "the hash of the filter"
is "$(field '$t{"bad-1"}{filter_sha256}')" "" "which an unconfined task has not"
is "$(field '$t{"web-1"}{no_new_privs} . $t{"bad-1"}{no_new_privs}')" 10 "no_new_privs"
is "$(field '$t{"web-1"}{ports}') $(field '$t{"bad-1"}{ports}')" "tcp/8080 " "ports: those of the task itself, whatever the host has"
like "$(field '$t{"web-1"}{namespaces}')" '^cgroup ipc mnt net pid user uts$' "namespaces of its own"
like "$(field '$t{"web-1"}{writable}')" '(^| )/( |$)' "writable mounts"
is "$(field '$t{"web-1"}{uid} . $t{"bad-1"}{uid_host}')" 00 "who it is"
cat > "$T/policy.json" <<-EOF
	{"format":"dcosaudit-policy","version":1,"roles":[
	 {"name":"web","match":{"labels":{"role":"web"}},"require":{"profiles":["web","strict"],"no_new_privs":true,
	  "not_host_root":true,"namespaces":["user","pid","mnt"],"ports":["tcp/80??"]}},
	 {"name":"other","require":{"profiles":["default"],"no_new_privs":true,"not_host_root":true}}]}
EOF
is "$(field '$t{"web-1"}{verdict}' --policy "$T/policy.json") $(field '$t{"bad-1"}{verdict}' --policy "$T/policy.json")" "pass fail" "a verdict for each"
is "$(field '$t{"bad-1"}{broken}' --policy "$T/policy.json")" "profiles no_new_privs not_host_root" "with what is broken"
like "$(out dcosaudit tasks --policy "$T/policy.json")" '^exit 3 .*bad-1 .*its profile is unconfined' "exit status 3, and a table"
dcosaudit tasks --policy "$T/policy.json" --sarif > "$T/sarif"
is "$(perl -MJSON::PP -e 'local $/; my $d = decode_json(<STDIN>); my $r = $d->{runs}[0]; my @x = @{$r->{results}};
	print join " ", $d->{version}, $r->{tool}{driver}{name}, scalar @x, (map { $r->{tool}{driver}{rules}[$_->{ruleIndex}]{id} eq $_->{ruleId} ? 1 : 0 } @x),
	$x[0]{locations}[0]{logicalLocations}[0]{fullyQualifiedName}' < "$T/sarif")" "2.1.0 dcosaudit 3 1 1 1 test-node/bad-1" "SARIF: a finding for each, at the task"
like "$(sed 's/"ports"/"prots"/' "$T/policy.json" > "$T/p2.json"; out dcosaudit tasks --policy "$T/p2.json")" '^exit 1 .*p2.json: /roles/0/require/prots: is unknown' "a wrong policy, with the place"
like "$(out dcosaudit tasks --sarif)" '^exit 2 ' "SARIF needs a policy"

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
