// SPDX-License-Identifier: Apache-2.0
/* Probes of the kernel as a whole and of file systems. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/probes_impl.h"
#include "isolators/credentials.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))
#define PSI_FILE   "/proc/pressure/memory"
#define LOCKDOWN   "/sys/kernel/security/lockdown"
#define LSM_LIST   "/sys/kernel/security/lsm"

static void kernel_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct utsname u;

	(void)c;
	if (uname(&u) < 0)
		probe_errno(ret, NULL, "uname", -errno);
	else
		probe_ok(ret, "%.64s %.64s", u.release, u.machine);
}

static void systemd_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	(void)c;
	if (sd_booted() > 0)
		probe_ok(ret, "watchdog, descriptor store, journal");
	else
		probe_no(ret, "log on standard error, no restart of a dead agent",
			 "/run/systemd/system is not there: another init runs");
}

/* What it means that the agent itself lacks a capability. */
static const struct {
	unsigned int cap;
	const char *meaning;
} gaps[] = {
	{CAP_SYS_RESOURCE, "can't raise hard rlimits or lower oom_score_adj, PSI windows are "
			   "multiples of 2 s"},
	{CAP_SYS_ADMIN, "can't build containers"},
	{CAP_BPF, "can't meter"},
	{CAP_PERFMON, "can't meter"},
	{CAP_NET_ADMIN, "can't set networks up"},
	{CAP_SYS_PTRACE, "can't look into its tasks"},
	{CAP_MKNOD, "can't keep overlay deletions"},
};

static void caps_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char text[CAPS_TEXT_MAX];
	uint64_t own = 0, lacks;
	int err = caps_permitted(&own);

	(void)c;
	lacks = caps_known() & ~own;
	if (err) {
		probe_errno(ret, NULL, "capget", err);
		return;
	}
	if (!lacks) {
		probe_ok(ret, "all that the kernel has");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++)
		if (lacks & CAP_BIT(gaps[i].cap)) {
			probe_no(ret, gaps[i].meaning, "the agent lacks %s",
				 caps_to_text(lacks, text, sizeof(text)));
			return;
		}
	probe_ok(ret, "all that it needs; not %s", caps_to_text(lacks, text, sizeof(text)));
}

static void lockdown_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char line[128];

	(void)c;
	if (access(LOCKDOWN, F_OK) < 0)
		probe_ok(ret, "none, or unknown: no " LOCKDOWN);
	else if (strstr(probe_line(LOCKDOWN, line, sizeof(line)), "[none]"))
		probe_ok(ret, "off");
	else
		probe_no(ret, "see the BPF rows", "the kernel is locked down: %s", line);
}

static void lsm_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char line[128];

	(void)c;
	if (*probe_line(LSM_LIST, line, sizeof(line)))
		probe_ok(ret, "%s", line);
	else
		probe_errno(ret, NULL, LSM_LIST, -ENOENT);
}

static void tracefs_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char where[96];

	(void)c;
	if (probe_mount("tracefs", where, sizeof(where)))
		probe_ok(ret, "%s", where);
	else
		probe_no(ret, "tp_btf programs, which do not need it", "not mounted");
}

static void openat2_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	cleanup_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	(void)c;
	if (fd < 0)
		probe_errno(ret, NULL, "openat2", -errno);
	else
		probe_ok(ret, "openat2 with RESOLVE_IN_ROOT");
}

/* A file system type that can be made, without mounting it anywhere. */
static int fs_make(const char *type)
{
	cleanup_close int fd = fsopen(type, FSOPEN_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	cleanup_close int mnt = fsmount(fd, FSMOUNT_CLOEXEC, 0);

	return mnt < 0 ? -errno : 0;
}

static void mount_api_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	int err = fs_make("tmpfs");

	(void)c;
	if (err)
		probe_errno(ret, NULL, "fsopen, fsmount of a tmpfs", err);
	else
		probe_ok(ret, "fsopen, fsmount, move_mount");
}

static void overlay_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	cleanup_close int fd = fsopen("overlay", FSOPEN_CLOEXEC);

	(void)c;
	if (fd < 0)
		probe_errno(ret, "images are read-only", "fsopen(\"overlay\")", -errno);
	else
		probe_ok(ret, "tasks write beside their image");
}

static void bpffs_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	char where[96];
	int err;

	(void)c;
	if (probe_mount("bpf", where, sizeof(where))) {
		probe_ok(ret, "mounted at %s", where);
		return;
	}
	err = fs_make("bpf");
	if (err)
		probe_errno(ret, "meters end with the agent", "making a bpffs", err);
	else
		probe_ok(ret, "not mounted now; the agent can mount its own");
}

static void psi_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	static const char fast[] = "some 20000 500000", slow[] = "some 20000 2000000";
	cleanup_close int fd = open(PSI_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)c;
	if (fd < 0)
		probe_errno(ret, "no early warning of pressure", PSI_FILE, -errno);
	else if (write(fd, fast, sizeof(fast)) > 0)
		probe_ok(ret, "triggers with windows from 500 ms on");
	else if (write(fd, slow, sizeof(slow)) > 0)
		probe_ok(ret, "triggers, with windows of multiples of 2 s only");
	else
		probe_errno(ret, "averages only", PSI_FILE ": a trigger", -errno);
}

static void seccomp_run(const struct probe_ctx *c, struct iso_probe *ret)
{
	static const char file[] = "/proc/sys/kernel/seccomp/actions_avail";
	char line[128];

	(void)c;
	if (*probe_line(file, line, sizeof(line)))
		probe_ok(ret, "%s", line);
	else
		probe_errno(ret, NULL, file, -ENOENT);
}

const struct probe_row probes_kernel[] = {
	{"kernel", kernel_run},
	{"systemd", systemd_run},
	{"agent's capabilities", caps_run},
	{"lockdown", lockdown_run},
	{"security modules", lsm_run},
	{"seccomp actions", seccomp_run},
	{"pressure stalls (PSI)", psi_run},
	{"new mount interface", mount_api_run},
	{"paths confined to a root", openat2_run},
	{"overlay", overlay_run},
	{"tracefs", tracefs_run},
	{"bpffs", bpffs_run},
	{NULL, NULL},
};
