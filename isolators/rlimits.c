// SPDX-License-Identifier: Apache-2.0
/*
 * Resource limits of processes, setrlimit(2). Set by the parent while the child still has the
 * parent's user id: raising a hard limit needs CAP_SYS_RESOURCE over the host, which a user
 * namespace does not give.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "isolators/rows.h"

static int rlimits_attach(struct isolation *iso)
{
	const struct ct_process *p = &iso->spec->process;

	for (size_t i = 0; i < p->rlimits_nr; i++) {
		const struct ct_rlimit *l = &p->rlimits[i];
		struct rlimit now, want = {l->soft, l->hard};

		if (!prlimit(iso->pid, l->resource, &want, NULL))
			continue;
		if (errno == EPERM && !getrlimit(l->resource, &now) && l->hard > now.rlim_max)
			return iso_fail(iso, -EPERM,
					"rlimits: resource %d hard limit %" PRIu64
					" is above the agent's own %" PRIu64
					", which needs CAP_SYS_RESOURCE",
					l->resource, l->hard, (uint64_t)now.rlim_max);
		return iso_fail(iso, -errno, "rlimits: resource %d soft %" PRIu64 " hard %" PRIu64,
				l->resource, l->soft, l->hard);
	}
	return 0;
}

const struct isolator rlimits_isolator = {
	.name = "rlimits",
	.every = true,
	.attach = rlimits_attach,
};
