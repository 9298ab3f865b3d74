// SPDX-License-Identifier: Apache-2.0
/* The test program as what runs in a container. */
#include "selftests/harness/probe_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/seal.h"
#include "selftests/harness/test.h"

#define PROBE_ENV  "DCOS_TEST_INSIDE"
#define PROBE_SELF "DCOS_TEST_SELF" /* path of a program that has none any more */

void probe_inside(const struct probe *probes)
{
	const char *name = getenv(PROBE_ENV);

	if (!name)
		return;
	for (; probes->name; probes++)
		if (!strcmp(probes->name, name))
			probes->run();
	_exit(0);
}

void probe_seal(char **argv)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct why why = {0};

	if (geteuid() || n < 0)
		return; /* the tests will be skipped */
	self[n] = '\0';
	if (setenv(PROBE_SELF, self, 0) || seal_program(argv, &why))
		(void)dprintf(STDERR_FILENO, "not sealed: %s\n", why.text);
}

void probe_tell(const char *what, long result)
{
	(void)dprintf(STDERR_FILENO, "%s: %s\n", what,
		      result < 0 ? strerrorname_np(errno) : "done");
}

void probe_begin(struct ct_rig *rig, const char *name)
{
	struct ct_spec *spec = &rig->spec;
	char self[PATH_MAX];
	const char *path = getenv(PROBE_SELF);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ASSERT_TRUE(n > 0);
	self[n] = '\0';
	ct_rig_begin(rig);
	spec->mounts = calloc(1, sizeof(*spec->mounts));
	spec->process.env = reallocarray(spec->process.env, 2, sizeof(char *));
	ASSERT_TRUE(spec->mounts && spec->process.env);
	spec->mounts[spec->mounts_nr++] = (struct ct_mount){
		.source = strdup(path ?: self),
		.destination = strdup(PROBE_PATH),
		.readonly = true,
	};
	spec->process.env[0] = ct_rig_text(PROBE_ENV "=%s", name);
	spec->process.env[1] = NULL;
	ct_rig_args(rig, PROBE_PATH, NULL);
}

int probe_exec(struct ct_rig *rig, const char *name)
{
	char *env[] = {ct_rig_text(PROBE_ENV "=%s", name), NULL};
	struct ct_process process = rig->spec.process;

	process.env = env;
	return ct_rig_exec_as(rig, &process, "exec " PROBE_PATH);
}
