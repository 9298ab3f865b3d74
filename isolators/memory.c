// SPDX-License-Identifier: Apache-2.0
/*
 * Memory by the cgroup v2 memory controller; an out-of-memory kill takes the whole task. Without
 * the controller the agent does the like for memory, by its meter; other limits are not enforced, and
 * the container says so. What it uses is then read from its processes: pages shared between them
 * count in each.
 * Source: cgroup-v2.rst, "Memory Interface Files".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/knobs.h"
#include "isolators/rows.h"

#define MEMORY_KNOBS_MAX 5
#define STATM_MAX	 512 /* processes whose statm is read; of more the sum is not told */

static int memory_probe(const struct iso_host *host, struct iso_probe *ret)
{
	int err;

	ret->name = "memory";
	if (host->memory_meter) {
		ret->ok = true;
		(void)snprintf(ret->how, sizeof(ret->how), /* fits */
			       "memory by the meter, kills the task; no low, high, swap");
		return 0;
	}
	err = controller_probe(host, CG_MEMORY, "memory.max, high, low, swap.max, oom.group", ret);
	if (!err && !ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how),
			       "metered only, by eBPF or from /proc/PID/statm");
	return err;
}

/* The memory keys of a task spec, their files, and what these hold when nobody asked. */
struct memory_limit {
	const char *key, *file;
	uint64_t wanted, neutral;
};

#define MEMORY_LIMITS 4

static void memory_limits(const struct ct_resources *res, struct memory_limit ret[MEMORY_LIMITS])
{
	ret[0] = (struct memory_limit){"memory_low", "memory.low", res->memory_low_bytes, 0};
	ret[1] = (struct memory_limit){"memory_high", "memory.high", res->memory_high_bytes,
				       UINT64_MAX};
	ret[2] = (struct memory_limit){"memory", "memory.max", res->memory_max_bytes, UINT64_MAX};
	ret[3] = (struct memory_limit){"swap", "memory.swap.max", res->memory_swap_max_bytes,
				       UINT64_MAX};
}

/* memory only: the agent looks at it as long as the container lives */
static bool is_held_by_meter(const struct isolation *iso, const char *key)
{
	return iso->host->memory_meter && iso->metered && !strcmp(key, "memory");
}

static int memory_set(struct isolation *iso, bool fresh)
{
	struct memory_limit limits[MEMORY_LIMITS];
	struct knob knobs[MEMORY_KNOBS_MAX];
	bool controlled = knob_exists(iso, "memory.max");
	char reason[128] = "";
	size_t nr = 0;

	memory_limits(&iso->res, limits);
	if (!controlled)
		(void)controller_missing(iso->host, CG_MEMORY, reason, sizeof(reason)); /* it is */
	else if (fresh)
		knobs[nr++] = knob_u64("memory.oom.group", 1, "0 or 1");
	for (size_t i = 0; i < MEMORY_LIMITS; i++) {
		const struct memory_limit *l = &limits[i];
		bool asked = l->wanted != CT_UNSET;

		if (!asked && (fresh || !controlled))
			continue;
		if (controlled && knob_exists(iso, l->file))
			knobs[nr++] = knob_u64(l->file, asked ? l->wanted : l->neutral,
					       "a number of bytes");
		else if (asked && !is_held_by_meter(iso, l->key))
			warn_unenforced(iso, l->key,
					controlled ? "the kernel does not account swap" : reason);
	}
	return fresh ? knobs_write(iso, knobs, nr) : knobs_change(iso, knobs, nr);
}

static int memory_prepare(struct isolation *iso)
{
	return memory_set(iso, true);
}

static int memory_update(struct isolation *iso)
{
	return memory_set(iso, false);
}

/* Return: resident pages of one process, 0 if it has just ended */
static uint64_t statm_resident(pid_t pid)
{
	char path[32], buf[128];
	uint64_t size, resident;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid); /* fits */
	if (cg_read_text(AT_FDCWD, path, buf, sizeof(buf)) < 0)
		return 0;
	return sscanf(buf, "%" SCNu64 " %" SCNu64, &size, &resident) == 2 ? resident : 0;
}

struct resident {
	uint64_t pages;
	int procs;
};

static int resident_add(int dirfd, void *ctx)
{
	struct resident *r = ctx;
	pid_t pids[STATM_MAX];
	int n = cg_procs(dirfd, pids, STATM_MAX);

	if (n == -EOPNOTSUPP || n == -ENODEV)
		return 0; /* threaded: its processes are listed above; or gone */
	if (n < 0)
		return n;
	r->procs += n;
	if (r->procs > STATM_MAX)
		return -E2BIG;
	for (int i = 0; i < n; i++)
		r->pages += statm_resident(pids[i]);
	return 0;
}

static int memory_sample_resident(const struct isolation *iso, struct iso_sample *ret)
{
	struct resident r = {0};
	int err = cg_walk(iso->cgroup_fd, resident_add, &r);

	if (err == -E2BIG)
		return 0; /* stays CT_UNSET: a part of the sum would be taken for all of it */
	if (err)
		return err;
	ret->memory_bytes = r.pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int memory_sample(const struct isolation *iso, struct iso_sample *ret)
{
	static const char *const keys[] = {"low", "high", "max", "oom", "oom_kill", NULL};
	uint64_t v[] = {CT_UNSET, CT_UNSET, CT_UNSET, CT_UNSET, CT_UNSET};
	int err = cg_read_u64(iso->cgroup_fd, "memory.current", &ret->memory_bytes);

	if (err == -ENOENT)
		return memory_sample_resident(iso, ret);
	if (err)
		return err;
	err = cg_read_u64(iso->cgroup_fd, "memory.peak", &ret->memory_peak_bytes);
	if (err && err != -ENOENT) /* since 5.19 */
		return err;
	err = cg_read_keys(iso->cgroup_fd, "memory.events", keys, v);
	if (err < 0)
		return err;
	ret->memory_low = v[0];
	ret->memory_high = v[1];
	ret->memory_max = v[2];
	ret->memory_oom = v[3];
	ret->oom_kills = v[4];
	return 0;
}

static int memory_detail(const struct isolation *iso, struct iso_sample *ret)
{
	static const char *const keys[] = {"anon", "file", "shmem", "kernel", NULL};
	uint64_t v[] = {CT_UNSET, CT_UNSET, CT_UNSET, CT_UNSET}; /* kernel: since 5.18 */
	int n = cg_read_keys(iso->cgroup_fd, "memory.stat", keys, v);

	if (n < 0)
		return n == -ENOENT ? 0 : n;
	ret->stat_anon_bytes = v[0];
	ret->stat_file_bytes = v[1];
	ret->stat_shmem_bytes = v[2];
	ret->stat_kernel_bytes = v[3];
	return 0;
}

const struct isolator memory_isolator = {
	.name = "memory",
	.probe = memory_probe,
	.prepare = memory_prepare,
	.update = memory_update,
	.sample = memory_sample,
	.detail = memory_detail,
};
