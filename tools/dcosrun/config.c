// SPDX-License-Identifier: Apache-2.0
/* The top of a config.json. */
#include "tools/dcosrun/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/lib/units.h"

#define BIG_DIGITS 19 /* of INT64_MAX, and one less than of UINT64_MAX */
#define SUPPORTED  "1." /* of ociVersion: all that is compatible with 1.0.0 */

static int read_root(struct config *c, const json_t *doc)
{
	json_t *root = NULL;
	char *path = NULL;
	int err = cf_member(c, doc, "root", JSON_OBJECT, &root);
	size_t was;

	if (err)
		return err;
	if (!root)
		return cf_missing(c, "root");
	was = cf_in(c, "root", -1);
	err = cf_str(c, root, "path", &path);
	if (!err)
		err = cf_bool(c, root, "readonly", &c->oci.readonly);
	if (!err && (!path || !*path))
		err = cf_missing(c, "path");
	if (err)
		return err;
	c->oci.rootfs = path[0] == '/' ? path : cf_text(c, "%s/%s", c->bundle, path);
	cf_out(c, was);
	return c->oci.rootfs ? 0 : -ENOMEM;
}

static int read_version(struct config *c, const json_t *doc)
{
	char *version = NULL;
	int err = cf_str(c, doc, "ociVersion", &version);

	if (err)
		return err;
	if (!version)
		return cf_missing(c, "ociVersion");
	if (strncmp(version, SUPPORTED, strlen(SUPPORTED)))
		return cf_bad(c, "ociVersion", "\"%.32s\": allowed is 1.0.0 to 1.x", version);
	c->strict_caps = !strncmp(version, "1.0.", 4);
	return 0;
}

static int read_names(struct config *c, const json_t *doc)
{
	int err = cf_str(c, doc, "hostname", &c->spec.hostname);
	struct oci_pairs ignored = {0};

	if (!err)
		err = cf_str(c, doc, "domainname", &c->oci.domainname);
	if (!err && c->spec.hostname && !*c->spec.hostname)
		c->spec.hostname = NULL;
	if (!err && c->spec.hostname && strlen(c->spec.hostname) > 64)
		err = cf_bad(c, "hostname", "%zu bytes: allowed are up to 64",
			     strlen(c->spec.hostname));
	if (!err && c->oci.domainname && !*c->oci.domainname)
		c->oci.domainname = NULL;
	if (!err)
		err = cf_pairs(c, doc, "annotations", CONFIG_ITEMS_MAX, &ignored);
	c->annotations = json_object_get(doc, "annotations");
	return err;
}

static void set_defaults(struct config *c)
{
	static char *no_env[] = {NULL};

	c->spec.process.cwd = NULL;
	c->spec.process.env = no_env;
	c->spec.process.umask = 0022;
	c->spec.process.oom_score_adj = INT_MIN;
	c->oci.start_fd = -1;
	c->oci.process.console_fd = -1;
	memset(&c->spec.resources, 0xff, sizeof(c->spec.resources)); /* CT_UNSET */
	c->spec.resources.io_max.device[0] = '\0'; /* a text */
	c->spec.resources.cpu_period_us = CT_PERIOD_US;
	c->spec.oci = &c->oci;
}

/* It may be missing until the start: runtime-spec config.md, "process". */
static int no_process(struct config *c)
{
	static char *nothing[] = {(char *)"", NULL};

	c->oci.process.none = true;
	c->spec.process.args = nothing;
	c->spec.process.cwd = (char *)"/";
	return 0;
}

static int read_process(struct config *c, const json_t *doc)
{
	json_t *process = NULL;
	int err = cf_member(c, doc, "process", JSON_OBJECT, &process);
	size_t was;

	if (err)
		return err;
	if (!process)
		return no_process(c);
	was = cf_in(c, "process", -1);
	err = config_read_process(c, process);
	if (!err)
		cf_out(c, was);
	return err;
}

static int read_linux(struct config *c, const json_t *doc)
{
	json_t *linux_ = NULL;
	int err = cf_member(c, doc, "linux", JSON_OBJECT, &linux_);
	size_t was;

	if (err)
		return err;
	if (!linux_)
		return cf_missing(c, "linux");
	was = cf_in(c, "linux", -1);
	err = config_read_linux(c, linux_);
	if (!err)
		cf_out(c, was);
	return err;
}

int config_parse(struct config *c, json_t *doc, const char *bundle, struct why *why)
{
	int err;

	c->doc = doc;
	c->why = why;
	c->bundle = bundle;
	set_defaults(c);
	if (!json_is_object(doc))
		return why_set(why, -EINVAL, "config.json: must be an object");
	err = read_version(c, doc);
	if (!err)
		err = read_root(c, doc);
	if (!err)
		err = read_names(c, doc);
	if (!err)
		err = read_linux(c, doc); /* before what depends on its namespaces */
	if (!err)
		err = read_process(c, doc);
	if (!err)
		err = config_read_mounts(c, doc);
	return err ? err : config_read_hooks(c, doc);
}

static int parse_digits(const char *text, size_t digits, uint64_t *ret)
{
	char number[BIG_DIGITS + 2] = "";

	memcpy(number, text, digits);
	return parse_u64(number, 0, UINT64_MAX, ret);
}

/*
 * Numbers above what jansson keeps, such as the limit that is none, 2^64 - 1, as the negative ones
 * of the same bits. Return: malloc'd text; NULL without memory
 */
static char *fold_numbers(const char *text, size_t len, size_t *ret_len)
{
	/* one of 19 digits may become 20 characters */
	size_t size = len + len / BIG_DIGITS + BIG_DIGITS + 2, at = 0;
	char *copy = malloc(size);
	bool in_string = false;

	for (size_t i = 0; copy && i < len;) {
		size_t digits = in_string ? 0 : strspn(text + i, "0123456789");
		uint64_t v;

		if (digits >= BIG_DIGITS && digits <= BIG_DIGITS + 1 && i && text[i - 1] != '-' &&
		    !strchr(".eE", text[i + digits]) && !parse_digits(text + i, digits, &v) &&
		    v > INT64_MAX) {
			at += (size_t)snprintf(copy + at, size - at, "%" PRId64, (int64_t)v);
		} else {
			if (text[i] == '"')
				in_string = !in_string;
			if (!digits)
				digits = in_string && text[i] == '\\' && i + 1 < len ? 2 : 1;
			memcpy(copy + at, text + i, digits);
			at += digits;
		}
		i += digits;
	}
	if (copy) {
		copy[at] = '\0';
		*ret_len = at;
	}
	return copy;
}

/* As config_text(), and the text it was read from, malloc'd. */
static json_t *document(const char *text, size_t len, const char *name, char **ret_text,
			struct why *why)
{
	size_t folded_len = 0;
	cleanup_free char *folded = fold_numbers(text, len, &folded_len);
	json_error_t where;
	json_t *doc;

	if (!folded) {
		(void)why_set(why, -ENOMEM, "%s", name); /* told by NULL */
		return NULL;
	}
	doc = json_loadb(folded, folded_len, JSON_REJECT_DUPLICATES, &where);
	if (!doc)
		(void)why_set(why, -EINVAL, "%s: line %d column %d: %s", name, where.line,
			      where.column, where.text); /* likewise */
	else
		*ret_text = take_ptr(folded);
	return doc;
}

json_t *config_text(const char *text, size_t len, const char *name, struct why *why)
{
	cleanup_free char *folded = NULL;

	return document(text, len, name, &folded, why);
}

int config_load(struct config *c, const char *bundle, const char *file, struct why *why)
{
	cleanup_free char *path = NULL, *text = NULL;
	size_t len = 0;
	json_t *doc;
	int err;

	if (file ? !(path = strdup(file)) : asprintf(&path, "%s/config.json", bundle) < 0)
		return why_set(why, -ENOMEM, "config.json");
	err = slurp_at(AT_FDCWD, path, 0, CONFIG_BYTES_MAX, &text, &len);
	if (err)
		return why_set(why, err, "%s", path);
	doc = document(text, len, path, &c->text, why);
	if (!doc)
		return -EINVAL;
	return config_parse(c, doc, bundle, why);
}

int config_process(struct config *c, json_t *process)
{
	struct oci_process *o = &c->oci.process;

	if (!json_is_object(process))
		return why_set(c->why, -EINVAL, "process: must be an object");
	c->place_len = 0;
	memset(o, 0, sizeof(*o));
	memset(&c->spec.process, 0, sizeof(c->spec.process));
	set_defaults(c);
	(void)cf_in(c, "process", -1); /* the last that is read */
	return config_read_process(c, process);
}

int config_resources(struct config *c, json_t *resources)
{
	c->place_len = 0;
	memset(&c->oci.knobs, 0, sizeof(c->oci.knobs));
	c->oci.rules = NULL;
	c->oci.rules_nr = 0;
	(void)cf_in(c, "resources", -1); /* the last that is read */
	return json_is_object(resources) ? config_read_resources(c, resources)
					 : cf_bad(c, "", "must be an object");
}
