// SPDX-License-Identifier: Apache-2.0
/* Judges paths as text; looks at no file. */
#include "agent/path.h"

#include <limits.h>
#include <string.h>

static bool component_plain(const char *s, size_t len)
{
	if (len == 0 || len > NAME_MAX)
		return false;
	if (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

bool path_plain(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	if (!path[1])
		return true;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (!component_plain(path, len))
			return false;
		path += len;
	}
	return true;
}

bool path_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1) /* "/" */
		return true;
	return !strncmp(path, dir, len) && (path[len] == '\0' || path[len] == '/');
}

bool name_plain(const char *name)
{
	size_t len = strlen(name);

	return component_plain(name, len) && name[0] != '.' && !strchr(name, '/');
}
