// SPDX-License-Identifier: Apache-2.0
/*
 * What the meter costs: a ping-pong of two processes on one CPU without it, under an empty program
 * on the same event, and under the meter, unmetered and metered; the kernel's own time per run of
 * each program; and what reading costs. Rounds of all cases alternate, medians are compared.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"

#define ROUNDS	 9
#define ROUND_NS UINT64_C(300000000)
#define END_MS	 20000
#define READS	 200
#define TASKS	 1000

enum bench_case { WITHOUT, EMPTY, UNMETERED, METERED, CASES };

static const char *const case_names[CASES] = {
	[WITHOUT] = "no program",
	[EMPTY] = "an empty program on sched_switch",
	[UNMETERED] = "meter attached, task unmetered",
	[METERED] = "meter attached, task metered",
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	int plain_fd; /* a cgroup that is never metered */
	struct rig g;
	uint64_t *shared; /* the load's result: picoseconds per switch */
};

static int ping_pong(void *arg)
{
	uint64_t begin = rig_now_ns(), now, n = 0, *ret = arg;
	int there[2], back[2];
	cpu_set_t one;
	char c = 0;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || pipe(there) || pipe(back))
		return 1;
	pid = fork();
	if (!pid) {
		(void)close(there[1]); /* or the read never ends */
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	do {
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return 1;
		n += 2; /* switches */
		now = rig_now_ns();
	} while (now - begin < ROUND_NS);
	*ret = (now - begin) * 1000 / n;
	(void)close(there[1]); /* ends the other side */
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static int forks(void *arg)
{
	uint64_t end = rig_now_ns() + ROUND_NS;
	pid_t pid;

	while (rig_now_ns() < end) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return arg ? 0 : 1;
}

static int run_in(struct bench *b, int cgroup_fd, int (*fn)(void *))
{
	int pidfd, status, r;
	pid_t pid = rig_spawn(cgroup_fd, fn, b->shared, &pidfd);

	if (pid < 0)
		return pid;
	r = rig_wait(pid, pidfd, END_MS, &status);
	(void)close(pidfd); /* nothing was written */
	if (r < 0)
		return r;
	return status ? -EIO : 0;
}

/* An attached tp_btf program of two instructions. Return: the link's descriptor. */
static int empty_program(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	int id = libbpf_find_vmlinux_btf_id("sched_switch", BPF_TRACE_RAW_TP);

	if (id < 0)
		return id;
	opts.attach_btf_id = (__u32)id;

	cleanup_close int prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", insns,
					       ARRAY_SIZE(insns), &opts);

	return prog < 0 ? prog : bpf_raw_tracepoint_open(NULL, prog);
}

static int run_case(struct bench *b, enum bench_case which, uint64_t *ret)
{
	cleanup_close int empty = -1;
	struct why why = {};
	int r = 0;

	if (which == EMPTY) {
		empty = empty_program();
		if (empty < 0)
			return empty;
	}
	if (which == UNMETERED || which == METERED) {
		r = meter_open(b->g.pins, b->g.cgroup_fd, &b->g.m, &why);
		if (r < 0) {
			fprintf(stderr, "%s\n", why.text);
			return r;
		}
		b->g.iso = meter_iso(b->g.m);
		r = b->g.iso->attach(b->g.iso->ctx, b->g.id, &b->g.slot);
	}
	if (!r)
		r = run_in(b, which == METERED ? b->g.cgroup_fd : b->plain_fd, ping_pong);
	*ret = *b->shared;
	if (which == UNMETERED || which == METERED) {
		meter_close(b->g.m);
		b->g.m = NULL;
		(void)meter_unpin(b->g.pins); /* the next case opens it afresh */
	}
	return r;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int bench_switches(struct bench *b)
{
	uint64_t ps[CASES][ROUNDS];
	int i, c, r;

	for (i = 0; i < ROUNDS; i++) {
		for (c = 0; c < CASES; c++) {
			r = run_case(b, (enum bench_case)c, &ps[c][i]);
			if (r < 0)
				return r;
		}
	}
	printf("pinned ping-pong, median of %d rounds     ns/switch   ratio\n", ROUNDS);
	for (c = 0; c < CASES; c++)
		qsort(ps[c], ROUNDS, sizeof(ps[c][0]), by_value);
	for (c = 0; c < CASES; c++)
		printf("  %-38s %8.0f   %5.3f\n", case_names[c], (double)ps[c][ROUNDS / 2] / 1000,
		       (double)ps[c][ROUNDS / 2] / (double)ps[WITHOUT][ROUNDS / 2]);
	return 0;
}

/* One row: what the kernel clocked of the program behind a link. */
static void print_runs(int link_fd, const char *name)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info prog = {};
	__u32 len = sizeof(link);

	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &link, &len))
		return;

	cleanup_close int prog_fd = bpf_prog_get_fd_by_id(link.prog_id);

	len = sizeof(prog);
	if (prog_fd < 0 || bpf_obj_get_info_by_fd(prog_fd, &prog, &len) || !prog.run_cnt)
		return;
	printf("  %-38s %8.0f   %lu runs\n", name, (double)prog.run_time_ns / (double)prog.run_cnt,
	       (unsigned long)prog.run_cnt);
}

static void print_event(const struct bench *b, const char *event)
{
	char path[RIG_PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/v%d/%s", b->g.pins, DCOS_ABI, event); /* fits */

	cleanup_close int fd = bpf_obj_get(path);

	print_runs(fd, event);
}

/* BPF_ENABLE_STATS: the kernel clocks each run, and its clock is in the figure: see the empty one. */
static int bench_programs(struct bench *b)
{
	cleanup_close int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	cleanup_close int empty = empty_program();
	struct why why = {};
	int r;

	if (stats < 0 || empty < 0)
		return stats < 0 ? stats : empty;
	r = run_in(b, b->plain_fd, ping_pong);
	printf("kernel's time per run, pinned ping-pong     ns/run\n");
	print_runs(empty, "an empty program on sched_switch");
	close_fd(&empty);
	if (r < 0)
		return r;
	r = meter_open(b->g.pins, b->g.cgroup_fd, &b->g.m, &why);
	if (r < 0)
		return r;
	b->g.iso = meter_iso(b->g.m);
	r = b->g.iso->attach(b->g.iso->ctx, b->g.id, &b->g.slot);
	if (!r)
		r = run_in(b, b->g.cgroup_fd, ping_pong);
	print_event(b, "sched_switch");
	if (!r)
		r = run_in(b, b->g.cgroup_fd, forks);
	print_event(b, "task_newtask");
	print_event(b, "sched_process_exit");
	return r;
}

static int bench_reading(struct bench *b)
{
	struct meter_row row;
	uint64_t begin, flush, all;
	uint32_t slot;
	int i;

	begin = rig_now_ns();
	for (i = 0; i < READS; i++) {
		if (meter_flush(b->g.m))
			return -EIO;
	}
	flush = rig_now_ns() - begin;
	begin = rig_now_ns();
	for (i = 0; i < READS; i++) {
		for (slot = 1; slot <= TASKS; slot++)
			meter_read(b->g.m, slot, &row);
	}
	all = rig_now_ns() - begin;
	printf("reading, %d possible CPUs                       us\n", libbpf_num_possible_cpus());
	printf("  %-38s %8.1f\n", "meter_flush", (double)flush / READS / 1000);
	printf("  %-38s %8.1f\n", "meter_read of 1000 slots", (double)all / READS / 1000);
	return 0;
}

static int bench_up(struct bench *b)
{
	cleanup_close int root_fd = -1;
	struct why why = {};
	char name[32];
	int r;

	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED)
		return -errno;
	(void)snprintf(name, sizeof(name), "dcos-bench-%d", getpid()); /* fits */
	r = scratch_dir_make(b->dir);
	if (!r)
		r = scratch_cgroup_make(name, b->cgroup);
	if (r < 0)
		return r;
	root_fd = open(b->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	b->plain_fd = rig_cgroup_make(root_fd, "plain");
	if (b->plain_fd < 0)
		return b->plain_fd;
	r = rig_up(b->dir, root_fd, &b->g, &why);
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	meter_close(b->g.m);
	b->g.m = NULL;
	return meter_unpin(b->g.pins);
}

int main(void)
{
	struct bench b = {.plain_fd = -1};
	int r = bench_up(&b);

	if (!r)
		r = bench_switches(&b);
	if (!r)
		r = bench_programs(&b);
	if (!r)
		r = bench_reading(&b);
	meter_close(b.g.m);
	if (b.g.pins[0])
		(void)meter_unpin(b.g.pins); /* its mount ends with this process */
	scratch_cgroup_remove(b.cgroup);
	scratch_dir_remove(b.dir);
	if (r < 0)
		fprintf(stderr, "bench-meter: %s\n", strerror(-r));
	return r < 0;
}
