// SPDX-License-Identifier: Apache-2.0
/*
 * Device nodes that the container may open or make, by a BPF program on its cgroup
 * (bpf/devices.bpf.c). It stays attached when the agent ends, and goes with the cgroup. Fails
 * closed: without the program no container starts.
 * Source: cgroup-v2.rst, "Device controller"; bpf(2), BPF_PROG_ATTACH.
 */
#include "isolators/devices.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/weaken.h"
#include "bpf/abi.h"
#include "bpf/devices.skel.h"
#include "isolators/knobs.h"
#include "isolators/oci.h"
#include "isolators/rows.h"

#define ACCESS_ALL (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD)
#define TYPE_BLOCK (1U << BPF_DEVCG_DEV_BLOCK)
#define TYPE_CHAR  (1U << BPF_DEVCG_DEV_CHAR)

/* All that a loaded program depends on; compared as bytes. */
struct policy {
	struct dcos_device_rule rules[DEVICE_RULES_MAX];
	uint32_t rules_nr;
	uint32_t slots_id, cells_id; /* the kernel's ids of the meter's maps, 0 none */
	uint32_t ncpu; /* cells of a slot */
};
_Static_assert(sizeof(struct policy) == sizeof(struct dcos_device_rule) * DEVICE_RULES_MAX + 16,
	       "policy has a hole");

struct devices_cache {
	struct {
		struct policy policy;
		uint64_t used; /* place in time, 0: empty */
		int fd;
	} programs[DEVICES_CACHE_MAX];
	uint64_t clock;
};

static const struct dcos_device_rule default_rules[] = {
	{TYPE_CHAR, ACCESS_ALL, 1, 3, 0}, /* null */
	{TYPE_CHAR, ACCESS_ALL, 1, 5, 0}, /* zero */
	{TYPE_CHAR, ACCESS_ALL, 1, 7, 0}, /* full */
	{TYPE_CHAR, ACCESS_ALL, 1, 8, 0}, /* random */
	{TYPE_CHAR, ACCESS_ALL, 1, 9, 0}, /* urandom */
	{TYPE_CHAR, ACCESS_ALL, 5, 0, 0}, /* tty */
	{TYPE_CHAR, ACCESS_ALL, 5, 2, 0}, /* ptmx */
	{TYPE_CHAR, ACCESS_ALL, 136, DEVICE_ANY, 0}, /* pts */
};

/* What every container of an OCI runtime may do beside: make nodes, which is not to open them. */
static const struct dcos_device_rule oci_rule = {TYPE_CHAR | TYPE_BLOCK, BPF_DEVCG_ACC_MKNOD,
						 DEVICE_ANY, DEVICE_ANY, 0};
_Static_assert(ARRAY_SIZE(default_rules) + CT_DEVICES_MAX <= DEVICE_RULES_MAX,
	       "the rules do not fit");

struct devices_cache *devices_cache_new(void)
{
	return calloc(1, sizeof(struct devices_cache));
}

void devices_cache_free(struct devices_cache *c)
{
	for (size_t i = 0; c && i < DEVICES_CACHE_MAX; i++)
		if (c->programs[i].used)
			close_fd(&c->programs[i].fd);
	free(c);
}

/* Return: a descriptor that the cache owns, or -ENOENT */
static int cache_find(struct devices_cache *c, const struct policy *p)
{
	for (size_t i = 0; c && i < DEVICES_CACHE_MAX; i++) {
		if (!c->programs[i].used || memcmp(&c->programs[i].policy, p, sizeof(*p)))
			continue;
		c->programs[i].used = ++c->clock;
		return c->programs[i].fd;
	}
	return -ENOENT;
}

/* Takes @fd over, in the place that was not used for the longest time. */
static void cache_keep(struct devices_cache *c, const struct policy *p, int fd)
{
	size_t oldest = 0;

	for (size_t i = 1; i < DEVICES_CACHE_MAX; i++)
		if (c->programs[i].used < c->programs[oldest].used)
			oldest = i;
	if (c->programs[oldest].used)
		close_fd(&c->programs[oldest].fd);
	c->programs[oldest].policy = *p;
	c->programs[oldest].fd = fd;
	c->programs[oldest].used = ++c->clock;
}

static int rule_from(const struct ct_device *d, struct dcos_device_rule *ret)
{
	uint32_t access = (d->read ? BPF_DEVCG_ACC_READ : 0) |
			  (d->write ? BPF_DEVCG_ACC_WRITE : 0) |
			  (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
	uint32_t types = (d->type == 'a' || d->type == 'b' ? TYPE_BLOCK : 0) |
			 (d->type == 'a' || d->type == 'c' ? TYPE_CHAR : 0);

	if (!types || !access || d->major < -1 || d->major >= DEVICE_ANY || d->minor < -1 ||
	    d->minor >= DEVICE_ANY)
		return -EINVAL;
	*ret = (struct dcos_device_rule){
		.types = types,
		.access = access,
		.major = d->major < 0 ? DEVICE_ANY : (uint32_t)d->major,
		.minor = d->minor < 0 ? DEVICE_ANY : (uint32_t)d->minor,
	};
	return 0;
}

/*
 * The last rule of a configuration that speaks of an access decides, the first of the program's:
 * backwards, up to one that speaks of everything.
 */
static int policy_oci(struct isolation *iso, struct policy *p)
{
	const struct ct_oci *oci = iso->spec->oci;

	p->rules[p->rules_nr++] = oci_rule;
	for (size_t i = oci->rules_nr; i-- > 0;) {
		const struct oci_rule *r = &oci->rules[i];
		const struct ct_device d = {r->type, r->major, r->minor,
					    r->read, r->write, r->mknod};
		struct dcos_device_rule *to = &p->rules[p->rules_nr];

		if (p->rules_nr == DEVICE_RULES_MAX)
			return iso_fail(
				iso, -EINVAL,
				"linux.resources.devices: %zu entries, allowed are up to %zu",
				oci->rules_nr, DEVICE_RULES_MAX - ARRAY_SIZE(default_rules) - 1);
		if (rule_from(&d, to))
			return iso_fail(iso, -EINVAL,
					"linux.resources.devices[%zu]: type '%c' %" PRId64
					":%" PRId64 ": allowed are a, b or c, numbers from -1 "
					"(any), and at least one access",
					i, d.type, d.major, d.minor);
		to->deny = !r->allow;
		p->rules_nr++;
		if (to->access == ACCESS_ALL && to->types == (TYPE_BLOCK | TYPE_CHAR) &&
		    to->major == DEVICE_ANY && to->minor == DEVICE_ANY)
			break;
	}
	return 0;
}

static int policy_rules(struct isolation *iso, struct policy *p)
{
	const struct ct_spec *spec = iso->spec;

	memcpy(p->rules, default_rules, sizeof(default_rules));
	p->rules_nr = ARRAY_SIZE(default_rules);
	if (spec->oci)
		return policy_oci(iso, p);
	if (spec->devices_nr > CT_DEVICES_MAX)
		return iso_fail(iso, -EINVAL, "devices: %zu entries, allowed are up to %d",
				spec->devices_nr, CT_DEVICES_MAX);
	for (size_t i = 0; i < spec->devices_nr; i++) {
		const struct ct_device *d = &spec->devices[i];

		if (rule_from(d, &p->rules[p->rules_nr]))
			return iso_fail(iso, -EINVAL,
					"devices[%zu]: type '%c' %" PRId64 ":%" PRId64
					": allowed are a, b or c, numbers from -1 (any), and at "
					"least one access",
					i, d->type, d->major, d->minor);
		p->rules_nr++;
	}
	return 0;
}

static int map_info(int fd, struct bpf_map_info *ret)
{
	uint32_t len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &len) < 0 ? -errno : 0;
}

/* Where denials are counted, if the container is metered and the meter lets us. */
static int policy_meter(struct isolation *iso, struct policy *p)
{
	const struct iso_meter *m = iso->host->meter;
	struct bpf_map_info slots, cells;
	int err;

	if (!iso->metered || !m || m->slots_fd < 0 || m->cells_fd < 0)
		return 0;
	err = map_info(m->slots_fd, &slots);
	if (!err)
		err = map_info(m->cells_fd, &cells);
	if (err)
		return iso_fail(iso, err, "devices: the meter's maps");
	p->slots_id = slots.id;
	p->cells_id = cells.id;
	p->ncpu = cells.max_entries / DCOS_SLOTS;
	return 0;
}

static int maps_use(struct devices_bpf *skel, const struct iso_meter *m)
{
	int err = bpf_map__reuse_fd(skel->maps.slots, m->slots_fd);

	return err ? err : bpf_map__reuse_fd(skel->maps.cells, m->cells_fd);
}

/* Return: a descriptor of the loaded program, or -errno */
static int program_load(const struct iso_meter *m, const struct policy *p)
{
	libbpf_print_fn_t print;
	struct devices_bpf *skel;
	int fd;

	if (!p->ncpu)
		return devices_plain_load(p->rules, p->rules_nr);
	print = libbpf_set_print(NULL); /* the caller has the errno */
	skel = devices_bpf__open();
	fd = -errno;
	if (skel) {
		memcpy((void *)skel->rodata->rules, p->rules, sizeof(p->rules));
		skel->rodata->rules_nr = p->rules_nr;
		skel->rodata->ncpu = p->ncpu;
		fd = maps_use(skel, m);
		if (!fd)
			fd = devices_bpf__load(skel);
		if (!fd) {
			fd = fcntl(bpf_program__fd(skel->progs.devices), F_DUPFD_CLOEXEC, 3);
			if (fd < 0)
				fd = -errno;
		}
		devices_bpf__destroy(skel);
	}
	(void)libbpf_set_print(print); /* returns the silent one set above */
	return fd;
}

static int program_attach(int fd, int cgroup_fd)
{
	return bpf_prog_attach(fd, cgroup_fd, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI) < 0 ? -errno
											: 0;
}

static int devices_prepare(struct isolation *iso)
{
	struct devices_cache *cache = iso->host->devices;
	cleanup_close int own = -1;
	struct policy p;
	int err, fd;

	if (iso->cgroup_fd < 0 || (iso->spec->oci && iso->spec->oci->one_way))
		return 0; /* who has no cgroup asked for this; who is not root makes no nodes */
	memset(&p, 0, sizeof(p));
	err = policy_rules(iso, &p);
	if (!err)
		err = policy_meter(iso, &p);
	if (err)
		return err;
	fd = cache_find(cache, &p);
	if (fd < 0) {
		fd = own = program_load(iso->host->meter, &p);
		if (fd < 0)
			return iso_fail(iso, fd, "devices: loading the allow-list of %u rules",
					p.rules_nr);
		if (cache)
			cache_keep(cache, &p, take_fd(&own));
	}
	err = weakened("devices") ? 0 : program_attach(fd, iso->cgroup_fd);
	if (err)
		return iso_fail(iso, err, "devices: attaching the allow-list to cgroup %s",
				iso->spec->id);
	return 0;
}

/* The program outlives the agent; if somebody detached it, it is attached again. */
static int devices_recover(struct isolation *iso)
{
	uint32_t ids[1], nr = ARRAY_SIZE(ids), flags;
	int err;

	if (iso->cgroup_fd < 0 || iso->spec->oci)
		return 0; /* as above; one more process below a cgroup that has the program */
	err = bpf_prog_query(iso->cgroup_fd, BPF_CGROUP_DEVICE, 0, &flags, ids, &nr);

	if (err < 0 && errno == ENOSPC)
		return 0; /* there are several */
	if (err < 0)
		return iso_fail(iso, -errno, "devices: asking for the allow-list of cgroup %s",
				iso->spec->id);
	return nr ? 0 : devices_prepare(iso);
}

/* Loads the default list and attaches it, to a cgroup that no container's name can be. */
static int devices_probe(const struct iso_host *host, struct iso_probe *ret)
{
	struct policy p = {.rules_nr = ARRAY_SIZE(default_rules)};
	cleanup_close int cgroup_fd = -1, fd = -1;
	const char *step = "loading a cgroup/dev program";
	char name[32];
	int err;

	ret->name = "devices";
	memcpy(p.rules, default_rules, sizeof(default_rules));
	fd = program_load(NULL, &p);
	err = fd < 0 ? fd : 0;
	if (!err) {
		step = "attaching a cgroup/dev program";
		(void)snprintf(name, sizeof(name), ".probe-dev.%d", (int)getpid()); /* fits */
		cgroup_fd = cg_open(host->cgroup_fd, name, true);
		err = cgroup_fd < 0 ? cgroup_fd : program_attach(fd, cgroup_fd);
		(void)cg_remove(host->cgroup_fd, name); /* empty; a failure shows in err */
	}
	ret->ok = !err;
	if (err)
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s: %s", step, strerror(-err));
	else
		(void)snprintf(ret->how, sizeof(ret->how), "eBPF allow-list on the cgroup");
	return 0;
}

const struct isolator devices_isolator = {
	.name = "devices",
	.probe = devices_probe,
	.prepare = devices_prepare,
	.recover = devices_recover,
};
