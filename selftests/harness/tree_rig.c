// SPDX-License-Identifier: Apache-2.0
/* Files, paths and mounts for tests of containers. */
#include "selftests/harness/tree_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

/* The id of the container's @id as the host has it */
uint32_t tree_on_host(uint32_t id)
{
	return CT_RIG_ID_BASE + id;
}

void tree_image(struct ct_rig *rig)
{
	ct_rig_begin(rig);
	(void)ct_rig_image(rig); /* its path is in the spec */
	ct_rig_sh(rig, "true");
}

const char *tree_in_dir(const char *name)
{
	return ct_rig_text("%s/%s", test_dir(), name);
}

const char *tree_in_image(const struct ct_rig *rig, const char *name)
{
	return ct_rig_text("%s/%s", rig->spec.root.path, name);
}

const char *tree_layers(const struct ct_rig *rig, const char *name)
{
	return ct_rig_text("%s/rootfs/t%s", rig->state, name);
}

/* A directory that a task could write to if it reached it: nothing but its root keeps it away. */
const char *tree_victim(void)
{
	const char *path = tree_in_dir("victim");

	if (chmod(test_dir(), 0755) || mkdir(path, 0777) || chmod(path, 0777))
		test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return path;
}

const char *tree_dir(const char *name)
{
	const char *path = tree_in_dir(name);

	if (mkdir(path, 0755))
		test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return path;
}

/* A directory and all that lead to it */
void tree_path(const char *path)
{
	char *copy = ct_rig_text("%s", path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(copy, 0755); /* the last one tells */
		*p = '/';
	}
	ASSERT_EQ(mkdir(copy, 0755), 0);
}

void tree_write(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
}

const char *tree_read(const char *path, char buf[static TREE_FILE_MAX])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, TREE_FILE_MAX - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

int tree_entries(const char *path)
{
	cleanup_closedir DIR *d = opendir(path);
	int nr = 0;

	ASSERT_TRUE(d);
	while (readdir(d))
		nr++;
	return nr - 2;
}

void tree_mount(struct ct_rig *rig, const char *source, const char *destination, bool readonly)
{
	struct ct_spec *spec = &rig->spec;
	struct ct_mount *m;

	spec->mounts = reallocarray(spec->mounts, spec->mounts_nr + 1, sizeof(*m));
	ASSERT_TRUE(spec->mounts);
	m = &spec->mounts[spec->mounts_nr++];
	*m = (struct ct_mount){
		.source = source ? strdup(source) : NULL,
		.destination = strdup(destination),
		.readonly = readonly,
		.tmpfs = !source,
		.tmpfs_bytes = CT_UNSET,
	};
	ASSERT_TRUE(m->destination);
}
