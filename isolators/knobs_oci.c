// SPDX-License-Identifier: Apache-2.0
/*
 * linux.resources of an OCI configuration, as files of the cgroup. What this host cannot hold is
 * a reason to refuse: who asked would believe it.
 */
#include "isolators/knobs_oci.h"

#include <errno.h>
#include <string.h>

#include "cgroupfs/cgroupfs.h"
#include "isolators/rows.h"

/* The share that engines ask for when nobody asked: without a controller all have the same. */
static bool is_default(const struct oci_pair *p)
{
	return !strcmp(p->key, "cpu.weight") && !strcmp(p->value, OCI_WEIGHT_DEFAULT);
}

int oci_knobs_write(int cgroup_fd, const struct oci_pairs *knobs, struct why *why)
{
	for (size_t i = 0; i < knobs->nr; i++) {
		const struct oci_pair *p = &knobs->items[i];
		int err = cg_write(cgroup_fd, p->key, p->value);

		if (err == -ENOENT && is_default(p))
			continue;
		if (err == -ENOENT)
			return why_set(why, err,
				       "linux.resources: %s=%s: the host has no such file for the "
				       "container's cgroup; its controller is not enabled",
				       p->key, p->value);
		if (err)
			return why_set(why, err, "linux.resources: %s=%s", p->key, p->value);
	}
	return 0;
}

static int resources_prepare(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;

	for (size_t i = 0; oci && iso->cgroup_fd < 0 && i < oci->knobs.nr; i++)
		if (!is_default(&oci->knobs.items[i]))
			return iso_fail(iso, -EINVAL,
					"linux.resources: %s=%s: the container has no cgroup of "
					"its own that could hold it",
					oci->knobs.items[i].key, oci->knobs.items[i].value);
	return oci && iso->cgroup_fd >= 0 ? oci_knobs_write(iso->cgroup_fd, &oci->knobs, &iso->why)
					  : 0;
}

const struct isolator resources_isolator = {
	.name = "resources",
	.prepare = resources_prepare,
};
