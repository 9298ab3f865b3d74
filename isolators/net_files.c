// SPDX-License-Identifier: Apache-2.0
/*
 * /etc/hosts and /etc/resolv.conf of a task with a private network. The parent writes both in the
 * agent's own tmpfs and hands their mounts over; the child attaches them read-only. They keep
 * their names until the end, as the kernel attaches nothing that is unlinked. The image's files
 * are only covered, and no symbolic link leads out of the task's root.
 * Source: hosts(5), resolv.conf(5), move_mount(2).
 *
 * A mount of the spec at the same path wins. A read-only image without the file goes without it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "isolators/mounts.h"
#include "isolators/net.h"
#include "isolators/rows.h"

#define HOST_RESOLV "/etc/resolv.conf"
#define RESOLV_MAX  65536 /* of the host's file; a larger one is none */
#define DIR_NAME    "net" /* below run_dir */
#define FILE_MAX    (CT_ID_MAX + 8)
#define NAME_LEN    63 /* of a hostname: namespaces.c cuts an id there */

enum net_file { FILE_HOSTS, FILE_RESOLV, FILES_NR };

static const char *const paths[FILES_NR] = {"/etc/hosts", "/etc/resolv.conf"};
static const char *const prefixes[FILES_NR] = {"hosts-", "resolv-"}; /* of an id */

/* Places in handed[], -1: the spec has a mount there. */
struct net_files {
	int place[FILES_NR];
};

static struct net_files *files_of(const struct isolation *iso)
{
	return iso->priv[iso_index(&net_files_isolator)];
}

static bool is_mounted(const struct ct_spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->mounts_nr; i++)
		if (!strcmp(spec->mounts[i].destination, path) ||
		    !strcmp(spec->mounts[i].destination, "/etc"))
			return true;
	return false;
}

static int files_prepare(struct isolation *iso)
{
	struct net_files *f;

	if (!iso->spec->net_private || iso->spec->oci)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return iso_fail(iso, -ENOMEM, "net");
	iso->priv[iso_index(&net_files_isolator)] = f;
	for (int i = 0; i < FILES_NR; i++) {
		f->place[i] = is_mounted(iso->spec, paths[i]) ? -1 : iso_reserve(iso);
		if (f->place[i] == -E2BIG)
			return iso_fail(iso, -E2BIG, "%s: too many mounts", paths[i]);
	}
	return 0;
}

static int hosts_text(const struct isolation *iso, char **ret)
{
	const char *name = iso->spec->hostname ? iso->spec->hostname : iso->spec->id;
	struct in_addr in = {.s_addr = htonl(iso->net_ipv4)};
	char addr[INET_ADDRSTRLEN], addr6[INET6_ADDRSTRLEN];
	bool ipv6 = net_has_ipv6(iso);

	return asprintf(ret,
			"127.0.0.1\tlocalhost\n"
			"::1\tlocalhost ip6-localhost ip6-loopback\n"
			"%s\t%.*s\n"
			"%s%s%.*s%s",
			inet_ntop(AF_INET, &in, addr, sizeof(addr)), NAME_LEN, name,
			ipv6 ? inet_ntop(AF_INET6, &iso->net_ipv6, addr6, sizeof(addr6)) : "",
			ipv6 ? "\t" : "", ipv6 ? NAME_LEN : 0, name, ipv6 ? "\n" : "") < 0
		       ? -ENOMEM
		       : 0;
}

static int resolv_text(const struct isolation *iso, char **ret)
{
	cleanup_free char *host = NULL;
	int err = slurp_at(AT_FDCWD, HOST_RESOLV, 0, RESOLV_MAX, &host, NULL);

	if (err == -ENOMEM)
		return err;
	return net_resolv_conf(err ? "" : host, iso->host->dns, net_has_ipv6(iso), ret);
}

/* Where the files of all tasks are, made if it is missing. Return: descriptor or -errno */
static int open_dir(const struct isolation *iso)
{
	cleanup_close int run =
		open(iso->host->run_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd;

	if (run < 0 || (mkdirat(run, DIR_NAME, 0700) && errno != EEXIST))
		return -errno;
	fd = openat(run, DIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void file_name(const struct isolation *iso, int i, char buf[static FILE_MAX])
{
	(void)snprintf(buf, FILE_MAX, "%s%s", prefixes[i], iso->spec->id); /* fits */
}

/* A read-only mount of a new file. Return: descriptor or -errno */
static int file_mount(int dir, const char *name, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int err;

	(void)unlinkat(dir, name, 0); /* of an agent that was killed; there may be none */
	cleanup_close int file = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (file < 0 || fchmod(file, 0644)) /* whatever the umask is */
		return -errno;
	n = write(file, text, len);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -ENOSPC;
	cleanup_close int fd = mnt_clone(file, "", false);

	if (fd < 0)
		return fd;
	err = mnt_set(fd,
		      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		      -1, false);
	return err ? err : take_fd(&fd);
}

static int files_attach(struct isolation *iso)
{
	const struct net_files *f = files_of(iso);
	cleanup_close int dir = f ? open_dir(iso) : -1;

	if (f && dir < 0)
		return iso_fail(iso, dir, "net: %s/" DIR_NAME, iso->host->run_dir);
	for (int i = 0; f && i < FILES_NR; i++) {
		cleanup_free char *text = NULL;
		char name[FILE_MAX];
		int fd;

		if (f->place[i] < 0)
			continue;
		file_name(iso, i, name);
		fd = i == FILE_HOSTS ? hosts_text(iso, &text) : resolv_text(iso, &text);
		if (!fd)
			fd = file_mount(dir, name, text);
		if (fd < 0)
			return iso_fail(iso, fd, "net: %s", paths[i]);
		iso->handed[f->place[i]] = fd;
	}
	return 0;
}

/* What a link that leads nowhere yet leads to, made in the task's own root. */
static int make_linked(int root, const char *path)
{
	char to[PATH_MAX] = "/etc/";
	size_t base = strlen(to);
	cleanup_close int dir = path_open(root, "/etc", false);
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, path + base, to + base, sizeof(to) - base - 1);

	if (n <= 0)
		return dir < 0 ? dir : -errno;
	to[base + (size_t)n] = '\0';
	return path_make(root, to[base] == '/' ? to + base : to, false);
}

/* A link in the image must not lead it into /proc or /sys (CVE-2019-19921, as in inside.c). */
static int target_of(int root, const char *path)
{
	int fd = path_make(root, path, false);
	struct statfs fs;
	struct stat st;

	if (fd == -ENOENT)
		fd = make_linked(root, path);
	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode) && !fstatfs(fd, &fs) &&
		       fs.f_type != PROC_SUPER_MAGIC && fs.f_type != SYSFS_MAGIC &&
		       fs.f_type != CGROUP2_SUPER_MAGIC))
		return fd;
	(void)close(fd); /* O_PATH */
	return -EPERM;
}

static int files_enter(struct isolation *iso)
{
	const struct net_files *f = files_of(iso);
	int root, err = 0;

	if (!f)
		return 0;
	iso->step = "mounting on";
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	for (int i = 0; i < FILES_NR && !err; i++) {
		int target = f->place[i] < 0 ? -EROFS : target_of(root, paths[i]);

		iso->step_value = paths[i];
		err = target == -EROFS ? 0
		      : target < 0     ? target
				       : mnt_attach(iso->handed[f->place[i]], target);
		if (target >= 0)
			(void)close(target); /* O_PATH */
	}
	(void)close(root); /* O_PATH */
	return err;
}

static void files_release(struct isolation *iso)
{
	free(files_of(iso));
	iso->priv[iso_index(&net_files_isolator)] = NULL;
}

static void files_cleanup(struct isolation *iso)
{
	cleanup_close int dir = iso->spec->net_private ? open_dir(iso) : -1;
	char name[FILE_MAX];

	for (int i = 0; dir >= 0 && i < FILES_NR; i++) {
		file_name(iso, i, name);
		(void)unlinkat(dir, name,
			       0); /* a mount of the spec took its place, or tmpfs went */
	}
	files_release(iso);
}

const struct isolator net_files_isolator = {
	.name = "net_files",
	.prepare = files_prepare,
	.attach = files_attach,
	.enter = files_enter,
	.cleanup = files_cleanup,
	.release = files_release,
};
