// SPDX-License-Identifier: Apache-2.0
/*
 * How many processes and threads a container may start a second, by a program of the meter
 * (bpf/fork.bpf.c): what is too much fails with EAGAIN. A container that is not metered, or a
 * kernel that refuses the program, holds nothing, and the container says so.
 */
#include <stdio.h>

#include "isolators/knobs.h"
#include "isolators/rows.h"

#define NOT_LOADED "the kernel refused the program, see dcosctl doctor"

static int forkrate_probe(const struct iso_host *host, struct iso_probe *ret)
{
	ret->name = "forkrate";
	ret->ok = host->forkrate;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "forks a second, by eBPF"); /* fits */
	else
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "the meter has no program for it"); /* fits */
	return 0;
}

static int forkrate_set(struct isolation *iso)
{
	const struct iso_forkrate *f = iso->host->forkrate;
	uint64_t per_s = iso->res.fork_rate;
	int err;

	if (!f || !iso->metered) {
		if (per_s != CT_UNSET)
			warn_unenforced(iso, "fork_rate",
					f ? "the container is not metered" : NOT_LOADED);
		return 0;
	}
	if (per_s == CT_UNSET) {
		f->drop(f->ctx, iso->slot, iso->cgroup_id);
		return 0;
	}
	err = f->set(f->ctx, iso->slot, iso->cgroup_id, per_s);
	return err ? iso_fail(iso, err, "resources.fork_rate") : 0;
}

static void forkrate_cleanup(struct isolation *iso)
{
	if (iso->host->forkrate && iso->metered)
		iso->host->forkrate->drop(iso->host->forkrate->ctx, iso->slot, iso->cgroup_id);
}

const struct isolator forkrate_isolator = {
	.name = "forkrate",
	.probe = forkrate_probe,
	.prepare = forkrate_set,
	.update = forkrate_set,
	.recover = forkrate_set,
	.cleanup = forkrate_cleanup,
};
