// SPDX-License-Identifier: Apache-2.0
/* Method Doctor: what works on this host and why not, and what was dropped. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api.h"
#include "agent/probes.h"
#include "agent/self.h"

static int add(json_t *list, const char *kind, const char *name, bool ok, const char *how,
	       const char *reason)
{
	json_t *check = json_pack("{ss ss sb ss ss*}", "name", name, "kind", kind, "ok", ok, "how",
				  how, "reason", ok ? NULL : reason);

	return check ? json_array_append_new(list, check) : -1;
}

static int add_probes(json_t *list, const char *kind, const struct iso_probe *p, int nr)
{
	for (int i = 0; i < nr; i++)
		if (add(list, kind, p[i].name, p[i].ok, p[i].how, p[i].reason))
			return -1;
	return 0;
}

/* The row of the meter knows only that there is none; why is known here. */
static void say_why_unmetered(struct iso_probe *p, int nr, const struct node *n)
{
	for (int i = 0; i < nr; i++) {
		if (p[i].ok || strcmp(p[i].name, "meter"))
			continue;
		(void)snprintf(p[i].how, sizeof(p[i].how), "CPU time from cpu.stat"); /* fits */
		(void)snprintf(p[i].reason, sizeof(p[i].reason), "%.*s",
			       (int)sizeof(p[i].reason) - 1, n->meter_why.text);
	}
}

/* Likewise why the scheduler that was asked for does not run. */
static void say_why_unscheduled(struct iso_probe *p, int nr, const struct node *n)
{
	for (int i = 0; i < nr && n->scx_why.text[0]; i++) {
		size_t used = strlen(p[i].how);

		if (!strcmp(p[i].name, "cpu")) /* may be cut */
			(void)snprintf(p[i].how + used, sizeof(p[i].how) - used,
				       "; no sched_ext: %s", n->scx_why.text);
	}
}

/* One family of the meter: what it counts, and what it can't. */
static int add_family(json_t *list, const struct node *n, enum meter_family f)
{
	char row[64], how[WHY_MAX + 128];
	struct why why = {};
	const char *gives, *name = meter_family_name(f, &gives);
	bool ok = meter_has(n->meter, f, &why);

	/* both fit */
	(void)snprintf(row, sizeof(row), "meter: %s", name ?: "not in this build");
	(void)snprintf(how, sizeof(how), "%s%s%s", gives ?: "", why.text[0] ? "; without " : "",
		       why.text);
	return add(list, "meter", row, ok, ok ? how : gives, why.text);
}

/* Without a meter its row among the isolators says why. */
static int add_families(json_t *list, const struct node *n)
{
	for (enum meter_family f = 0; n->meter && f < METER_FAMILIES; f++)
		if (add_family(list, n, f))
			return -1;
	return 0;
}

/* A counter of things that were lost or refused: well while it is zero. */
static int add_count(json_t *list, const char *name, uint64_t count)
{
	char how[32];

	(void)snprintf(how, sizeof(how), "%" PRIu64, count); /* fits */
	return add(list, "counter", name, !count, how, "something was dropped or refused");
}

static int add_counters(json_t *list, const struct node *n)
{
	struct self_loss losses[SELF_LOSSES_MAX];
	int nr = self_losses(n, losses);

	for (int i = 0; i < nr; i++)
		if (add_count(list, losses[i].what, losses[i].count))
			return -1;
	return 0;
}

/* What the host can do; asked once, since the questions take tens of milliseconds. */
struct doctor {
	struct iso_probe isolators[ISO_TABLE_MAX], host[PROBES_MAX];
	int isolators_nr, host_nr;
};

static struct doctor *doctor_new(const struct node *n)
{
	struct doctor *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->isolators_nr = ct_probe(&n->host, d->isolators);
	say_why_unmetered(d->isolators, d->isolators_nr, n);
	say_why_unscheduled(d->isolators, d->isolators_nr, n);
	d->host_nr = probes_run(&n->host, d->host, PROBES_MAX);
	return d;
}

int api_doctor(struct vl_call *call, json_t *params, void *userdata)
{
	struct node *n = userdata;
	json_t *list = json_array();
	const struct doctor *d;

	(void)params; /* none */
	if (!n->doctor)
		n->doctor = doctor_new(n);
	d = n->doctor;
	if (!list || !d || add_probes(list, "isolator", d->isolators, d->isolators_nr) ||
	    add_families(list, n) || add_probes(list, "host", d->host, d->host_nr) ||
	    add_counters(list, n)) {
		json_decref(list);
		return -ENOMEM;
	}
	return vl_reply(call, json_pack("{so}", "checks", list));
}
