// SPDX-License-Identifier: Apache-2.0
/* Cgroup files written one after the other, or not at all; and sentences on missing controllers. */
#include "isolators/knobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KNOBS_MAX 8 /* of one isolator */

struct knob knob_u64(const char *file, uint64_t value, const char *allowed)
{
	struct knob k = {.file = file, .allowed = allowed, .value = "max"};

	if (value != UINT64_MAX)
		(void)snprintf(k.value, sizeof(k.value), "%" PRIu64, value); /* 20 digits fit */
	return k;
}

static int knob_fail(struct isolation *iso, const struct knob *k, int err)
{
	if (err == -EINVAL || err == -ERANGE)
		return iso_fail(iso, -EINVAL, "%s=%s: refused by the kernel, allowed is %s",
				k->file, k->value, k->allowed);
	return iso_fail(iso, err, "%s=%s", k->file, k->value);
}

int knobs_write(struct isolation *iso, const struct knob *knobs, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		int err = cg_write(iso->cgroup_fd, knobs[i].file, knobs[i].value);

		if (err)
			return knob_fail(iso, &knobs[i], err);
	}
	return 0;
}

int knobs_change(struct isolation *iso, const struct knob *knobs, size_t nr)
{
	char old[KNOBS_MAX][KNOB_VALUE_MAX];
	size_t i;
	int err = 0;

	if (nr > KNOBS_MAX)
		return -E2BIG;
	for (i = 0; i < nr; i++) {
		int n = cg_read_text(iso->cgroup_fd, knobs[i].file, old[i], sizeof(old[i]));

		err = n < 0 ? n : 0;
		if (!err && strcmp(old[i], knobs[i].value))
			err = cg_write(iso->cgroup_fd, knobs[i].file, knobs[i].value);
		if (err)
			break;
	}
	if (!err)
		return 0;
	(void)knob_fail(iso, &knobs[i], err); /* err is returned below */
	while (i-- > 0)
		if (strcmp(old[i], knobs[i].value))
			/* it was legal a moment ago; nothing better is left to do if not */
			(void)cg_write(iso->cgroup_fd, knobs[i].file, old[i]);
	return err == -ERANGE ? -EINVAL : err;
}

bool knob_exists(const struct isolation *iso, const char *file)
{
	return faccessat(iso->cgroup_fd, file, F_OK, 0) == 0;
}

bool controller_missing(const struct iso_host *host, enum cg_controller c, char *buf, size_t size)
{
	unsigned int have = 0, on = 0;
	int err = cg_controllers(host->cgroup_fd, &have);

	if (!err)
		err = cg_subtree_controllers(host->cgroup_fd, &on);
	buf[0] = '\0';
	if (err)
		(void)snprintf(buf, size, "cgroup.controllers: %s", strerror(-err));
	else if (!(have & c))
		(void)snprintf(buf, size, "no %s controller in cgroup.controllers",
			       cg_controller_name(c));
	else if (!(on & c))
		(void)snprintf(buf, size, "the %s controller is not on in cgroup.subtree_control",
			       cg_controller_name(c));
	return err || !(have & on & c);
}

int controller_probe(const struct iso_host *host, enum cg_controller c, const char *how,
		     struct iso_probe *ret)
{
	ret->ok = !controller_missing(host, c, ret->reason, sizeof(ret->reason));
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "%s", how); /* a constant that fits */
	return 0;
}

void warn_unenforced(struct isolation *iso, const char *key, const char *reason)
{
	char text[WHY_MAX];

	(void)snprintf(text, sizeof(text), "resources.%s is not enforced: %s", key, reason);
	for (int i = 0; i < iso->warnings_nr; i++)
		if (strcmp(iso->warnings[i], text) == 0)
			return;
	iso_warn(iso, "%s", text);
}
