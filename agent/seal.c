// SPDX-License-Identifier: Apache-2.0
/*
 * The program executes itself again through a detached, read-only mount of its own file, which is
 * attached nowhere and lasts as long as the process. The second time it finds that this is so.
 */
#include "agent/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/mounts.h"

#define OWN_PROGRAM "/proc/self/exe"
#define SEALS	    (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define COPY_MAX    (1U << 30) /* bytes at once */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* since Linux 6.3 */
#endif

static int readonly_copy(struct why *why)
{
	cleanup_close int fd = mnt_clone(AT_FDCWD, OWN_PROGRAM, false);
	struct statvfs fs;
	int err = fd < 0 ? fd : mnt_set(fd, MOUNT_ATTR_RDONLY, -1, false);

	if (err)
		return why_set(why, err, "a read-only mount of the agent's own program");
	/* or it would be executed again and again */
	if (fstatvfs(fd, &fs) || !(fs.f_flag & ST_RDONLY))
		return why_set(why, -EROFS, "the mount of the agent's own program is writable");
	return take_fd(&fd);
}

/* Who may mount nothing has a copy in memory that nobody can write to any more. */
static int sealed_copy(struct why *why)
{
	cleanup_close int from = open(OWN_PROGRAM, O_RDONLY | O_CLOEXEC);
	cleanup_close int fd = memfd_create(program_invocation_short_name,
					    MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	ssize_t n = 1;

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 there is no such flag */
		fd = memfd_create(program_invocation_short_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	while (from >= 0 && fd >= 0 && n > 0)
		n = sendfile(fd, from, NULL, COPY_MAX);
	if (from < 0 || fd < 0 || n < 0 || fcntl(fd, F_ADD_SEALS, SEALS))
		return why_set(why, -errno, "a sealed copy of the agent's own program");
	return take_fd(&fd);
}

static bool is_sealed(const struct statvfs *fs)
{
	cleanup_close int fd = open(OWN_PROGRAM, O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return fs->f_flag & ST_RDONLY || (seals >= 0 && (seals & SEALS) == SEALS);
}

int seal_program(char **argv, struct why *why)
{
	struct why first = {0};
	struct statvfs fs;

	if (statvfs(OWN_PROGRAM, &fs))
		return why_set(why, -errno, OWN_PROGRAM);
	if (is_sealed(&fs) || weakened("seal")) {
		/* the kernel may have called it by the descriptor's number */
		(void)prctl(PR_SET_NAME, program_invocation_short_name); /* cannot fail */
		return 0;
	}
	cleanup_close int fd = readonly_copy(&first);

	if (fd < 0 && fd != -EPERM && why)
		*why = first;
	if (fd == -EPERM)
		fd = sealed_copy(why);
	if (fd < 0)
		return fd;
	(void)execveat(fd, "", argv, environ, AT_EMPTY_PATH); /* returns only to fail */
	return why_set(why, -errno, "executing the agent's own program again");
}
