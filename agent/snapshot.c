// SPDX-License-Identifier: Apache-2.0
/* What sample.c has read, as text: once a second, of all tasks, so not through a JSON tree. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/breach.h"
#include "agent/flight.h"
#include "agent/lib/cleanup.h"
#include "agent/sample.h"
#include "agent/usage.h"

#define DISK_NAME_MAX 64

static void print_number(struct jsonbuf *b, const char *key, uint64_t v)
{
	jb_raw(b, key, strlen(key));
	jb_u64(b, v);
}

static void print_exit(struct jsonbuf *b, const struct task *t)
{
	json_auto_t *x = task_exit_json(&t->exit);
	cleanup_free char *text = x ? json_dumps(x, JSON_COMPACT) : NULL;

	if (!text)
		return;
	jb_lit(b, ",\"exit\":");
	jb_raw(b, text, strlen(text));
}

void sample_print(struct jsonbuf *b, const struct task *t)
{
	if (t->frozen_usage) {
		jb_raw(b, t->frozen_usage, strlen(t->frozen_usage));
		return;
	}
	jb_lit(b, "{\"id\":");
	jb_text(b, t->spec->ct.id);
	jb_lit(b, ",\"state\":");
	jb_text(b, state_to_string(t->state));
	if (t->usage)
		usage_print(t->usage, b);
	if (state_ended(t->state))
		print_exit(b, t);
	jb_lit(b, "}");
}

json_t *sample_json(const struct task *t)
{
	cleanup_jsonbuf struct jsonbuf b = {};

	sample_print(&b, t);
	return b.err ? NULL : json_loadb(b.data, b.len, 0, NULL);
}

/* The kernel's name of a block device, e.g. "sda". Return: has it one. */
static bool disk_name(const struct meter_disk *d, char *ret, size_t size)
{
	char path[64], target[PATH_MAX];
	const char *name;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", d->major, d->minor); /* fits */
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	name = strrchr(target, '/');
	/* a cut one is still shown */
	(void)snprintf(ret, size, "%.*s", (int)size - 1, name ? name + 1 : target);
	return true;
}

static void print_disk(struct jsonbuf *b, const struct meter_disk *d)
{
	char name[DISK_NAME_MAX];

	print_number(b, "{\"device\":\"", d->major);
	print_number(b, ":", d->minor);
	jb_lit(b, "\"");
	if (disk_name(d, name, sizeof(name))) {
		jb_lit(b, ",\"name\":");
		jb_text(b, name);
	}
	print_number(b, ",\"read_bytes\":", d->io.read_bytes);
	print_number(b, ",\"write_bytes\":", d->io.write_bytes);
	print_number(b, ",\"reads\":", d->io.nr_reads);
	print_number(b, ",\"writes\":", d->io.nr_writes);
	jb_lit(b, "}");
}

void sample_disks(struct jsonbuf *b, const struct task *t)
{
	struct meter_disk disks[DCOS_TASK_DISKS];
	int nr = 0;

	if (t->ct && t->ct->iso.metered && t->node->meter)
		nr = meter_disks(t->node->meter, t->ct->iso.slot, disks, DCOS_TASK_DISKS);
	jb_lit(b, "[");
	for (int i = 0; i < nr; i++) {
		if (i)
			jb_lit(b, ",");
		print_disk(b, &disks[i]);
	}
	jb_lit(b, "]");
}

void sample_freeze(struct task *t)
{
	struct jsonbuf b = {};

	if (t->frozen_usage)
		return;
	sample_print(&b, t);
	t->frozen_usage = jb_take(&b);
	if (t->flight) {
		jb_lit(&b, ",\"flight\":");
		flight_print(t, flight_ticks(t->node, FLIGHT_US), &b);
		jb_lit(&b, ",\"disks\":");
		sample_disks(&b, t);
		t->ending = jb_take(&b);
	}
	t->flight = flight_free(t->flight);
	t->watch = breach_watch_free(t->watch);
	free(take_ptr(t->usage));
}

static bool ended_lately(const struct task *t, uint64_t now_us)
{
	return state_ended(t->state) && t->exit.ended_unix_us + SAMPLE_ENDED_SHOWN_US > now_us;
}

/* How many of those that ended lately are too many, so that a snapshot stays one of what runs. */
static int ended_too_many(const struct node *n, uint64_t now_us)
{
	int nr = 0;

	for (int i = 0; i < n->tasks_nr; i++)
		nr += ended_lately(n->tasks[i], now_us);
	return nr > SAMPLE_ENDED_SHOWN_MAX ? nr - SAMPLE_ENDED_SHOWN_MAX : 0;
}

void sample_snapshot(const struct node *n, struct jsonbuf *b)
{
	uint64_t now = unix_now_us();
	int skip = ended_too_many(n, now);
	bool first = true;

	print_number(b, "{\"snapshot\":{\"seq\":", n->seq);
	print_number(b, ",\"time_ns\":", n->sampled_ns);
	print_number(b, ",\"interval_ms\":", n->cfg->meter_interval_us / 1000);
	print_number(b, ",\"ncpu\":", (uint64_t)n->ncpu);
	jb_lit(b, ",\"usages\":[");
	for (int i = 0; i < n->tasks_nr; i++) {
		if (state_ended(n->tasks[i]->state) &&
		    (!ended_lately(n->tasks[i], now) || skip-- > 0))
			continue;
		if (!first)
			jb_lit(b, ",");
		first = false;
		sample_print(b, n->tasks[i]);
	}
	jb_lit(b, "]}}");
}
