// SPDX-License-Identifier: Apache-2.0
/* "process" of a config.json, and of what exec is given. */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "isolators/join.h"
#include "tools/dcosrun/config.h"

#define NICE_MIN     (-20)
#define NICE_MAX     19
#define IOPRIO_LEVEL 7
#define COLUMNS_MAX  65535

static int read_gids(struct config *c, const json_t *user)
{
	struct ct_process *p = &c->spec.process;
	json_t *v = NULL, *item;
	int err = cf_member(c, user, "additionalGids", JSON_ARRAY, &v);
	size_t i;

	if (!v)
		return err;
	p->additional_gids = cf_alloc(c, json_array_size(v), sizeof(*p->additional_gids));
	if (!p->additional_gids)
		return -ENOMEM;
	json_array_foreach (v, i, item) {
		json_int_t n = json_is_integer(item) ? json_integer_value(item) : -1;

		if (n < 0 || n >= UINT32_MAX)
			return cf_bad(c, "additionalGids", "element %zu must be a group's number",
				      i);
		p->additional_gids[i] = (uint32_t)n;
	}
	p->additional_gids_nr = json_array_size(v);
	return 0;
}

static int read_user(struct config *c, const json_t *process)
{
	struct ct_process *p = &c->spec.process;
	json_t *user = NULL;
	int err = cf_member(c, process, "user", JSON_OBJECT, &user);
	size_t was = cf_in(c, "user", -1);
	int64_t mask = p->umask;

	if (!err)
		err = cf_u32(c, user, "uid", &p->uid);
	if (!err)
		err = cf_u32(c, user, "gid", &p->gid);
	if (!err)
		err = cf_int(c, user, "umask", 0, 0777, &mask);
	if (!err)
		err = read_gids(c, user);
	p->umask = (uint32_t)mask;
	if (!err)
		cf_out(c, was);
	return err;
}

/*
 * What cannot be had is left out and said; a name that does not exist is an error in what is
 * written for 1.0 of the specification, and left out in what is for later ones.
 */
static int caps_of(struct config *c, const char *key, char *const *names, uint64_t have,
		   uint64_t *ret)
{
	char text[CAPS_TEXT_MAX + 128];
	uint64_t caps = 0, one = 0;

	for (size_t i = 0; names && names[i]; i++) {
		char *alone[] = {names[i], NULL};
		int err = caps_from_names(alone, &one, NULL);

		if (err && c->strict_caps)
			return cf_bad(c, key, "\"%.64s\" is no capability", names[i]);
		if (!err && (one & have)) {
			caps |= one;
			continue;
		}
		(void)snprintf(text, sizeof(text),
			       "process.capabilities.%s: %.64s can't be granted here", key,
			       names[i]); /* fits */
		if (c->warn)
			c->warn(text);
	}
	*ret = caps;
	return 0;
}

static int read_caps(struct config *c, const json_t *process)
{
	struct oci_caps *caps = &c->oci.process.caps;
	struct {
		const char *key;
		uint64_t *set;
	} sets[] = {
		{"bounding", &caps->bounding},	 {"permitted", &caps->permitted},
		{"effective", &caps->effective}, {"inheritable", &caps->inheritable},
		{"ambient", &caps->ambient},
	};
	uint64_t have = caps_known();
	json_t *v = NULL;
	int err = cf_member(c, process, "capabilities", JSON_OBJECT, &v);
	size_t was = cf_in(c, "capabilities", -1);

	if (!err && !ns_has_user(&c->spec))
		err = caps_permitted(&have);
	for (size_t i = 0; i < ARRAY_SIZE(sets) && v && !err; i++) {
		char **names = NULL;

		err = cf_strings(c, v, sets[i].key, &names);
		if (!err)
			err = caps_of(c, sets[i].key, names, have, sets[i].set);
	}
	if (err)
		return err;
	cf_out(c, was);
	/* what the kernel would refuse to set is not half set */
	caps->effective &= caps->permitted;
	caps->ambient &= caps->permitted & caps->inheritable;
	c->spec.process.capabilities = caps->bounding;
	return 0;
}

static int read_rlimit(struct config *c, const json_t *v, void *item)
{
	static const struct cf_word words[] = {
		{"RLIMIT_AS", RLIMIT_AS},
		{"RLIMIT_CORE", RLIMIT_CORE},
		{"RLIMIT_CPU", RLIMIT_CPU},
		{"RLIMIT_DATA", RLIMIT_DATA},
		{"RLIMIT_FSIZE", RLIMIT_FSIZE},
		{"RLIMIT_LOCKS", RLIMIT_LOCKS},
		{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
		{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
		{"RLIMIT_NICE", RLIMIT_NICE},
		{"RLIMIT_NOFILE", RLIMIT_NOFILE},
		{"RLIMIT_NPROC", RLIMIT_NPROC},
		{"RLIMIT_RSS", RLIMIT_RSS},
		{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
		{"RLIMIT_RTTIME", RLIMIT_RTTIME},
		{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
		{"RLIMIT_STACK", RLIMIT_STACK},
	};
	struct ct_rlimit *l = item;
	int64_t resource = 0, soft = 0, hard = 0;
	char *type = NULL;
	int err = cf_str(c, v, "type", &type);

	if (!err && !type)
		return cf_missing(c, "type");
	if (!err)
		err = cf_word(c, "type", type, words, ARRAY_SIZE(words), &resource);
	/* by their bits, see config_text() */
	if (!err)
		err = cf_int(c, v, "soft", INT64_MIN, INT64_MAX, &soft);
	if (!err)
		err = cf_int(c, v, "hard", INT64_MIN, INT64_MAX, &hard);
	l->resource = (int)resource;
	l->soft = (uint64_t)soft;
	l->hard = (uint64_t)hard;
	return err;
}

static int read_rlimits(struct config *c, const json_t *process)
{
	struct ct_process *p = &c->spec.process;
	void *items = NULL;
	int err = cf_each(c, process, "rlimits", RLIM_NLIMITS, sizeof(struct ct_rlimit),
			  read_rlimit, &items, &p->rlimits_nr);

	p->rlimits = items;
	for (size_t i = 0; i < p->rlimits_nr && !err; i++)
		for (size_t j = 0; j < i; j++)
			if (p->rlimits[i].resource == p->rlimits[j].resource)
				return cf_bad(c, "rlimits", "entry %zu has the type of entry %zu",
					      i, j);
	return err;
}

static int read_flags(struct config *c, const json_t *v, uint64_t *ret)
{
	static const struct cf_word words[] = {
		{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
		{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
		{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
		{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
		{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
		{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
		{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
	};
	char **names = NULL;
	int err = cf_strings(c, v, "flags", &names);
	int64_t flag = 0;

	for (size_t i = 0; names && names[i] && !err; i++) {
		err = cf_word(c, "flags", names[i], words, ARRAY_SIZE(words), &flag);
		*ret |= (uint64_t)flag;
	}
	return err;
}

static int read_scheduler(struct config *c, const json_t *process)
{
	static const struct cf_word words[] = {
		{"SCHED_OTHER", SCHED_OTHER},
		{"SCHED_FIFO", SCHED_FIFO},
		{"SCHED_RR", SCHED_RR},
		{"SCHED_BATCH", SCHED_BATCH},
		{"SCHED_ISO", 4},
		{"SCHED_IDLE", SCHED_IDLE},
		{"SCHED_DEADLINE", SCHED_DEADLINE},
	};
	struct oci_sched *s = &c->oci.process.sched;
	int64_t policy = 0, nice = 0, priority = 0, times[3] = {0};
	char *name = NULL;
	json_t *v = NULL;
	int err = cf_member(c, process, "scheduler", JSON_OBJECT, &v);
	size_t was = cf_in(c, "scheduler", -1);

	if (!err && v)
		err = cf_str(c, v, "policy", &name);
	if (!err && v && !name)
		err = cf_missing(c, "policy");
	if (!err && name)
		err = cf_word(c, "policy", name, words, ARRAY_SIZE(words), &policy);
	if (!err)
		err = cf_int(c, v, "nice", NICE_MIN, NICE_MAX, &nice);
	if (!err)
		err = cf_int(c, v, "priority", 0, 99, &priority);
	if (!err)
		err = read_flags(c, v, &s->flags);
	if (!err)
		err = cf_int(c, v, "runtime", 0, INT64_MAX, &times[0]);
	if (!err)
		err = cf_int(c, v, "deadline", 0, INT64_MAX, &times[1]);
	if (!err)
		err = cf_int(c, v, "period", 0, INT64_MAX, &times[2]);
	if (err)
		return err;
	cf_out(c, was);
	*s = (struct oci_sched){v != NULL,	    (uint32_t)policy,  (int32_t)nice,
				(uint32_t)priority, s->flags,	       (uint64_t)times[0],
				(uint64_t)times[1], (uint64_t)times[2]};
	return 0;
}

static int read_ioprio(struct config *c, const json_t *process)
{
	static const struct cf_word words[] = {
		{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
		{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
		{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
	};
	int64_t class = 0, level = 0;
	char *name = NULL;
	json_t *v = NULL;
	int err = cf_member(c, process, "ioPriority", JSON_OBJECT, &v);
	size_t was = cf_in(c, "ioPriority", -1);

	if (!err && v)
		err = cf_str(c, v, "class", &name);
	if (!err && v && !name)
		err = cf_missing(c, "class");
	if (!err && name)
		err = cf_word(c, "class", name, words, ARRAY_SIZE(words), &class);
	if (!err)
		err = cf_int(c, v, "priority", 0, IOPRIO_LEVEL, &level);
	if (err)
		return err;
	cf_out(c, was);
	c->oci.process.ioprio_set = v != NULL;
	c->oci.process.ioprio = (int)IOPRIO_PRIO_VALUE(class, level);
	return 0;
}

static int read_terminal(struct config *c, const json_t *process)
{
	struct oci_process *o = &c->oci.process;
	int64_t rows = 0, columns = 0;
	json_t *v = NULL;
	int err = cf_bool(c, process, "terminal", &o->terminal);

	if (!err)
		err = cf_member(c, process, "consoleSize", JSON_OBJECT, &v);
	if (!err)
		err = cf_int(c, v, "height", 0, COLUMNS_MAX, &rows);
	if (!err)
		err = cf_int(c, v, "width", 0, COLUMNS_MAX, &columns);
	o->rows = (uint16_t)rows;
	o->columns = (uint16_t)columns;
	return err;
}

static int read_labels(struct config *c, const json_t *process)
{
	struct oci_process *o = &c->oci.process;
	int err = cf_str(c, process, "apparmorProfile", &o->apparmor);

	if (!err)
		err = cf_str(c, process, "selinuxLabel", &o->selinux);
	if (o->apparmor && !*o->apparmor)
		o->apparmor = NULL;
	if (o->selinux && !*o->selinux)
		o->selinux = NULL;
	return err;
}

static int check_command(struct config *c)
{
	const struct ct_process *p = &c->spec.process;

	if (!p->args || !p->args[0])
		return cf_bad(c, "args", "at least the program's name is needed");
	if (!p->cwd || p->cwd[0] != '/')
		return cf_bad(c, "cwd", "\"%s\": allowed is an absolute path",
			      p->cwd ? p->cwd : "");
	return 0;
}

int config_read_process(struct config *c, const json_t *process)
{
	struct ct_process *p = &c->spec.process;
	int64_t oom = INT64_MIN;
	int err = cf_strings(c, process, "args", &p->args);

	if (!err)
		err = config_read_env(c, process);
	if (!err)
		err = cf_str(c, process, "cwd", &p->cwd);
	if (!err)
		err = check_command(c);
	if (!err)
		err = read_user(c, process);
	if (!err)
		err = read_caps(c, process);
	if (!err)
		err = read_rlimits(c, process);
	if (!err)
		err = cf_bool(c, process, "noNewPrivileges", &p->no_new_privileges);
	if (!err)
		err = cf_int(c, process, "oomScoreAdj", -1000, 1000, &oom);
	if (oom != INT64_MIN)
		p->oom_score_adj = (int)oom;
	if (!err)
		err = read_terminal(c, process);
	if (!err)
		err = read_scheduler(c, process);
	if (!err)
		err = read_ioprio(c, process);
	if (!err)
		err = config_read_affinity(c, process);
	return err ? err : read_labels(c, process);
}
