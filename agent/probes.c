// SPDX-License-Identifier: Apache-2.0
/* The run of all probes, and what they share. The rows are in probes_*.c. */
#include "agent/probes.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"
#include "cgroupfs/cgroupfs.h"

#define PROBE_CGROUP_MAX 32

static const struct probe_row *const tables[] = {
	probes_kernel, probes_cgroup, probes_process, probes_bpf, probes_bpf_maps,
};

void probe_ok(struct iso_probe *ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ret->how, sizeof(ret->how), fmt, ap); /* a cut text is still true */
	va_end(ap);
	ret->ok = true;
}

void probe_no(struct iso_probe *ret, const char *instead, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ret->reason, sizeof(ret->reason), fmt, ap); /* a cut text is still true */
	va_end(ap);
	(void)snprintf(ret->how, sizeof(ret->how), "%s", instead ? instead : "");
	ret->ok = false;
}

void probe_errno(struct iso_probe *ret, const char *instead, const char *done, int err)
{
	char desc[128];

	probe_no(ret, instead, "%s: %s (%s)", done, strerror_r(-err, desc, sizeof(desc)),
		 strerrorname_np(-err) ?: "?");
}

const char *probe_line(const char *path, char *buf, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

const char *probe_mount(const char *type, char *buf, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	char line[4096];
	struct mntent m;
	const char *found = NULL;

	while (f && !found && getmntent_r(f, &m, line, sizeof(line)))
		if (!strcmp(m.mnt_type, type)) {
			(void)snprintf(buf, size, "%s", m.mnt_dir); /* a cut path is shown only */
			found = buf;
		}
	if (f)
		(void)endmntent(f); /* always 1 */
	return found;
}

static int cgroup_make(int parent_fd, char name[static PROBE_CGROUP_MAX])
{
	/* a task's id does not start with a dot */
	(void)snprintf(name, PROBE_CGROUP_MAX, ".probe-%d", (int)getpid()); /* fits */
	return parent_fd < 0 ? -EBADF : cg_open(parent_fd, name, true);
}

int probes_run(const struct iso_host *host, struct iso_probe *ret, int max)
{
	char name[PROBE_CGROUP_MAX];
	struct probe_ctx c = {.host = host, .btf = btf__load_vmlinux_btf()};
	int nr = 0;

	if (!c.btf)
		c.btf_err = -errno;
	c.cgroup_fd = cgroup_make(host->cgroup_fd, name);
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct probe_row *row = tables[t]; row->name && nr < max; row++) {
			ret[nr] = (struct iso_probe){.name = row->name};
			row->run(&c, &ret[nr++]);
		}
	if (c.cgroup_fd >= 0) {
		close_fd(&c.cgroup_fd);
		(void)cg_remove(host->cgroup_fd, name); /* empty, so it can't be busy for long */
	}
	btf__free(c.btf);
	return nr;
}
