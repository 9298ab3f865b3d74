// SPDX-License-Identifier: Apache-2.0
/* What is run, where, with which capabilities and environment: judged when all keys are known. */
#include "agent/task_draft.h"

#include <errno.h>
#include <string.h>

#include "agent/path.h"
#include "isolators/credentials.h"

#define CAPS_NAMES_MAX 64
#define DEFAULT_PATH   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int next_arg(struct draft *d, json_t *v, void *data)
{
	char ***next = data;
	const char *s = NULL;
	int err = draft_text(d, v, 0, TASK_STRING_MAX - 1, &s);

	if (err < 0)
		return err;
	**next = strdup(s);
	if (!**next)
		return draft_nomem(d);
	(*next)++;
	return 0;
}

static int finish_args(struct draft *d)
{
	json_t *v = d->cmd ? json_pack("[sss]", "/bin/sh", "-c", d->cmd) : json_incref(d->command);
	struct ct_process *p = &d->spec.ct.process;
	size_t where = draft_push(d, "command");
	char **next;
	int err;

	if (!v && d->cmd)
		err = draft_nomem(d);
	else if (!v)
		err = draft_fail(d, "is missing, allowed is an array such as [\"/bin/sleep\", "
				    "\"60\"], or \"cmd\" with text for /bin/sh");
	else if (json_is_array(v) && json_array_size(v) == 0)
		err = draft_fail(d, "is empty, allowed are 1 to %d elements", CT_ARGS_MAX);
	else if (!(next = p->args = calloc(json_array_size(v) + 1, sizeof(*p->args))))
		err = draft_nomem(d);
	else
		err = draft_array(d, v, CT_ARGS_MAX, next_arg, &next);
	if (!err && !p->args[0][0]) {
		(void)draft_push_index(d, 0); /* the pop below is from here, too */
		err = draft_fail(d, "is empty, allowed is the name of a program");
	}
	draft_pop(d, where);
	json_decref(v);
	return err;
}

static int finish_cwd(struct draft *d)
{
	const char *cwd = d->spec.ct.root.work;
	size_t where;
	int err = 0;

	if (d->cwd) {
		where = draft_push(d, "cwd");
		err = draft_path(d, d->cwd, &cwd);
		if (!err && path_within(cwd, "/proc"))
			err = draft_fail(d,
					 "\"%s\" is not allowed, allowed is a path outside of "
					 "/proc",
					 cwd);
		draft_pop(d, where);
	}
	if (err < 0 || !cwd)
		return err;
	return draft_strdup(d, cwd, &d->spec.ct.process.cwd);
}

struct caps_want {
	uint64_t dflt, caps;
};

static int next_cap(struct draft *d, json_t *v, void *data)
{
	struct caps_want *w = data;
	const char *s = NULL, *bad;
	char *names[2] = {NULL, NULL};
	uint64_t caps = 0;
	int err = draft_text(d, v, 1, 64, &s);

	if (err < 0)
		return err;
	if (!strcmp(s, "default")) {
		w->caps |= w->dflt;
		return 0;
	}
	names[0] = (char *)s; /* is only read */
	if (caps_from_names(names, &caps, &bad) < 0)
		return draft_fail(d,
				  "%s is not allowed, allowed is \"default\" or the name of a "
				  "capability such as \"NET_RAW\"",
				  draft_show(d, v));
	w->caps |= caps;
	return 0;
}

/* Nobody but root has capabilities without asking: they would be ambient, in force at once. */
static int finish_caps(struct draft *d)
{
	struct ct_process *p = &d->spec.ct.process;
	struct caps_want w = {.dflt = p->capabilities};
	size_t where;
	int err;

	if (!d->capabilities) {
		if (p->uid != 0)
			p->capabilities = 0;
		return 0;
	}
	where = draft_push(d, "capabilities");
	err = draft_array(d, d->capabilities, CAPS_NAMES_MAX, next_cap, &w);
	draft_pop(d, where);
	if (!err)
		p->capabilities = w.caps;
	return err;
}

json_t *draft_env_json(const struct draft *d)
{
	json_t *env = json_pack("{s:s, s:s, s:s}", "PATH", DEFAULT_PATH, "HOME",
				d->home ? d->home : "/", "DCOS_TASK_ID", d->spec.ct.id);

	if (env && d->env && json_object_update(env, d->env) < 0) {
		json_decref(env);
		return NULL;
	}
	return env;
}

static int check_variable(struct draft *d, const char *name, const json_t *value)
{
	const char *text = NULL;
	size_t max = TASK_STRING_MAX - 1, len = strlen(name) + 1;

	if (!*name || strchr(name, '='))
		return draft_fail(d, "the name is not allowed, allowed are 1 or more characters "
				     "other than \"=\"");
	if (len >= max)
		return draft_fail(d,
				  "the name has %zu bytes, allowed are with its value at most "
				  "%zu",
				  len - 1, max - 1);
	return draft_text(d, value, 0, max - len, &text);
}

static int check_env(struct draft *d)
{
	const char *name;
	json_t *value;

	if (!json_is_object(d->env))
		return draft_type(d, d->env, "an object");
	if (json_object_size(d->env) > CT_ENV_MAX)
		return draft_fail(d, "has %zu variables, allowed are at most %d",
				  json_object_size(d->env), CT_ENV_MAX);
	json_object_foreach (d->env, name, value) {
		size_t where = draft_push(d, name);
		int err = check_variable(d, name, value);

		draft_pop(d, where);
		if (err < 0)
			return err;
	}
	return 0;
}

static int finish_env(struct draft *d)
{
	struct ct_process *p = &d->spec.ct.process;
	cleanup_json json_t *env = NULL;
	const char *name;
	json_t *value;
	size_t n = 0;

	if (d->env) {
		size_t where = draft_push(d, "env");
		int err = check_env(d);

		draft_pop(d, where);
		if (err < 0)
			return err;
	}
	env = draft_env_json(d);
	if (!env)
		return draft_nomem(d);
	free(p->env); /* the defaults have none */
	p->env = calloc(json_object_size(env) + 1, sizeof(*p->env));
	if (!p->env)
		return draft_nomem(d);
	json_object_foreach (env, name, value) {
		if (asprintf(&p->env[n], "%s=%s", name, json_string_value(value)) < 0) {
			p->env[n] = NULL; /* asprintf leaves it undefined */
			return draft_nomem(d);
		}
		n++;
	}
	return 0;
}

int process_finish(struct draft *d)
{
	int err = finish_args(d);

	if (!err)
		err = finish_cwd(d);
	if (!err)
		err = finish_caps(d);
	if (!err)
		err = finish_env(d);
	return err;
}
