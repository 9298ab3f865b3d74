// SPDX-License-Identifier: Apache-2.0
/*
 * Loads a family: with its pinned maps, so that all counts stay, else with fresh ones; what the
 * kernel refuses is found out and named. Attaching is in meter_link.c.
 */
#include "agent/meter_family.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/meter_pins.h"

#define KNOBS	    ".rodata.meter"
#define LOG_SIZE    (64U << 10) /* of the verifier, for the last line of it */
#define REFUSED_MAX 32 /* optional programs of one family */

static const struct family_map *find_map(const struct family_spec *spec, const char *name)
{
	const struct family_map *m;

	for (m = spec->maps; m && m->name; m++) {
		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}

/* Of the family's own: pinned and sized as the row says. */
static int map_own(struct bpf_map *map, const struct family_map *row, const struct family_env *env,
		   bool pinned)
{
	char path[PIN_PATH_MAX];
	int r = 0;

	if (row->per_cpu)
		r = bpf_map__set_max_entries(map, DCOS_SLOTS * env->ncpu);
	if (!r && pinned)
		r = pin_path(path, env->dir, row->name, "");
	if (!r && pinned)
		r = bpf_map__set_pin_path(map, path);
	return r;
}

static int map_prepare(struct bpf_map *map, const struct family_spec *spec,
		       const struct family_env *env, bool pinned)
{
	const struct dcos_knobs knobs = {
		.ncpu = env->ncpu,
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
	};
	const char *name = bpf_map__name(map);
	const struct family_map *row;

	if (!strcmp(name, KNOBS))
		return bpf_map__set_initial_value(map, &knobs, sizeof(knobs));
	if (env->base && find_map(env->base->spec, name))
		return bpf_map__reuse_fd(map, family_map_fd(env->base, name));
	row = find_map(spec, name);
	return row ? map_own(map, row, env, pinned) : 0;
}

int family_object(const struct family_spec *spec, const struct family_env *env, bool pinned,
		  struct bpf_object **ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = spec->name);
	struct bpf_object *obj;
	struct bpf_map *map;
	const void *elf;
	size_t size;
	int r = 0;

	elf = spec->elf(&size);
	obj = bpf_object__open_mem(elf, size, &opts);
	if (!obj)
		return -errno;
	bpf_object__for_each_map(map, obj)
	{
		if (!r)
			r = map_prepare(map, spec, env, pinned);
	}
	if (r) {
		bpf_object__close(obj);
		return r;
	}
	*ret = obj;
	return 0;
}

const char *family_event(const struct bpf_program *prog)
{
	static const char *const plain[] = {"tp_btf/", "raw_tp/"};
	const char *section = bpf_program__section_name(prog);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		if (!strncmp(section, plain[i], strlen(plain[i])))
			return section + strlen(plain[i]);
	}
	return section;
}

static const char *last_line(char *log)
{
	char *end = log + strlen(log), *nl;

	/* the verifier ends with a line of statistics; what it refused stands above it */
	while (end > log) {
		while (end > log && end[-1] == '\n')
			*--end = 0;
		nl = strrchr(log, '\n');
		nl = nl ? nl + 1 : log;
		if (strncmp(nl, "processed ", 10))
			return nl;
		*nl = 0;
		end = nl;
	}
	return log;
}

int family_refused(const struct family_spec *spec, const struct family_env *env, const char *name,
		   struct why *why)
{
	cleanup_free char *log = calloc(1, LOG_SIZE);
	struct bpf_program *prog, *only;
	struct bpf_object *obj;
	int r;

	if (!log)
		return -ENOMEM;
	r = family_object(spec, env, false, &obj);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, obj)
	{
		(void)bpf_program__set_autoload(prog, false); /* fails only once loaded */
	}
	only = name ? bpf_object__find_program_by_name(obj, name) : NULL;
	if (only) {
		(void)bpf_program__set_autoload(only, true); /* as above */
		(void)bpf_program__set_log_buf(only, log, LOG_SIZE); /* as above */
	}
	r = bpf_object__load(obj);
	if (r && !only)
		(void)why_set(why, r, "BPF maps");
	else if (r && log[0])
		(void)why_set(why, r, "%s: %s", family_event(only), last_line(log));
	else if (r)
		(void)why_set(why, r, "%s", family_event(only));
	bpf_object__close(obj);
	return r;
}

/* libbpf does not tell which program the kernel refused: try them one by one. */
static int name_culprit(const struct family_spec *spec, const struct family_env *env, int err,
			struct why *why)
{
	const struct family_hook *h;
	struct bpf_program *prog;
	struct bpf_object *obj;

	if (family_refused(spec, env, NULL, why))
		return err;
	for (h = spec->hooks; h && h->prog; h++) {
		if (family_refused(spec, env, h->prog, why))
			return err;
	}
	if (family_object(spec, env, false, &obj))
		return why_set(why, err, "loading the meter");
	bpf_object__for_each_program(prog, obj)
	{
		if (family_refused(spec, env, bpf_program__name(prog), why))
			break;
	}
	bpf_object__close(obj);
	return why_set(why, err, "loading the meter");
}

/* Bit i: the kernel refuses optional program i. */
static uint32_t find_refused(const struct family_spec *spec, const struct family_env *env,
			     struct why *lacks)
{
	const struct family_optional *o = spec->optional;
	uint32_t refused = 0;
	int i;

	for (i = 0; o && o[i].prog && i < REFUSED_MAX; i++) {
		struct why why = {};

		if (!family_refused(spec, env, o[i].prog, &why))
			continue;
		refused |= UINT32_C(1) << i;
		(void)why_set(lacks, -EINVAL, "%s: %s", o[i].gives, why.text); /* says all */
	}
	return refused;
}

static int load(struct family *f, const struct family_env *env, bool pinned, uint32_t refused)
{
	const struct family_optional *o = f->spec->optional;
	struct bpf_program *prog;
	struct bpf_object *obj;
	int r, i;

	r = family_object(f->spec, env, pinned, &obj);
	if (r < 0)
		return r;
	for (i = 0; o && o[i].prog && i < REFUSED_MAX; i++) {
		prog = bpf_object__find_program_by_name(obj, o[i].prog);
		if (refused & UINT32_C(1) << i)
			(void)bpf_program__set_autoload(prog, false); /* not loaded yet */
	}
	r = bpf_object__load(obj);
	if (r) {
		bpf_object__close(obj);
		return r;
	}
	f->obj = obj;
	return 0;
}

static bool is_optional(const struct family_spec *spec, const char *prog)
{
	const struct family_optional *o;

	for (o = spec->optional; o && o->prog; o++) {
		if (!strcmp(o->prog, prog))
			return true;
	}
	return false;
}

static bool is_complete(const struct family_spec *spec, const char *dir)
{
	const struct family_map *m;
	const struct family_hook *h;

	for (m = spec->maps; m && m->name; m++) {
		if (!pin_exists(dir, m->name))
			return false;
	}
	for (h = spec->hooks; h && h->prog; h++) {
		if (!is_optional(spec, h->prog) && !pin_exists(dir, h->pin))
			return false;
	}
	return true;
}

static bool has_pins(const struct family_spec *spec, const char *dir)
{
	const struct family_map *m;
	const struct family_hook *h;

	for (m = spec->maps; m && m->name; m++) {
		if (pin_exists(dir, m->name))
			return true;
	}
	for (h = spec->hooks; h && h->prog; h++) {
		if (pin_exists(dir, h->pin))
			return true;
	}
	return false;
}

/* The first family's maps are in use by all others: without them every pin is worthless. */
static int wipe(const struct family_spec *spec, const struct family_env *env)
{
	const struct family_map *m;
	const struct family_hook *h;
	int r = 0;

	if (!env->base)
		return pins_empty(env->dir);
	for (h = spec->hooks; !r && h && h->prog; h++)
		r = pin_remove(env->dir, h->pin);
	for (m = spec->maps; !r && m && m->name; m++)
		r = pin_remove(env->dir, m->name);
	return r;
}

/* Without pins, and without the optional programs that the kernel refuses: @ret_refused. */
static int load_fresh(struct family *f, const struct family_env *env, uint32_t *ret_refused,
		      struct why *why)
{
	uint32_t refused = 0;
	int r = load(f, env, false, 0);

	if (r) {
		refused = find_refused(f->spec, env, &f->lacks);
		r = refused ? load(f, env, false, refused) : r;
	}
	if (r)
		return name_culprit(f->spec, env, r, why);
	*ret_refused = refused;
	return 0;
}

/*
 * The layout of pinned maps may be another one without the ABI telling (CPUs were added to the
 * machine): such pins are of no use. If it is the kernel that refuses, they are left alone; where
 * there are none yet, there is nothing to find out first.
 */
static int load_any(struct family *f, const struct family_env *env, struct why *why)
{
	bool pins = f->spec->maps || f->spec->hooks, complete = is_complete(f->spec, env->dir);
	bool none = pins && !has_pins(f->spec, env->dir);
	uint32_t refused = 0;
	int r;

	if (pins && (complete || none) && !load(f, env, true, 0))
		return 0;
	r = none ? wipe(f->spec, env) : 0; /* of what was made until the refusal */
	if (r)
		return why_set(why, r, "pin directory %s", env->dir);
	r = load_fresh(f, env, &refused, why);
	if (r || !pins)
		return r;
	bpf_object__close(f->obj);
	f->obj = NULL;
	/* again: a moment's shortage, which is over if a fresh one loads, is no reason to lose counts */
	if (complete && !load(f, env, true, refused))
		return 0;
	r = wipe(f->spec, env);
	if (!r)
		r = load(f, env, true, refused);
	return r ? why_set(why, r, "pin directory %s", env->dir) : 0;
}

static void free_family(struct family **f)
{
	family_close(*f);
}

int family_open(const struct family_spec *spec, const struct family_env *env, struct family **ret,
		struct why *why)
{
	__attribute__((cleanup(free_family))) struct family *f = calloc(1, sizeof(*f));
	int r, i;

	if (!f)
		return why_set(why, -ENOMEM, "meter");
	f->spec = spec;
	for (i = 0; i < FAMILY_HOOKS_MAX; i++)
		f->links[i] = -1;
	if (spec->needs_cgroup && env->cgroup_fd < 0)
		return why_set(why, -EINVAL, "there is no cgroup of the agent's own");
	r = load_any(f, env, why);
	CRASH_POINT("meter.family_loaded");
	if (!r)
		r = family_attach(f, env, why);
	if (r < 0)
		return r;
	*ret = take_ptr(f);
	return 0;
}

void family_close(struct family *f)
{
	int i;

	if (!f)
		return;
	for (i = 0; i < FAMILY_HOOKS_MAX; i++)
		close_fd(&f->links[i]);
	bpf_object__close(f->obj);
	free(f);
}

int family_map_fd(const struct family *f, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(f->obj, name);

	return map ? bpf_map__fd(map) : -ENOENT;
}

int family_prog_fd(const struct family *f, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(f->obj, name);
	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 ? -EOPNOTSUPP : fd;
}

int family_iter(const struct family *f, const char *name, int cgroup_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	union bpf_iter_link_info info = {};
	int prog = family_prog_fd(f, name), fd;

	if (prog < 0)
		return prog;
	if (cgroup_fd >= 0) {
		info.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
		info.cgroup.cgroup_fd = (uint32_t)cgroup_fd;
		opts.iter_info = &info;
		opts.iter_info_len = sizeof(info);
	}
	fd = bpf_link_create(prog, 0, BPF_TRACE_ITER, &opts);
	return fd < 0 ? -errno : fd;
}

int family_iterate(int iter_fd)
{
	cleanup_close int fd = bpf_iter_create(iter_fd);
	char buf[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? -errno : 0;
}
