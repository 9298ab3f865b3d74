// SPDX-License-Identifier: Apache-2.0
/* What a slot did on each block device: a reading of what bpf/block.bpf.c adds up. */
#include "agent/meter.h"

#include "agent/meter_impl.h"

/* include/linux/kdev_t.h, MINORBITS: not the split of dev_t in user space */
#define MINOR_BITS 20
#define MINOR_MASK ((UINT32_C(1) << MINOR_BITS) - 1)

int meter_disks(const struct meter *m, uint32_t slot, struct meter_disk *ret, int max)
{
	const struct dcos_disk *d;
	int i, n = 0;

	if (!m->disks || !slot || slot >= DCOS_SLOTS)
		return 0;
	d = m->disks[slot].disk;
	/* places are taken in order; that words are read whole, see meter.c */
	for (i = 0; i < DCOS_TASK_DISKS && n < max && d[i].dev; i++) {
		ret[n++] = (struct meter_disk){
			.major = d[i].dev >> MINOR_BITS,
			.minor = d[i].dev & MINOR_MASK,
			.io = d[i],
		};
	}
	return n;
}
