// SPDX-License-Identifier: Apache-2.0
/*
 * The number of tasks (threads) of a container, by the pids controller. Where that is not there
 * but the container has a user namespace: RLIMIT_NPROC, which the kernel counts for each user of
 * that namespace apart, so that a container whose processes change their user may have the limit
 * once for each. Without either nothing is enforced, and the container says so.
 * Source: cgroup-v2.rst, "PID Interface Files"; setrlimit(2), user_namespaces(7).
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/knobs.h"
#include "isolators/rows.h"

#define NPROC_PIDS_MAX	 4096 /* processes of one cgroup that an update can reach */
#define NPROC_PASSES_MAX 8 /* over a container that forks meanwhile */

static int pids_probe(const struct iso_host *host, struct iso_probe *ret)
{
	int err;

	ret->name = "pids";
	err = controller_probe(host, CG_PIDS, "pids.max", ret);
	if (!err && !ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how),
			       "RLIMIT_NPROC in the user namespace, for each of its users");
	return err;
}

static bool has_userns(const struct isolation *iso)
{
	return iso->spec->namespaces & CLONE_NEWUSER;
}

/* priv is set where RLIMIT_NPROC stands in for pids.max, and points to nothing of its own */
static bool uses_nproc(const struct isolation *iso)
{
	return iso->priv[iso_index(&pids_isolator)] != NULL;
}

static void use_nproc(struct isolation *iso, bool use)
{
	iso->priv[iso_index(&pids_isolator)] = use ? iso : NULL;
}

static int pids_recover(struct isolation *iso)
{
	use_nproc(iso, has_userns(iso) && !knob_exists(iso, "pids.max"));
	return 0;
}

static void pids_warn(struct isolation *iso)
{
	char reason[128];

	(void)controller_missing(iso->host, CG_PIDS, reason, sizeof(reason)); /* it is */
	if (iso->res.pids_max != CT_UNSET)
		warn_unenforced(iso, "pids", reason);
}

static int pids_prepare(struct isolation *iso)
{
	struct knob k = knob_u64("pids.max", iso->res.pids_max, "a number of tasks");

	if (iso->res.pids_max == CT_UNSET || weakened("pids"))
		return pids_recover(iso);
	if (knob_exists(iso, k.file))
		return knobs_write(iso, &k, 1);
	use_nproc(iso, has_userns(iso));
	if (!has_userns(iso))
		pids_warn(iso);
	return 0;
}

/*
 * Late, so that a wider nproc among the rlimits of the spec can't undo it; all that follows
 * inherits it.
 */
static int pids_enter(struct isolation *iso)
{
	struct rlimit r;

	if (iso->res.pids_max == CT_UNSET || !uses_nproc(iso) || weakened("pids"))
		return 0;
	iso->step = "RLIMIT_NPROC";
	if (getrlimit(RLIMIT_NPROC, &r) < 0)
		return -errno;
	if (r.rlim_max > iso->res.pids_max)
		r.rlim_max = iso->res.pids_max;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_NPROC, &r) < 0 ? -errno : 0;
}

/* RLIMIT_NPROC of one process before it was changed. */
struct nproc_old {
	pid_t pid;
	struct rlimit limit;
};

struct nproc_change {
	rlim_t wanted;
	struct nproc_old *old; /* NPROC_PIDS_MAX places */
	int nr;
	int changed; /* in this pass */
};

/* Return: 0, also for a process that has ended; -errno */
static int nproc_set(pid_t pid, struct nproc_change *c)
{
	struct rlimit old, new;

	if (prlimit(pid, RLIMIT_NPROC, NULL, &old) < 0)
		return errno == ESRCH ? 0 : -errno;
	if (old.rlim_max == c->wanted)
		return 0;
	if (c->nr >= NPROC_PIDS_MAX)
		return -E2BIG;
	new.rlim_max = c->wanted;
	/* a process that keeps itself shorter goes on doing so */
	new.rlim_cur =
		old.rlim_cur == old.rlim_max || old.rlim_cur > c->wanted ? c->wanted : old.rlim_cur;
	if (prlimit(pid, RLIMIT_NPROC, &new, NULL) < 0)
		return errno == ESRCH ? 0 : -errno;
	c->old[c->nr++] = (struct nproc_old){.pid = pid, .limit = old};
	c->changed++;
	return 0;
}

static int nproc_set_own(int dirfd, void *ctx)
{
	cleanup_free pid_t *pids = calloc(NPROC_PIDS_MAX, sizeof(*pids));
	int n, err = 0;

	if (!pids)
		return -ENOMEM;
	n = cg_procs(dirfd, pids, NPROC_PIDS_MAX);
	if (n == -EOPNOTSUPP || n == -ENODEV)
		return 0; /* threaded: its processes are listed above; or gone */
	if (n > NPROC_PIDS_MAX)
		return -E2BIG;
	for (int i = 0; i < n && !err; i++)
		err = nproc_set(pids[i], ctx);
	return n < 0 ? n : err;
}

static int nproc_update(struct isolation *iso)
{
	cleanup_free struct nproc_old *old = calloc(NPROC_PIDS_MAX, sizeof(*old));
	struct nproc_change c = {.wanted = iso->res.pids_max, .old = old};
	struct rlimit own;
	int err = 0;

	if (!old)
		return -ENOMEM;
	if (getrlimit(RLIMIT_NPROC, &own) < 0)
		return -errno;
	if (iso->res.pids_max == CT_UNSET || own.rlim_max < c.wanted)
		c.wanted = own.rlim_max; /* what a container without a limit starts with */
	/* a child that is forked meanwhile has its parent's old limit: until a pass finds none */
	for (int pass = 0; pass < NPROC_PASSES_MAX && !err; pass++) {
		c.changed = 0;
		err = cg_walk(iso->cgroup_fd, nproc_set_own, &c);
		if (!c.changed)
			break;
	}
	if (!err && c.changed)
		err = -EAGAIN;
	if (!err)
		return 0;
	while (c.nr-- > 0) /* one that ended, or may not be widened again, stays as it is */
		(void)prlimit(old[c.nr].pid, RLIMIT_NPROC, &old[c.nr].limit, NULL);
	return iso_fail(iso, err, "RLIMIT_NPROC=%" PRIu64, (uint64_t)c.wanted);
}

static int pids_update(struct isolation *iso)
{
	struct knob k = knob_u64("pids.max", iso->res.pids_max, "a number of tasks");

	if (knob_exists(iso, k.file))
		return knobs_change(iso, &k, 1);
	if (has_userns(iso))
		return nproc_update(iso);
	pids_warn(iso);
	return 0;
}

static int threads_add(int dirfd, void *ctx)
{
	uint64_t *sum = ctx;
	int n = cg_threads(dirfd);

	if (n < 0)
		return n == -ENODEV ? 0 : n;
	*sum += (uint64_t)n;
	return 0;
}

static int pids_sample(const struct isolation *iso, struct iso_sample *ret)
{
	static const char *const keys[] = {"max", NULL};
	uint64_t nr = 0;
	int err = cg_read_u64(iso->cgroup_fd, "pids.current", &ret->pids);

	if (!err) {
		err = cg_read_keys(iso->cgroup_fd, "pids.events", keys, &ret->pids_max_events);
		return err < 0 ? err : 0;
	}
	if (err != -ENOENT)
		return err;
	err = cg_walk(iso->cgroup_fd, threads_add, &nr);
	if (!err)
		ret->pids = nr;
	return err;
}

const struct isolator pids_isolator = {
	.name = "pids",
	.late = true,
	.probe = pids_probe,
	.prepare = pids_prepare,
	.every = true,
	.enter = pids_enter,
	.update = pids_update,
	.sample = pids_sample,
	.recover = pids_recover,
};
