// SPDX-License-Identifier: Apache-2.0
/*
 * Loads, attaches and pins bpf/meter.bpf.c. The order matters only on an upgrade: a new program is
 * attached before the old one goes, so that no birth and no exit is lost; for that moment a switch
 * may be counted twice, never a time (times are differences against a state that both share).
 */
#include "agent/meter_pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "bpf/meter.skel.h"

#define PIN_PATH_MAX 256
#define PIN_NEW	     "_new" /* appended while a pin is replaced; dots are refused by bpffs */
#define LOG_SIZE     (64U << 10) /* of the verifier, for the last line of it */

/* Births come last: a thread that has a state is one that all the others know. */
static const struct hook {
	const char *event; /* of the tracepoint, and the pin's name */
	const char *prog;
} hooks[] = {
	{"sched_process_exit", "meter_exit"}, {"sched_process_exec", "meter_exec"},
	{"sched_switch", "meter_switch"},     {"sched_process_fork", "meter_fork"},
	{"task_newtask", "meter_newtask"},
};
#define HOOKS ARRAY_SIZE(hooks)

static const char *const pinned_maps[] = {"drops", "cells", "slots", "exits", "tasks"};

struct meter_pins {
	struct meter_bpf *skel;
	int links[HOOKS]; /* held too, so that an unmounted bpffs does not end the meter */
};

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0; /* what went wrong is told by struct why */
}

static int pin_path(char path[static PIN_PATH_MAX], const char *dir, const char *name,
		    const char *suffix)
{
	int n = snprintf(path, PIN_PATH_MAX, "%s/%s%s", dir, name, suffix);

	return n < 0 || n >= PIN_PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Remove a directory of pins with its entries; @parent is its parent's descriptor. */
static int dir_remove(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		r = -errno;
		close_fd(&fd);
		return r;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (unlinkat(fd, e->d_name, 0) && errno != ENOENT && !r)
			r = -errno;
	}
	if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT && !r)
		r = -errno;
	return r;
}

/* Remove the directories v* of a pin directory, all but @keep. */
static int versions_remove(const char *pin_dir, const char *keep)
{
	cleanup_closedir DIR *d = opendir(pin_dir);
	struct dirent *e;
	int r, first = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] != 'v' || (keep && !strcmp(e->d_name, keep)))
			continue;
		r = dir_remove(dirfd(d), e->d_name);
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

int meter_unpin(const char *pin_dir)
{
	int r = versions_remove(pin_dir, NULL);

	if (r == -ENOENT)
		return 0;
	if (rmdir(pin_dir) && errno != ENOENT && errno != ENOTEMPTY && errno != EBUSY && !r)
		r = -errno;
	return r;
}

static int dir_make(const char *path, struct why *why)
{
	struct statfs fs;

	if (mkdir(path, 0700) && errno != EEXIST)
		return why_set(why, -errno, "pin directory %s", path);
	if (statfs(path, &fs))
		return why_set(why, -errno, "pin directory %s", path);
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return why_set(why, -EINVAL, "pin directory %s is not on a bpf file system", path);
	return 0;
}

static bool is_pinned(const char *dir, const char *name)
{
	char path[PIN_PATH_MAX];
	struct stat st;

	return !pin_path(path, dir, name, "") && !lstat(path, &st);
}

static bool is_complete(const char *dir)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pinned_maps); i++) {
		if (!is_pinned(dir, pinned_maps[i]))
			return false;
	}
	for (i = 0; i < HOOKS; i++) {
		if (!is_pinned(dir, hooks[i].event))
			return false;
	}
	return true;
}

/* An object ready to load, its maps bound to the pins in @dir (NULL: to none). */
static int object_new(const char *dir, uint32_t ncpu, struct meter_bpf **ret)
{
	struct meter_bpf *skel = meter_bpf__open();
	char path[PIN_PATH_MAX];
	size_t i;
	int r;

	if (!skel)
		return -errno;
	skel->rodata->ncpu = ncpu;
	r = bpf_map__set_max_entries(skel->maps.cells, DCOS_SLOTS * ncpu);
	for (i = 0; dir && !r && i < ARRAY_SIZE(pinned_maps); i++) {
		r = pin_path(path, dir, pinned_maps[i], "");
		if (!r)
			r = bpf_map__set_pin_path(bpf_object__find_map_by_name(skel->obj,
									       pinned_maps[i]),
						  path);
	}
	if (r) {
		meter_bpf__destroy(skel);
		return r;
	}
	*ret = skel;
	return 0;
}

/* The event of a program as people know it: "tp_btf/sched_switch" is sched_switch. */
static const char *event_of(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
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

/* Load only the maps and this one program, without pins. Return: 0 or the kernel's answer. */
static int try_one(uint32_t ncpu, const char *name, struct why *why)
{
	cleanup_free char *log = calloc(1, LOG_SIZE);
	struct bpf_program *prog, *only;
	struct meter_bpf *skel;
	int r;

	if (!log)
		return -ENOMEM;
	r = object_new(NULL, ncpu, &skel);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, skel->obj)(void)
		bpf_program__set_autoload(prog, false); /* fails only once loaded */
	only = name ? bpf_object__find_program_by_name(skel->obj, name) : NULL;
	if (only) {
		(void)bpf_program__set_autoload(only, true); /* as above */
		(void)bpf_program__set_log_buf(only, log, LOG_SIZE); /* as above */
	}
	r = meter_bpf__load(skel);
	if (r && !only)
		(void)why_set(why, r, "BPF maps");
	else if (r && log[0])
		(void)why_set(why, r, "%s: %s", event_of(only), last_line(log));
	else if (r)
		(void)why_set(why, r, "%s", event_of(only));
	meter_bpf__destroy(skel);
	return r;
}

/* libbpf does not tell which program the kernel refused: try them one by one. */
static int name_culprit(uint32_t ncpu, int err, struct why *why)
{
	size_t i;

	if (try_one(ncpu, NULL, why))
		return err;
	for (i = 0; i < HOOKS; i++) {
		if (try_one(ncpu, hooks[i].prog, why))
			return err;
	}
	if (try_one(ncpu, "meter_flush", why))
		return err;
	return why_set(why, err, "loading the meter");
}

/*
 * With the pinned maps. Their layout may be another one without the ABI telling (CPUs were added
 * to the machine): such pins are of no use. pick_up is done without where it is refused.
 */
static int object_load(const char *dir, uint32_t ncpu, bool pick_up, struct meter_bpf **ret)
{
	struct meter_bpf *skel;
	int r;

	r = object_new(dir, ncpu, &skel);
	if (r < 0)
		return r;
	(void)bpf_program__set_autoload(skel->progs.meter_pick_up, pick_up); /* not loaded yet */
	r = meter_bpf__load(skel);
	if (r) {
		meter_bpf__destroy(skel);
		return r;
	}
	*ret = skel;
	return 0;
}

static int prog_tag(int fd, __u8 tag[static BPF_TAG_SIZE])
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r)
		return r;
	memcpy(tag, info.tag, BPF_TAG_SIZE);
	return 0;
}

/* Does a link run the same instructions as @prog_fd? */
static bool link_is_current(int link_fd, int prog_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	__u8 old[BPF_TAG_SIZE], new[BPF_TAG_SIZE];
	cleanup_close int fd = -1;

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return false;
	fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (fd < 0 || prog_tag(fd, old) || prog_tag(prog_fd, new))
		return false;
	return !memcmp(old, new, BPF_TAG_SIZE);
}

/* Attach @prog and put its link where an older one may be. */
static int hook_attach(const struct bpf_program *prog, const char *dir, const char *event,
		       int *ret_fd)
{
	char path[PIN_PATH_MAX], fresh[PIN_PATH_MAX];
	struct bpf_link *link;
	cleanup_close int fd = -1;
	int r = pin_path(path, dir, event, "");

	if (!r)
		r = pin_path(fresh, dir, event, PIN_NEW);
	if (r < 0)
		return r;
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		r = -errno;
	bpf_link__destroy(link);
	if (r < 0)
		return r;
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	r = bpf_obj_pin(fd, fresh);
	if (r < 0)
		return r;
	if (rename(fresh, path))
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int hooks_attach(struct meter_pins *p, const char *dir, struct why *why)
{
	const struct bpf_program *prog;
	char path[PIN_PATH_MAX];
	size_t i;
	int r;

	for (i = 0; i < HOOKS; i++) {
		cleanup_close int old = -1;

		prog = bpf_object__find_program_by_name(p->skel->obj, hooks[i].prog);
		r = pin_path(path, dir, hooks[i].event, "");
		if (r < 0)
			return why_set(why, r, "pin directory %s", dir);
		old = bpf_obj_get(path);
		if (old >= 0 && link_is_current(old, bpf_program__fd(prog))) {
			p->links[i] = take_fd(&old);
			continue;
		}
		r = hook_attach(prog, dir, hooks[i].event, &p->links[i]);
		if (r < 0)
			return why_set(why, r, "%s", hooks[i].event);
	}
	return 0;
}

/* Load with the pins in @parent/@name, with fresh ones if those are unfit. */
static int pins_load(struct meter_pins *p, const char *pin_dir, const char *dir, uint32_t ncpu,
		     struct why *why)
{
	int r = -ENOENT;

	if (is_complete(dir))
		r = object_load(dir, ncpu, true, &p->skel);
	if (r && is_complete(dir))
		r = object_load(dir, ncpu, false, &p->skel);
	if (!r)
		return 0;
	/* is it the pins, or the kernel? In the latter case they are left alone. */
	r = object_load(NULL, ncpu, true, &p->skel);
	if (r)
		r = object_load(NULL, ncpu, false, &p->skel);
	if (r)
		return name_culprit(ncpu, r, why);
	meter_bpf__destroy(p->skel);
	p->skel = NULL;
	r = versions_remove(pin_dir, NULL);
	if (!r)
		r = dir_make(dir, why);
	if (!r)
		r = object_load(dir, ncpu, true, &p->skel);
	if (r)
		r = object_load(dir, ncpu, false, &p->skel);
	return r ? why_set(why, r, "pin directory %s", dir) : 0;
}

static void free_pins(struct meter_pins **p)
{
	pins_close(*p);
}

int pins_open(const char *pin_dir, uint32_t ncpu, struct meter_pins **ret, struct why *why)
{
	__attribute__((cleanup(free_pins))) struct meter_pins *p = calloc(1, sizeof(*p));
	char dir[PIN_PATH_MAX], version[16];
	size_t i;
	int r;

	if (!p)
		return why_set(why, -ENOMEM, "meter");
	for (i = 0; i < HOOKS; i++)
		p->links[i] = -1;
	(void)libbpf_set_print(quiet); /* returns the one before */
	(void)snprintf(version, sizeof(version), "v%d", DCOS_ABI); /* fits */
	r = pin_path(dir, pin_dir, version, "");
	if (r < 0)
		return why_set(why, r, "pin directory %s", pin_dir);
	r = dir_make(pin_dir, why);
	if (!r)
		r = dir_make(dir, why);
	if (!r)
		r = pins_load(p, pin_dir, dir, ncpu, why);
	if (!r)
		r = hooks_attach(p, dir, why);
	if (!r && versions_remove(pin_dir, version))
		r = why_set(why, -EBUSY, "removing other versions in %s", pin_dir);
	if (r < 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

void pins_close(struct meter_pins *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < HOOKS; i++)
		close_fd(&p->links[i]);
	meter_bpf__destroy(p->skel);
	free(p);
}

const struct meter_bpf *pins_skel(const struct meter_pins *p)
{
	return p->skel;
}

int pins_pick_up(const struct meter_pins *p)
{
	cleanup_close int fd = -1;
	struct bpf_link *link;
	char buf[64];
	ssize_t n;
	int r = 0;

	if (bpf_program__fd(p->skel->progs.meter_pick_up) < 0)
		return -EOPNOTSUPP;
	link = bpf_program__attach_iter(p->skel->progs.meter_pick_up, NULL);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		r = fd;
	while (!r) { /* it prints nothing: a read walks over all tasks */
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
	}
	bpf_link__destroy(link);
	return r;
}
