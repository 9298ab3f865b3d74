// SPDX-License-Identifier: Apache-2.0
/* Which controllers a cgroup has, and gives to its children. */
#include "cgroupfs/cgroupfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"

static const struct {
	enum cg_controller bit;
	const char *name;
} controllers[] = {
	{CG_CPU, "cpu"}, {CG_MEMORY, "memory"}, {CG_PIDS, "pids"},
	{CG_IO, "io"},	 {CG_CPUSET, "cpuset"},
};

const char *cg_controller_name(enum cg_controller c)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (controllers[i].bit == c)
			return controllers[i].name;
	return NULL;
}

static int controllers_read(int dirfd, const char *file, unsigned int *ret)
{
	char buf[CG_FILE_MAX], *save = NULL, *word;
	unsigned int set = 0;
	int n = cg_read_text(dirfd, file, buf, sizeof(buf));

	if (n < 0)
		return n;
	for (word = strtok_r(buf, " ", &save); word; word = strtok_r(NULL, " ", &save))
		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
			if (strcmp(word, controllers[i].name) == 0)
				set |= controllers[i].bit;
	*ret = set;
	return 0;
}

int cg_controllers(int dirfd, unsigned int *ret)
{
	return controllers_read(dirfd, "cgroup.controllers", ret);
}

int cg_subtree_controllers(int dirfd, unsigned int *ret)
{
	return controllers_read(dirfd, "cgroup.subtree_control", ret);
}

int cg_enable(int dirfd, unsigned int wanted, unsigned int *ret_enabled)
{
	unsigned int have, on;
	int err, first = 0;

	err = cg_controllers(dirfd, &have);
	if (err)
		return err;
	err = cg_subtree_controllers(dirfd, &on);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		char word[16];

		if (!(controllers[i].bit & wanted & have & ~on))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", controllers[i].name); /* fits */
		err = cg_write(dirfd, "cgroup.subtree_control", word);
		if (!first)
			first = err;
	}
	err = cg_subtree_controllers(dirfd, &on);
	if (!err && ret_enabled)
		*ret_enabled = on;
	return first ? first : err;
}
