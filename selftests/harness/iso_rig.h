/* SPDX-License-Identifier: Apache-2.0 */
/* One container's isolation for tests of single rows, without the container code. */
#ifndef DCOS_ISO_RIG_H
#define DCOS_ISO_RIG_H

#include <stdlib.h>
#include <string.h>

#include "isolators/rows.h"
#include "selftests/harness/test.h"

struct iso_rig {
	struct iso_host host;
	struct ct_spec spec;
	struct isolation iso;
};

/* Aborts the test without memory. @rig must stay where it is. */
static inline void iso_rig_init(struct iso_rig *rig, int host_cgroup_fd, const char *id)
{
	memset(rig, 0, sizeof(*rig));
	if (ct_spec_defaults(&rig->spec) || !(rig->spec.id = strdup(id)))
		test_abort();
	rig->spec.namespaces = 0;
	rig->host.cgroup_fd = host_cgroup_fd;
	rig->iso.host = &rig->host;
	rig->iso.spec = &rig->spec;
	rig->iso.res = rig->spec.resources;
	rig->iso.cgroup_fd = -1;
	rig->iso.pidfd = -1;
}

static inline void iso_rig_free(struct iso_rig *rig)
{
	if (rig->iso.cgroup_fd >= 0)
		cgroup_isolator.cleanup(&rig->iso);
	for (int i = 0; i < rig->iso.warnings_nr; i++)
		free(rig->iso.warnings[i]);
	ct_spec_free(&rig->spec);
}

/* Return: the one warning; aborts the test if there is none or several. */
static inline const char *iso_rig_warning(const struct iso_rig *rig)
{
	ASSERT_EQ(rig->iso.warnings_nr, 1);
	return rig->iso.warnings[0];
}

/* Every field unset, as the container code does before it walks the rows. */
static inline struct iso_sample iso_rig_sample(void)
{
	struct iso_sample s;

	memset(&s, 0xff, sizeof(s)); /* CT_UNSET */
	return s;
}

#endif
