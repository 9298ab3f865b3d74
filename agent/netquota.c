// SPDX-License-Identifier: Apache-2.0
/* Network quotas: writes rates where the programs of the kernel read them. */
#include "agent/netquota.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/meter_impl.h"
#include "bpf/abi.h"

#define NS_PER_S   UINT64_C(1000000000)
#define NETQS_SIZE (DCOS_SLOTS * sizeof(struct dcos_netq)) /* whole pages */

_Static_assert(NETQS_SIZE % 4096 == 0, "a mapping of whole pages");

struct netquota {
	struct iso_netquota iso;
	struct dcos_netq *netqs; /* mapped, by slot */
};

/* Kept apart from what the programs write: one word each, in an order in which nothing lapses. */
static void rate_set(struct dcos_rate *r, uint64_t bytes_per_s, uint64_t burst_bytes)
{
	uint64_t burst_ns = 0;

	if (bytes_per_s)
		burst_ns = (uint64_t)((unsigned __int128)burst_bytes * NS_PER_S / bytes_per_s);
	__atomic_store_n(&r->burst_ns, burst_ns, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&r->bytes_per_s, bytes_per_s, __ATOMIC_SEQ_CST) != bytes_per_s)
		__atomic_store_n(&r->ceiling, 0, __ATOMIC_SEQ_CST); /* of another rate */
}

/*
 * The rate of what comes in. The place of slot 0, which no task has, tells the programs whether to
 * look for receivers with one.
 */
static void ingress_set(const struct netquota *q, uint32_t slot, uint64_t bytes_per_s,
			uint64_t burst_bytes)
{
	bool had = q->netqs[slot].rx.bytes_per_s;
	uint64_t any = bytes_per_s;

	rate_set(&q->netqs[slot].rx, bytes_per_s, burst_bytes);
	if (had == !!bytes_per_s)
		return;
	for (uint32_t i = 1; i < DCOS_SLOTS && !any; i++)
		any = q->netqs[i].rx.bytes_per_s;
	__atomic_store_n(&q->netqs[0].rx.bytes_per_s, any, __ATOMIC_SEQ_CST);
}

static int quota_set(void *ctx, uint32_t slot, uint64_t cgroup_id, const struct iso_rates *rates)
{
	struct netquota *q = ctx;
	struct dcos_netq *e;

	if (!slot || slot >= DCOS_SLOTS)
		return -EINVAL;
	e = &q->netqs[slot];
	if (e->owner != cgroup_id) {
		__atomic_store_n(&e->owner, 0, __ATOMIC_SEQ_CST);
		ingress_set(q, slot, 0, 0);
		memset(e, 0, sizeof(*e));
	}
	rate_set(&e->tx, rates->tx_bytes_per_s, rates->tx_burst_bytes);
	ingress_set(q, slot, rates->rx_bytes_per_s, rates->rx_burst_bytes);
	__atomic_store_n(&e->owner, cgroup_id, __ATOMIC_SEQ_CST);
	return 0;
}

/* It keeps its place, so that sockets that are paced hear of it; another owner clears it. */
static void quota_drop(void *ctx, uint32_t slot, uint64_t cgroup_id)
{
	const struct netquota *q = ctx;

	if (!slot || slot >= DCOS_SLOTS || q->netqs[slot].owner != cgroup_id)
		return;
	rate_set(&q->netqs[slot].tx, 0, 0);
	ingress_set(q, slot, 0, 0);
}

int netquota_open(struct meter *m, struct netquota **ret, struct why *why)
{
	int fd = meter_map_fd(m, METER_NET, "netqs");
	struct netquota *q;
	void *p;

	if (fd < 0) {
		(void)meter_has(m, METER_NET, why);
		return fd;
	}
	q = calloc(1, sizeof(*q));
	if (!q)
		return why_set(why, -ENOMEM, "network quotas");
	p = mmap(NULL, NETQS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		free(q);
		return why_set(why, -errno, "mapping the network quotas");
	}
	q->netqs = p;
	q->iso = (struct iso_netquota){.ctx = q, .set = quota_set, .drop = quota_drop};
	*ret = q;
	return 0;
}

void netquota_close(struct netquota *q)
{
	if (!q)
		return;
	(void)munmap(q->netqs, NETQS_SIZE); /* it was mapped */
	free(q);
}

const struct iso_netquota *netquota_iso(struct netquota *q)
{
	return &q->iso;
}
