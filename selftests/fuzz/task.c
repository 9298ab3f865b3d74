// SPDX-License-Identifier: Apache-2.0
/*
 * Any document as a task spec: refused with a key and a sentence that are UTF-8, or parsed; what
 * is parsed keeps a document that makes the same spec again, and a third time the same document.
 */
#include "agent/task.h"

#include <stdlib.h>
#include <string.h>

#include "agent/task_draft.h"

#define INVENTED_MAX 1024 /* bytes; the longest is shorter */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

static const char *const values[] = {
	"null",
	"true",
	"false",
	"0",
	"1",
	"-1",
	"0.5",
	"1e300",
	"1e-9",
	"9223372036854775807",
	"\"host\"",
	"\"none\"",
	"\"/\"",
	"\"/usr\"",
	"\"/tmp\"",
	"\"/dev/null\"",
	"\"0:0\"",
	"\"root\"",
	"\"1:2\"",
	"\"64M\"",
	"\"100ms\"",
	"\"max\"",
	"\"default\"",
	"\"a\"",
	"\"022\"",
	"\"rwm\"",
	"\"c\"",
	"\"\\u0000\"",
	"[\"x\"]",
	"[1,2]",
	"[]",
	"{}",
	"{\"A\":\"1\"}",
	"[\"NET_RAW\",\"default\"]",
	"\"unconfined\"",
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
};

struct random {
	unsigned int state;
};

static unsigned int next(struct random *r, size_t n)
{
	r->state = r->state * 1103515245U + 12345U;
	return (r->state >> 8) % (unsigned int)n;
}

/* Up to @nr members; a key that is named twice counts the last time. */
static void put_members(struct random *r, FILE *f, struct rows table, unsigned int nr)
{
	while (nr--) {
		const struct row *row = rows_at(&table, next(r, table.nr));

		(void)fprintf(f, ",\"%s\":%s", row->name, values[next(r, ARRAY_LEN(values))]);
	}
}

/* A document out of the tables' keys and of values that some of them take; few keys of each. */
static void invent(struct random *r, FILE *f)
{
	(void)fputs("{\"cmd\":\"x\"", f);
	put_members(r, f, task_rows(), next(r, 3));
	if (!next(r, 3)) {
		(void)fputs(",\"resources\":{\"pids\":1", f);
		put_members(r, f, resource_rows(), next(r, 3));
		(void)fputc('}', f);
	}
	if (!next(r, 3)) {
		(void)fputs(",\"rlimits\":{\"core\":0", f);
		put_members(r, f, rlimit_rows(), next(r, 3));
		(void)fputc('}', f);
	}
	if (!next(r, 3)) {
		(void)fputs(",\"mounts\":[{\"target\":\"/t\",\"tmpfs\":true", f);
		put_members(r, f, mount_rows(), next(r, 2));
		(void)fputs("}]", f);
	}
	if (!next(r, 3)) {
		(void)fputs(",\"devices\":[{\"type\":\"c\"", f);
		put_members(r, f, device_rows(), next(r, 2));
		(void)fputs("}]", f);
	}
	(void)fputc('}', f);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct random r = {seed};
	long n;
	FILE *f;

	if (max < INVENTED_MAX || next(&r, 3))
		return LLVMFuzzerMutate(data, size, max);
	f = fmemopen(data, max, "w");
	if (!f)
		abort();
	invent(&r, f);
	n = ftell(f);
	(void)fclose(f); /* is memory */
	return n < 0 || (size_t)n > max ? 0 : (size_t)n;
}

static void must_restore(const struct config *c, const struct task_spec *t)
{
	struct task_spec *again = NULL;
	struct task_error err;

	if (task_spec_restore(c, t->doc, &again, &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", err.key, err.reason);
		abort();
	}
	if (!json_equal(t->doc, again->doc))
		abort();
	(void)task_spec_free(again);
}

static void must_be_text(const char *s)
{
	json_t *v = json_string(s);

	if (!v)
		abort();
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct task_spec *t = NULL;
	struct task_error err;
	/* the last key wins here, so that invented documents say more; the server refuses doubles */
	json_t *doc = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	if (!doc)
		return 0;
	if (config_new(&c) < 0)
		abort();
	if (task_spec_parse(c, doc, &t, &err) == 0) {
		must_restore(c, t);
		(void)task_spec_free(t);
	} else {
		if (t || !err.reason[0])
			abort();
		must_be_text(err.key);
		must_be_text(err.reason);
	}
	json_decref(doc);
	(void)config_free(c);
	return 0;
}
