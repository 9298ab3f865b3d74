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

int proc_use(pid_t pid, struct proc_use *ret)
{
	uint64_t user, system, pages, hz = (uint64_t)sysconf(_SC_CLK_TCK);
	char path[64], buf[PROC_FILE_MAX];
	const char *name, *p;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid); /* fits */
	n = read_file(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	name = strchr(buf, '(');
	p = strrchr(buf, ')'); /* as above */
	/* from the third field on: utime and stime are the 14th and 15th, rss is the 24th */
	if (!name || !p ||
	    sscanf(p + 1,
		   " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64
		   " %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
		   &user, &system, &pages) != 3)
		return -EBADMSG;
	*ret = (struct proc_use){
		.cpu_us = (user + system) * 1000000 / hz,
		.rss_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE),
	};
	(void)snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(p - name - 1),
		       name + 1); /* cut */
	return 0;
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
