// SPDX-License-Identifier: Apache-2.0
/*
 * Walks: bpf/walk.bpf.c run over all threads and over the cgroups below the agent's own, and what
 * they leave in the gauges. A gauge that the last walk has not touched is that of a slot where
 * nothing was found.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"

int meter_walk_open(struct meter *m, int cgroup_fd, struct why *why)
{
	const struct family *f = m->families[METER_WALK];

	if (!f)
		return 0;
	m->walk_tasks = family_iter(f, "walk_task", -1);
	if (m->walk_tasks == -EOPNOTSUPP)
		m->walk_tasks = family_iter(f, "walk_task_total", -1);
	if (m->walk_tasks < 0)
		return why_set(why, m->walk_tasks, "an iterator over threads");
	m->walk_cgroups = family_iter(f, "walk_cgroup", cgroup_fd);
	if (m->walk_cgroups < 0 && m->walk_cgroups != -EOPNOTSUPP)
		return why_set(why, m->walk_cgroups, "an iterator over cgroups");
	return 0;
}

void meter_walk_close(struct meter *m)
{
	close_fd(&m->walk_tasks);
	close_fd(&m->walk_cgroups);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int meter_walk(struct meter *m)
{
	uint64_t walk = now_ns();
	int r;

	if (!m->gauges)
		return -EOPNOTSUPP;
	__atomic_store_n(&m->gauges[0].walk, walk, __ATOMIC_SEQ_CST);
	m->walked = walk;
	r = family_iterate(m->walk_tasks);
	if (!r && m->walk_cgroups >= 0)
		r = family_iterate(m->walk_cgroups);
	return r;
}

/* A sum of parts, some read before and some after pages went from one to the other. */
static uint64_t not_negative(uint64_t bytes)
{
	return bytes > INT64_MAX ? 0 : bytes;
}

void meter_gauge(const struct meter *m, uint32_t slot, struct dcos_gauge *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!m->gauges || !slot || slot >= DCOS_SLOTS)
		return;
	if (m->gauges[slot].walk != m->walked)
		return;
	memcpy(ret, &m->gauges[slot], sizeof(*ret));
	ret->rss_anon_bytes = not_negative(ret->rss_anon_bytes);
	ret->rss_file_bytes = not_negative(ret->rss_file_bytes);
	ret->rss_shmem_bytes = not_negative(ret->rss_shmem_bytes);
	ret->swap_bytes = not_negative(ret->swap_bytes);
}
