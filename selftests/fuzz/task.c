// SPDX-License-Identifier: Apache-2.0
/*
 * Any document as a task spec: refused with a key and a sentence that are UTF-8, or parsed; what
 * is parsed keeps a document that makes the same spec again, and a third time the same document.
 */
#include "agent/task.h"

#include <stdlib.h>
#include <string.h>

#include "agent/task_draft.h"

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

static void put_object(struct random *r, FILE *f, struct rows table, const char *first)
{
	(void)fprintf(f, "{%s", first);
	for (unsigned int i = next(r, 5); i > 0; i--) {
		const struct row *row = rows_at(&table, next(r, table.nr));

		(void)fprintf(f, "%s\"%s\":%s", *first ? "," : "", row->name,
			      values[next(r, ARRAY_LEN(values))]);
		first = ",";
	}
	(void)fputc('}', f);
}

/* A document out of the tables' keys and of values that some of them take. */
static size_t invent(struct random *r, char *buf, size_t max)
{
	FILE *f = fmemopen(buf, max, "w");
	size_t n;

	if (!f)
		abort();
	(void)fputs("{\"cmd\":\"x\",\"resources\":", f);
	put_object(r, f, resource_rows(), "");
	(void)fputs(",\"rlimits\":", f);
	put_object(r, f, rlimit_rows(), "");
	(void)fputs(",\"mounts\":[", f);
	put_object(r, f, mount_rows(), next(r, 2) ? "\"target\":\"/t\"" : "");
	(void)fputs("],\"devices\":[", f);
	put_object(r, f, device_rows(), "");
	(void)fputs("],\"labels\":", f);
	put_object(r, f, task_rows(), "");
	n = (size_t)ftell(f);
	(void)fclose(f);
	if (n + 1 >= max)
		return n;
	f = fmemopen(buf + n, max - n, "w");
	if (!f)
		abort();
	for (unsigned int i = next(r, 6); i > 0; i--) {
		struct rows table = task_rows();
		const struct row *row = rows_at(&table, next(r, table.nr));

		(void)fprintf(f, ",\"%s\":%s", row->name, values[next(r, ARRAY_LEN(values))]);
	}
	(void)fputc('}', f);
	n += (size_t)ftell(f);
	(void)fclose(f);
	return n < max ? n : max;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct random r = {seed};

	if (max < 1024 || next(&r, 3))
		return LLVMFuzzerMutate(data, size, max);
	return invent(&r, (char *)data, max);
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
