// SPDX-License-Identifier: Apache-2.0
/* The files of the web page, see page.h. No other names are ever opened. */
#include "tools/allocator/page.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"

static const struct {
	const char *path, *name, *type;
} files[] = {
	{"/", "index.html", "text/html; charset=utf-8"},
	{"/page.css", "page.css", "text/css; charset=utf-8"},
	{"/page.js", "page.js", "text/javascript; charset=utf-8"},
};

const char *page_find(const char *path, const char **ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].path, path)) {
			*ret_type = files[i].type;
			return files[i].name;
		}
	return NULL;
}

int page_open(const char *dir, const char *name, size_t *ret_size)
{
	cleanup_close int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = at < 0 ? -1 : openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_size = (size_t)st.st_size;
	return take_fd(&fd);
}
