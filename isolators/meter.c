// SPDX-License-Identifier: Apache-2.0
/*
 * A meter slot for the container's cgroup, taken before its first process exists and given back
 * when the last one has ended. A container without a slot runs all the same, and says so.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "isolators/knobs.h"
#include "isolators/rows.h"

static bool has_meter(const struct iso_host *host)
{
	return host->meter && host->meter->attach;
}

static int meter_probe(const struct iso_host *host, struct iso_probe *ret)
{
	ret->name = "meter";
	ret->ok = has_meter(host);
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "eBPF, one slot a task");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "no eBPF meter is loaded");
	return 0;
}

static int meter_prepare(struct isolation *iso)
{
	const struct iso_meter *m = iso->host->meter;
	int err;

	if (!has_meter(iso->host))
		return 0;
	err = m->attach(m->ctx, iso->cgroup_id, &iso->slot);
	iso->metered = !err;
	if (err)
		iso_warn(iso, "not metered: %s",
			 err == -ENOSPC ? "all slots are in use" : strerror(-err));
	return 0;
}

/*
 * Runs before the cgroup is removed. Processes that are still dying go on charging the slot, so
 * it can't be another's yet; one that can't be freed now is freed when an agent starts next
 * (meter_reclaim()).
 */
static void meter_cleanup(struct isolation *iso)
{
	const struct iso_meter *m = iso->host->meter;
	int err = 0;

	if (!iso->metered || !m || !m->detach)
		return;
	if (iso->cgroup_fd >= 0) {
		(void)cg_kill(iso->cgroup_fd); /* the wait tells whether it worked */
		err = cg_wait_empty(iso->cgroup_fd, CG_REMOVE_MS);
	}
	if (err)
		(void)iso_fail(iso, err, "waiting for the end of cgroup %s", iso->spec->id);
	else
		m->detach(m->ctx, iso->cgroup_id, iso->slot);
	iso->metered = false;
}

const struct isolator meter_isolator = {
	.name = "meter",
	.probe = meter_probe,
	.prepare = meter_prepare,
	.cleanup = meter_cleanup,
};
