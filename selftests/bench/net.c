// SPDX-License-Identifier: Apache-2.0
/*
 * What the meter costs tasks that talk over loopback, both ends on one CPU: a stream, small
 * requests over TCP and over UDP, and connections of one request each; without it, under it but
 * for its programs on the network, and under all of it; and the kernel's own time per run of these
 * programs. Nothing lies between the ends, so little hides the cost. The ends' CPU time is taken,
 * so that others on the machine disturb less. Rounds of all cases alternate; a ratio is the median
 * of those to the neighbouring round without.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/net_rig.h"

#define ROUNDS	 21
#define ROUND_NS UINT64_C(200000000)
#define END_MS	 20000
#define CHUNK	 65536 /* bytes of one write of the stream */
#define SMALL	 64 /* bytes of a request and of its answer */
#define BACKLOG	 16

enum bench_case { WITHOUT, OTHERS, METERED, CASES };

static const char *const case_names[CASES] = {
	[WITHOUT] = "no program",
	[OTHERS] = "metered but for the network",
	[METERED] = "metered",
};

/* What the two ends do; the far one until it is killed. */
struct load {
	const char *name;
	int (*far)(int fd); /* a listener, or a bound socket; returns on failure only */
	int (*near)(int fd, const struct rig_addr *far); /* one unit of work */
	int type; /* of their sockets */
	bool connects; /* its units do: they are given no socket */
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	int root_fd;
	struct rig g;
	const struct load *load;
	uint64_t *shared; /* the load's result: picoseconds of CPU per unit of work */
};

static int send_bytes(int fd, size_t bytes)
{
	static char text[CHUNK];

	return send(fd, text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes ? 0 : -1;
}

static int receive_small(int fd)
{
	char text[SMALL];

	return recv(fd, text, sizeof(text), MSG_WAITALL) == SMALL ? 0 : -1;
}

static int near_stream(int fd, const struct rig_addr *far)
{
	(void)far; /* is connected */
	return send_bytes(fd, CHUNK);
}

static int near_request(int fd, const struct rig_addr *far)
{
	(void)far; /* is connected */
	return send_bytes(fd, SMALL) || receive_small(fd) ? -1 : 0;
}

static int near_connection(int fd, const struct rig_addr *far)
{
	cleanup_close int one = rig_connect(far);

	(void)fd; /* there is none */
	return one < 0 ? -1 : near_request(one, far);
}

static int far_stream(int listener)
{
	cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	static char text[CHUNK];

	while (recv(fd, text, sizeof(text), 0) > 0)
		;
	return -1;
}

static int far_requests(int listener)
{
	cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	while (!receive_small(fd) && !send_bytes(fd, SMALL))
		;
	return -1;
}

static int far_connections(int listener)
{
	for (;;) {
		cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (receive_small(fd) || send_bytes(fd, SMALL))
			return -1;
	}
}

static int far_datagrams(int fd)
{
	struct sockaddr_in from;
	socklen_t len;
	char text[SMALL];

	do {
		len = sizeof(from);
		if (recvfrom(fd, text, sizeof(text), 0, (void *)&from, &len) != SMALL)
			return -1;
	} while (sendto(fd, text, sizeof(text), 0, (void *)&from, len) == SMALL);
	return -1;
}

static const struct load loads[] = {
	{"a stream, writes of 64 KiB", far_stream, near_stream, SOCK_STREAM, false},
	{"64 bytes to and fro by TCP", far_requests, near_request, SOCK_STREAM, false},
	{"64 bytes to and fro by UDP", far_datagrams, near_request, SOCK_DGRAM, false},
	{"connect, 64 bytes to and fro, close", far_connections, near_connection, SOCK_STREAM,
	 true},
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int near_end(const struct bench *b, const struct rig_addr *far, clockid_t far_clock)
{
	const struct load *l = b->load;
	cleanup_close int fd = l->connects ? -1 : socket(AF_INET, l->type | SOCK_CLOEXEC, 0);
	uint64_t end = rig_now_ns() + ROUND_NS, cpu, n = 0;

	if (!l->connects && (fd < 0 || connect(fd, &far->any, far->len)))
		return 1;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + clock_ns(far_clock);
	do {
		if (l->near(fd, far))
			return 1;
		n++;
	} while (rig_now_ns() < end);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + clock_ns(far_clock) - cpu;
	*b->shared = cpu * 1000 / n;
	return 0;
}

static int both_ends(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	const struct bench *b = arg;
	cleanup_close int far = b->load->type == SOCK_STREAM ? rig_listener(&a, BACKLOG)
							     : rig_bound(SOCK_DGRAM, &a);
	clockid_t clock;
	cpu_set_t one;
	pid_t pid;
	int r;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (far < 0 || sched_setaffinity(0, sizeof(one), &one))
		return 1;
	pid = fork();
	if (!pid)
		_exit(b->load->far(far) ? 1 : 0);
	r = pid < 0 || clock_getcpuclockid(pid, &clock) || near_end(b, &a, clock);
	if (pid > 0 && (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid))
		r = 1;
	return r;
}

static int run_load(struct bench *b)
{
	int pidfd, status, r;
	pid_t pid = rig_spawn(b->g.cgroup_fd, both_ends, b, &pidfd);

	if (pid < 0)
		return pid;
	r = rig_wait(pid, pidfd, END_MS, &status);
	(void)close(pidfd); /* nothing was written */
	if (r < 0)
		return r;
	return status ? -EIO : 0;
}

/* The programs of cgroups are refused without one. */
static int meter_up(struct bench *b, bool net)
{
	struct why why = {};
	int r = meter_open(b->g.pins, net ? b->root_fd : -1, &b->g.m, &why);

	if (!r && net && !meter_has(b->g.m, METER_NET, &why))
		r = -EOPNOTSUPP;
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	b->g.iso = meter_iso(b->g.m);
	return b->g.iso->attach(b->g.iso->ctx, b->g.id, &b->g.slot);
}

static void meter_down(struct bench *b)
{
	meter_close(b->g.m);
	b->g.m = NULL;
	(void)meter_unpin(b->g.pins); /* the next case opens it afresh */
}

static int run_case(struct bench *b, enum bench_case which, uint64_t *ret)
{
	int r = which == WITHOUT ? 0 : meter_up(b, which == METERED);

	if (!r)
		r = run_load(b);
	*ret = *b->shared;
	meter_down(b);
	return r;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median(uint64_t v[static ROUNDS])
{
	qsort(v, ROUNDS, sizeof(v[0]), by_value);
	return v[ROUNDS / 2];
}

static int bench_load(struct bench *b)
{
	uint64_t ps[CASES][ROUNDS], ppm[CASES][ROUNDS];
	int i, c, r;

	for (i = 0; i < ROUNDS; i++) {
		for (c = 0; c < CASES; c++) {
			r = run_case(b, (enum bench_case)c, &ps[c][i]);
			if (r < 0)
				return r;
			ppm[c][i] = ps[c][i] * 1000000 / ps[WITHOUT][i];
		}
	}
	printf("%-48s   CPU ns   ratio\n", b->load->name);
	for (c = 0; c < CASES; c++)
		printf("  %-46s %8.0f   %5.3f\n", case_names[c], (double)median(ps[c]) / 1000,
		       (double)median(ppm[c]) / 1000000);
	return 0;
}

/* A program of two instructions on what comes in for a cgroup, in @ret; returns the link. */
static int empty_program(int cgroup_fd, int *ret)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET_INGRESS);
	int link, fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "empty", "GPL", insns,
				     ARRAY_SIZE(insns), &opts);

	if (fd < 0)
		return fd;
	link = bpf_link_create(fd, cgroup_fd, BPF_CGROUP_INET_INGRESS, NULL);
	if (link < 0)
		(void)close(fd); /* nothing was written */
	else
		*ret = fd;
	return link;
}

static void print_empty(int prog_fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (!bpf_obj_get_info_by_fd(prog_fd, &info, &len) && info.run_cnt)
		printf("  %-46s %8.0f   %lu runs\n", "an empty program on ingress",
		       (double)info.run_time_ns / (double)info.run_cnt,
		       (unsigned long)info.run_cnt);
}

/* BPF_ENABLE_STATS: the kernel clocks each run, and its clock is in the figure: see the empty one. */
static int bench_programs(struct bench *b)
{
	cleanup_close int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), empty = -1;
	cleanup_close int link = empty_program(b->g.cgroup_fd, &empty);
	struct meter_program p[METER_PROGRAMS_MAX];
	int i, n, r;

	if (stats < 0 || link < 0)
		return stats < 0 ? stats : link;
	r = meter_up(b, true);
	if (!r)
		r = run_load(b);
	n = r ? 0 : meter_programs(b->g.m, p, METER_PROGRAMS_MAX);
	printf("kernel's time per run: %s\n", b->load->name);
	print_empty(empty);
	for (i = 0; i < n; i++) {
		if (strncmp(p[i].name, "net_", 4) || !p[i].runs || p[i].runs == UINT64_MAX)
			continue;
		printf("  %-46.16s %8.0f   %lu runs\n", p[i].name,
		       (double)p[i].run_ns / (double)p[i].runs, (unsigned long)p[i].runs);
	}
	meter_down(b);
	return r;
}

static int bench_up(struct bench *b)
{
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
	if (!r)
		r = rig_netns();
	if (r < 0)
		return r;
	b->root_fd = open(b->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->root_fd < 0)
		return -errno;
	r = rig_up(b->dir, b->root_fd, &b->g, &why);
	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	else
		meter_down(b);
	return r;
}

int main(void)
{
	struct bench b = {.root_fd = -1};
	int r = bench_up(&b);
	size_t i;

	for (i = 0; !r && i < ARRAY_SIZE(loads); i++) {
		b.load = &loads[i];
		r = bench_load(&b);
	}
	for (i = 0; !r && i < ARRAY_SIZE(loads); i++) {
		b.load = &loads[i];
		r = bench_programs(&b);
	}
	meter_close(b.g.m);
	if (b.g.pins[0])
		(void)meter_unpin(b.g.pins); /* its mount ends with this process */
	close_fd(&b.root_fd);
	scratch_cgroup_remove(b.cgroup);
	scratch_dir_remove(b.dir);
	if (r < 0)
		fprintf(stderr, "bench-net: %s\n", strerror(-r));
	return r < 0;
}
