/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp profile that a task of the agent runs under. */
#ifndef DCOS_AUDIT_TASK_PROFILE_H
#define DCOS_AUDIT_TASK_PROFILE_H

#include <jansson.h>
#include <stdint.h>

#include "agent/lib/why.h"

#define TASK_PROFILE_DIR     DCOS_PREFIX "/share/dcos-node/seccomp" /* seccomp_dir of agent.conf(5) */
#define TASK_PROFILE_CARRIED "(carried)"

/**
 * task_profile_name - "default", "unconfined", "web", TASK_PROFILE_CARRIED
 * For a task that names none the agent has written down its own choice (agent.conf(5)).
 * @inspect: the reply of Inspect
 * Return: borrowed from @inspect, or a constant.
 */
const char *task_profile_name(const json_t *inspect);

/**
 * task_profile_text - its JSON
 * @dir: where profiles are that have a name; NULL: TASK_PROFILE_DIR
 * @ret: malloc'd
 * Return: 0; -ENOENT it is unconfined; -errno of reading.
 */
int task_profile_text(const json_t *inspect, const char *dir, char **ret, struct why *why);

/** task_caps - the capabilities that its spec gives it; -1 if it names none */
int task_caps(const json_t *inspect, uint64_t *ret);

#endif
