// SPDX-License-Identifier: Apache-2.0
/*
 * "linux.resources" of a config.json, which speaks the language of cgroup v1, as files of cgroup
 * v2. What has no counterpart there is refused by name.
 * Source: cgroup-v2.rst; runtime-spec config-linux.md, "Control groups".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosrun/config.h"

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000
#define BLKIO_MIN  10 /* blkio.weight */
#define BLKIO_MAX  1000

int config_knob(struct config *c, const char *file, const char *fmt, ...)
{
	struct oci_pairs *k = &c->oci.knobs;
	char text[512];
	va_list ap;

	if (!k->items)
		k->items = cf_alloc(c, OCI_KNOBS_MAX, sizeof(*k->items));
	if (!k->items)
		return -ENOMEM;
	if (k->nr == OCI_KNOBS_MAX)
		return cf_bad(c, "", "more than %d files of a cgroup", OCI_KNOBS_MAX);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* numbers and names that were checked */
	va_end(ap);
	k->items[k->nr].key = cf_text(c, "%s", file);
	k->items[k->nr].value = cf_text(c, "%s", text);
	return k->items[k->nr].key && k->items[k->nr++].value ? 0 : -ENOMEM;
}

/* A limit: -1 is none. */
static int limit(struct config *c, const char *file, int64_t v)
{
	return v < 0 ? config_knob(c, file, "max") : config_knob(c, file, "%" PRId64, v);
}

/* What nobody holds any more may be said, as long as nothing is wanted. */
static int only_false(struct config *c, const json_t *o, const char *key)
{
	bool v = false;
	int err = cf_bool(c, o, key, &v);

	return err ? err : v ? cf_bad(c, key, "is not supported by cgroup v2") : 0;
}

static int only_zero(struct config *c, const json_t *o, const char *key)
{
	int64_t v = 0;
	int err = cf_int(c, o, key, INT64_MIN, INT64_MAX, &v);

	return err ? err : v > 0 ? cf_bad(c, key, "is not supported by cgroup v2") : 0;
}

/* "swap" is memory and swap together; cgroup v2 counts swap alone. */
static int read_swap(struct config *c, const json_t *o, int64_t memory)
{
	int64_t swap = 0;
	int err = cf_int(c, o, "swap", -1, INT64_MAX, &swap);

	if (err || !cf_has(o, "swap") || !swap)
		return err;
	if (swap < 0)
		return config_knob(c, "memory.swap.max", "max");
	if (memory <= 0)
		return cf_bad(c, "swap",
			      "%" PRId64 ": is memory and swap together, and \"limit\" "
			      "says not how much of it is memory",
			      swap);
	if (swap < memory)
		return cf_bad(c, "swap",
			      "%" PRId64 ": is memory and swap together, and less than "
			      "\"limit\"",
			      swap);
	return config_knob(c, "memory.swap.max", "%" PRId64, swap - memory);
}

static int read_memory(struct config *c, const json_t *o)
{
	int64_t max = 0, low = 0, swappiness = -1;
	int err = cf_int(c, o, "limit", -1, INT64_MAX, &max);

	if (!err)
		err = cf_int(c, o, "reservation", -1, INT64_MAX, &low);
	if (!err)
		err = cf_int(c, o, "swappiness", 0, 100, &swappiness);
	if (!err && swappiness >= 0)
		err = cf_bad(c, "swappiness", "is not supported by cgroup v2");
	if (!err)
		err = only_zero(c, o, "kernel");
	if (!err)
		err = only_zero(c, o, "kernelTCP");
	if (!err)
		err = only_false(c, o, "disableOOMKiller");
	if (!err)
		err = read_swap(c, o, max);
	if (!err && max)
		err = limit(c, "memory.max", max);
	if (!err && low)
		err = limit(c, "memory.low", low);
	return err;
}

static int read_quota(struct config *c, const json_t *o)
{
	int64_t quota = 0, period = 0, burst = -1;
	int err = cf_int(c, o, "quota", -1, INT64_MAX, &quota);
	char text[24] = "max";

	if (!err)
		err = cf_int(c, o, "period", 0, INT64_MAX, &period);
	if (!err)
		err = cf_int(c, o, "burst", 0, INT64_MAX, &burst);
	if (err)
		return err;
	if (quota > 0)
		(void)snprintf(text, sizeof(text), "%" PRId64, quota); /* fits */
	if (period)
		err = config_knob(c, "cpu.max", "%s %" PRId64, text, period);
	else if (quota)
		err = config_knob(c, "cpu.max", "%s", text);
	if (!err && burst >= 0)
		err = config_knob(c, "cpu.max.burst", "%" PRId64, burst);
	return err;
}

static int read_set(struct config *c, const json_t *o, const char *key, const char *file)
{
	char *text = NULL;
	int err = cf_str(c, o, key, &text);

	if (err || !text || !*text)
		return err;
	if (strlen(text) > 480 || text[strspn(text, "0123456789,-")])
		return cf_bad(c, key, "\"%.64s\": allowed is a list such as 0-3,7", text);
	return config_knob(c, file, "%s", text);
}

static int read_cpu(struct config *c, const json_t *o)
{
	int64_t shares = 0, idle = -1;
	int err = cf_int(c, o, "shares", 0, INT64_MAX, &shares);

	if (!err)
		err = cf_int(c, o, "idle", 0, 1, &idle);
	if (!err)
		err = only_zero(c, o, "realtimeRuntime");
	if (!err)
		err = only_zero(c, o, "realtimePeriod");
	if (shares && shares < SHARES_MIN)
		shares = SHARES_MIN;
	if (shares > SHARES_MAX)
		shares = SHARES_MAX;
	if (!err && shares)
		err = config_knob(c, "cpu.weight", "%" PRId64,
				  1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) /
						  (SHARES_MAX - SHARES_MIN));
	if (!err)
		err = read_quota(c, o);
	if (!err && idle >= 0)
		err = config_knob(c, "cpu.idle", "%" PRId64, idle);
	if (!err)
		err = read_set(c, o, "cpus", "cpuset.cpus");
	return err ? err : read_set(c, o, "mems", "cpuset.mems");
}

static int read_pids(struct config *c, const json_t *o)
{
	int64_t max = 0;
	int err = cf_int(c, o, "limit", INT64_MIN, INT64_MAX, &max);

	if (err || !cf_has(o, "limit") || !max)
		return err;
	return limit(c, "pids.max", max);
}

static int64_t io_weight(int64_t weight)
{
	return 1 + (weight - BLKIO_MIN) * (WEIGHT_MAX - 1) / (BLKIO_MAX - BLKIO_MIN);
}

static int read_device(struct config *c, const json_t *v, const char *key, int64_t min,
		       int64_t ret[static 3])
{
	int err = cf_int(c, v, "major", 0, UINT32_MAX, &ret[0]);

	if (!err)
		err = cf_int(c, v, "minor", 0, UINT32_MAX, &ret[1]);
	return err ? err : cf_int(c, v, key, min, INT64_MAX, &ret[2]);
}

static int read_weight(struct config *c, const json_t *v, void *item)
{
	int64_t d[3] = {0};
	int err = read_device(c, v, "weight", 0, d);

	(void)item; /* nothing is kept but the knob */
	if (err || !d[2])
		return err;
	if (d[2] < BLKIO_MIN || d[2] > BLKIO_MAX)
		return cf_bad(c, "weight", "%" PRId64 ": allowed is %d..%d", d[2], BLKIO_MIN,
			      BLKIO_MAX);
	return config_knob(c, "io.weight", "%" PRId64 ":%" PRId64 " %" PRId64, d[0], d[1],
			   io_weight(d[2]));
}

static int throttle(struct config *c, const json_t *v, const char *what)
{
	int64_t d[3] = {0};
	int err = read_device(c, v, "rate", 0, d);

	return err ? err
		   : config_knob(c, "io.max", "%" PRId64 ":%" PRId64 " %s=%" PRId64, d[0], d[1],
				 what, d[2]);
}

static int read_rbps(struct config *c, const json_t *v, void *item)
{
	(void)item; /* as read_weight() */
	return throttle(c, v, "rbps");
}

static int read_wbps(struct config *c, const json_t *v, void *item)
{
	(void)item;
	return throttle(c, v, "wbps");
}

static int read_riops(struct config *c, const json_t *v, void *item)
{
	(void)item;
	return throttle(c, v, "riops");
}

static int read_wiops(struct config *c, const json_t *v, void *item)
{
	(void)item;
	return throttle(c, v, "wiops");
}

static int read_io(struct config *c, const json_t *o)
{
	static const struct {
		const char *key;
		int (*read)(struct config *, const json_t *, void *);
	} lists[] = {
		{"weightDevice", read_weight},		 {"throttleReadBpsDevice", read_rbps},
		{"throttleWriteBpsDevice", read_wbps},	 {"throttleReadIOPSDevice", read_riops},
		{"throttleWriteIOPSDevice", read_wiops},
	};
	int64_t weight = 0;
	int err = cf_int(c, o, "weight", 0, BLKIO_MAX, &weight);
	void *items;
	size_t nr;

	if (!err)
		err = only_zero(c, o, "leafWeight");
	if (!err && weight && weight < BLKIO_MIN)
		return cf_bad(c, "weight", "%" PRId64 ": allowed is %d..%d", weight, BLKIO_MIN,
			      BLKIO_MAX);
	if (!err && weight)
		err = config_knob(c, "io.weight", "default %" PRId64, io_weight(weight));
	for (size_t i = 0; i < ARRAY_SIZE(lists) && !err; i++)
		err = cf_each(c, o, lists[i].key, OCI_KNOBS_MAX, 1, lists[i].read, &items, &nr);
	return err;
}

static int read_page(struct config *c, const json_t *v, void *item)
{
	char *size = NULL, file[64];
	int64_t max = 0;
	int err = cf_str(c, v, "pageSize", &size);

	(void)item; /* as read_weight() */
	if (!err)
		err = cf_int(c, v, "limit", 0, INT64_MAX, &max);
	if (err)
		return err;
	if (!size || strlen(size) > 16 || size[strspn(size, "0123456789KMGB")])
		return cf_bad(c, "pageSize", "\"%.32s\": allowed is a size such as 2MB",
			      size ? size : "");
	(void)snprintf(file, sizeof(file), "hugetlb.%s.max", size); /* fits */
	return config_knob(c, file, "%" PRId64, max);
}

static int read_rdma(struct config *c, const json_t *o)
{
	const char *device;
	json_t *v;

	json_object_foreach ((json_t *)o, device, v) {
		int64_t handles = -1, objects = -1;
		int err = cf_int(c, v, "hcaHandles", 0, UINT32_MAX, &handles);

		if (!err)
			err = cf_int(c, v, "hcaObjects", 0, UINT32_MAX, &objects);
		if (err)
			return err;
		if (strlen(device) > 64 || strpbrk(device, " \n="))
			return cf_bad(c, "", "\"%.64s\" is not the name of a device", device);
		if (handles >= 0)
			err = config_knob(c, "rdma.max", "%s hca_handle=%" PRId64, device, handles);
		if (!err && objects >= 0)
			err = config_knob(c, "rdma.max", "%s hca_object=%" PRId64, device, objects);
		if (err)
			return err;
	}
	return 0;
}

static int read_unified(struct config *c, const json_t *o)
{
	const char *file;
	json_t *v;
	int err = 0;

	json_object_foreach ((json_t *)o, file, v) {
		const char *value = json_string_value(v);

		if (!value || strlen(value) > 480)
			return cf_bad(c, "", "%.64s must be a string of up to 480 bytes", file);
		if (strchr(file, '/') || !strchr(file, '.') || file[0] == '.' ||
		    !strncmp(file, "cgroup.", 7))
			return cf_bad(c, "", "\"%.64s\" is not a file of a controller", file);
		err = config_knob(c, file, "%s", value);
		if (err)
			return err;
	}
	return 0;
}

static int read_rule(struct config *c, const json_t *v, void *item)
{
	struct oci_rule *r = item;
	char *type = (char *)"a", *access = (char *)"rwm";
	int err = cf_bool(c, v, "allow", &r->allow);

	r->major = r->minor = -1;
	if (!err)
		err = cf_str(c, v, "type", &type);
	if (!err)
		err = cf_str(c, v, "access", &access);
	if (!err)
		err = cf_int(c, v, "major", -1, UINT32_MAX - 1, &r->major);
	if (!err)
		err = cf_int(c, v, "minor", -1, UINT32_MAX - 1, &r->minor);
	if (err)
		return err;
	if (!*type)
		type = (char *)"a";
	if (!*access)
		access = (char *)"rwm";
	if (type[1] || !strchr("abc", *type))
		return cf_bad(c, "type", "\"%.16s\": allowed are a, b, c", type);
	if (access[strspn(access, "rwm")])
		return cf_bad(c, "access", "\"%.16s\": allowed are r, w, m", access);
	r->type = *type;
	r->read = strchr(access, 'r');
	r->write = strchr(access, 'w');
	r->mknod = strchr(access, 'm');
	return 0;
}

static int read_rules(struct config *c, const json_t *resources)
{
	void *items = NULL;
	int err = cf_each(c, resources, "devices", OCI_RULES_MAX, sizeof(struct oci_rule),
			  read_rule, &items, &c->oci.rules_nr);

	c->oci.rules = items;
	return err;
}

int config_read_resources(struct config *c, const json_t *resources)
{
	static const struct {
		const char *key;
		int (*read)(struct config *, const json_t *);
	} parts[] = {
		{"memory", read_memory}, {"cpu", read_cpu},   {"pids", read_pids},
		{"blockIO", read_io},	 {"rdma", read_rdma}, {"unified", read_unified},
	};
	static const char *const refused[] = {"network", NULL};
	json_t *pages = NULL;
	void *items;
	size_t nr;
	int err = json_object_size(json_object_get(resources, "network"))
			  ? cf_refuse(c, resources, refused)
			  : read_rules(c, resources);

	if (!err)
		err = cf_member(c, resources, "hugepageLimits", JSON_ARRAY, &pages);
	if (!err)
		err = cf_each(c, resources, "hugepageLimits", OCI_KNOBS_MAX, 1, read_page, &items,
			      &nr);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && !err; i++) {
		json_t *v = NULL;
		size_t was;

		err = cf_member(c, resources, parts[i].key, JSON_OBJECT, &v);
		if (err || !v)
			continue;
		was = cf_in(c, parts[i].key, -1);
		err = parts[i].read(c, v);
		if (!err)
			cf_out(c, was);
	}
	return err;
}
