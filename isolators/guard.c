// SPDX-License-Identifier: Apache-2.0
/*
 * The ports that a container may bind and the addresses that it may talk to. What was asked for
 * and can't be held is a reason to refuse the container: nobody would notice that it is open.
 */
#include <errno.h>
#include <stdio.h>

#include "isolators/rows.h"

#define GUARD_HOW "eBPF, at bind, connect and sendmsg"

static int guard_probe(const struct iso_host *host, struct iso_probe *ret)
{
	ret->name = "guard";
	ret->ok = host->guard;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), GUARD_HOW); /* fits */
	else
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "the meter's guard programs are not loaded"); /* fits */
	return 0;
}

static int guard_prepare(struct isolation *iso)
{
	const struct iso_guard *g = iso->host->guard;
	int err;

	if (!iso->spec->guard)
		return 0;
	if (!g || !iso->metered)
		return iso_fail(iso, -EOPNOTSUPP, "bind_ports and connect_to: %s",
				g ? "the container is not metered"
				  : "the meter's guard programs are not loaded");
	err = g->set(g->ctx, iso->cgroup_id, iso->spec->guard);
	return err ? iso_fail(iso, err, "bind_ports and connect_to: the guard") : 0;
}

/* It is pinned with the programs; but both may have been made anew. */
static int guard_recover(struct isolation *iso)
{
	if (!iso->spec->guard)
		return 0;
	if (!iso->host->guard || !iso->metered) {
		iso_warn(iso, "bind_ports and connect_to are not enforced: no guard is loaded");
		return 0;
	}
	return guard_prepare(iso);
}

static void guard_cleanup(struct isolation *iso)
{
	if (iso->spec->guard && iso->host->guard && iso->metered)
		iso->host->guard->drop(iso->host->guard->ctx, iso->cgroup_id);
}

const struct isolator guard_isolator = {
	.name = "guard",
	.probe = guard_probe,
	.prepare = guard_prepare,
	.recover = guard_recover,
	.cleanup = guard_cleanup,
};
