// SPDX-License-Identifier: Apache-2.0
/*
 * "seccomp": the name of a profile or the profile itself. Only that it is a JSON object is seen
 * here; what is in it is judged by the seccomp isolator, when the container is made.
 */
#include "agent/task_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/path.h"
#include "isolators/seccomp.h"

#define PROFILE_SUFFIX ".json"

/* For a task that is restored when its profile has gone: nothing more can be run in it. */
static const char deny_all[] = "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}";

/* A text that outlives every spec: thousands of tasks share it. */
static int use_constant(struct draft *d, const char *text)
{
	d->spec.ct.seccomp = text;
	d->spec.ct.seccomp_is_constant = true;
	return 0;
}

static int profile_missing(struct draft *d, const char *name, int err)
{
	const char *builtin = err == -ENOENT ? sc_builtin(name) : NULL;
	char desc[128];

	if (builtin)
		return use_constant(d, builtin);
	if (d->restore)
		return use_constant(d, deny_all);
	if (err == -ENOENT)
		return draft_fail(d,
				  "\"%s\" is unknown, allowed are \"default\", \"unconfined\" and "
				  "the profiles in %s",
				  name, d->cfg->seccomp_dir);
	if (err == -EFBIG)
		return draft_fail(d, "%s/%s" PROFILE_SUFFIX " is larger than %u bytes",
				  d->cfg->seccomp_dir, name, TASK_SECCOMP_BYTES_MAX);
	return draft_fail(d, "%s/%s" PROFILE_SUFFIX " can't be read: %s", d->cfg->seccomp_dir, name,
			  err == -EINVAL ? "not a regular file"
					 : strerror_r(-err, desc, sizeof(desc)));
}

static int read_profile(struct draft *d, const char *name)
{
	cleanup_free char *file = NULL, *text = NULL;
	cleanup_close int dir = open(d->cfg->seccomp_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_json json_t *json = NULL;
	json_error_t where;
	size_t len = 0;
	int err;

	if (asprintf(&file, "%s" PROFILE_SUFFIX, name) < 0)
		return draft_nomem(d);
	err = dir < 0 ? -errno : slurp_at(dir, file, 0, TASK_SECCOMP_BYTES_MAX, &text, &len);
	if (err == -ENOMEM)
		return draft_nomem(d);
	if (err < 0)
		return profile_missing(d, name, err);
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(json) && !d->restore)
		return draft_fail(d, "%s/%s is no JSON object: line %d: %s", d->cfg->seccomp_dir,
				  file, json ? 1 : where.line,
				  json ? "something else" : where.text);
	d->spec.ct.seccomp = take_ptr(text);
	return 0;
}

static int named_profile(struct draft *d, const char *name)
{
	const char *text;
	int err = draft_strdup(d, name, &d->seccomp_name);

	if (err < 0)
		return err;
	if (!strcmp(name, "unconfined"))
		return 0;
	if (strcmp(name, "default"))
		return read_profile(d, name);
	text = sc_builtin(name);
	if (!text)
		return draft_fail(d, "\"default\" is not built into this agent");
	return use_constant(d, text);
}

int value_seccomp(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	char **text = field;
	const char *name;

	(void)row;
	if (json_is_object(v)) {
		*text = json_dumps(v, JSON_COMPACT);
		if (!*text)
			return draft_nomem(d);
		if (strlen(*text) > TASK_SECCOMP_BYTES_MAX)
			return draft_fail(d, "has %zu bytes, allowed are at most %u", strlen(*text),
					  TASK_SECCOMP_BYTES_MAX);
		return 0;
	}
	name = json_string_value(v);
	if (!name)
		return draft_type(d, v, "the name of a profile or the profile as an object");
	if (strlen(name) != json_string_length(v) || !name_plain(name) || strstr(name, ".."))
		return draft_fail(d,
				  "%s is not allowed, allowed are \"default\", \"unconfined\" and "
				  "the name of a profile, without \"/\" and \"..\"",
				  draft_show(d, v));
	return named_profile(d, name);
}

int seccomp_finish(struct draft *d)
{
	size_t where = draft_push(d, "seccomp");
	int err = 0;

	if (!d->seccomp_name && !d->spec.ct.seccomp)
		err = named_profile(d, d->cfg->seccomp);
	draft_pop(d, where);
	return err;
}
