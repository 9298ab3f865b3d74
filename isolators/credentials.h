/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container's processes are and what they may do: capability names, the OOM score. */
#ifndef DCOS_CREDENTIALS_H
#define DCOS_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/lib/why.h"
#include "isolators/spec.h"

#define CAPS_NAME_MAX 32 /* bytes of a capability's name, the NUL included */
#define CAPS_TEXT_MAX 1024 /* fits the names of all 64 */

/**
 * caps_from_names - the set of capabilities that a list of names means
 * @names: NULL-terminated, e.g. {"CAP_CHOWN", "net_raw", NULL}; with or without "CAP_", any case
 * @ret: bit n is capability n of linux/capability.h
 * @ret_bad: on -EINVAL the first name that libcap or the running kernel does not know, borrowed
 *           from @names; may be NULL
 *
 * Source: cap_from_text(3), capabilities(7).
 * Return: 0; -EINVAL. @ret is untouched unless 0.
 */
int caps_from_names(char *const *names, uint64_t *ret, const char **ret_bad);

/**
 * caps_to_text - the names of a set
 * @caps: bit n is capability n
 * @buf: gets "CAP_CHOWN CAP_KILL", "" for none; one without a name is its number; cut to @size
 * Return: @buf.
 */
char *caps_to_text(uint64_t caps, char *buf, size_t size);

/**
 * caps_known - the capabilities of the running kernel
 * Return: bit n is set if capability n exists.
 */
uint64_t caps_known(void);

/**
 * caps_permitted - the calling process's permitted set
 * @ret: bit n is capability n
 * Return: 0 or -errno.
 */
int caps_permitted(uint64_t *ret);

/**
 * credentials_check - can a process of a container have these credentials
 * @spec: of the container: its user namespace and id map
 * @process: the container's own, or one that ct_exec() shall start
 * @why: the sentence, naming the key and the value
 * Return: 0; -EINVAL; -EPERM capabilities that the agent itself lacks.
 */
int credentials_check(const struct ct_spec *spec, const struct ct_process *process,
		      struct why *why);

/**
 * credentials_oom - give a process its OOM score adjustment, from the parent
 * @pid: in the caller's pid namespace
 * @process: oom_score_adj INT_MIN: nothing, or 0 where the process inherited a protected
 *           (negative) score from the agent
 * @why: the sentence
 * Source: proc(5), "/proc/pid/oom_score_adj".
 * Return: 0; -EACCES lower than the agent's own without CAP_SYS_RESOURCE; -errno.
 */
int credentials_oom(pid_t pid, const struct ct_process *process, struct why *why);

#endif
