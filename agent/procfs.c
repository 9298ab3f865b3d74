// SPDX-License-Identifier: Apache-2.0
/* Reading /proc. */
#include "agent/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define PROC_FILE_MAX 8192

static ssize_t read_file(const char *path, char *buf, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	buf[n] = '\0';
	return n;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], buf[PROC_FILE_MAX];
	const char *p;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid); /* fits */
	n = read_file(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	p = strrchr(buf, ')'); /* the name may hold anything, blanks and brackets too */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %" SCNu64, ret) == 1 ? 0 : -EBADMSG;
}

int proc_pidfd_pid(int pidfd, pid_t *ret)
{
	char path[64], buf[PROC_FILE_MAX];
	const char *p;
	ssize_t n;
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd); /* fits */
	n = read_file(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	p = strstr(buf, "\nPid:");
	if (!p || sscanf(p, "\nPid: %d", &pid) != 1)
		return -EBADMSG;
	if (pid <= 0)
		return -ESRCH;
	*ret = pid;
	return 0;
}

bool proc_catches(pid_t pid, int sig)
{
	char path[64], buf[PROC_FILE_MAX];
	uint64_t caught;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid); /* fits */
	if (read_file(path, buf, sizeof(buf)) < 0)
		return true;
	p = strstr(buf, "\nSigCgt:");
	if (!p || sscanf(p, "\nSigCgt: %" SCNx64, &caught) != 1)
		return true;
	return caught & 1ULL << (sig - 1);
}

int proc_boot_id(char *ret)
{
	char buf[64];
	ssize_t n = read_file("/proc/sys/kernel/random/boot_id", buf, sizeof(buf));

	if (n < 36)
		return n < 0 ? (int)n : -EBADMSG;
	buf[36] = '\0';
	memcpy(ret, buf, 37);
	return 0;
}
