// SPDX-License-Identifier: Apache-2.0
/*
 * Source: runtime-spec config.md, "execCPUAffinity"; config-linux.md, "Personality" and "Memory
 * policy"; sched_setaffinity(2), set_mempolicy(2), personality(2).
 */
#include "isolators/place.h"

#include <errno.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolators/bundle.h"
#include "isolators/oci.h"

int place_self(const struct oci_set *set)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(set->bits), set->bits) < 0 ? -errno : 0;
}

/* A mask that is shorter than what the kernel has is filled up; one bit more is counted. */
static int set_policy(const struct oci_mempolicy *p)
{
	const unsigned long *nodes = p->nodes.given ? p->nodes.bits : NULL;

	return syscall(SYS_set_mempolicy, p->mode, nodes, nodes ? OCI_SET_MAX + 1UL : 0UL) ? -errno
											   : 0;
}

int place_process(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	int err = 0;

	if (iso->joined && oci->process.exec_final.given)
		err = place_self(&oci->process.exec_final);
	if (err)
		return bundle_fail(iso, "process.execCPUAffinity.final", NULL, err);
	if (oci->mempolicy.given)
		err = set_policy(&oci->mempolicy);
	if (err)
		return bundle_fail(iso, "linux.memoryPolicy", NULL, err);
	if (oci->personality_set && personality(oci->personality) < 0)
		return bundle_fail(iso, "linux.personality", NULL, -errno);
	return 0;
}
