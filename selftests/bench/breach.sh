#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# breach.sh [ROUNDS]: how long a task that outgrows its memory lives on, and how much it has by then,
# at several speeds of growing; by whoever holds memory on this host (memory_enforcer of inspect).
# The task itself writes down the time and its resident size after each step, of a millisecond or of
# a MiB; the last line is the last thing that it did.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/agent.sh"
[ "$(id -u)" = 0 ] || { echo "breach.sh: needs root" >&2; exit 1; }
ROUNDS=${1:-9}
LIMIT_MIB=128
json() { dcosctl --json "$@"; }

agent_paths
agent_start || exit 1
cat > "$T/grow.pl" <<'PERL'
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
$| = 1;
my ($rate, @hold) = shift; # MiB a second, 0: as fast as can be
my $began = clock_gettime(CLOCK_MONOTONIC);
while (@hold < 16384) {
	my $now = clock_gettime(CLOCK_MONOTONIC);
	if (!$rate || @hold < ($now - $began) * $rate) { push @hold, 'x' x (1 << 20) } else { usleep 1000 }
	open my $f, '<', '/proc/self/statm' or die;
	my $pages = (split ' ', <$f>)[1];
	printf "%.6f %d\n", clock_gettime(CLOCK_MONOTONIC), $pages * 4;
}
PERL
echo "memory of ${LIMIT_MIB}M, from above it to the last step; $ROUNDS rounds"
printf '%-14s %12s %12s %14s   %s\n' growing "median ms" "worst ms" "worst, had MiB" "held by"
for rate in 0 1000 100 10; do
	: > "$T/rounds"
	for ((i = 0; i < ROUNDS; i++)); do
		base=$((rate == 10 ? LIMIT_MIB - 30 : 0)) # so that slow ones do not take half a minute
		dcosctl run --id grow --image host --memory "${LIMIT_MIB}M" -- perl -e \
			"my \$base = ''; vec(\$base, $base << 20, 8) = 1; $(cat "$T/grow.pl")" "$rate" > /dev/null || exit 1
		[ -n "${held:-}" ] || held=$(json inspect grow | tr -d ' \n' | grep -o '"memory_enforcer":"[a-z]*' | cut -d'"' -f4)
		dcosctl wait grow > /dev/null
		dcosctl logs grow | awk -v limit=$((LIMIT_MIB << 10)) '
			$2 > limit && !above { above = $1 }
			NF == 2 { last = $1; had = $2 }
			END { printf "%.3f %.1f\n", above ? (last - above) * 1000 : 0, had / 1024 }' >> "$T/rounds"
		dcosctl rm grow > /dev/null
	done
	name="$rate MiB/s"
	[ "$rate" != 0 ] || name="at full speed"
	sort -n "$T/rounds" | awk -v name="$name" -v held="$held" '
		{ ms[NR] = $1; if ($2 > most) most = $2 }
		END { printf "%-14s %12.1f %12.1f %14.1f   %s\n", name, ms[int((NR + 1) / 2)], ms[NR], most, held }'
done
