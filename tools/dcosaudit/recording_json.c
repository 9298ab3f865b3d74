// SPDX-License-Identifier: Apache-2.0
/*
 * Recordings as files. The form is in dcosaudit(1), "RECORDINGS"; unknown keys are errors, so that
 * a file of a later version is not half understood. Calls have a name and a number: the name
 * decides, since numbers differ between architectures; the number is for what has no name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/lib/units.h"
#include "tools/common/client.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/recording.h"

#define PLACE_MAX 128 /* bytes of a JSON pointer */
#define SHOWN_MAX 64 /* bytes of a value in a message */
#define ERRNO_MAX 4095

/* ---- writing ---- */

static json_t *error_name(uint32_t err)
{
	const char *name = strerrorname_np((int)err);
	char number[16];

	(void)snprintf(number, sizeof(number), "%" PRIu32, err); /* fits */
	return json_string(name ? name : number);
}

static json_t *call_to_json(const struct rec_call *c)
{
	json_t *errors = json_object(), *classes = json_array();
	char name[CALL_NAME_MAX];

	for (size_t i = 0; i < c->errors_nr; i++) {
		json_t *key = error_name(c->errors[i].err);

		(void)json_object_set_new(errors, json_string_value(key),
					  json_integer((json_int_t)c->errors[i].count));
		json_decref(key);
	}
	for (size_t i = 0; i < c->classes_nr; i++) {
		const struct rec_class *k = &c->classes[i];
		char hex[24];

		(void)snprintf(hex, sizeof(hex), "0x%" PRIx64, k->value); /* fits */
		(void)json_array_append_new(classes,
					    json_pack("{s:i, s:s, s:I}", "arg", (int)k->arg,
						      "value", hex, "count", (json_int_t)k->count));
	}
	return json_pack("{s:s, s:s, s:i, s:I, s:I, s:o, s:I, s:o, s:I}", "arch",
			 arch_name(c->arch), "name", call_name(c->arch, c->nr, name), "number",
			 c->nr, "count", (json_int_t)c->count, "denied", (json_int_t)c->denied,
			 "errors", errors, "errors_lost", (json_int_t)c->errors_lost, "arguments",
			 classes, "arguments_lost", (json_int_t)c->classes_lost);
}

static json_t *part_to_json(const struct rec_calls *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr; i++)
		(void)json_array_append_new(list, call_to_json(&p->calls[i]));
	return json_pack("{s:I, s:o}", "lost", (json_int_t)p->lost, "calls", list);
}

json_t *rec_to_json(const struct recording *r)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:i, s:b, s:I, s:o, s:o}", "format",
			 REC_FORMAT, "version", REC_VERSION, "task", r->task, "command", r->command,
			 "kernel", r->kernel, "started_unix_us", (json_int_t)r->started_unix_us,
			 "duration_us", (json_int_t)r->duration_us, "runs", (int)r->runs,
			 "complete", r->complete, "lost", (json_int_t)r->lost,
			 rec_part_name(REC_STARTUP), part_to_json(&r->parts[REC_STARTUP]),
			 rec_part_name(REC_RUNNING), part_to_json(&r->parts[REC_RUNNING]));
}

/* ---- reading ---- */

struct reader {
	struct why *why;
	struct recording *r;
	char place[PLACE_MAX];
};

static int bad(struct reader *rd, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(struct reader *rd, const char *key, const char *fmt, ...)
{
	char text[WHY_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut text is still true */
	va_end(ap);
	return why_set(rd->why, -EINVAL, "%s%s%s: %s", rd->place, *key ? "/" : "", key, text);
}

/* Other keys than these are errors. @keys: ended by NULL */
static int only_keys(struct reader *rd, const json_t *o, const char *const *keys)
{
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return bad(rd, "", "must be an object");
	json_object_foreach ((json_t *)o, name, v) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], name))
			i++;
		if (!keys[i])
			return bad(rd, "", "unknown key \"%.*s\"", SHOWN_MAX, name);
	}
	return 0;
}

/* What is missing is 0. */
static int number(struct reader *rd, const json_t *o, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return bad(rd, key, "must be a whole number, 0..%" PRIu64, max);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int text(struct reader *rd, const json_t *o, const char *key, char ret[static REC_TEXT_MAX])
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return bad(rd, key, "must be a string");
	(void)snprintf(ret, REC_TEXT_MAX, "%s", json_string_value(v)); /* cut: for reading only */
	return 0;
}

static int read_errors(struct reader *rd, const json_t *o, struct rec_call *c)
{
	const char *name;
	json_t *v;

	if (o && !json_is_object(o))
		return bad(rd, "errors", "must be an object");
	json_object_foreach ((json_t *)o, name, v) {
		uint64_t err = 0, count = 0;
		int r = number(rd, o, name, INT64_MAX, &count);

		if (r)
			return r;
		for (uint64_t e = 1; e <= ERRNO_MAX; e++) {
			const char *known = strerrorname_np((int)e);

			if (known && !strcmp(known, name))
				err = e;
		}
		if (!err && parse_u64(name, 1, ERRNO_MAX, &err) < 0)
			return bad(rd, "errors", "\"%.*s\" is no errno", SHOWN_MAX, name);
		rec_error_add(c, (uint32_t)err, count);
	}
	return 0;
}

static int parse_hex(const char *s, uint64_t *ret)
{
	unsigned long long v;
	char end;

	if (strlen(s) > 18 || strspn(s, "0x123456789abcdefABCDEF") != strlen(s) ||
	    sscanf(s, "0x%llx%c", &v, &end) != 1)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int read_class(struct reader *rd, const json_t *o, struct rec_call *c)
{
	static const char *const keys[] = {"arg", "value", "count", NULL};
	const char *value = json_string_value(json_object_get(o, "value"));
	uint64_t arg = 0, count = 0, v = 0;
	int err = only_keys(rd, o, keys);

	if (!err)
		err = number(rd, o, "arg", 5, &arg);
	if (!err)
		err = number(rd, o, "count", INT64_MAX, &count);
	if (!err && (!value || parse_hex(value, &v) < 0))
		err = bad(rd, "arguments", "\"value\" must be a string as \"0x1f\"");
	if (!err)
		rec_class_add(c, (uint32_t)arg, v, count);
	return err;
}

static int read_classes(struct reader *rd, const json_t *list, struct rec_call *c)
{
	const json_t *v;
	int err = 0;
	size_t i;

	if (list && !json_is_array(list))
		return bad(rd, "arguments", "must be an array");
	json_array_foreach (list, i, v)
		err = err ? err : read_class(rd, v, c);
	return err;
}

static uint32_t arch_of(const char *name)
{
	uint32_t arches[4] = {seccomp_arch_native()};

	arch_siblings(arches + 1);
	for (size_t i = 0; name && i < ARRAY_SIZE(arches) && arches[i]; i++)
		if (!strcmp(arch_name(arches[i]), name))
			return arches[i];
	return 0;
}

static int call_number(struct reader *rd, const json_t *o, uint32_t arch, int *ret)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	uint64_t nr = INT32_MAX;
	int err = number(rd, o, "number", INT32_MAX, &nr), known;

	if (err)
		return err;
	known = name ? seccomp_syscall_resolve_name_arch(arch, name) : -1;
	if (known >= 0)
		nr = (uint64_t)known;
	else if (nr == INT32_MAX)
		return bad(rd, "name", "must be a system call of %s, or have a number",
			   arch_name(arch));
	*ret = (int)nr;
	return 0;
}

static int read_call(struct reader *rd, const json_t *o, enum rec_part part)
{
	static const char *const keys[] = {"arch",	     "name",   "number",      "count",
					   "denied",	     "errors", "errors_lost", "arguments",
					   "arguments_lost", NULL};
	const char *name = json_string_value(json_object_get(o, "arch"));
	uint32_t arch = arch_of(name);
	struct rec_call *c;
	uint64_t more = 0;
	int nr = 0, err = only_keys(rd, o, keys);

	if (!err && !arch)
		err = bad(rd, "arch", "\"%.*s\" is not executed by this machine (%s)", SHOWN_MAX,
			  name ? name : "", arch_name(seccomp_arch_native()));
	if (!err)
		err = call_number(rd, o, arch, &nr);
	if (err)
		return err;
	c = rec_call(rd->r, part, arch, nr);
	if (!c)
		return bad(rd, "", "more than %d different calls", REC_CALLS_MAX);
	if (c->count)
		return bad(rd, "", "the call stands here twice");
	err = number(rd, o, "count", INT64_MAX, &c->count);
	err = err ?: number(rd, o, "denied", INT64_MAX, &c->denied);
	err = err ?: read_errors(rd, json_object_get(o, "errors"), c);
	err = err ?: number(rd, o, "errors_lost", INT64_MAX, &more);
	c->errors_lost += more;
	more = 0;
	err = err ?: read_classes(rd, json_object_get(o, "arguments"), c);
	err = err ?: number(rd, o, "arguments_lost", INT64_MAX, &more);
	c->classes_lost += more;
	return err;
}

static int read_part(struct reader *rd, const json_t *doc, enum rec_part part)
{
	static const char *const keys[] = {"lost", "calls", NULL};
	const json_t *o = json_object_get(doc, rec_part_name(part)), *list, *v;
	int err;
	size_t i;

	(void)snprintf(rd->place, sizeof(rd->place), "/%s", rec_part_name(part)); /* fits */
	if (!o)
		return bad(rd, "", "is missing");
	err = only_keys(rd, o, keys);
	if (!err)
		err = number(rd, o, "lost", INT64_MAX, &rd->r->parts[part].lost);
	list = json_object_get(o, "calls");
	if (!err && !json_is_array(list))
		err = bad(rd, "calls", "must be an array");
	json_array_foreach (list, i, v) {
		if (err)
			break;
		(void)snprintf(rd->place, sizeof(rd->place), "/%s/calls/%zu", rec_part_name(part),
			       i); /* fits */
		err = read_call(rd, v, part);
	}
	return err;
}

static int read_head(struct reader *rd, const json_t *j)
{
	static const char *const keys[] = {"format",	  "version", "task",
					   "command",	  "kernel",  "started_unix_us",
					   "duration_us", "runs",    "complete",
					   "lost",	  "startup", "running",
					   NULL};
	const char *format = json_string_value(json_object_get(j, "format"));
	uint64_t runs = 1;
	int err;

	if (!json_is_object(j) || !format || strcmp(format, REC_FORMAT))
		return bad(rd, "format", "must be \"" REC_FORMAT "\": this is no recording");
	if (json_integer_value(json_object_get(j, "version")) != REC_VERSION)
		return bad(rd, "version", "must be %d", REC_VERSION);
	err = only_keys(rd, j, keys);
	err = err ?: text(rd, j, "task", rd->r->task);
	err = err ?: text(rd, j, "command", rd->r->command);
	err = err ?: text(rd, j, "kernel", rd->r->kernel);
	err = err ?: number(rd, j, "started_unix_us", INT64_MAX, &rd->r->started_unix_us);
	err = err ?: number(rd, j, "duration_us", INT64_MAX, &rd->r->duration_us);
	err = err ?: number(rd, j, "runs", INT32_MAX, &runs);
	err = err ?: number(rd, j, "lost", INT64_MAX, &rd->r->lost);
	rd->r->runs = (uint32_t)runs;
	rd->r->complete = json_is_true(json_object_get(j, "complete"));
	return err;
}

int rec_from_json(const json_t *j, struct recording *ret, struct why *why)
{
	struct recording r = {};
	struct reader rd = {.why = why, .r = &r};
	int err = read_head(&rd, j);

	for (int part = 0; !err && part < REC_PARTS; part++)
		err = read_part(&rd, j, (enum rec_part)part);
	if (err) {
		rec_free(&r);
		return err;
	}
	*ret = r;
	return 0;
}

int rec_read(const char *path, struct recording *ret, struct why *why)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *buf = NULL;
	struct why cause = {};
	json_error_t where;
	size_t len = 0;
	int err = slurp_at(AT_FDCWD, path, 0, REC_JSON_MAX, &buf, &len);

	if (err == -EFBIG)
		return why_set(why, -EINVAL, "%s: has more than %u bytes, which no recording has",
			       path, REC_JSON_MAX);
	if (err == -EINVAL)
		return why_set(why, err, "%s: must be a file", path);
	if (err)
		return why_set(why, err, "%s", path);
	j = json_loadb(buf, len, JSON_REJECT_DUPLICATES, &where);
	if (!j)
		return why_set(why, -EINVAL, "%s:%d:%d: no JSON: %s", path, where.line,
			       where.column, where.text);
	err = rec_from_json(j, ret, &cause);
	return err ? why_set(why, err, "%s: %s", path, cause.text) : 0;
}

int rec_read_all(const char *const *paths, int nr, struct recording *ret, struct why *why)
{
	struct recording all = {};
	int err = 0;

	for (int i = 0; !err && i < nr; i++) {
		struct recording one = {};

		err = rec_read(paths[i], &one, why);
		if (!err && rec_merge(&all, &one) < 0)
			err = why_set(why, -ENOMEM, "%s", paths[i]);
		rec_free(&one);
	}
	if (err) {
		rec_free(&all);
		return err;
	}
	*ret = all;
	return 0;
}

int rec_write(const char *path, const struct recording *r, struct why *why)
{
	cleanup_json json_t *j = rec_to_json(r);
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;

	if (!j || asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return why_set(why, -ENOMEM, "%s", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return why_set(why, -errno, "%s", path);
	if (json_dumpfd(j, fd, JSON_INDENT(1)) < 0 || write(fd, "\n", 1) != 1 ||
	    rename(temporary, path) < 0) {
		int err = errno ? -errno : -EIO;

		(void)unlink(temporary); /* nothing more can be done about it */
		return why_set(why, err, "%s", path);
	}
	return 0;
}
