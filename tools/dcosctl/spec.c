// SPDX-License-Identifier: Apache-2.0
/* Options of dcosctl run into a task spec, see spec.h. */
#include "tools/dcosctl/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"

#define KEY_DEPTH_MAX 8 /* dots in a key of --set */

static int read_all(int fd, char **ret, size_t *ret_len)
{
	cleanup_free char *text = malloc(VL_MESSAGE_MAX + 1);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, text + len, VL_MESSAGE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > VL_MESSAGE_MAX)
			return -EFBIG;
	}
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}

int spec_read(const char *path, json_t **ret, struct why *why)
{
	bool is_stdin = !strcmp(path, "-");
	cleanup_close int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free char *text = NULL;
	cleanup_json json_t *doc = NULL;
	const char *name = is_stdin ? "standard input" : path;
	json_error_t at;
	size_t len = 0;
	int r;

	if (fd < 0)
		return why_set(why, -errno, "%s", name);
	r = read_all(fd, &text, &len);
	if (r < 0)
		return why_set(why, r, "%s", name);
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	if (!doc) {
		(void)why_set(why, -EINVAL, "%s: line %d, column %d: %s", name, at.line, at.column,
			      at.text);
		return -EBADMSG;
	}
	if (!json_is_object(doc)) {
		(void)why_set(why, -EINVAL, "%s: must be a JSON object", name);
		return -EBADMSG;
	}
	*ret = take_ptr(doc);
	return 0;
}

static int not_utf8(struct why *why, const char *option)
{
	return why_set(why, -EINVAL, "--%s: must be UTF-8", option);
}

/* The object at a key of @parent, made if it is not there; NULL: something else is there. */
static json_t *object_at(json_t *parent, const char *key, size_t len)
{
	cleanup_free char *name = strndup(key, len);
	json_t *o = name ? json_object_get(parent, name) : NULL;

	if (o || !name)
		return json_is_object(o) ? o : NULL;
	o = json_object();
	return json_object_set_new(parent, name, o) ? NULL : o;
}

/* The array at a key of @doc, made if it is not there; NULL: something else is there. */
static json_t *array_at(json_t *doc, const char *key)
{
	json_t *a = json_object_get(doc, key);

	if (a)
		return json_is_array(a) ? a : NULL;
	a = json_array();
	return json_object_set_new(doc, key, a) ? NULL : a;
}

/* Options that are one value of one key; numbers may be given as text, the agent reads both. */
static int set_texts(json_t *doc, const struct spec_options *o, struct why *why)
{
	const struct {
		const char *option, *section, *key, *value;
	} rows[] = {
		{"id", NULL, "id", o->id},
		{"image", NULL, "image", o->image},
		{"user", NULL, "user", o->user},
		{"network", NULL, "network", o->network},
		{"hostname", NULL, "hostname", o->hostname},
		{"cwd", NULL, "cwd", o->cwd},
		{"workdir", NULL, "workdir", o->workdir},
		{"kill-grace", NULL, "kill_grace", o->kill_grace},
		{"cpus", "resources", "cpus", o->cpus},
		{"memory", "resources", "memory", o->memory},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *at = doc;

		if (!rows[i].value)
			continue;
		if (rows[i].section)
			at = object_at(doc, rows[i].section, strlen(rows[i].section));
		if (!at || json_object_set_new(at, rows[i].key, json_string(rows[i].value)))
			return not_utf8(why, rows[i].option);
	}
	return 0;
}

/* KEY=VALUE options into an object. */
static int set_pairs(json_t *doc, const char *key, const char *option, const struct opt_list *list,
		     struct why *why)
{
	for (int i = 0; i < list->nr; i++) {
		const char *item = list->items[i], *eq = strchr(item, '=');
		json_t *at = object_at(doc, key, strlen(key));
		cleanup_free char *name = NULL;

		if (!eq || eq == item)
			return why_set(why, -EINVAL, "--%s=%s: must be NAME=VALUE", option, item);
		name = strndup(item, (size_t)(eq - item));
		if (!at || !name || json_object_set_new(at, name, json_string(eq + 1)))
			return not_utf8(why, option);
	}
	return 0;
}

static int append(json_t *doc, const char *key, json_t *item)
{
	json_t *list = array_at(doc, key);

	if (list)
		return json_array_append_new(list, item);
	json_decref(item);
	return -1;
}

/* SRC:DST[:ro|rw] */
static int add_mount(json_t *doc, const char *text, struct why *why)
{
	const char *colon = strchr(text, ':'), *mode = colon ? strchr(colon + 1, ':') : NULL;
	size_t dst_len = colon ? (mode ? (size_t)(mode - colon - 1) : strlen(colon + 1)) : 0;
	json_t *mount;

	if (!dst_len || colon == text || (mode && strcmp(mode, ":ro") && strcmp(mode, ":rw")))
		return why_set(why, -EINVAL, "--mount=%s: must be SOURCE:TARGET, maybe with :ro",
			       text);
	mount = json_pack("{s:s%, s:s%}", "source", text, (size_t)(colon - text), "target",
			  colon + 1, dst_len);
	if (mount && mode && !strcmp(mode, ":ro") &&
	    json_object_set_new(mount, "readonly", json_true()))
		json_decref(take_ptr(mount));
	if (!mount || append(doc, "mounts", mount))
		return not_utf8(why, "mount");
	return 0;
}

static int add_publish(json_t *doc, const char *text, struct why *why)
{
	json_t *item = json_string(text);

	return !item || append(doc, "publish", item) ? not_utf8(why, "publish") : 0;
}

/* TARGET[:SIZE] */
static int add_tmpfs(json_t *doc, const char *text, struct why *why)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	json_t *mount = json_pack("{s:b, s:s%, s:s*}", "tmpfs", 1, "target", text, len, "size",
				  colon ? colon + 1 : NULL);

	return !mount || append(doc, "mounts", mount) ? not_utf8(why, "tmpfs") : 0;
}

/* PATH[:ACCESS] */
static int add_device(json_t *doc, const char *text, struct why *why)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	json_t *device =
		json_pack("{s:s%, s:s*}", "path", text, len, "access", colon ? colon + 1 : NULL);

	return !device || append(doc, "devices", device) ? not_utf8(why, "device") : 0;
}

static int add_each(json_t *doc, const struct opt_list *list,
		    int (*add)(json_t *doc, const char *text, struct why *why), struct why *why)
{
	for (int i = 0; i < list->nr; i++) {
		int r = add(doc, list->items[i], why);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_cap(json_t *doc, const char *text, struct why *why)
{
	return append(doc, "capabilities", json_string(text)) ? not_utf8(why, "cap") : 0;
}

/* A name, or @FILE: the profile itself goes into the spec. */
static int set_seccomp(json_t *doc, const char *text, struct why *why)
{
	json_t *value = NULL;
	int r;

	if (!text)
		return 0;
	if (text[0] == '@') {
		r = spec_read(text + 1, &value, why);
		if (r < 0)
			return r;
	} else {
		value = json_string(text);
	}
	return json_object_set_new(doc, "seccomp", value) ? not_utf8(why, "seccomp") : 0;
}

/* KEY[.KEY...]=VALUE: any key; VALUE is JSON if it can be, else text */
static int set_any(json_t *doc, const char *text, struct why *why)
{
	const char *eq = strchr(text, '='), *dot, *key = text;
	cleanup_free char *name = NULL;
	json_t *value;

	if (!eq || eq == text)
		return why_set(why, -EINVAL, "--set=%s: must be KEY=VALUE", text);
	for (int depth = 0; (dot = strchr(key, '.')) && dot < eq; key = dot + 1) {
		doc = depth++ < KEY_DEPTH_MAX ? object_at(doc, key, (size_t)(dot - key)) : NULL;
		if (!doc)
			return why_set(why, -EINVAL,
				       "--set=%s: %.*s is no object, or it is too deep", text,
				       (int)(dot - text), text);
	}
	name = strndup(key, (size_t)(eq - key));
	value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		value = json_string(eq + 1);
	if (!name || !*name || json_object_set_new(doc, name, value))
		return not_utf8(why, "set");
	return 0;
}

static int set_pids(json_t *doc, const char *text, struct why *why)
{
	char set[64];

	if (!text)
		return 0;
	(void)snprintf(set, sizeof(set), "resources.pids=%.40s", text); /* the agent judges it */
	return set_any(doc, set, why);
}

static int set_command(json_t *doc, char **command, int nr, struct why *why)
{
	json_t *words;

	if (!nr)
		return 0;
	words = json_array();
	for (int i = 0; i < nr; i++)
		if (json_array_append_new(words, json_string(command[i]))) {
			json_decref(words);
			return why_set(why, -EINVAL, "%s: the command must be UTF-8", command[i]);
		}
	(void)json_object_del(doc, "cmd"); /* what it replaces, if it is there */
	return json_object_set_new(doc, "command", words) ? -ENOMEM : 0;
}

static int set_flags(json_t *doc, const struct spec_options *o)
{
	if (o->read_only && json_object_set_new(doc, "readonly", json_true()))
		return -ENOMEM;
	if (o->no_userns && json_object_set_new(doc, "userns", json_false()))
		return -ENOMEM;
	return 0;
}

int spec_build(const struct spec_options *o, char **command, int nr, json_t **ret, struct why *why)
{
	cleanup_json json_t *doc = NULL;
	int r = 0;

	if (o->file)
		r = spec_read(o->file, &doc, why);
	else
		doc = json_object();
	if (r < 0)
		return r;
	r = set_texts(doc, o, why)
		    ?: set_flags(doc, o)
		    ?: set_pids(doc, o->pids, why)
		    ?: set_pairs(doc, "env", "env", &o->env, why)
		    ?: set_pairs(doc, "labels", "label", &o->labels, why)
		    ?: add_each(doc, &o->mounts, add_mount, why)
		    ?: add_each(doc, &o->publish, add_publish, why)
		    ?: add_each(doc, &o->tmpfs, add_tmpfs, why)
		    ?: add_each(doc, &o->devices, add_device, why)
		    ?: add_each(doc, &o->caps, add_cap, why)
		    ?: set_seccomp(doc, o->seccomp, why)
		    ?: set_command(doc, command, nr, why)
		    ?: add_each(doc, &o->sets, set_any, why);
	if (r < 0)
		return why_set(why, r, "task spec");
	*ret = take_ptr(doc);
	return 0;
}
