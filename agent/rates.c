// SPDX-License-Identifier: Apache-2.0
/* From two readings of a task's counters to what it did between them. */
#include "agent/rates.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/lib/hist.h"

#define NS_PER_S    1000000000ULL
#define DENIALS_MAX 4
#define QUANTILE    0.99
#define SHARE_OF_NS 1000000ULL /* to millionths of a second a second */
#define SHARE_OF_US (1000 * SHARE_OF_NS)

/* One row a series: the fields that are added up, and what a unit of them counts for. */
static const struct source {
	const char *name;
	uint64_t scale; /* of a field's unit a nanosecond; 0: no rate */
	bool rounds_up;
	enum usage_field fields[DENIALS_MAX];
	int fields_nr;
} sources[RATES] = {
	[RATE_CPU] = {"cpu", SHARE_OF_NS, false, {U_cpu_ns}, 1},
	[RATE_WAIT] = {"wait", SHARE_OF_NS, false, {U_wait_ns}, 1},
	[RATE_THROTTLED] = {"throttled", SHARE_OF_US, false, {U_throttled_us}, 1},
	[RATE_MEMORY_SOME] = {"memory_some", SHARE_OF_US, false, {U_memory_some_us}, 1},
	[RATE_IO_SOME] = {"io_some", SHARE_OF_US, false, {U_io_some_us}, 1},
	[RATE_WAIT_P99] = {"wait_p99_us"},
	[RATE_DISK_P99] = {"disk_p99_us"},
	[RATE_MEMORY] = {"memory_bytes", 0, false, {U_memory_bytes}, 1},
	[RATE_DISK_READ] = {"disk_read", NS_PER_S, false, {U_disk_read_bytes}, 1},
	[RATE_DISK_WRITE] = {"disk_write", NS_PER_S, false, {U_disk_write_bytes}, 1},
	[RATE_RX] = {"rx", NS_PER_S, false, {U_rx_bytes}, 1},
	[RATE_TX] = {"tx", NS_PER_S, false, {U_tx_bytes}, 1},
	[RATE_RETRANSMITS] = {"retransmits", NS_PER_S, true, {U_tcp_retransmits}, 1},
	[RATE_DENIED] = {"denied",
			 NS_PER_S,
			 true,
			 {U_seccomp_kills, U_device_denied, U_bind_denied, U_connect_denied},
			 4},
};

const char *rates_name(enum rate r)
{
	return sources[r].name;
}

void rates_begin(struct rates *r, uint64_t time_ns)
{
	*r = (struct rates){.time_ns = time_ns};
}

/* Return: the sum of the fields that are known; USAGE_UNKNOWN if none is. */
static uint64_t sum_of(const struct source *s, const struct usage *u)
{
	uint64_t sum = USAGE_UNKNOWN;

	for (int i = 0; i < s->fields_nr; i++) {
		uint64_t v = u->v[s->fields[i]];

		if (v != USAGE_UNKNOWN)
			sum = sum == USAGE_UNKNOWN ? v : sum + v;
	}
	return sum;
}

static uint64_t rate_of(const struct source *s, uint64_t grown, uint64_t ns)
{
	__uint128_t scaled = (__uint128_t)grown * s->scale;
	__uint128_t rate = (scaled + (s->rounds_up ? ns - 1 : ns / 2)) / ns;

	return rate < UINT64_MAX ? (uint64_t)rate : UINT64_MAX;
}

static uint64_t counted(struct rates *r, enum rate i, const struct usage *u, uint64_t ns)
{
	const struct source *s = &sources[i];
	uint64_t now = sum_of(s, u), before = r->count[i];

	if (now == USAGE_UNKNOWN)
		return 0;
	r->known |= 1U << i;
	if (!s->scale)
		return now;
	r->count[i] = now;
	return ns && now > before ? rate_of(s, now - before, ns) : 0;
}

static uint64_t p99_of(struct rates *r, enum rate i, const struct usage *u, enum usage_hist h,
		       __u64 before[DCOS_HIST])
{
	__u64 grown[DCOS_HIST];

	if (!(u->hists & 1U << h))
		return 0;
	r->known |= 1U << i;
	for (int c = 0; c < DCOS_HIST; c++)
		grown[c] = u->hist[h][c] > before[c] ? u->hist[h][c] - before[c] : 0;
	memcpy(before, u->hist[h], sizeof(u->hist[h]));
	return hist_quantile_us(grown, QUANTILE);
}

int rates_next(struct rates *r, const struct usage *u, uint64_t time_ns, uint64_t ret[RATES])
{
	uint64_t v[RATES], ns = r->time_ns && time_ns > r->time_ns ? time_ns - r->time_ns : 0;

	if (r->time_ns && !ns)
		return -EAGAIN; /* nothing is lost: the next one has it */
	for (int i = 0; i < RATES; i++)
		v[i] = counted(r, (enum rate)i, u, ns);
	v[RATE_WAIT_P99] = p99_of(r, RATE_WAIT_P99, u, UH_WAIT, r->wait_hist);
	v[RATE_DISK_P99] = p99_of(r, RATE_DISK_P99, u, UH_DISK, r->disk_hist);
	r->time_ns = time_ns;
	if (!ns)
		return -EAGAIN;
	memcpy(ret, v, sizeof(v));
	return 0;
}
