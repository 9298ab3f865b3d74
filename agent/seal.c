// SPDX-License-Identifier: Apache-2.0
/*
 * The program executes itself again through a detached, read-only mount of its own file, which is
 * attached nowhere and lasts as long as the process. The second time it finds that this is so.
 */
#include "agent/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "isolators/mounts.h"

#define OWN_PROGRAM "/proc/self/exe"

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

int seal_program(char **argv, struct why *why)
{
	struct statvfs fs;

	if (statvfs(OWN_PROGRAM, &fs))
		return why_set(why, -errno, OWN_PROGRAM);
	if (fs.f_flag & ST_RDONLY || weakened("seal")) {
		/* the kernel may have called it by the descriptor's number */
		(void)prctl(PR_SET_NAME, program_invocation_short_name); /* cannot fail */
		return 0;
	}
	cleanup_close int fd = readonly_copy(why);

	if (fd < 0)
		return fd;
	(void)execveat(fd, "", argv, environ, AT_EMPTY_PATH); /* returns only to fail */
	return why_set(why, -errno, "executing the agent's own program again");
}
