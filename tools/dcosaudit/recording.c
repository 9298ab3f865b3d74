// SPDX-License-Identifier: Apache-2.0
/* Recordings in memory: finding entries, adding, merging. */
#include "tools/dcosaudit/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rec_part_name(enum rec_part part)
{
	switch (part) {
	case REC_STARTUP:
		return "startup";
	case REC_RUNNING:
		return "running";
	case REC_PARTS:
		break;
	}
	return "?";
}

struct rec_call *rec_call(struct recording *r, enum rec_part part, uint32_t arch, int nr)
{
	struct rec_calls *p = &r->parts[part];

	for (size_t i = 0; i < p->nr; i++)
		if (p->calls[i].nr == nr && p->calls[i].arch == arch)
			return &p->calls[i];
	if (p->nr == REC_CALLS_MAX)
		return NULL;
	if (p->nr == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct rec_call *calls = reallocarray(p->calls, room, sizeof(*calls));

		if (!calls)
			return NULL;
		p->calls = calls;
		p->room = room;
	}
	p->calls[p->nr] = (struct rec_call){.arch = arch, .nr = nr};
	return &p->calls[p->nr++];
}

void rec_error_add(struct rec_call *c, uint32_t err, uint64_t count)
{
	for (size_t i = 0; i < c->errors_nr; i++)
		if (c->errors[i].err == err) {
			c->errors[i].count += count;
			return;
		}
	if (c->errors_nr == REC_ERRORS_MAX)
		c->errors_lost += count;
	else
		c->errors[c->errors_nr++] = (struct rec_error){err, count};
}

void rec_class_add(struct rec_call *c, uint32_t arg, uint64_t value, uint64_t count)
{
	for (size_t i = 0; i < c->classes_nr; i++)
		if (c->classes[i].arg == arg && c->classes[i].value == value) {
			c->classes[i].count += count;
			return;
		}
	if (c->classes_nr == REC_CLASSES_MAX)
		c->classes_lost += count;
	else
		c->classes[c->classes_nr++] = (struct rec_class){arg, value, count};
}

static void merge_call(struct rec_call *into, const struct rec_call *from)
{
	into->count += from->count;
	into->denied += from->denied;
	into->errors_lost += from->errors_lost;
	into->classes_lost += from->classes_lost;
	for (size_t i = 0; i < from->errors_nr; i++)
		rec_error_add(into, from->errors[i].err, from->errors[i].count);
	for (size_t i = 0; i < from->classes_nr; i++)
		rec_class_add(into, from->classes[i].arg, from->classes[i].value,
			      from->classes[i].count);
}

static int merge_part(struct recording *into, const struct recording *from, enum rec_part part)
{
	const struct rec_calls *p = &from->parts[part];

	into->parts[part].lost += p->lost;
	for (size_t i = 0; i < p->nr; i++) {
		struct rec_call *c = rec_call(into, part, p->calls[i].arch, p->calls[i].nr);

		if (c)
			merge_call(c, &p->calls[i]);
		else if (into->parts[part].nr == REC_CALLS_MAX)
			into->parts[part].lost += p->calls[i].count;
		else
			return -ENOMEM;
	}
	return 0;
}

static void merge_text(char into[static REC_TEXT_MAX], const char from[static REC_TEXT_MAX])
{
	if (!*into)
		memcpy(into, from, REC_TEXT_MAX);
}

int rec_merge(struct recording *into, const struct recording *from)
{
	bool first = !into->runs;
	int err = 0;

	merge_text(into->task, from->task);
	merge_text(into->command, from->command);
	merge_text(into->kernel, from->kernel);
	if (first || from->started_unix_us < into->started_unix_us)
		into->started_unix_us = from->started_unix_us;
	into->complete = from->complete && (first || into->complete);
	into->duration_us += from->duration_us;
	into->runs += from->runs;
	into->lost += from->lost;
	for (int part = 0; !err && part < REC_PARTS; part++)
		err = merge_part(into, from, (enum rec_part)part);
	return err;
}

void rec_free(struct recording *r)
{
	for (int part = 0; part < REC_PARTS; part++)
		free(r->parts[part].calls);
	*r = (struct recording){};
}
