// SPDX-License-Identifier: Apache-2.0
/*
 * What an OCI configuration says of a process beyond what tasks have: its terminal, scheduling
 * and security labels; see place.c, too. Runs in the child after the pivot, while it is still root.
 * Source: runtime-spec config.md, "process"; devpts.rst; sched_setattr(2); ioprio_set(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "isolators/bundle.h"
#include "isolators/home.h"
#include "isolators/join.h"
#include "isolators/mounts.h"
#include "isolators/place.h"
#include "isolators/rows.h"

#define IOPRIO_WHO_PROCESS 1
#define LABEL_MAX	   4096

/* The place in handed[] of the console's socket. */
static int process_prepare(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	int place;

	if (!oci || !oci->process.terminal)
		return 0;
	if (oci->process.console_fd < 0)
		return iso_fail(iso, -EINVAL,
				"process.terminal: without a console socket nobody has the other "
				"end");
	place = iso_reserve(iso);
	if (place < 0)
		return iso_fail(iso, place, "process.terminal");
	iso->console = place;
	return 0;
}

static int process_attach(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;

	if (!oci || !oci->process.terminal)
		return 0;
	iso->handed[iso->console] = fcntl(oci->process.console_fd, F_DUPFD_CLOEXEC, 0);
	return iso->handed[iso->console] < 0 ? iso_fail(iso, -errno, "console socket") : 0;
}

/* Whatever the image had at /dev/console: a new empty file, or the one there, if it is one. */
static int console_target(void)
{
	int fd = open("/dev/console",
		      O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
		return fd;
	(void)close(fd); /* nothing was written */
	return -EINVAL;
}

static int bind_console(int slave)
{
	int target = console_target(), fd, err;

	if (target == -EROFS)
		return 0; /* a /dev of the caller's that it wants as it is */
	if (target < 0)
		return target;
	fd = mnt_clone(slave, "", false);
	err = fd < 0 ? fd : mnt_attach(fd, target);
	if (fd >= 0)
		(void)close(fd); /* attached, or given up */
	(void)close(target); /* nothing was written */
	return err;
}

/* A pair of the container's own devpts, whatever stands at its path. */
static int open_pair(int *ret_slave)
{
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	int unlock = 0, slave = -1, err = 0;
	struct statfs fs;

	if (master < 0)
		return -errno;
	if (fstatfs(master, &fs))
		err = -errno;
	else if (fs.f_type != DEVPTS_SUPER_MAGIC)
		err = -ENODEV;
	else if (ioctl(master, TIOCSPTLCK, &unlock))
		err = -errno;
	else
		slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!err && slave < 0)
		err = -errno;
	if (err) {
		(void)close(master); /* nothing was written */
		return err;
	}
	*ret_slave = slave;
	return master;
}

static int make_streams(int slave, const struct ct_process *p, const struct oci_process *o)
{
	const struct winsize size = {.ws_row = o->rows, .ws_col = o->columns};

	if ((o->rows || o->columns) && ioctl(slave, TIOCSWINSZ, &size))
		return -errno;
	if (ioctl(slave, TIOCSCTTY, 0))
		return -errno;
	/* who can't give it away keeps it: the group is not mapped, for one */
	(void)!fchown(slave, p->uid, (gid_t)-1);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(slave, fd) < 0)
			return -errno;
	return 0;
}

static int make_terminal(struct isolation *iso)
{
	static const char name[] = "/dev/ptmx";
	const struct oci_process *o = &iso->spec->oci->process;
	int slave = -1, master = open_pair(&slave), err;

	if (master < 0)
		return bundle_fail(iso, "process.terminal: /dev/pts/ptmx", NULL, master);
	/* to who asked for the terminal */
	err = fd_send(iso->handed[iso->console], name, sizeof(name) - 1, master);
	if (!err)
		err = make_streams(slave, &iso->spec->process, o);
	if (!err && !iso->joined)
		err = bind_console(slave);
	(void)close(slave);
	(void)close(master);
	return err ? bundle_fail(iso, "process.terminal", NULL, err) : 0;
}

static int set_sched(const struct oci_sched *s)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};

	return syscall(SYS_sched_setattr, 0, &attr, 0) ? -errno : 0;
}

static int write_label(const char *file, const char *prefix, const char *label)
{
	char text[LABEL_MAX];
	size_t a = strlen(prefix), b = strlen(label);
	int fd = open(file, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (a + b >= sizeof(text)) {
		(void)close(fd); /* nothing was written */
		return -E2BIG;
	}
	memcpy(text, prefix, a);
	memcpy(text + a, label, b);
	err = write(fd, text, a + b) == (ssize_t)(a + b) ? 0 : -errno;
	(void)close(fd); /* written at once */
	return err;
}

static int set_labels(struct isolation *iso)
{
	const struct oci_process *o = &iso->spec->oci->process;
	int err = 0;

	if (o->apparmor)
		err = write_label("/proc/self/attr/apparmor/exec", "exec ", o->apparmor);
	if (err)
		return bundle_fail(iso, "process.apparmorProfile", o->apparmor, err);
	if (o->selinux)
		err = write_label("/proc/self/attr/exec", "", o->selinux);
	return err ? bundle_fail(iso, "process.selinuxLabel", o->selinux, err) : 0;
}

static int process_enter(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	int err = 0;

	if (!oci)
		return 0;
	if (iso->joined && ns_joined_mount(iso->spec) &&
	    (fchdir(iso->handed[iso->own_root]) || chroot(".")))
		return bundle_fail(iso, "the container's root", NULL, -errno);
	if (oci->process.home)
		home_find(iso->spec->process.uid, oci->process.home, OCI_HOME_MAX);
	if (oci->process.terminal)
		err = make_terminal(iso);
	if (!err && oci->process.sched.set) {
		err = set_sched(&oci->process.sched);
		if (err)
			return bundle_fail(iso, "process.scheduler", NULL, err);
	}
	if (!err && oci->process.ioprio_set &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, oci->process.ioprio))
		return bundle_fail(iso, "process.ioPriority", NULL, -errno);
	if (!err)
		err = place_process(iso);
	return err ? err : set_labels(iso);
}

const struct isolator process_isolator = {
	.name = "process",
	.every = true,
	.prepare = process_prepare,
	.attach = process_attach,
	.enter = process_enter,
};

/* The last thing before the filter: what the program's start is to wait for. */
static int hooks_enter(struct isolation *iso)
{
	return iso->spec->oci ? bundle_hooks(iso, OCI_START_CONTAINER) : 0;
}

const struct isolator hooks_isolator = {
	.name = "hooks",
	.late = true,
	.enter = hooks_enter,
};
