// SPDX-License-Identifier: Apache-2.0
#include "agent/forkrate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "agent/meter_impl.h"
#include "bpf/abi.h"

#define FORKQS_SIZE (DCOS_SLOTS * sizeof(struct dcos_forkq)) /* whole pages */

_Static_assert(FORKQS_SIZE % 4096 == 0, "a mapping of whole pages");

struct forkrate {
	struct iso_forkrate iso;
	struct dcos_forkq *forkqs; /* mapped, by slot */
};

/* In an order in which the program never sees the rate of one container with another's owner. */
static int rate_set(void *ctx, uint32_t slot, uint64_t cgroup_id, uint64_t per_s)
{
	const struct forkrate *f = ctx;
	struct dcos_forkq *q;

	if (!slot || slot >= DCOS_SLOTS)
		return -EINVAL;
	q = &f->forkqs[slot];
	if (q->owner != cgroup_id) {
		__atomic_store_n(&q->owner, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&q->clock_ns, 0, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&q->per_s, per_s, __ATOMIC_SEQ_CST);
	__atomic_store_n(&q->owner, cgroup_id, __ATOMIC_SEQ_CST);
	return 0;
}

static void rate_drop(void *ctx, uint32_t slot, uint64_t cgroup_id)
{
	const struct forkrate *f = ctx;

	if (slot && slot < DCOS_SLOTS && f->forkqs[slot].owner == cgroup_id)
		__atomic_store_n(&f->forkqs[slot].owner, 0, __ATOMIC_SEQ_CST);
}

int forkrate_open(struct meter *m, struct forkrate **ret, struct why *why)
{
	int fd = meter_map_fd(m, METER_FORK, "forkqs");
	struct forkrate *f;
	void *p;

	if (fd < 0) {
		(void)meter_has(m, METER_FORK, why); /* it has not: for the reason */
		return fd;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return why_set(why, -ENOMEM, "fork rates");
	p = mmap(NULL, FORKQS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		free(f);
		return why_set(why, -errno, "mapping the fork rates");
	}
	f->forkqs = p;
	f->iso = (struct iso_forkrate){.ctx = f, .set = rate_set, .drop = rate_drop};
	*ret = f;
	return 0;
}

void forkrate_close(struct forkrate *f)
{
	if (!f)
		return;
	(void)munmap(f->forkqs, FORKQS_SIZE); /* it was mapped */
	free(f);
}

const struct iso_forkrate *forkrate_iso(struct forkrate *f)
{
	return &f->iso;
}
