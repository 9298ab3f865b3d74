// SPDX-License-Identifier: Apache-2.0
/*
 * What the whole meter costs real work: messages between many processes, as hackbench sends them,
 * and a web server (the exporter's /healthz) under wrk. With every family of programs attached and
 * the load metered, and with nothing attached; rounds alternate, the median of the paired ratios
 * counts. On a busy machine these say little; what the kernel itself counts says more: the time in
 * the meter's programs as a share of the load's CPU time, of rounds of their own, for counting has
 * a price too.
 * Usage: load [EXPORTER]
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "selftests/harness/harness.h"
#include "selftests/harness/meter_rig.h"

#define ROUNDS	 15
#define COUNTED	 3 /* rounds under the kernel's clock for BPF programs */
#define GROUPS	 4
#define PAIRS	 10 /* senders, and receivers, in a group */
#define MESSAGES 400 /* that each sender sends to each receiver */
#define MESSAGE	 100 /* bytes */
#define END_MS	 60000
#define WRK	 "/usr/bin/wrk"
#define PORT	 "19977"
#define ADDRESS	 "127.0.0.1:" PORT

struct result {
	double rate; /* the greater the faster */
	double cpu_ns; /* of the load's processes */
};

struct bench {
	char dir[PATH_MAX], cgroup[PATH_MAX]; /* removed at the end */
	const char *exporter;
	int root_fd, plain_fd; /* a cgroup that is never metered */
	struct rig g;
	struct result *shared; /* with the load's processes */
};

static int receive(int fd, int nr)
{
	char text[MESSAGE];
	ssize_t n;

	while (nr > 0) {
		n = recv(fd, text, sizeof(text), MSG_WAITALL);
		if (n != (ssize_t)sizeof(text))
			return 1;
		nr--;
	}
	return 0;
}

static int send_to_all(const int *fds)
{
	char text[MESSAGE] = {};

	for (int i = 0; i < MESSAGES; i++)
		for (int r = 0; r < PAIRS; r++)
			if (send(fds[r], text, sizeof(text), 0) != (ssize_t)sizeof(text))
				return 1;
	return 0;
}

static int group(void)
{
	int fds[PAIRS][2], out[PAIRS], status, bad = 0;

	for (int i = 0; i < PAIRS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]))
			return 1;
		out[i] = fds[i][1];
	}
	for (int i = 0; i < PAIRS; i++)
		if (!fork())
			_exit(receive(fds[i][0], PAIRS * MESSAGES));
	for (int i = 0; i < PAIRS; i++)
		if (!fork())
			_exit(send_to_all(out));
	for (int i = 0; i < 2 * PAIRS; i++)
		bad |= wait(&status) < 0 || status;
	return bad;
}

static int messages(struct bench *b)
{
	uint64_t begin = rig_now_ns();
	int status, bad = 0;

	for (int i = 0; i < GROUPS; i++)
		if (!fork())
			_exit(group());
	for (int i = 0; i < GROUPS; i++)
		bad |= wait(&status) < 0 || status;
	b->shared->rate = 1e12 / (double)(rig_now_ns() - begin);
	return bad;
}

/* Run wrk and take its line "Requests/sec: N". */
static int run_wrk(double *ret)
{
	char line[256], url[] = "http://" ADDRESS "/healthz";
	int out[2], status;
	FILE *f;
	pid_t pid;

	if (pipe(out))
		return 1;
	pid = fork();
	if (!pid) {
		(void)dup2(out[1], STDOUT_FILENO); /* a failure is seen as no result */
		(void)close(out[0]);
		(void)close(out[1]);
		(void)execl(WRK, "wrk", "-t1", "-c16", "-d2s", url, NULL);
		_exit(127);
	}
	(void)close(out[1]); /* or the read never ends */
	f = fdopen(out[0], "r");
	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "Requests/sec: %lf", ret); /* other lines leave it */
	if (f)
		(void)fclose(f); /* it was only read */
	return waitpid(pid, &status, 0) != pid || status;
}

static int web(struct bench *b)
{
	pid_t server = fork();
	int status, bad = 1;

	if (!server) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* only to leave nothing behind */
		(void)dup2(null, STDERR_FILENO); /* it complains that there is no agent */
		(void)execl(b->exporter, b->exporter, "--listen", ADDRESS, "--socket",
			    "/nonexistent/agent.sock", NULL);
		_exit(127);
	}
	for (int i = 0; i < 50 && b->shared->rate == 0; i++) {
		const struct timespec pause = {.tv_nsec = 20000000};

		(void)nanosleep(&pause, NULL); /* until it listens */
		bad = run_wrk(&b->shared->rate);
	}
	(void)kill(server, SIGKILL); /* our child */
	(void)waitpid(server, &status, 0); /* as above */
	return bad || b->shared->rate == 0;
}

struct load {
	struct bench *b;
	int (*fn)(struct bench *);
};

/* The whole load, in its cgroup: all of its processes are below this one, and waited for. */
static int run_load(void *arg)
{
	const struct load *l = arg;
	struct rusage u;
	int bad = l->fn(l->b);

	if (getrusage(RUSAGE_CHILDREN, &u))
		return 1;
	l->b->shared->cpu_ns = 1e9 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			       1e3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	return bad;
}

static int run_in(struct bench *b, int cgroup_fd, int (*fn)(struct bench *))
{
	struct load load = {b, fn};
	int pidfd, status, r;
	pid_t pid;

	*b->shared = (struct result){};
	pid = rig_spawn(cgroup_fd, run_load, &load, &pidfd);
	if (pid < 0)
		return pid;
	r = rig_wait(pid, pidfd, END_MS, &status);
	(void)close(pidfd); /* nothing was written */
	if (r < 0)
		return r;
	return status ? -EIO : 0;
}

/* The time of all programs so far; what the kernel does not count is 0. */
static double programs_ns(const struct meter *m)
{
	struct meter_program all[METER_PROGRAMS_MAX];
	int n = meter_programs(m, all, METER_PROGRAMS_MAX);
	double ns = 0;

	for (int i = 0; i < n; i++)
		ns += all[i].run_ns == CT_UNSET ? 0 : (double)all[i].run_ns;
	return ns;
}

/* @ret_ns: the time in the meter's programs; NULL: it is not wanted. */
static int run_metered(struct bench *b, int (*fn)(struct bench *), double *ret_ns)
{
	struct why why = {};
	int r = meter_open(b->g.pins, b->root_fd, &b->g.m, &why);

	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	b->g.iso = meter_iso(b->g.m);
	r = b->g.iso->attach(b->g.iso->ctx, b->g.id, &b->g.slot);
	if (!r)
		r = run_in(b, b->g.cgroup_fd, fn);
	if (ret_ns)
		*ret_ns = programs_ns(b->g.m);
	meter_close(b->g.m);
	b->g.m = NULL;
	(void)meter_unpin(b->g.pins); /* the next round opens it afresh */
	return r;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Paired: each ratio is of two runs one after the other, in alternating order. */
static int compare(struct bench *b, const char *name, int (*fn)(struct bench *))
{
	double ratio[ROUNDS], without, metered;
	int r;

	for (int i = 0; i < ROUNDS; i++) {
		r = i % 2 ? run_metered(b, fn, NULL) : run_in(b, b->plain_fd, fn);
		metered = without = b->shared->rate;
		if (!r)
			r = i % 2 ? run_in(b, b->plain_fd, fn) : run_metered(b, fn, NULL);
		if (r < 0)
			return r;
		if (i % 2)
			without = b->shared->rate;
		else
			metered = b->shared->rate;
		ratio[i] = without / metered;
	}
	qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
	printf("  %-38s %+6.2f %%   (quartiles %+.2f, %+.2f)\n", name,
	       100 * (ratio[ROUNDS / 2] - 1), 100 * (ratio[ROUNDS / 4] - 1),
	       100 * (ratio[ROUNDS * 3 / 4] - 1));
	return 0;
}

/* The programs' share of the load's CPU time, the kernel's clock for them included. */
static int count(struct bench *b, const char *name, int (*fn)(struct bench *))
{
	cleanup_close int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double share[COUNTED], ns = 0;
	int r;

	if (stats < 0)
		return stats;
	for (int i = 0; i < COUNTED; i++) {
		r = run_metered(b, fn, &ns);
		if (r < 0)
			return r;
		share[i] = ns / b->shared->cpu_ns;
	}
	qsort(share, COUNTED, sizeof(share[0]), by_value);
	printf("  %-38s %6.2f %%   of its CPU time in the programs\n", name,
	       100 * share[COUNTED / 2]);
	return 0;
}

static int measure(struct bench *b, const char *name, int (*fn)(struct bench *))
{
	int r = compare(b, name, fn);

	return r ? r : count(b, name, fn);
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
	if (r < 0)
		return r;
	b->root_fd = open(b->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->root_fd < 0)
		return -errno;
	b->plain_fd = rig_cgroup_make(b->root_fd, "plain");
	if (b->plain_fd < 0)
		return b->plain_fd;
	r = rig_up(b->dir, b->root_fd, &b->g, &why);
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return r;
	}
	meter_close(b->g.m);
	b->g.m = NULL;
	return meter_unpin(b->g.pins);
}

int main(int argc, char **argv)
{
	struct bench b = {.plain_fd = -1, .exporter = argc > 1 ? argv[1] : NULL};
	int r = bench_up(&b);

	printf("real loads under the whole meter, %d pairs of rounds   slower by\n", ROUNDS);
	if (!r)
		r = measure(&b, "messages of 80 processes", messages);
	if (!r && b.exporter && !access(WRK, X_OK))
		r = measure(&b, "a web server under wrk", web);
	else if (!r)
		printf("  no web server: " WRK " is not installed\n");
	meter_close(b.g.m);
	if (b.g.pins[0])
		(void)meter_unpin(b.g.pins); /* its mount ends with this process */
	scratch_cgroup_remove(b.cgroup);
	scratch_dir_remove(b.dir);
	if (r < 0)
		fprintf(stderr, "bench-load: %s\n", strerror(-r));
	return r < 0;
}
