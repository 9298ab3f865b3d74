// SPDX-License-Identifier: Apache-2.0
/*
 * CPU time: a quota per period with a burst, and a weight against other tasks. By the cgroup v2 cpu
 * controller, or the quota by the agent's governor where there is none, or where the configuration
 * wants it, or both by the agent's scheduler. That is told what stands in the controller's files,
 * which hold threads that are not the scheduler's. What nobody enforces is a warning.
 * Source: cgroup-v2.rst, "CPU Interface Files"; Documentation/scheduler/sched-bwc.rst;
 * Documentation/scheduler/sched-ext.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#include "agent/lib/cleanup.h"
#include "isolators/knobs.h"
#include "isolators/rows.h"

#define CPU_KNOBS_MAX 4
#define CPU_WEIGHT    100 /* the kernel's default of cpu.weight */
#define MOVE_PASSES   8 /* over threads that are born meanwhile */

#ifndef SCHED_EXT
#define SCHED_EXT 7 /* linux/sched.h since 6.12 */
#endif

static int cpu_probe(const struct iso_host *host, struct iso_probe *ret)
{
	char reason[128];

	ret->name = "cpu";
	if (host->scx) {
		ret->ok = true;
		(void)snprintf(ret->how, sizeof(ret->how), /* fits */
			       "quotas and weights by a scheduler of sched_ext, else by cpu.max "
			       "with burst, cpu.weight");
		return 0;
	}
	if (!host->governor)
		return controller_probe(host, CG_CPU, "cpu.max with burst, cpu.weight", ret);
	ret->ok = true;
	(void)snprintf(ret->how, sizeof(ret->how), "quotas by the governor, %s", /* may be cut */
		       controller_missing(host, CG_CPU, reason, sizeof(reason))
			       ? "no weights"
			       : "weights by cpu.weight");
	return 0;
}

static struct knob cpu_max_knob(const struct ct_resources *res)
{
	uint64_t period = res->cpu_period_us;
	struct knob k = {
		.file = "cpu.max",
		.allowed = "a period of 1000..1000000 us and a quota of at least 1000 us",
	};

	if (period == CT_UNSET || !period)
		period = CT_PERIOD_US;
	if (res->cpu_quota_us == CT_UNSET)
		(void)snprintf(k.value, sizeof(k.value), "max %" PRIu64, period);
	else /* two numbers fit */
		(void)snprintf(k.value, sizeof(k.value), "%" PRIu64 " %" PRIu64, res->cpu_quota_us,
			       period);
	return k;
}

/* A burst above the quota is refused, in either order of growing: it is 0 in between. */
static size_t cpu_knobs(const struct isolation *iso, bool fresh, struct knob *k)
{
	static const char burst_allowed[] = "0 up to the quota, in us";
	const struct ct_resources *res = &iso->res;
	uint64_t burst = res->cpu_burst_us == CT_UNSET ? 0 : res->cpu_burst_us;
	size_t nr = 0;

	if (!fresh && knob_exists(iso, "cpu.max.burst"))
		k[nr++] = knob_u64("cpu.max.burst", 0, burst_allowed);
	if (!fresh || res->cpu_quota_us != CT_UNSET)
		k[nr++] = cpu_max_knob(res);
	if (burst)
		k[nr++] = knob_u64("cpu.max.burst", burst, burst_allowed);
	if (!fresh || res->cpu_weight != CT_UNSET)
		k[nr++] = knob_u64("cpu.weight",
				   res->cpu_weight == CT_UNSET ? CPU_WEIGHT : res->cpu_weight,
				   "1..10000");
	return nr;
}

static void cpu_warn(struct isolation *iso, bool quota)
{
	char reason[128];

	(void)controller_missing(iso->host, CG_CPU, reason, sizeof(reason)); /* it is */
	if (quota && iso->res.cpu_quota_us != CT_UNSET)
		warn_unenforced(iso, "cpus", reason);
	if (quota && iso->res.cpu_burst_us != CT_UNSET && iso->res.cpu_burst_us)
		warn_unenforced(iso, "cpu_burst", reason);
	if (iso->res.cpu_weight != CT_UNSET)
		warn_unenforced(iso, "cpu_weight", reason);
}

static int govern(struct isolation *iso)
{
	const struct iso_governor *g = iso->host->governor;
	const struct ct_resources *res = &iso->res;
	struct iso_quota q = {.quota_us = res->cpu_quota_us, .period_us = res->cpu_period_us};
	int err;

	if (q.quota_us == CT_UNSET) {
		g->drop(g->ctx, iso->slot, iso->cgroup_id);
		return 0;
	}
	if (q.period_us == CT_UNSET || !q.period_us)
		q.period_us = CT_PERIOD_US;
	q.burst_us = res->cpu_burst_us == CT_UNSET ? 0 : res->cpu_burst_us;
	err = g->set(g->ctx, iso->slot, iso->cgroup_id, iso->cgroup_fd, &q);
	return err ? iso_fail(iso, err, "resources.cpus: the governor") : 0;
}

static bool is_scheduled(const struct isolation *iso)
{
	return iso->host->scx && iso->metered;
}

static int schedule(struct isolation *iso)
{
	const struct iso_scx *x = iso->host->scx;
	const struct ct_resources *res = &iso->res;
	struct iso_quota q = {};
	int err;

	if (res->cpu_quota_us != CT_UNSET) {
		q.quota_us = res->cpu_quota_us;
		q.period_us = res->cpu_period_us;
		q.burst_us = res->cpu_burst_us == CT_UNSET ? 0 : res->cpu_burst_us;
		if (q.period_us == CT_UNSET || !q.period_us)
			q.period_us = CT_PERIOD_US;
	}
	err = x->set(x->ctx, iso->slot, iso->cgroup_id,
		     res->cpu_weight == CT_UNSET ? CPU_WEIGHT : res->cpu_weight, &q);
	return err ? iso_fail(iso, err, "resources.cpus: the scheduler") : 0;
}

static bool is_governed(const struct isolation *iso)
{
	return iso->host->governor && iso->metered;
}

static int cpu_set(struct isolation *iso, bool fresh)
{
	struct isolation others = *iso;
	struct knob knobs[CPU_KNOBS_MAX];
	bool file = knob_exists(iso, "cpu.max");
	size_t nr;
	int err = 0;

	if (!file)
		cpu_warn(iso, !is_governed(iso));
	if (is_governed(iso)) /* cpu.max stays at "max" then */
		others.res.cpu_quota_us = others.res.cpu_burst_us = CT_UNSET;
	if (file) {
		nr = cpu_knobs(&others, fresh, knobs);
		err = fresh ? knobs_write(iso, knobs, nr) : knobs_change(iso, knobs, nr);
	}
	if (!err && is_scheduled(iso))
		err = schedule(iso);
	return err || !is_governed(iso) ? err : govern(iso);
}

static int cpu_prepare(struct isolation *iso)
{
	return cpu_set(iso, true);
}

static int cpu_update(struct isolation *iso)
{
	return cpu_set(iso, false);
}

/* Before the first program: all that it starts is the scheduler's, too. */
static int cpu_enter(struct isolation *iso)
{
	const struct sched_param none = {};

	if (!is_scheduled(iso))
		return 0;
	iso->step = "SCHED_EXT";
	return sched_setscheduler(0, SCHED_EXT, &none) ? -errno : 0;
}

/* Return: how many threads of a cgroup were not the scheduler's; they are now. */
static int move_threads(FILE *threads)
{
	const struct sched_param none = {};
	int nr = 0, tid;

	rewind(threads);
	while (fscanf(threads, "%d", &tid) == 1)
		if (sched_getscheduler(tid) == SCHED_OTHER &&
		    !sched_setscheduler(tid, SCHED_EXT, &none))
			nr++;
	return nr;
}

/* What an agent without the scheduler has started, or one whose scheduler was ejected. */
static void move_to_scheduler(const struct isolation *iso)
{
	cleanup_close int fd = openat(iso->cgroup_fd, "cgroup.threads", O_RDONLY | O_CLOEXEC);
	FILE *threads = fd < 0 ? NULL : fdopen(fd, "r");

	if (!threads)
		return; /* cpu.max holds them */
	(void)take_fd(&fd);
	for (int i = 0; i < MOVE_PASSES && move_threads(threads); i++)
		;
	(void)fclose(threads); /* it was read only */
}

/* A quota of cpu.max is in the cgroup still; the governor's went with the agent that held it. */
static int cpu_recover(struct isolation *iso)
{
	int err = is_scheduled(iso) ? schedule(iso) : 0;

	if (err)
		return err;
	if (is_scheduled(iso))
		move_to_scheduler(iso);
	return is_governed(iso) ? govern(iso) : 0;
}

static void cpu_cleanup(struct isolation *iso)
{
	if (is_scheduled(iso))
		iso->host->scx->drop(iso->host->scx->ctx, iso->slot);
	if (is_governed(iso))
		iso->host->governor->drop(iso->host->governor->ctx, iso->slot, iso->cgroup_id);
}

static int cpu_sample(const struct isolation *iso, struct iso_sample *ret)
{
	static const char *const keys[] = {"nr_periods", "nr_throttled", "throttled_usec", NULL};
	uint64_t v[] = {ret->nr_periods, ret->nr_throttled, ret->throttled_us};
	int n = cg_read_keys(iso->cgroup_fd, "cpu.stat", keys, v);

	if (n < 0)
		return n;
	ret->nr_periods = v[0];
	ret->nr_throttled = v[1];
	ret->throttled_us = v[2];
	return 0;
}

const struct isolator cpu_isolator = {
	.name = "cpu",
	.every = true,
	.probe = cpu_probe,
	.prepare = cpu_prepare,
	.enter = cpu_enter,
	.update = cpu_update,
	.sample = cpu_sample,
	.recover = cpu_recover,
	.cleanup = cpu_cleanup,
};
