/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task spec, the JSON object of dcos-task(5), parsed and validated into what the container
 * library and the agent need. Every key is a row of a table; what no row names is an error.
 * Nothing is applied here: the only things touched are files that are read (the image's directory,
 * its etc/passwd and etc/group, a seccomp profile).
 */
#ifndef DCOS_TASK_H
#define DCOS_TASK_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/config.h"
#include "agent/lib/why.h"
#include "isolators/spec.h"

#define TASK_KEY_MAX	       160 /* bytes of the path of a key, longer ones are cut */
#define TASK_STRING_MAX	       (128U << 10) /* bytes of one argument or variable (MAX_ARG_STRLEN) */
#define TASK_LABELS_MAX	       64
#define TASK_LABEL_MAX	       1024 /* bytes of a label's name or value */
#define TASK_USER_MAX	       64 /* bytes of "user" and of a group's name */
#define TASK_GROUPS_MAX	       64
#define TASK_KILL_GRACE_MAX    (3600ULL * 1000000) /* us */
#define TASK_LOG_BYTES_MIN     (4ULL << 10)
#define TASK_LOG_BYTES_MAX     (16ULL << 30)
#define TASK_HEALTH_MAX	       8 /* checks of one task */
#define TASK_SECCOMP_BYTES_MAX (1U << 20) /* of a profile's text */

/* What is wrong with a document, for the error InvalidSpec. */
struct task_error {
	char key[TASK_KEY_MAX]; /* "resources.memory", "mounts[2].target"; "" the document itself */
	char reason[WHY_MAX]; /* one sentence: the value, what is allowed; no final full stop */
};

enum task_health_protocol { HEALTH_TCP, HEALTH_HTTP, HEALTH_COMMAND };

/* A check of whether the task works; run by agent/health.c. */
struct task_health {
	enum task_health_protocol protocol;
	char address[INET6_ADDRSTRLEN]; /* not of HEALTH_COMMAND, as port */
	uint64_t port;
	char *path; /* of HEALTH_HTTP */
	json_t *args; /* of HEALTH_COMMAND: an array of texts, at least the program's name */
	uint64_t interval_us, timeout_us, delay_us, grace_us;
	uint64_t max_failures; /* in a row, then the task is ended; 0: never */
};

struct task_spec {
	struct ct_spec ct; /* ct.idmap.nr is set, ct.idmap.host_base is left 0 for the agent */
	bool id_generated; /* the document had no id; the caller may parse again when it is taken */
	char *image; /* "host", or the absolute path of the root file system */
	char *user_text; /* "user" as submitted, "0:0" when absent; numbers when restored */
	json_t *labels; /* object of strings, maybe empty, never NULL */
	int kill_signal; /* what comes first when it is ended */
	uint64_t kill_grace_us; /* from that to SIGKILL */
	uint64_t log_max_bytes; /* of each stream before it is rotated */
	struct task_health *health;
	size_t health_nr; /* at most TASK_HEALTH_MAX */
	/*
	 * The document with what it left to defaults filled in (id, image, network, userns, seccomp,
	 * kill_grace, log_max, env), with names of users and groups as numbers, devices with theirs
	 * and sources of mounts without links: task_spec_restore() of it makes the same spec again,
	 * whatever the configuration has become. For the checkpoint and for Inspect.
	 */
	json_t *doc;
};

/**
 * task_spec_parse - parse, validate, then build
 * @cfg: defaults and the directory of profiles; used during the call only
 * @doc: borrowed, not changed
 * @ret: owned by the caller, task_spec_free()
 * @err: on failure the first key that is wrong, and why; may be NULL
 * Return: 0; -EINVAL the document; -ENOMEM; -EIO no random numbers. @ret is untouched unless 0.
 */
int task_spec_parse(const struct config *cfg, json_t *doc, struct task_spec **ret,
		    struct task_error *err);

/**
 * task_spec_restore - build again from task_spec.doc, for a task that runs or has ended already
 * As task_spec_parse(), but nothing that depends on the host of today is checked: the image may be
 * gone, the node may have fewer CPUs. A seccomp profile that can't be read any more is replaced by
 * one that denies everything, so that nothing can be executed in the container with less than
 * what the task had.
 */
int task_spec_restore(const struct config *cfg, json_t *doc, struct task_spec **ret,
		      struct task_error *err);

/**
 * task_resources_parse - the object of the method Update
 * @doc: keys as in the spec's "resources"; those left out keep what @old has, null takes a limit off
 * @old: limits of now
 * @ret: the whole set, for ct_update(); may be @old
 * @err: keys are "resources.cpus" and so on; may be NULL
 * Return: 0; -EINVAL.
 */
int task_resources_parse(json_t *doc, const struct ct_resources *old, struct ct_resources *ret,
			 struct task_error *err);

/**
 * task_resources_apply - make limits that hold now part of the spec
 * @t: its ct.resources becomes @res, and t->doc["resources"] gets the keys of @doc
 * @doc: what task_resources_parse() accepted, borrowed
 * To be called after ct_update() has succeeded. Return: 0 or -ENOMEM, then @t is unchanged.
 */
int task_resources_apply(struct task_spec *t, json_t *doc, const struct ct_resources *res);

/** task_spec_free - NULL is allowed. Return: NULL */
struct task_spec *task_spec_free(struct task_spec *t);

static inline void task_spec_freep(struct task_spec **t)
{
	*t = task_spec_free(*t);
}

#define cleanup_task_spec __attribute__((cleanup(task_spec_freep)))

/** task_health_protocol - as in a document: "tcp" */
const char *task_health_protocol(enum task_health_protocol p);

/** task_keys_dump - the tables of keys as reStructuredText, for dcos-task(5) */
void task_keys_dump(FILE *f);

#endif
