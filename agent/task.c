// SPDX-License-Identifier: Apache-2.0
/* From a document to a task spec: rows of tables first, then what needs several keys. */
#include "agent/task.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/lib/cleanup.h"
#include "agent/task_draft.h"

#define ID_BYTES 16 /* "task-" + 8 digits and NUL */

static int draft_begin(struct draft *d)
{
	struct ct_spec *ct = &d->spec.ct;

	if (ct_spec_defaults(ct) < 0)
		return draft_nomem(d);
	ct->root.kind = CT_ROOT_HOST;
	ct->idmap.nr = d->cfg->userns_size;
	ct->mounts = calloc(CT_MOUNTS_MAX, sizeof(*ct->mounts));
	ct->devices = calloc(CT_DEVICES_MAX, sizeof(*ct->devices));
	ct->process.rlimits = calloc(rlimit_rows().nr, sizeof(*ct->process.rlimits));
	d->spec.labels = json_object();
	d->spec.kill_grace_us = d->cfg->kill_grace_us;
	d->spec.kill_signal = SIGTERM;
	d->spec.log_max_bytes = d->cfg->log_max_bytes;
	if (!ct->mounts || !ct->devices || !ct->process.rlimits || !d->spec.labels)
		return draft_nomem(d);
	return 0;
}

/* Frees what the spec under construction owns; nothing is left to free after a success. */
static void draft_end(struct draft *d)
{
	free(d->home);
	free(d->seccomp_name);
	ct_spec_free(&d->spec.ct);
	free(d->spec.image);
	free(d->spec.user_text);
	json_decref(d->spec.labels);
	task_health_free(&d->spec);
	json_decref(d->spec.doc);
}

static int id_finish(struct draft *d)
{
	char id[ID_BYTES];
	uint32_t n;

	if (d->spec.ct.id)
		return 0;
	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n)) {
		(void)draft_fail_at(d, "id", "the system gives no random numbers for one");
		return -EIO;
	}
	(void)snprintf(id, sizeof(id), "task-%08" PRIx32, n);
	d->spec.id_generated = true;
	return draft_strdup(d, id, &d->spec.ct.id);
}

#define NETWORK_SAYS "\"host\", \"private\" or \"none\""

static int network_finish(struct draft *d, bool host_image)
{
	const char *s = json_string_value(d->network);
	bool host = host_image;
	size_t where = draft_push(d, "network");
	int err = 0;

	if (d->network && !s)
		err = draft_type(d, d->network, NETWORK_SAYS);
	else if (s && strcmp(s, "host") && strcmp(s, "none") && strcmp(s, "private"))
		err = draft_fail(d, "%s is not allowed, allowed is " NETWORK_SAYS,
				 draft_show(d, d->network));
	else if (s)
		host = !strcmp(s, "host");
	d->spec.ct.net_private = s && !strcmp(s, "private");
	if (host)
		d->spec.ct.namespaces &= ~(uint64_t)CLONE_NEWNET;
	draft_pop(d, where);
	return err;
}

int namespaces_finish(struct draft *d)
{
	bool host_image = d->spec.ct.root.kind == CT_ROOT_HOST, userns = !host_image;
	size_t where = draft_push(d, "userns");
	int err = d->userns ? value_bool(d, NULL, d->userns, &userns) : 0;

	draft_pop(d, where);
	if (err < 0)
		return err;
	if (!userns)
		d->spec.ct.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	return network_finish(d, host_image);
}

/* Numbers of devices that were given by a path, so that they are known when it is gone. */
static int normalise_devices(const struct draft *d, json_t *doc)
{
	json_t *devices = json_object_get(doc, "devices"), *dev;
	size_t i;

	json_array_foreach (devices, i, dev) {
		const struct ct_device *c = &d->spec.ct.devices[i];

		if (!json_object_get(dev, "path"))
			continue;
		if (json_object_set_new(dev, "type", json_stringn(&c->type, 1)) ||
		    json_object_set_new(dev, "major", json_integer(c->major)) ||
		    json_object_set_new(dev, "minor", json_integer(c->minor)))
			return -ENOMEM;
	}
	return 0;
}

/* Sources without links, as the spec has them; the mounts of devices come behind. */
static int normalise_mounts(const struct draft *d, json_t *doc)
{
	json_t *mounts = json_object_get(doc, "mounts"), *m;
	size_t i;

	json_array_foreach (mounts, i, m) {
		const char *source = d->spec.ct.mounts[i].source;

		if (source && json_object_set_new(m, "source", json_string(source)))
			return -ENOMEM;
	}
	return 0;
}

static json_t *groups_json(const struct ct_process *p)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < p->additional_gids_nr; i++) {
		if (json_array_append_new(a, json_integer(p->additional_gids[i]))) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static const char *network_name(const struct ct_spec *ct)
{
	if (!(ct->namespaces & CLONE_NEWNET))
		return "host";
	return ct->net_private ? "private" : "none";
}

/* Everything that comes from the configuration, from the image or from chance, in numbers. */
static int normalise(struct draft *d)
{
	const struct ct_spec *ct = &d->spec.ct;
	uint64_t us = d->spec.kill_grace_us;
	json_t *doc = json_deep_copy(d->doc);
	int err;

	d->spec.doc = doc;
	err = !doc || json_object_set_new(doc, "id", json_string(ct->id)) ||
	      json_object_set_new(doc, "image", json_string(d->spec.image)) ||
	      json_object_set_new(doc, "user",
				  json_sprintf("%u:%u", ct->process.uid, ct->process.gid)) ||
	      json_object_set_new(doc, "groups", groups_json(&ct->process)) ||
	      json_object_set_new(doc, "env", draft_env_json(d)) ||
	      json_object_set_new(doc, "network", json_string(network_name(ct))) ||
	      json_object_set_new(doc, "userns", json_boolean(ct->namespaces & CLONE_NEWUSER)) ||
	      json_object_set_new(doc, "kill_grace",
				  us % US_PER_S ? json_sprintf("%" PRIu64 "us", us)
						: json_sprintf("%" PRIu64 "s", us / US_PER_S)) ||
	      json_object_set_new(doc, "log_max",
				  json_integer((json_int_t)d->spec.log_max_bytes)) ||
	      normalise_mounts(d, doc) < 0 || normalise_devices(d, doc) < 0;
	if (!err && d->seccomp_name)
		err = json_object_set_new(doc, "seccomp", json_string(d->seccomp_name));
	return err ? draft_nomem(d) : 0;
}

static int parse(struct draft *d)
{
	const struct rows table = task_rows();
	int err = draft_begin(d);

	if (!err)
		err = draft_object(d, &table, d->doc, d);
	if (!err)
		err = id_finish(d);
	if (!err)
		err = draft_strdup(d, d->spec.ct.root.path ? d->spec.ct.root.path : "host",
				   &d->spec.image);
	if (!err)
		err = namespaces_finish(d);
	if (!err)
		err = user_finish(d);
	if (!err)
		err = process_finish(d);
	if (!err)
		err = seccomp_finish(d);
	return err < 0 ? err : normalise(d);
}

/* Arrays were made as large as they may be, and a node keeps thousands of specs. */
static void shrink_arrays(struct ct_spec *ct)
{
	struct ct_mount *mounts = reallocarray(ct->mounts, ct->mounts_nr + 1, sizeof(*ct->mounts));
	struct ct_device *devices =
		reallocarray(ct->devices, ct->devices_nr + 1, sizeof(*ct->devices));

	ct->mounts = mounts ?: ct->mounts;
	ct->devices = devices ?: ct->devices;
}

static int spec_new(const struct config *cfg, json_t *doc, bool restore, struct task_spec **ret,
		    struct task_error *err)
{
	struct draft d = {.cfg = cfg, .restore = restore, .doc = doc};
	struct task_spec *t;
	int r;

	d.err = err ? err : &d.ignored;
	memset(d.err, 0, sizeof(*d.err));
	r = parse(&d);
	if (!r) {
		t = malloc(sizeof(*t));
		if (t) {
			*t = d.spec;
			shrink_arrays(&t->ct);
			d.spec = (struct task_spec){.id_generated = false};
			*ret = t;
		} else {
			r = draft_nomem(&d);
		}
	}
	draft_end(&d);
	return r;
}

int task_spec_parse(const struct config *cfg, json_t *doc, struct task_spec **ret,
		    struct task_error *err)
{
	return spec_new(cfg, doc, false, ret, err);
}

int task_spec_restore(const struct config *cfg, json_t *doc, struct task_spec **ret,
		      struct task_error *err)
{
	return spec_new(cfg, doc, true, ret, err);
}

struct task_spec *task_spec_free(struct task_spec *t)
{
	if (!t)
		return NULL;
	ct_spec_free(&t->ct);
	free(t->image);
	free(t->user_text);
	json_decref(t->labels);
	task_health_free(t);
	json_decref(t->doc);
	free(t);
	return NULL;
}
