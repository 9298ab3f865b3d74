// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as etc/passwd and etc/group of an image, asked for a user: the first line is the user.
 * Whatever they say, ids are in the range that a user namespace maps, and only "0" or a line with
 * a 0 is root.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/task.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once and left to the end of the process, as libFuzzer has no end. */
static struct {
	char dir[64], passwd[128], group[128];
	struct config *cfg;
} world;

static void forget(void)
{
	char etc[128];

	(void)snprintf(etc, sizeof(etc), "%s/etc", world.dir);
	(void)remove(world.passwd); /* what is not there need not go */
	(void)remove(world.group);
	(void)remove(etc);
	(void)remove(world.dir);
	world.cfg = config_free(world.cfg);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char etc[128];

	(void)argc;
	(void)argv;
	(void)snprintf(world.dir, sizeof(world.dir), "/dev/shm/dcos-fuzz-XXXXXX");
	if (!mkdtemp(world.dir) || config_new(&world.cfg) < 0)
		abort();
	(void)snprintf(etc, sizeof(etc), "%s/etc", world.dir);
	if (mkdir(etc, 0700) < 0)
		abort();
	(void)snprintf(world.passwd, sizeof(world.passwd), "%s/etc/passwd", world.dir);
	(void)snprintf(world.group, sizeof(world.group), "%s/etc/group", world.dir);
	return atexit(forget);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = memchr(data, '\n', size);
	struct task_spec *t = NULL;
	struct task_error err;
	json_t *doc, *user;

	if (!nl)
		return 0;
	user = json_stringn((const char *)data, (size_t)(nl - data));
	if (!user)
		return 0; /* not UTF-8 */
	size -= (size_t)(nl + 1 - data);
	put(world.passwd, nl + 1, size);
	put(world.group, nl + 1, size);
	doc = json_pack("{s:s, s:s, s:o}", "cmd", "x", "image", world.dir, "user", user);
	if (!doc)
		abort();
	if (task_spec_parse(world.cfg, doc, &t, &err) == 0) {
		const struct ct_process *p = &t->ct.process;

		if (p->uid >= t->ct.idmap.nr || p->gid >= t->ct.idmap.nr)
			abort();
		if (p->uid == 0 && !memchr(data, '0', size + (size_t)(nl + 1 - data)))
			abort();
		(void)task_spec_free(t);
	} else if (!err.reason[0]) {
		abort();
	}
	json_decref(doc);
	return 0;
}
