// SPDX-License-Identifier: Apache-2.0
/* Denials as text and JSON, see refusal.h. */
#include "tools/dcosaudit/refusal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/argclass.h"
#include "tools/dcosaudit/live.h"

#define MAPS_LINE_MAX 4352 /* bytes: PATH_MAX and what stands before it */

/* ---- places ---- */

struct mapping {
	uint64_t start, end, offset;
	const char *path;
};

/* "7f00-7f80 r-xp 00001000 fe:00 1234  /usr/lib/libc.so.6": proc(5) */
static bool mapping_parse(char *line, struct mapping *ret)
{
	int at = 0;
	char *base;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &ret->start,
		   &ret->end, &ret->offset, &at) < 3 ||
	    !at)
		return false;
	base = strrchr(line + at, '/');
	ret->path = base ? base + 1 : line + at;
	return true;
}

static void place_set(const struct dcos_refusal *r, struct refusal_stack *s,
		      const struct mapping *m)
{
	for (int i = 0; i < s->nr; i++) {
		uint64_t at = r->stack[i];

		if (at < m->start || at >= m->end || !*m->path)
			continue;
		/* cut: for people only */
		(void)snprintf(s->places[i], sizeof(s->places[i]), "%.200s+0x%" PRIx64, m->path,
			       at - m->start + m->offset);
	}
}

void refusal_stack(const struct dcos_refusal *r, struct refusal_stack *ret)
{
	char path[32], line[MAPS_LINE_MAX];
	struct mapping m;

	ret->nr = r->stack_nr < 0 ? 0 : r->stack_nr;
	if (ret->nr > (int)DCOS_AUDIT_STACK)
		ret->nr = DCOS_AUDIT_STACK;
	for (int i = 0; i < ret->nr; i++)
		(void)snprintf(ret->places[i], sizeof(ret->places[i]), "0x%" PRIx64,
			       (uint64_t)r->stack[i]); /* fits */
	(void)snprintf(path, sizeof(path), "/proc/%u/maps", r->pid); /* fits */
	cleanup_fclose FILE *f = ret->nr ? fopen(path, "re") : NULL;

	while (f && fgets(line, sizeof(line), f))
		if (mapping_parse(line, &m))
			place_set(r, ret, &m);
}

/* ---- calls ---- */

static uint32_t arch_of(const struct dcos_refusal_key *k)
{
	return live_numbering_arch(k->numbering);
}

const char *refusal_name(const struct dcos_refusal_key *k, char buf[static CALL_NAME_MAX])
{
	char name[CALL_NAME_MAX];

	(void)call_name(arch_of(k), k->nr, name); /* it is @name */
	(void)snprintf(buf, CALL_NAME_MAX, "%s%s%.30s",
		       k->numbering == DCOS_NR_NATIVE ? "" : arch_name(arch_of(k)),
		       k->numbering == DCOS_NR_NATIVE ? "" : ":", name); /* names are shorter */
	return buf;
}

static size_t say(char *buf, size_t len, const char *text)
{
	int n = snprintf(buf + len, CONDITION_TEXT_MAX - len, "%s", text);

	len += n > 0 ? (size_t)n : 0;
	return len < CONDITION_TEXT_MAX ? len : CONDITION_TEXT_MAX - 1; /* cut */
}

const char *refusal_call(const struct dcos_refusal *r, char buf[static CONDITION_TEXT_MAX])
{
	char name[CALL_NAME_MAX], call[CALL_NAME_MAX], value[128];
	size_t len;
	int nr;

	(void)call_name(arch_of(&r->key), r->key.nr, call); /* it is @call */
	nr = refusal_args(call);
	len = say(buf, 0, refusal_name(&r->key, name));
	len = say(buf, len, "(");
	for (int i = 0; i < nr; i++) {
		const struct arg_class *k = arg_class_find(call, (uint32_t)i);

		if (k)
			(void)arg_value_text(k, r->args[i] & k->mask, value,
					     sizeof(value)); /* it is @value */
		else
			(void)snprintf(value, sizeof(value),
				       r->args[i] < 10 ? "%" PRIu64 : "0x%" PRIx64,
				       (uint64_t)r->args[i]); /* fits */
		len = say(buf, len, i ? ", " : "");
		len = say(buf, len, value);
	}
	(void)say(buf, len, ")");
	return buf;
}

int64_t refusal_unix_us(const struct dcos_refusal *r)
{
	struct timespec real, mono;
	int64_t ago;

	(void)clock_gettime(CLOCK_REALTIME, &real); /* cannot fail */
	(void)clock_gettime(CLOCK_MONOTONIC, &mono); /* cannot fail */
	ago = (int64_t)mono.tv_sec * 1000000000 + mono.tv_nsec - (int64_t)r->time_ns;
	return (int64_t)real.tv_sec * 1000000 + real.tv_nsec / 1000 - ago / 1000;
}

/* ---- JSON ---- */

static json_t *hex_json(uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, v); /* fits */
	return json_string(text);
}

/* A program may call itself anything; JSON wants UTF-8. */
static json_t *comm_json(const char comm[static 16])
{
	char text[17] = "";

	for (int i = 0; i < 16 && comm[i]; i++)
		text[i] = comm[i] >= ' ' && comm[i] < 0x7f ? comm[i] : '?';
	return json_string(text);
}

json_t *refusal_key_json(const struct dcos_refusal_key *k, uint64_t count)
{
	char name[CALL_NAME_MAX], verdict[VERDICT_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:s, s:I}", "arch", arch_name(arch_of(k)), "call",
			 call_name(arch_of(k), k->nr, name), "number", k->nr, "verdict",
			 verdict_text(k->verdict, verdict), "count", (json_int_t)count);
}

json_t *refusal_json(const struct dcos_refusal *r, const struct refusal_stack *stack)
{
	char name[CALL_NAME_MAX], verdict[VERDICT_TEXT_MAX], text[CONDITION_TEXT_MAX];
	json_t *args = json_array(), *places = json_array();

	for (int i = 0; i < (int)CBPF_ARGS; i++)
		(void)json_array_append_new(args, hex_json(r->args[i]));
	for (int i = 0; stack && i < stack->nr; i++)
		(void)json_array_append_new(places, json_string(stack->places[i]));
	return json_pack("{s:I, s:i, s:i, s:o, s:s, s:s, s:i, s:s, s:o, s:s, s:o}", "time_unix_us",
			 (json_int_t)refusal_unix_us(r), "pid", (int)r->pid, "tid", (int)r->tid,
			 "comm", comm_json(r->comm), "arch", arch_name(arch_of(&r->key)), "call",
			 call_name(arch_of(&r->key), r->key.nr, name), "number", r->key.nr, "text",
			 refusal_call(r, text), "args", args, "verdict",
			 verdict_text(r->key.verdict, verdict), "stack", places);
}

/* ---- counts ---- */

static int by_count(const void *a, const void *b)
{
	const struct refusal_count *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

int refusal_counts(int fd, struct refusal_count **ret)
{
	struct refusal_count *all = calloc(DCOS_AUDIT_REFUSALS, sizeof(*all));
	struct dcos_refusal_key *prev = NULL;
	int nr = 0;

	if (!all)
		return -ENOMEM;
	while (nr < (int)DCOS_AUDIT_REFUSALS && !bpf_map_get_next_key(fd, prev, &all[nr].key)) {
		prev = &all[nr].key;
		if (!bpf_map_lookup_elem(fd, prev, &all[nr].count))
			nr++;
	}
	qsort(all, (size_t)nr, sizeof(*all), by_count);
	*ret = all;
	return nr;
}
