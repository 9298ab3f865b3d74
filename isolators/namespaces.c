// SPDX-License-Identifier: Apache-2.0
/*
 * Namespaces: which ones the container gets, the id maps of its user namespace (written by the
 * parent, which is privileged, so that setgroups(2) stays allowed), its host name.
 * A cgroup namespace made by the clone3 that puts the process into its cgroup begins there.
 * Source: user_namespaces(7), clone(2), cgroup_namespaces(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/idmap.h"
#include "isolators/join.h"
#include "isolators/oci.h"
#include "isolators/rows.h"

#define NS_ALL                                                                                     \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP |              \
	 CLONE_NEWNET | CLONE_NEWUSER)
#define HOST_NAME_LEN 63 /* RFC 1123, and less than __NEW_UTS_LEN */
#define MAP_LINE_MAX  36 /* three numbers */

/* Namespaces that a weakened build does not make. */
static uint64_t left_out(void)
{
	return (weakened("ipcns") ? CLONE_NEWIPC : 0) | (weakened("netns") ? CLONE_NEWNET : 0) |
	       (weakened("cgroupns") ? CLONE_NEWCGROUP : 0);
}

/* To the letter of a config.json: what it names exists, or is new. */
static int prepare_oci(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	uint64_t asked = iso->spec->namespaces, uts = asked & CLONE_NEWUTS;

	for (size_t i = 0; i < oci->joins_nr; i++)
		uts |= oci->joins[i].flag & CLONE_NEWUTS;
	if (!(asked & CLONE_NEWNS) && !ns_joined_mount(iso->spec))
		return iso_fail(iso, -EINVAL,
				"linux.namespaces: a container needs its own mount namespace");
	if (!uts && (iso->spec->hostname || oci->domainname))
		return iso_fail(iso, -EINVAL, "%s is given, without a uts namespace to keep it in",
				iso->spec->hostname ? "hostname" : "domainname");
	if (!(asked & CLONE_NEWUSER) != !(oci->uids.nr && oci->gids.nr))
		return iso_fail(iso, -EINVAL,
				"linux.uidMappings, gidMappings: a new user namespace needs both, "
				"and nothing else has any");
	iso->clone_flags |= asked & ~(uint64_t)CLONE_NEWTIME; /* see join.c */
	return 0;
}

static int namespaces_prepare(struct isolation *iso)
{
	const struct ct_idmap *m = &iso->spec->idmap;
	uint64_t asked = iso->spec->namespaces;
	const char *name = iso->spec->hostname;

	if (iso->spec->oci)
		return prepare_oci(iso);
	if (asked & ~(uint64_t)NS_ALL)
		return iso_fail(iso, -EINVAL,
				"namespaces: 0x%llx is none of mnt pid uts ipc "
				"cgroup net user",
				(unsigned long long)(asked & ~(uint64_t)NS_ALL));
	if (!(asked & CLONE_NEWNS))
		return iso_fail(iso, -EINVAL, "namespaces: a container needs its own mnt");
	if (asked & CLONE_NEWUSER && !weakened("idmap") &&
	    (!m->nr || !m->host_base || m->nr > UINT32_MAX - m->host_base))
		return iso_fail(iso, -EINVAL,
				"idmap: %u ids from %u on: allowed is a range of 1 or more ids "
				"that begins above 0 and ends below %u",
				m->nr, m->host_base, UINT32_MAX);
	if (name && (!*name || strlen(name) > HOST_NAME_LEN))
		return iso_fail(iso, -EINVAL, "hostname=%s: allowed are 1..%d bytes", name,
				HOST_NAME_LEN);
	iso->clone_flags |= asked & ~left_out();
	return 0;
}

static int write_map(struct isolation *iso, const char *file, const struct oci_maps *maps)
{
	char path[64], text[OCI_MAPS_MAX * MAP_LINE_MAX];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)iso->pid, file); /* fits */
	for (size_t i = 0; i < maps->nr && i < OCI_MAPS_MAX; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%u %u %u\n",
			      maps->items[i].inside, maps->items[i].host,
			      maps->items[i].nr); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return iso_fail(iso, -errno, "%s: %.*s", file, (int)strcspn(text, "\n"), text);
	return 0;
}

static int namespaces_attach(struct isolation *iso)
{
	struct oci_map one = {0, iso->spec->idmap.host_base, iso->spec->idmap.nr};
	struct oci_maps range = {&one, 1};
	const struct ct_oci *oci = iso->spec->oci;
	int err;

	if (!(iso->spec->namespaces & CLONE_NEWUSER))
		return 0;
	if (oci && oci->unprivileged)
		return idmap_own(iso);
	err = write_map(iso, "uid_map", oci ? &oci->uids : &range);
	return err ? err : write_map(iso, "gid_map", oci ? &oci->gids : &range);
}

static int namespaces_enter(struct isolation *iso)
{
	const struct ct_oci *oci = iso->spec->oci;
	const char *name = iso->spec->hostname ? iso->spec->hostname : oci ? NULL : iso->spec->id;

	if (ns_has_user(iso->spec)) {
		iso->step = "becoming root of the user namespace";
		if ((!(oci && oci->keep_groups) && syscall(SYS_setgroups, 0, NULL)) ||
		    syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0))
			return -errno;
	}
	iso->step = "sethostname";
	if (name && (oci || iso->spec->namespaces & CLONE_NEWUTS) &&
	    sethostname(name, strnlen(name, HOST_NAME_LEN)))
		return -errno;
	iso->step = "setdomainname";
	if (oci && oci->domainname &&
	    setdomainname(oci->domainname, strnlen(oci->domainname, HOST_NAME_LEN)))
		return -errno;
	return 0;
}

static int namespaces_probe(const struct iso_host *host, struct iso_probe *ret)
{
	siginfo_t si = {0};
	pid_t pid;

	(void)host; /* a fact of the kernel */
	ret->name = "user namespace";
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ? errno : 0);
	if (pid > 0)
		while (waitid(P_PID, (id_t)pid, &si, WEXITED) && errno == EINTR)
			;
	ret->ok = pid > 0 && si.si_code == CLD_EXITED && !si.si_status;
	if (ret->ok)
		(void)snprintf(ret->how, sizeof(ret->how), "a range of user ids for each task");
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "unshare(CLONE_NEWUSER): %s",
			       strerror(pid < 0 ? errno : si.si_status));
	return 0;
}

const struct isolator namespaces_isolator = {
	.name = "namespaces",
	.probe = namespaces_probe,
	.prepare = namespaces_prepare,
	.attach = namespaces_attach,
	.enter = namespaces_enter,
};
