// SPDX-License-Identifier: Apache-2.0
/* update: other limits for a container that runs, all or none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/knobs_oci.h"
#include "tools/dcosrun/rt.h"

struct update_options {
	const char *resources;
	const char *numbers[16]; /* in the order of keys[] */
	const char *cpus, *mems, *l3_cache, *mem_bw;
};

/* A number, where it goes in linux.resources. */
static const struct {
	const char *object, *key;
} keys[] = {
	{"memory", "limit"},	    {"memory", "reservation"}, {"memory", "swap"},
	{"cpu", "shares"},	    {"cpu", "quota"},	       {"cpu", "period"},
	{"cpu", "burst"},	    {"cpu", "idle"},	       {"cpu", "realtimePeriod"},
	{"cpu", "realtimeRuntime"}, {"memory", "kernel"},      {"memory", "kernelTCP"},
	{"pids", "limit"},	    {"blockIO", "weight"},
};

#define O(field) offsetof(struct update_options, field)
#define N(i)	 offsetof(struct update_options, numbers[i])
#define NUMBER	 "a number such as 4096 or 64M, -1 for no limit"
static const struct opt_row update_rows[] = {
	{"resources", 'r', "FILE", opt_string, O(resources), "a path",
	 "linux.resources of the specification; - is standard input"},
	{"memory", 0, "BYTES", opt_string, N(0), NUMBER, "memory.max"},
	{"memory-reservation", 0, "BYTES", opt_string, N(1), NUMBER, "memory.low"},
	{"memory-swap", 0, "BYTES", opt_string, N(2), NUMBER, "memory and swap together"},
	{"cpu-share", 0, "N", opt_string, N(3), NUMBER, "share, 2..262144"},
	{"cpu-quota", 0, "US", opt_string, N(4), NUMBER, "CPU time in a period"},
	{"cpu-period", 0, "US", opt_string, N(5), NUMBER, "that period"},
	{"cpu-burst", 0, "US", opt_string, N(6), NUMBER, "what may be saved up"},
	{"cpu-idle", 0, "0|1", opt_string, N(7), NUMBER, "only when nobody else wants to run"},
	{"cpu-rt-period", 0, "US", opt_string, N(8), NUMBER, "0: cgroup v2 has none"},
	{"cpu-rt-runtime", 0, "US", opt_string, N(9), NUMBER, "0: cgroup v2 has none"},
	{"kernel-memory", 0, "BYTES", opt_string, N(10), NUMBER, "-1 or 0: cgroup v2 has none"},
	{"kernel-memory-tcp", 0, "BYTES", opt_string, N(11), NUMBER, "likewise"},
	{"l3-cache-schema", 0, "TEXT", opt_string, O(l3_cache), "nothing", "refused"},
	{"mem-bw-schema", 0, "TEXT", opt_string, O(mem_bw), "nothing", "refused"},
	{"pids-limit", 0, "N", opt_string, N(12), NUMBER, "processes and threads"},
	{"blkio-weight", 0, "N", opt_string, N(13), NUMBER, "share of disks, 10..1000"},
	{"cpuset-cpus", 0, "LIST", opt_string, O(cpus), "a list such as 0-3,7", "CPUs"},
	{"cpuset-mems", 0, "LIST", opt_string, O(mems), "a list such as 0-1", "memory nodes"},
	{},
};
#undef O
#undef N

static int put(json_t *all, const char *object, const char *key, json_t *v)
{
	json_t *o = json_object_get(all, object);

	if (!o && json_object_set_new(all, object, o = json_object()))
		return -ENOMEM;
	return json_object_set_new(o, key, v) ? -ENOMEM : 0;
}

/* What the options say, in the form of the file. */
static int from_options(struct rt *rt, const struct update_options *o, json_t *all)
{
	int err = 0;

	if (o->l3_cache || o->mem_bw)
		return why_set(&rt->why, -EINVAL, "--%s: linux.intelRdt is not supported here",
			       o->l3_cache ? "l3-cache-schema" : "mem-bw-schema");
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !err; i++) {
		uint64_t v = UINT64_MAX; /* -1 */

		if (!o->numbers[i])
			continue;
		if (strcmp(o->numbers[i], "-1") &&
		    (parse_bytes(o->numbers[i], &v) || v > INT64_MAX))
			return why_set(&rt->why, -EINVAL, "%s.%s=%.32s: allowed is " NUMBER,
				       keys[i].object, keys[i].key, o->numbers[i]);
		err = put(all, keys[i].object, keys[i].key, json_integer((json_int_t)v));
	}
	if (!err && o->cpus)
		err = put(all, "cpu", "cpus", json_string(o->cpus));
	if (!err && o->mems)
		err = put(all, "cpu", "mems", json_string(o->mems));
	return err ? why_set(&rt->why, err, "update") : 0;
}

/*
 * What the files hold now, in the order in which they are to be put back. A file of one line is
 * written as it is read; io.max and its like are not: what is written of them stays.
 */
static int read_old(struct config *c, int cgroup_fd, struct oci_pairs *old)
{
	char text[CG_FILE_MAX];

	old->items = cf_alloc(c, c->oci.knobs.nr, sizeof(*old->items));
	if (!old->items)
		return -ENOMEM;
	for (size_t i = c->oci.knobs.nr; i-- > 0;) {
		const char *file = c->oci.knobs.items[i].key;

		if (cg_read_text(cgroup_fd, file, text, sizeof(text)) < 0 || strchr(text, '\n'))
			continue; /* writing it will tell */
		old->items[old->nr].key = (char *)file;
		old->items[old->nr].value = cf_text(c, "%s", text);
		if (!old->items[old->nr++].value)
			return -ENOMEM;
	}
	return 0;
}

static int apply(struct rt *rt, struct rt_box *b, struct config *c)
{
	struct oci_pairs old = {0};
	int err = read_old(c, b->cgroup_fd, &old);

	if (!err)
		err = oci_knobs_write(b->cgroup_fd, &c->oci.knobs, &rt->why);
	if (err)
		(void)oci_knobs_write(b->cgroup_fd, &old, NULL); /* what was held before */
	return err;
}

static int resources_of(struct rt *rt, const struct update_options *o, json_t **ret)
{
	json_t *all = NULL;
	int err = 0;

	if (o->resources)
		err = rt_read_json(rt, o->resources, &all);
	else
		all = json_object();
	if (!err && !json_is_object(all))
		err = why_set(&rt->why, -EINVAL, "resources: must be an object");
	if (!err)
		err = from_options(rt, o, all);
	if (err)
		json_decref(all);
	else
		*ret = all;
	return err;
}

static int run_update(struct rt *rt, void *options, struct rt_box *b, char **argv, int argc)
{
	json_t *resources = NULL;
	struct config c;
	int err = rt_box_living(rt, b);

	(void)argv; /* none */
	(void)argc;
	rt_config_new(&c);
	if (!err)
		err = rt_box_cgroup(rt, b);
	if (!err)
		err = resources_of(rt, options, &resources);
	if (!err)
		err = rt_box_config(rt, b, &c);
	if (!err)
		err = config_resources(&c, resources);
	if (!err)
		err = apply(rt, b, &c);
	config_free(&c);
	json_decref(resources);
	return err;
}

const struct rt_command rt_update = {
	.name = "update",
	.args = "[OPTION...] ID",
	.help = "change the limits of a container",
	.options = update_rows,
	.options_size = sizeof(struct update_options),
	.operands_min = 1,
	.operands_max = 1,
	.run_on = run_update,
};
