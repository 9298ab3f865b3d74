// SPDX-License-Identifier: Apache-2.0
/* Tasks written to disk and read back. No fsync: after a reboot no task lives anyway. */
#include "agent/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/lib/slurp.h"
#include "agent/sample.h"

static char *task_path(const struct node *n, const char *id, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/tasks/%s.json%s", n->cfg->state_dir, id, suffix) < 0)
		return NULL;
	return path;
}

static json_t *task_json(const struct task *t)
{
	bool live = t->ct != NULL;
	json_t *doc = json_pack("{si ss sO ss si sI sI sI sI sb sb sI si so}", "version",
				CHECKPOINT_VERSION, "boot_id", t->node->boot_id, "spec",
				t->spec->doc, "state", state_to_string(t->state), "pid",
				live ? (int)t->ct->iso.pid : 0, "pid_start",
				(json_int_t)t->pid_start, "cgroup_id", (json_int_t)t->cgroup_id,
				"created_unix_us", (json_int_t)t->created_unix_us,
				"started_unix_us", (json_int_t)t->started_unix_us, "metered",
				live && t->ct->iso.metered, "kill_asked", t->kill_asked, "slot",
				(json_int_t)(live ? t->ct->iso.slot : 0), "idmap", t->idmap,
				"warnings", task_warnings_json(t));

	if (doc && t->breach[0]) /* best effort: without it, it was killed by a signal */
		(void)json_object_set_new(doc, "breach", json_string(t->breach));
	if (doc && t->unhealthy[0]) /* likewise: without it, it was killed as asked */
		(void)json_object_set_new(doc, "unhealthy", json_string(t->unhealthy));
	if (doc && state_ended(t->state)) {
		(void)json_object_set_new(doc, "exit",
					  task_exit_json(&t->exit)); /* checked as a whole */
		(void)json_object_set_new(doc, "usage", sample_json(t));
	}
	return doc;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int checkpoint_stage(const struct task *t)
{
	cleanup_free char *tmp = task_path(t->node, t->spec->ct.id, "~");
	json_auto_t *doc = task_json(t);
	cleanup_free char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	int err;

	if (!tmp || !text)
		return -ENOMEM;
	cleanup_close int fd =
		open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	CRASH_POINT("checkpoint.opened");
	/* the ending, thousands of numbers, is text already: members behind the last of @doc */
	err = write_all(fd, text, t->ending ? len - 1 : len);
	if (!err && t->ending)
		err = write_all(fd, t->ending, strlen(t->ending)) ?: write_all(fd, "}", 1);
	CRASH_POINT("checkpoint.written");
	if (err)
		(void)unlink(tmp); /* the error that counts is the first */
	return err;
}

int checkpoint_commit(const struct task *t)
{
	cleanup_free char *path = task_path(t->node, t->spec->ct.id, "");
	cleanup_free char *tmp = task_path(t->node, t->spec->ct.id, "~");
	int err = 0;

	if (!path || !tmp)
		return -ENOMEM;
	if (rename(tmp, path)) {
		err = -errno;
		(void)unlink(tmp); /* likewise */
	}
	CRASH_POINT("checkpoint.renamed");
	return err;
}

void checkpoint_unstage(const struct task *t)
{
	cleanup_free char *tmp = task_path(t->node, t->spec->ct.id, "~");

	if (tmp)
		(void)unlink(tmp); /* if not: the next one is written over it */
}

int checkpoint_save(const struct task *t)
{
	return checkpoint_stage(t) ?: checkpoint_commit(t);
}

void checkpoint_drop(const struct node *n, const char *id)
{
	cleanup_free char *path = task_path(n, id, "");

	if (path)
		(void)unlink(path); /* none is what is wanted */
}

void checkpoint_free(struct checkpoint *c)
{
	json_decref(c->spec);
	json_decref(c->usage);
	json_decref(c->flight);
	json_decref(c->disks);
	json_decref(c->warnings);
}

static int exit_parse(json_t *doc, struct task_exit *ret)
{
	const char *reason = "";
	json_int_t ended = 0;
	int known = 0, oom = 0;

	if (json_unpack(doc, "{sb sb s?i s?i sI ss}", "known", &known, "oom", &oom, "code",
			&ret->code, "signal", &ret->sig, "ended_unix_us", &ended, "reason",
			&reason))
		return -EBADMSG;
	ret->known = known;
	ret->oom = oom;
	ret->ended_unix_us = (uint64_t)ended;
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s", reason); /* cut like the original */
	return 0;
}

static int checkpoint_parse(json_t *doc, struct checkpoint *c)
{
	const char *state, *boot_id, *breach = "", *unhealthy = "";
	json_int_t pid_start, cgroup_id, created, started, slot;
	json_t *spec, *ended = NULL, *usage = NULL, *warnings = NULL, *flight = NULL, *disks = NULL;
	int pid, metered, kill_asked, version;

	if (json_unpack(doc, "{si ss so ss si sI sI sI sI sb sb sI si s?o s?o s?o s?o s?o s?s s?s}",
			"version", &version, "boot_id", &boot_id, "spec", &spec, "state", &state,
			"pid", &pid, "pid_start", &pid_start, "cgroup_id", &cgroup_id,
			"created_unix_us", &created, "started_unix_us", &started, "metered",
			&metered, "kill_asked", &kill_asked, "slot", &slot, "idmap", &c->idmap,
			"exit", &ended, "usage", &usage, "warnings", &warnings, "flight", &flight,
			"disks", &disks, "breach", &breach, "unhealthy", &unhealthy))
		return -EBADMSG;
	if (version != CHECKPOINT_VERSION || state_from_string(state, &c->state) ||
	    strlen(boot_id) > NODE_BOOT_ID_LEN || (ended && exit_parse(ended, &c->exit)))
		return -EBADMSG;
	(void)snprintf(c->breach, sizeof(c->breach), "%s", breach); /* cut like the original */
	(void)snprintf(c->unhealthy, sizeof(c->unhealthy), "%s", unhealthy); /* likewise */
	c->pid = pid;
	c->pid_start = (uint64_t)pid_start;
	c->cgroup_id = (uint64_t)cgroup_id;
	c->created_unix_us = (uint64_t)created;
	c->started_unix_us = (uint64_t)started;
	c->metered = metered;
	c->kill_asked = kill_asked;
	c->slot = (uint32_t)slot;
	memcpy(c->boot_id, boot_id, strlen(boot_id) + 1);
	c->spec = json_incref(spec);
	c->usage = json_incref(usage);
	c->flight = json_incref(flight);
	c->disks = json_incref(disks);
	c->warnings = json_incref(warnings);
	return 0;
}

int checkpoint_load(const char *path, struct checkpoint *ret, struct why *why)
{
	struct checkpoint c = {.idmap = -1, .exit.code = -1};
	cleanup_free char *text = NULL;
	json_error_t jerr;
	size_t len;
	int err = slurp_at(AT_FDCWD, path, 0, CHECKPOINT_MAX, &text, &len);

	if (err == -EINVAL)
		return why_set(why, -EBADMSG, "%s: no regular file", path);
	if (err)
		return why_set(why, err, "%s", path);
	json_auto_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &jerr);

	if (!doc && json_error_code(&jerr) == json_error_out_of_memory)
		return why_set(why, -ENOMEM, "%s", path);
	if (!doc)
		return why_set(why, -EBADMSG, "%s: line %d: %s", path, jerr.line, jerr.text);
	if (checkpoint_parse(doc, &c))
		return why_set(why, -EBADMSG, "%s: not a checkpoint of version %d", path,
			       CHECKPOINT_VERSION);
	*ret = c;
	return 0;
}

/* Is @name ID.json, or, with another @suffix, a file beside it? Return: malloc'd ID, or NULL. */
static char *id_of(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	if (len <= end || strcmp(name + len - end, suffix))
		return NULL;
	return strndup(name, len - end);
}

int checkpoint_each(const struct node *n, void (*fn)(void *arg, const char *path, const char *id),
		    void *arg)
{
	cleanup_free char *dir = NULL;
	struct dirent *e;

	if (asprintf(&dir, "%s/tasks", n->cfg->state_dir) < 0)
		return -ENOMEM;
	cleanup_closedir DIR *d = opendir(dir);

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		cleanup_free char *id = id_of(e->d_name, ".json"), *path = NULL,
				  *half = id_of(e->d_name, ".json~");

		if (half)
			(void)unlinkat(dirfd(d), e->d_name, 0); /* overwritten at the next write */
		if (!id)
			continue;
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0)
			return -ENOMEM;
		fn(arg, path, id);
	}
	return 0;
}
