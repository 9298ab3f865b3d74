// SPDX-License-Identifier: Apache-2.0
/* Sums over CPUs, and puts together what the array and the hash have of a call; see collect.h. */
#include "tools/dcosaudit/collect.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

_Static_assert((int)REC_STARTUP == DCOS_AUDIT_STARTUP && (int)REC_RUNNING == DCOS_AUDIT_RUNNING,
	       "one order of parts");

/* @count more of one thing that was seen of a call. */
static int add(struct recording *r, const struct dcos_audit_key *k, uint64_t count)
{
	enum rec_part part = (enum rec_part)k->part;
	struct rec_call *c = rec_call(r, part, live_numbering_arch(k->numbering), k->nr);

	if (!c && r->parts[part].nr < REC_CALLS_MAX)
		return -ENOMEM;
	if (!c)
		r->parts[part].lost += k->kind == DCOS_NOTE_COUNT ? count : 0;
	else if (k->kind == DCOS_NOTE_COUNT)
		c->count += count;
	else if (k->kind == DCOS_NOTE_DENIED)
		c->denied += count;
	else if (k->kind == DCOS_NOTE_ERROR)
		rec_error_add(c, k->value, count);
	else
		rec_class_add(c, k->kind - DCOS_NOTE_ARG, k->value, count);
	return 0;
}

static int add_notes(struct recording *r, struct dcos_audit_key *k, const struct dcos_audit_call *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < DCOS_AUDIT_NOTES && c->notes[i].kind; i++) {
		k->kind = c->notes[i].kind;
		k->value = c->notes[i].value;
		err = add(r, k, c->notes[i].count);
	}
	return err;
}

/* One call on one CPU. */
static int add_call(struct recording *r, struct dcos_audit_key *k, const struct dcos_audit_call *c)
{
	int err;

	if (!c->count)
		return 0;
	k->kind = DCOS_NOTE_COUNT;
	err = add(r, k, c->count);
	k->kind = DCOS_NOTE_DENIED;
	if (!err)
		err = add(r, k, c->denied);
	return err ? err : add_notes(r, k, c);
}

static int add_array(struct live *l, struct recording *r)
{
	const struct dcos_audit_call *c = live_calls(l);
	int err = 0;

	for (uint32_t cpu = 0; cpu < live_ncpu(l); cpu++)
		for (uint16_t part = 0; part < DCOS_AUDIT_PARTS; part++)
			for (int nr = 0; !err && nr < (int)DCOS_AUDIT_CALLS; nr++, c++) {
				struct dcos_audit_key k = {
					.part = part,
					.numbering = DCOS_NR_NATIVE,
					.nr = nr,
				};

				err = add_call(r, &k, c);
			}
	return err;
}

static int add_hash(struct live *l, struct recording *r)
{
	struct dcos_audit_key key, *prev = NULL;
	int err = 0, fd = live_extra_fd(l);

	/* a key may be seen twice if others are added meanwhile: they never are removed */
	for (int i = 0; !err && i < (int)DCOS_AUDIT_EXTRA; i++) {
		uint64_t count = 0;

		if (bpf_map_get_next_key(fd, prev, &key))
			break;
		prev = &key;
		if (!bpf_map_lookup_elem(fd, &key, &count))
			err = add(r, &key, count);
	}
	return err;
}

static uint64_t now_unix_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int collect(struct live *l, const struct target *t, uint64_t started_unix_us, struct recording *ret)
{
	const struct dcos_audit_state *s = live_state(l);
	uint64_t now = now_unix_us();
	struct recording r = {
		.started_unix_us = started_unix_us,
		.duration_us = now > started_unix_us ? now - started_unix_us : 0,
		.runs = 1,
		.lost = s->lost + s->storage_failed + live_skipped(l),
	};
	struct utsname u;
	int err;

	memcpy(r.task, t->name, sizeof(r.task));
	memcpy(r.command, t->text, sizeof(r.command));
	if (uname(&u) == 0)
		(void)snprintf(r.kernel, sizeof(r.kernel), "%s", u.release); /* fits */
	err = add_array(l, &r);
	if (!err)
		err = add_hash(l, &r);
	if (err) {
		rec_free(&r);
		return err;
	}
	*ret = r;
	return 0;
}
