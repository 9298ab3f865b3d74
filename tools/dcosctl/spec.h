/* SPDX-License-Identifier: Apache-2.0 */
/* A task spec, dcos-task(5), made from the options of dcosctl run. The agent judges the values. */
#ifndef DCOS_CTL_SPEC_H
#define DCOS_CTL_SPEC_H

#include <jansson.h>

#include "tools/common/options.h"

struct spec_options {
	const char *file; /* -f */
	const char *id, *image, *cpus, *memory, *pids, *user, *network, *hostname, *cwd, *workdir;
	const char *seccomp, *kill_grace;
	bool read_only, no_userns;
	struct opt_list env, labels, mounts, tmpfs, publish, devices, caps, sets;
};

/**
 * spec_build - the spec, and the options over it
 * @o: of the command line
 * @command: words of the command, @nr of them; 0: the spec's own
 * @ret: new reference
 * @why: names the option and the value
 * Return: 0; -EINVAL an option; another -errno: the file.
 */
int spec_build(const struct spec_options *o, char **command, int nr, json_t **ret, struct why *why);

/**
 * spec_read - read a spec
 * @path: "-": standard input; at most VL_MESSAGE_MAX bytes
 * @why: with line and column of what is no JSON
 * Return: 0; -EBADMSG no JSON object; another -errno of reading.
 */
int spec_read(const char *path, json_t **ret, struct why *why);

#endif
