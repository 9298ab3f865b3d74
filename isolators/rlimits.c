// SPDX-License-Identifier: Apache-2.0
/*
 * Resource limits of processes. Raising a hard limit needs CAP_SYS_RESOURCE over the host, which
 * a user namespace does not give: the parent does it, while the child still has the parent's user
 * id. The limits themselves are set by the child, when it has made its mounts: too few descriptors
 * must not keep it from that.
 * Source: getrlimit(2), prlimit(2).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "isolators/rows.h"

#define LIMIT_TEXT_MAX 24
#define NOFILE_SOFT    1024 /* all that select(2) can do, and what programs expect */

static const char *const names[RLIM_NLIMITS] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

static const char *limit_text(uint64_t v, char *buf)
{
	if (v == UINT64_MAX)
		return "unlimited";
	(void)snprintf(buf, LIMIT_TEXT_MAX, "%" PRIu64, v); /* 20 digits at most */
	return buf;
}

static int check(struct isolation *iso, const struct ct_rlimit *l)
{
	char soft[LIMIT_TEXT_MAX], hard[LIMIT_TEXT_MAX];

	if (l->resource < 0 || l->resource >= RLIM_NLIMITS || !names[l->resource])
		return iso_fail(iso, -EINVAL, "rlimits: %d is no resource", l->resource);
	if (l->soft > l->hard)
		return iso_fail(iso, -EINVAL, "rlimits: %s: the soft limit %s is above the hard %s",
				names[l->resource], limit_text(l->soft, soft),
				limit_text(l->hard, hard));
	return 0;
}

static int raise_hard(struct isolation *iso, const struct ct_rlimit *l)
{
	char wanted[LIMIT_TEXT_MAX], own[LIMIT_TEXT_MAX];
	struct rlimit now;

	if (prlimit(iso->pid, l->resource, NULL, &now))
		return iso_fail(iso, -errno, "rlimits: %s", names[l->resource]);
	if (l->hard <= now.rlim_max)
		return 0;
	if (!prlimit(iso->pid, l->resource, &(struct rlimit){now.rlim_cur, l->hard}, NULL))
		return 0;
	return iso_fail(iso, -errno,
			"rlimits: %s: hard limit %s is above the agent's own %s, which "
			"CAP_SYS_RESOURCE allows up to the kernel's own limit",
			names[l->resource], limit_text(l->hard, wanted),
			limit_text(now.rlim_max, own));
}

static int rlimits_attach(struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;
	int err = 0;

	for (size_t i = 0; i < p->rlimits_nr && !err; i++)
		err = check(iso, &p->rlimits[i]);
	for (size_t i = 0; i < p->rlimits_nr && !err; i++)
		err = raise_hard(iso, &p->rlimits[i]);
	return err;
}

/* The agent's own soft limit is for its many tasks; a program that wants more can raise it. */
static int lower_nofile(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return -errno;
	if (l.rlim_cur <= NOFILE_SOFT)
		return 0;
	l.rlim_cur = NOFILE_SOFT;
	return setrlimit(RLIMIT_NOFILE, &l) ? -errno : 0;
}

static int rlimits_enter(struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;
	int err;

	iso->step = names[RLIMIT_NOFILE];
	err = iso->spec->oci ? 0 : lower_nofile();
	if (err)
		return err;
	for (size_t i = 0; i < p->rlimits_nr; i++) {
		const struct ct_rlimit *l = &p->rlimits[i];

		iso->step = names[l->resource];
		if (setrlimit((__rlimit_resource_t)l->resource, &(struct rlimit){l->soft, l->hard}))
			return -errno;
	}
	return 0;
}

const struct isolator rlimits_isolator = {
	.name = "rlimits",
	.every = true,
	.attach = rlimits_attach,
	.enter = rlimits_enter,
};
