// SPDX-License-Identifier: Apache-2.0
/* Directories and cgroups of one test, and how all of it is taken away again, also after a crash. */
#include "selftests/harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"

#define CGROUP_EMPTY_MS	 5000 /* killed processes are gone after this or never */
#define CGROUP_DEPTH_MAX 8
#define UNMOUNTS_MAX	 256

int scratch_dir_make(char ret[static PATH_MAX])
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/dcos-test-XXXXXX",
			 tmp && tmp[0] == '/' ? tmp : "/tmp");

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (!mkdtemp(path))
		return -errno;
	memcpy(ret, path, sizeof(path));
	return 0;
}

/* The last mount at or below @dir, which is the one that can be unmounted first. */
static bool last_mount_below(const char *dir, char *ret)
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t size = 0, len = strlen(dir);
	bool found = false;

	while (f && getline(&line, &size, f) > 0) {
		char at[PATH_MAX];

		if (sscanf(line, "%*d %*d %*s %*s %4095s", at) != 1)
			continue;
		if (strncmp(at, dir, len) != 0 || (at[len] != '/' && at[len] != '\0'))
			continue;
		memcpy(ret, at, sizeof(at));
		found = true;
	}
	return found;
}

void scratch_dir_remove(const char *path)
{
	char at[PATH_MAX], root[PATH_MAX];
	char *roots[] = {root, NULL};
	FTSENT *e;
	FTS *fts;

	if (!path[0])
		return;
	for (int i = 0; i < UNMOUNTS_MAX && last_mount_below(path, at); i++) {
		if (umount2(at, MNT_DETACH) < 0)
			return; /* never delete through a mount */
	}
	(void)snprintf(root, sizeof(root), "%s", path); /* both are PATH_MAX */
	fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	while (fts && (e = fts_read(fts))) {
		if (e->fts_info == FTS_D)
			(void)chmod(e->fts_accpath, 0700); /* rmdir below tells if it failed */
		else if (e->fts_info == FTS_DP || e->fts_info == FTS_DNR)
			(void)rmdir(
				e->fts_accpath); /* what stays is seen in the temporary directory */
		else
			(void)unlink(e->fts_accpath); /* likewise */
	}
	if (fts)
		(void)fts_close(fts); /* nothing was written */
}

int scratch_cgroup_root(char ret[static PATH_MAX])
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		const char *type = strstr(line, " - ");
		char at[PATH_MAX];

		if (!type || strncmp(type, " - cgroup2 ", 11) != 0)
			continue;
		if (sscanf(line, "%*d %*d %*s %*s %4095s", at) != 1)
			continue;
		memcpy(ret, at, sizeof(at));
		return 0;
	}
	return -ENOENT;
}

/* Each controller by itself: one that can't be enabled does not keep the others off. */
static void controllers_enable(int dirfd)
{
	cleanup_close int in = openat(dirfd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
	cleanup_close int out = openat(dirfd, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
	char text[512], *save = NULL;
	ssize_t n;

	n = in < 0 ? -1 : read(in, text, sizeof(text) - 1);
	if (n < 0)
		return;
	text[n] = '\0';
	for (char *c = strtok_r(text, " \n", &save); c; c = strtok_r(NULL, " \n", &save))
		(void)dprintf(out, "+%s", c); /* a test that needs it says so and looks itself */
}

int scratch_cgroup_make(const char *name, char ret[static PATH_MAX])
{
	char root[PATH_MAX], path[PATH_MAX];
	int r = scratch_cgroup_root(root);

	if (r < 0)
		return r;
	r = snprintf(path, sizeof(path), "%s/%s", root, name);
	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;

	cleanup_close int rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (rootfd < 0)
		return -errno;
	controllers_enable(rootfd);
	if (mkdirat(rootfd, name, 0755) < 0)
		return -errno;

	cleanup_close int fd = openat(rootfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	controllers_enable(fd);
	memcpy(ret, path, sizeof(path));
	return 0;
}

/* Waits for "populated 0": cgroup.events is pollable (cgroup-v2.rst, "populated"). */
static void cgroup_wait_empty(int dirfd)
{
	cleanup_close int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n;

	while (fd >= 0 && (n = pread(fd, text, sizeof(text) - 1, 0)) > 0) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};

		text[n] = '\0';
		if (strstr(text, "populated 0") || poll(&p, 1, CGROUP_EMPTY_MS) <= 0)
			return;
	}
}

/* Children first. Processes that were killed but not reaped don't keep a cgroup alive. */
static void cgroup_remove_below(int dirfd, int depth)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close_fd(&fd);
		return;
	}
	while ((e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;

		cleanup_close int sub =
			openat(dirfd, e->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (sub >= 0 && depth < CGROUP_DEPTH_MAX)
			cgroup_remove_below(sub, depth + 1);
		(void)unlinkat(dirfd, e->d_name, AT_REMOVEDIR); /* the top one tells */
	}
}

void scratch_cgroup_remove(const char *path)
{
	cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;

	cleanup_close int freeze = openat(fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	cleanup_close int kill_fd = openat(fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	(void)dprintf(freeze, "0"); /* a frozen one dies as well */
	if (dprintf(kill_fd, "1") < 0)
		fprintf(stderr, "%s/cgroup.kill: %s\n", path, strerror(errno));
	cgroup_wait_empty(fd);
	cgroup_remove_below(fd, 0);
	if (rmdir(path) < 0)
		fprintf(stderr, "rmdir %s: %s\n", path, strerror(errno));
}
