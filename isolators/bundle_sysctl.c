// SPDX-License-Identifier: Apache-2.0
/*
 * linux.sysctl of an OCI configuration, in the child: over a procfs of its own, so that whatever
 * the container has at /proc is not asked. Which ones a namespace keeps is checked by the parser.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "isolators/bundle.h"
#include "isolators/mounts.h"

static int write_one(int proc, const struct oci_pair *p)
{
	char path[256] = "sys/";
	size_t len = strlen(p->key), value = strlen(p->value);
	int fd, err;

	if (len >= sizeof(path) - 4)
		return -ENAMETOOLONG;
	memcpy(path + 4, p->key, len + 1);
	fd = openat(proc, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, p->value, value) == (ssize_t)value ? 0 : -errno;
	(void)close(fd); /* written at once */
	return err;
}

int bundle_sysctl(struct isolation *iso)
{
	const struct oci_pairs *s = &iso->spec->oci->sysctl;
	int proc, err = 0;

	if (!s->nr)
		return 0;
	proc = mnt_new("proc", NULL, 0);
	if (proc < 0)
		return bundle_fail(iso, "linux.sysctl: a procfs", NULL, proc);
	for (size_t i = 0; i < s->nr && !err; i++) {
		err = write_one(proc, &s->items[i]);
		if (err)
			(void)bundle_fail(iso, "linux.sysctl:", s->items[i].key, err); /* is @err */
	}
	(void)close(proc); /* gone with its mount */
	return err;
}
