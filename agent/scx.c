// SPDX-License-Identifier: Apache-2.0
/* Loads, pins and takes over the sched_ext scheduler. Not a family of the meter's: it is loaded on demand. */
#include "agent/scx.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/meter_impl.h"
#include "agent/meter_pins.h"
#include "bpf/scx.skel.h"

#define F_LINK	      (1U << 13) /* BPF_F_LINK of newer headers: struct_ops attached by a link */
#define ATTACH_OPS    44 /* BPF_STRUCT_OPS, likewise */
#define BUSY_TRIES    100 /* the one before ends in the background */
#define BUSY_PAUSE_NS 10000000L
#define NS_PER_US     1000
#define FNV_OFFSET    UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME     UINT64_C(0x100000001b3)

/* In the order in which they are pinned: who finds the last finds all. */
enum { PIN_SLOTS, PIN_STATE, PIN_TIMERS, PIN_SET, PIN_CHARGE, PIN_LINK, PINS };

const char *const scx_pins[] = {"scx_slots",  "scx_state", "scx_timers", "scx_set",
				"scx_charge", "scx_link",  NULL};

static const struct family_spec scx_spec = {
	.name = "scx",
	.gives = "CPU quotas and weights by a scheduler of the agent's",
	.elf = scx_bpf__elf_bytes,
};

struct scx {
	struct iso_scx iso;
	int fds[PINS];
	struct dcos_scx_state *state; /* mapped */
};

/* FNV-1a; tells builds apart, no more is needed. */
static uint64_t build_of_elf(void)
{
	uint64_t h = FNV_OFFSET;
	const unsigned char *p;
	size_t size;

	p = scx_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

static int map_state(struct scx *s)
{
	void *p = mmap(NULL, sizeof(*s->state), PROT_READ | PROT_WRITE, MAP_SHARED,
		       s->fds[PIN_STATE], 0);

	if (p == MAP_FAILED)
		return -errno;
	s->state = p;
	return 0;
}

static int scx_set(void *ctx, uint32_t slot, uint64_t cgroup_id, uint64_t weight,
		   const struct iso_quota *q)
{
	const struct scx *s = ctx;
	struct dcos_scx_set a = {
		.owner = cgroup_id,
		.slot = slot,
		.weight = (uint32_t)weight,
		.quota_ns = q->quota_us * NS_PER_US,
		.period_ns = q->period_us * NS_PER_US,
		.burst_ns = q->burst_us * NS_PER_US,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &a, .ctx_size_in = sizeof(a));

	if (!slot || slot >= DCOS_SLOTS)
		return -EINVAL;
	if (bpf_prog_test_run_opts(s->fds[PIN_SET], &opts))
		return -errno;
	return (int)opts.retval;
}

static void scx_drop(void *ctx, uint32_t slot)
{
	static const struct iso_quota none;

	(void)scx_set(ctx, slot, 0, 0, &none); /* the slot is ours, and this allocates nothing */
}

static struct scx *scx_new(void)
{
	struct scx *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->iso = (struct iso_scx){.ctx = s, .set = scx_set, .drop = scx_drop};
	for (int i = 0; i < PINS; i++)
		s->fds[i] = -1;
	return s;
}

static void scx_clear(struct scx *s)
{
	if (s->state)
		(void)munmap(s->state, sizeof(*s->state)); /* it was mapped */
	s->state = NULL;
	for (int i = 0; i < PINS; i++)
		close_fd(&s->fds[i]);
}

void scx_close(struct scx *s)
{
	if (!s)
		return;
	scx_clear(s);
	free(s);
}

static void free_scx(struct scx **s)
{
	scx_close(*s);
}

/*
 * Backwards: what is left of an interrupted removal is no whole scheduler. With the pin alone the
 * link would end when the kernel gets round to it.
 */
static int unpin(const struct meter *m)
{
	char path[PIN_PATH_MAX];
	int err = pin_path(path, m->dir, scx_pins[PIN_LINK], "");

	if (err)
		return err;
	cleanup_close int link = bpf_obj_get(path);

	if (link >= 0)
		(void)bpf_link_detach(link); /* an ejected one is detached already */
	for (int i = PINS - 1; i >= 0 && !err; i--)
		err = pin_remove(m->dir, scx_pins[i]);
	return err;
}

int scx_dismiss(struct meter *m)
{
	return unpin(m);
}

/* Return: whether there is one of this build, and it runs. */
static bool take_over(struct scx *s, const struct meter *m)
{
	char path[PIN_PATH_MAX];

	for (int i = PINS - 1; i >= 0; i--) {
		if (pin_path(path, m->dir, scx_pins[i], ""))
			return false;
		s->fds[i] = bpf_obj_get(path);
		if (s->fds[i] < 0)
			return false;
	}
	if (map_state(s))
		return false;
	return s->state->build == build_of_elf() && !s->state->exit_kind;
}

static int load(const struct meter *m, struct bpf_object **ret, struct why *why)
{
	const struct family_env env = {
		.dir = m->dir,
		.ncpu = (uint32_t)m->ncpu,
		.cgroup_fd = -1,
		.base = m->families[METER_SCHED],
	};
	struct bpf_program *init;
	struct bpf_object *obj;
	struct bpf_map *ops;
	int err = family_object(&scx_spec, &env, false, &obj);

	if (err)
		return why_set(why, err, "the scheduler's programs");
	ops = bpf_object__find_map_by_name(obj, "scx_ops");
	init = bpf_object__find_program_by_name(obj, "scx_init");
	err = bpf_map__set_map_flags(ops, F_LINK);
	if (!err)
		err = bpf_program__set_flags(init, BPF_F_SLEEPABLE);
	if (!err)
		err = bpf_object__load(obj);
	if (err) {
		bpf_object__close(obj);
		return why_set(why, -EOPNOTSUPP,
			       "the kernel refused a sched_ext scheduler (%s), it wants one with "
			       "cgroup_set_bandwidth",
			       strerror(-err));
	}
	*ret = obj;
	return 0;
}

static int dup_fd(int fd)
{
	int r = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return r < 0 ? -errno : r;
}

/* The library's own link can't be pinned; it leaves the map ready for one that can. */
static int link_ops(struct bpf_object *obj)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_NS};
	struct bpf_map *ops = bpf_object__find_map_by_name(obj, "scx_ops");
	struct bpf_link *ready = bpf_map__attach_struct_ops(ops);
	int fd = -EBUSY;

	if (!ready)
		return -errno;
	for (int i = 0; i < BUSY_TRIES && fd == -EBUSY; i++) {
		fd = bpf_link_create(bpf_map__fd(ops), 0, (enum bpf_attach_type)ATTACH_OPS, NULL);
		fd = fd < 0 ? -errno : fd;
		if (fd == -EBUSY)
			(void)nanosleep(&pause, NULL); /* if it is cut short, the next one is not */
	}
	bpf_link__disconnect(ready); /* the map's state is the kernel's */
	(void)bpf_link__destroy(ready); /* frees memory only */
	return fd;
}

/* Charged first: a scheduler that is not told what runs holds nobody. */
static int attach(struct scx *s, struct bpf_object *obj, struct why *why)
{
	static const char *const maps[] = {"scx_slots", "scx_state", "scx_timers"};
	struct bpf_program *charge = bpf_object__find_program_by_name(obj, "scx_charge");
	struct bpf_program *set = bpf_object__find_program_by_name(obj, "scx_set");
	int err = 0;

	for (int i = 0; i <= PIN_TIMERS && !err; i++) {
		s->fds[i] = dup_fd(bpf_map__fd(bpf_object__find_map_by_name(obj, maps[i])));
		err = s->fds[i] < 0 ? s->fds[i] : 0;
	}
	if (!err)
		err = map_state(s);
	if (err)
		return why_set(why, err, "the scheduler's maps");
	s->state->build = build_of_elf();
	s->fds[PIN_SET] = dup_fd(bpf_program__fd(set));
	s->fds[PIN_CHARGE] = bpf_raw_tracepoint_open(NULL, bpf_program__fd(charge));
	if (s->fds[PIN_SET] < 0 || s->fds[PIN_CHARGE] < 0)
		return why_set(why, -errno, "sched_stat_runtime");
	s->fds[PIN_LINK] = link_ops(obj);
	if (s->fds[PIN_LINK] == -EBUSY)
		return why_set(why, -EBUSY, "another sched_ext scheduler runs");
	if (s->fds[PIN_LINK] < 0)
		return why_set(why, s->fds[PIN_LINK], "starting the scheduler");
	return 0;
}

static int pin_all(const struct scx *s, const struct meter *m, struct why *why)
{
	char path[PIN_PATH_MAX];
	int err = 0;

	for (int i = 0; i < PINS && !err; i++) {
		err = pin_path(path, m->dir, scx_pins[i], "");
		if (!err)
			err = bpf_obj_pin(s->fds[i], path);
		CRASH_POINT("scx.pinned");
	}
	return err ? why_set(why, err, "pinning the scheduler") : 0;
}

int scx_open(struct meter *m, struct scx **ret, struct why *why)
{
	__attribute__((cleanup(free_scx))) struct scx *s = scx_new();
	struct bpf_object *obj = NULL;
	int err;

	if (!s)
		return why_set(why, -ENOMEM, "scx");
	if (take_over(s, m)) {
		*ret = take_ptr(s);
		return 0;
	}
	scx_clear(s);
	err = unpin(m);
	if (err)
		return why_set(why, err, "removing an older scheduler's pins");
	err = load(m, &obj, why);
	if (err)
		return err;
	err = attach(s, obj, why);
	bpf_object__close(obj);
	if (!err)
		err = pin_all(s, m, why);
	if (err) {
		(void)unpin(m); /* who opens next tries again */
		return err;
	}
	*ret = take_ptr(s);
	return 0;
}

const struct iso_scx *scx_iso(struct scx *s)
{
	return &s->iso;
}

bool scx_runs(const struct scx *s, struct why *why)
{
	if (!__atomic_load_n(&s->state->exit_kind, __ATOMIC_ACQUIRE))
		return true;
	(void)why_set(why, -EINVAL, "%.*s: %.*s", DCOS_SCX_TEXT, s->state->reason, DCOS_SCX_TEXT,
		      s->state->message); /* says all */
	return false;
}
