#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# resources.fork_rate: forks beyond it fail with EAGAIN, are counted and shown; neighbours of a fork
# bomb go on; the rate changes live and outlives the agent.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || tap_skip_all "needs root"
json() { dcosctl --json "$@"; }
usage_of() { json inspect "$1" | tr -d ' \n' | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }
more_than() { [ "$(usage_of "$1" "$2")" -gt "$3" ]; }

agent_paths
make_rootfs "$T/img"
agent_start || { tap 1 "the agent starts"; diag "$(cat "$T/agent.log")"; tap_done; }
if json doctor | tr -d ' \n' | grep -q '"name":"forkrate","kind":"isolator","ok":false'; then
	skip "fork rates" "$(sed -n 's/.*no fork rates: //p' "$T/agent.log")"
	tap_done
fi

# Counts its children of 60 tries, as fast as it can.
perl -e 1 2> /dev/null || tap_skip_all "needs perl"
count='my $n = 0; for (1 .. 60) { my $p = fork; if (!defined $p) { print "refused: $!\n" unless $said++; next } exit 0 unless $p; waitpid $p, 0; $n++ } print "born $n\n"'
dcosctl run --id free --image host -- perl -e "$count" > /dev/null
dcosctl wait free > /dev/null
is "$(dcosctl logs free 2>&1)" "born 60" "without a rate all 60 forks succeed"
began=$SECONDS
ok "a task with a rate of 10 runs" dcosctl run --id held --image host --set resources.fork_rate=10 -- perl -e "$count"
dcosctl wait held > /dev/null
took=$((SECONDS - began + 1)) # at most so long, in whole seconds
out=$(dcosctl logs held 2>&1)
like "$out" 'refused: Resource temporarily unavailable' "with a rate forks beyond it fail with EAGAIN"
born=${out##*born }
[ "$born" -ge 1 ] && [ "$born" -le $((10 + 10 * took)) ]
tap $? "and no more than the rate are born ($born of 60 in less than $took s)"
is "$(usage_of held fork_throttled)" "$((60 - born))" "each that failed is counted"

# --- a bomb and its neighbour ---------------------------------------------------------
dcosctl run --id neighbour --image "$T/img" -- sh -c 'while :; do :; done' > /dev/null
# every process of it forks all the time, and ends at some time; a shell would give up
bomb='$SIG{CHLD} = "IGNORE"; $first = $$; while (1) { fork; exit if $$ != $first && rand() < 0.01; select undef, undef, undef, 0.005 }'
ok "a fork bomb starts" dcosctl run --id bomb --image host --cpus 0.5 --pids 200 --set resources.fork_rate=3 -- perl -e "$bomb"
until_ok 30 more_than bomb fork_throttled 10
tap $? "its forks fail"
born=$(usage_of bomb nr_forks) at=$(date +%s%N)
cpu=$(usage_of neighbour cpu_ns)
until_ok 30 more_than neighbour cpu_ns $((cpu + 500000000))
tap $? "its neighbour goes on"
until_ok 30 more_than bomb nr_forks "$born"
tap $? "it is not stopped either"
more=$(($(usage_of bomb nr_forks) - born)) ms=$((($(date +%s%N) - at) / 1000000 + 1))
[ $more -le $((3 + 3 * ms / 1000 + 1)) ]
tap $? "but has no more than its rate ($more in $ms ms)"

# --- live, and longer than the agent ---------------------------------------------------
ok "the rate is changed" dcosctl update bomb fork_rate=1
agent_stop KILL
agent_start
tap $? "an agent starts after one that was killed"
like "$(json inspect bomb | tr -d ' \n')" '"fork_rate":1[,}]' "and knows the rate"
born=$(usage_of bomb nr_forks) at=$(date +%s%N) failed=$(usage_of bomb fork_throttled)
until_ok 30 more_than bomb fork_throttled "$failed"
tap $? "forks go on failing"
more=$(($(usage_of bomb nr_forks) - born)) ms=$((($(date +%s%N) - at) / 1000000 + 1))
[ $more -le $((1 + ms / 1000 + 1)) ]
tap $? "by the new rate ($more in $ms ms)"
ok "the agent answers" dcosctl ps
ok "the bomb is removed" dcosctl rm -f bomb
dcosctl rm -f neighbour > /dev/null
tap_done
