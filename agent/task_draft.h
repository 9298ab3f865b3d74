/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task spec while it is parsed; agent/task*.c only. The rows of a table are parsed in the order
 * of the table, not of the document, so that a row may rely on those above it; what needs all of
 * them is settled afterwards by the *_finish() functions.
 */
#ifndef DCOS_TASK_DRAFT_H
#define DCOS_TASK_DRAFT_H

#include "agent/lib/rows.h"
#include "agent/task.h"

#define DRAFT_SHOWN_MAX 96 /* bytes of a value in an error */
#define US_PER_S	UINT64_C(1000000)

struct draft {
	const struct config *cfg;
	bool restore; /* see task_spec_restore() */
	struct task_error *err, ignored;
	char path[TASK_KEY_MAX]; /* of the key that is parsed now */
	char shown[DRAFT_SHOWN_MAX];
	struct task_spec spec; /* what is being built */
	json_t *doc; /* the document, borrowed */

	/* What was written, where it takes more than one key to judge it; borrowed from doc. */
	json_t *command, *env, *user, *groups, *cwd, *userns, *network, *capabilities;
	const char *cmd;
	char *home; /* of the user, owned */
	char *seccomp_name; /* owned; NULL: an inline profile */
};

struct task_row {
	struct row doc; /* first */
	/*
	 * parse - a value into its place
	 * @field: base of the table + offset
	 * Return: 0; -EINVAL or -ENOMEM after draft_fail() or draft_nomem().
	 */
	int (*parse)(struct draft *d, const struct task_row *row, json_t *v, void *field);
	size_t offset;
	uint64_t min, max; /* of a number, or of a text's bytes */
};

static inline void draft_json_freep(json_t **v)
{
	json_decref(*v);
}

#define cleanup_json __attribute__((cleanup(draft_json_freep)))

#define DRAFT_AT(member) offsetof(struct draft, member)

/* --- task_draft.c: where we are, and what is wrong there --- */

/** draft_fail - the key being parsed is wrong: one sentence. Return: -EINVAL */
int draft_fail(struct draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** draft_fail_at - draft_fail() for a key below the present one */
int draft_fail_at(struct draft *d, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** draft_nomem - Return: -ENOMEM, with a sentence */
int draft_nomem(struct draft *d);

/** draft_type - @v is of the wrong type. @must: "text", "true or false". Return: -EINVAL */
int draft_type(struct draft *d, const json_t *v, const char *must);

/** draft_show - a value as it can stand in a sentence; valid until the next call */
const char *draft_show(struct draft *d, const json_t *v);

/** draft_push - go down to a key; Return: what draft_pop() wants */
size_t draft_push(struct draft *d, const char *key);

/** draft_push_index - go down to an element of an array */
size_t draft_push_index(struct draft *d, size_t i);

void draft_pop(struct draft *d, size_t where);

/** draft_object - every key of @obj by its row; keys without a row are errors */
int draft_object(struct draft *d, const struct rows *table, json_t *obj, void *base);

typedef int (*draft_element_fn)(struct draft *d, json_t *v, void *data);

/** draft_array - @each for every element of an array of at most @max */
int draft_array(struct draft *d, json_t *v, size_t max, draft_element_fn each, void *data);

/* --- task_value.c: parsers of plain values, for rows --- */

/**
 * draft_text - a string without NUL, of @min to @max bytes
 * @ret: borrowed from @v
 */
int draft_text(struct draft *d, const json_t *v, size_t min, size_t max, const char **ret);

/** draft_path - a plain absolute path, see agent/path.h; @ret borrowed */
int draft_path(struct draft *d, const json_t *v, const char **ret);

/** draft_strdup - a copy into @place, whose old value is freed */
int draft_strdup(struct draft *d, const char *s, char **place);

int value_bool(struct draft *d, const struct task_row *row, json_t *v, void *field); /* bool */
int value_text(struct draft *d, const struct task_row *row, json_t *v, void *field); /* char * */
int value_path(struct draft *d, const struct task_row *row, json_t *v, void *field); /* char * */
int value_paths(struct draft *d, const struct task_row *row, json_t *v, void *field); /* char ** */
int value_bytes(struct draft *d, const struct task_row *row, json_t *v, void *field); /* u64 */
int value_time(struct draft *d, const struct task_row *row, json_t *v, void *field); /* u64 us */
int value_number(struct draft *d, const struct task_row *row, json_t *v, void *field); /* u64 */
int value_signal(struct draft *d, const struct task_row *row, json_t *v, void *field); /* int */
int value_json(struct draft *d, const struct task_row *row, json_t *v, void *field); /* json_t * */

/* --- one file a theme --- */

int value_id(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_cmd(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_hostname(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_umask(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_oom_score_adj(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_rlimits(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_labels(struct draft *d, const struct task_row *row, json_t *v, void *field);

int value_image(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_readonly(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_workdir(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_mounts(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_devices(struct draft *d, const struct task_row *row, json_t *v, void *field);
/* one object, not null */
int value_io_max(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_resources(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_seccomp(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_publish(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_bind_ports(struct draft *d, const struct task_row *row, json_t *v, void *field);
int value_connect_to(struct draft *d, const struct task_row *row, json_t *v, void *field);

int value_health(struct draft *d, const struct task_row *row, json_t *v, void *field);

/** task_health_free - what @t has of checks, not @t itself */
void task_health_free(struct task_spec *t);

/** mount_add - one more mount of the spec, for the caller to fill; NULL after draft_fail() */
struct ct_mount *mount_add(struct draft *d);

/**
 * check_exists - is there what a path of the host names, and is it a directory
 * Nothing is opened for reading; nothing is looked at for task_spec_restore().
 */
int check_exists(struct draft *d, const char *path, bool directory);

/** process_finish - command, cwd, capabilities, environment; after user_finish() */
int process_finish(struct draft *d);

/** namespaces_finish - network and userns, whose defaults hang on the image */
int namespaces_finish(struct draft *d);

/** user_finish - user and groups as numbers, looked up in the image where they are names */
int user_finish(struct draft *d);

/** seccomp_finish - the configuration's profile if the document names none */
int seccomp_finish(struct draft *d);

/** draft_env_json - the whole environment as an object, defaults included; a new reference */
json_t *draft_env_json(const struct draft *d);

/* Tables with keys of their own, for the man page. */
struct rows task_rows(void);
struct rows resource_rows(void);
struct rows io_rows(void);
struct rows rlimit_rows(void);
struct rows mount_rows(void);
struct rows device_rows(void);
struct rows health_rows(void);

#endif
