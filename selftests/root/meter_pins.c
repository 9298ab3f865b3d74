// SPDX-License-Identifier: Apache-2.0
/*
 * The meter goes on without an agent: pins, slots and exit records across agents.
 * Only in guest 6.1: pins are the same since; agent.t, which goes on with them, is in all guests.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "agent/meter.h"
#include "agent/meter_family.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	20000
#define LOAD_MS 300
#define WAIT_NS UINT64_C(10000000000)
#define FAKE_ID (UINT64_C(1) << 62) /* and above: ids that no cgroup has */

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	if (rig_up(test_dir(), test_cgroup(), &g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return g;
}

/* The agent starts again. */
static void reopen(struct rig *g)
{
	struct why why = {};

	meter_close(g->m);
	g->m = NULL;
	if (meter_open(g->pins, test_cgroup(), &g->m, &why))
		EXPECT_STREQ(why.text, "");
	ASSERT_TRUE(g->m);
	g->iso = meter_iso(g->m);
}

/* Spin for *arg ms, then exit 3. */
static int spins(void *arg)
{
	uint64_t end = rig_now_ns() + *(uint64_t *)arg * 1000000;

	while (rig_now_ns() < end)
		;
	return 3;
}

static uint32_t link_id(const struct rig *g, const char *event)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	char path[RIG_PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/v%d/%s", g->pins, DCOS_ABI, event); /* fits */

	cleanup_close int fd = bpf_obj_get(path);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* What an agent does that starts a task and is gone before the task has ended. */
static int first_agent(const struct rig *g, int cgroup_fd, uint64_t *ret_cpu_ns)
{
	static uint64_t ms = LOAD_MS;
	struct why why = {};
	struct meter_row r;
	struct meter *m;
	uint32_t slot;
	int pidfd;

	if (meter_open(g->pins, test_cgroup(), &m, &why))
		return 1;
	if (meter_iso(m)->attach(m ? meter_iso(m)->ctx : NULL, rig_cgroup_id(cgroup_fd), &slot))
		return 2;
	if (fork() == 0) { /* so that the task does not die with its parent, but this one does */
		int status;
		pid_t pid = rig_spawn(cgroup_fd, spins, &ms, &pidfd);

		_exit(pid > 0 && waitpid(pid, &status, 0) == pid ? 0 : 1);
	}
	do {
		if (meter_flush(m))
			return 3;
		meter_read(m, slot, &r);
	} while (r.sum.cpu_ns == 0);
	*ret_cpu_ns = r.sum.cpu_ns;
	meter_close(m);
	return 0;
}

TEST(counting_goes_on_and_the_end_is_recorded_while_no_agent_runs, NEEDS)
{
	struct rig g = up();
	int fd = rig_cgroup_make(test_cgroup(), "other"), pipefd[2], status;
	uint64_t id = rig_cgroup_id(fd), at_first = 0, end;
	struct dcos_exit e;
	struct meter_row r;
	uint32_t slot;
	pid_t pid;

	meter_close(g.m); /* nobody has the meter open but its pins */
	g.m = NULL;
	ASSERT_EQ(pipe(pipefd), 0);
	pid = fork();
	if (!pid) {
		status = first_agent(&g, fd, &at_first);
		if (write(pipefd[1], &at_first, sizeof(at_first)) != sizeof(at_first))
			status = 9;
		_exit(status);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(read(pipefd[0], &at_first, sizeof(at_first)), sizeof(at_first));
	{
		/* the task ends now, with no agent there */
		cleanup_close int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
		struct pollfd p = {.fd = events, .events = POLLPRI};
		char buf[128];
		ssize_t n;

		while ((n = pread(events, buf, sizeof(buf) - 1, 0)) > 0) {
			buf[n] = 0;
			if (strstr(buf, "populated 0"))
				break;
			ASSERT_EQ(poll(&p, 1, END_MS), 1);
		}
	}
	reopen(&g);
	ASSERT_EQ(meter_exit(g.m, id, &e), 0);
	EXPECT_EQ(e.status, 3 << 8);
	ASSERT_EQ(g.iso->attach(g.iso->ctx, id, &slot), 0); /* it has one: the same */
	EXPECT_NE(slot, g.slot);
	end = rig_now_ns() + WAIT_NS;
	do {
		meter_read(g.m, slot, &r);
	} while (r.sum.cpu_ns / 1000 + 1 < rig_cpu_us(fd) && rig_now_ns() < end);
	EXPECT_GT(r.sum.cpu_ns, at_first);
	EXPECT_GE(r.sum.cpu_ns / 1000 + 1, rig_cpu_us(fd));
	EXPECT_LE(r.sum.cpu_ns / 1000, rig_cpu_us(fd) + 1);
	EXPECT_EQ(r.sum.owner, id);
	EXPECT_EQ(r.sum.nr_exits, 1);
}

#define LINKS_MAX (METER_FAMILIES * FAMILY_HOOKS_MAX)

/* The links of all families, 0 where a family was refused or its optional program. */
static int link_ids(const struct rig *g, uint32_t ids[static LINKS_MAX])
{
	const struct family_hook *h;
	int f, n = 0;

	for (f = 0; f < METER_FAMILIES; f++) {
		for (h = meter_families[f].hooks; h && h->prog; h++)
			ids[n++] = link_id(g, h->pin);
	}
	return n;
}

TEST(a_second_start_keeps_the_programs_that_run, NEEDS)
{
	uint32_t before[LINKS_MAX], after[LINKS_MAX];
	struct rig g = up();
	int i, n = link_ids(&g, before);

	EXPECT_GT(n, 5);
	EXPECT_GT(link_id(&g, "sched_switch"), 0);
	EXPECT_GT(link_id(&g, "task_newtask"), 0);
	reopen(&g);
	EXPECT_EQ(link_ids(&g, after), n);
	for (i = 0; i < n; i++)
		EXPECT_EQ(after[i], before[i]);
}

/* Put a program of ours that does nothing where the meter's is pinned, or nothing is yet. */
static void pin_nothing(const struct rig *g, const char *event, const char *pin)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	int id = libbpf_find_vmlinux_btf_id(event, BPF_TRACE_RAW_TP);
	char path[RIG_PATH_MAX + 64];

	ASSERT_TRUE(id > 0);
	opts.attach_btf_id = (__u32)id;

	cleanup_close int prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", insns,
					       ARRAY_SIZE(insns), &opts);
	cleanup_close int link = bpf_raw_tracepoint_open(NULL, prog);

	ASSERT_TRUE(link >= 0);
	(void)snprintf(path, sizeof(path), "%s/v%d/%s", g->pins, DCOS_ABI, pin); /* fits */
	EXPECT_TRUE(!unlink(path) || errno == ENOENT);
	ASSERT_EQ(bpf_obj_pin(link, path), 0);
}

static void replace_by_nothing(const struct rig *g, const char *event)
{
	pin_nothing(g, event, event);
}

TEST(a_program_that_this_build_has_no_more_is_taken_off, NEEDS)
{
	struct rig g = up();
	uint32_t kept = link_id(&g, "sched_switch");

	pin_nothing(&g, "sched_switch", "of_an_older_build");
	EXPECT_GT(link_id(&g, "of_an_older_build"), 0);
	reopen(&g);
	EXPECT_EQ(link_id(&g, "of_an_older_build"), 0);
	EXPECT_EQ(link_id(&g, "sched_switch"), kept);
}

/* The cgroup that a pinned program of cgroups is attached to, 0 none. */
static uint64_t link_cgroup(const struct rig *g, const char *pin)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	char path[RIG_PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/v%d/%s", g->pins, DCOS_ABI, pin); /* fits */

	cleanup_close int fd = bpf_obj_get(path);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_LINK_TYPE_CGROUP)
		return 0;
	return info.cgroup.cgroup_id;
}

TEST(programs_of_cgroups_move_when_the_agents_cgroup_was_made_anew, NEEDS)
{
	const struct family_spec *spec = &meter_families[METER_NET];
	const struct family_hook *h;
	struct rig g = up();
	struct why why = {};
	uint64_t id;
	int fd, moved = 0;

	if (!meter_has(g.m, METER_NET, &why))
		test_skip("%s", why.text);
	fd = rig_cgroup_make(test_cgroup(), "anew");
	id = rig_cgroup_id(fd);
	ASSERT_TRUE(id > 0);
	meter_close(g.m);
	ASSERT_EQ(meter_open(g.pins, fd, &g.m, &why), 0);
	for (h = spec->hooks; h && h->prog; h++) {
		if (!link_cgroup(&g, h->pin))
			continue;
		EXPECT_EQ(link_cgroup(&g, h->pin), id);
		moved++;
	}
	EXPECT_GT(moved, 1);
}

TEST(a_family_whose_own_pins_are_incomplete_begins_anew_alone, NEEDS)
{
	char path[RIG_PATH_MAX + 64];
	struct rig g = up();
	uint64_t ms = 20, before;
	struct why why = {};
	int pidfd, status;
	uint32_t kept, old;
	pid_t pid;

	if (!meter_has(g.m, METER_DISK, &why))
		test_skip("%s", why.text);
	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	before = rig_row(&g).cpu_ns;
	kept = link_id(&g, "sched_switch");
	old = link_id(&g, meter_families[METER_DISK].hooks[0].pin);
	(void)snprintf(path, sizeof(path), "%s/v%d/%s", g.pins, DCOS_ABI,
		       meter_families[METER_DISK].maps[0].name); /* fits */
	ASSERT_EQ(unlink(path), 0);
	reopen(&g);
	EXPECT_TRUE(meter_has(g.m, METER_DISK, NULL));
	EXPECT_NE(link_id(&g, meter_families[METER_DISK].hooks[0].pin), old);
	EXPECT_GT(link_id(&g, meter_families[METER_DISK].hooks[0].pin), 0);
	EXPECT_EQ(link_id(&g, "sched_switch"), kept);
	EXPECT_GE(rig_row(&g).cpu_ns, before);
}

TEST(a_program_of_another_build_is_replaced_and_the_counts_stay, NEEDS)
{
	struct rig g = up();
	uint64_t ms = 20, before;
	uint32_t old, slot;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	before = rig_row(&g).cpu_ns;
	EXPECT_GT(before, 0);
	replace_by_nothing(&g, "sched_switch");
	old = link_id(&g, "sched_switch");
	reopen(&g);
	EXPECT_NE(link_id(&g, "sched_switch"), old);
	ASSERT_EQ(g.iso->attach(g.iso->ctx, g.id, &slot), 0);
	EXPECT_EQ(slot, g.slot);
	EXPECT_GE(rig_row(&g).cpu_ns, before);
	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_GT(rig_row(&g).cpu_ns, before);
	EXPECT_EQ(rig_row(&g).nr_forks, 2);
}

TEST(births_and_ends_that_one_program_is_skipped_for_are_made_up_by_another, NEEDS)
{
	struct rig g = up();
	uint64_t ms = 20, end, us;
	struct dcos_exit e = {};
	int pidfd, status;
	pid_t pid;

	replace_by_nothing(&g, "task_newtask");
	replace_by_nothing(&g, "sched_process_exit");
	meter_close(g.m); /* it held the two programs */
	g.m = NULL;
	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	reopen(&g);
	end = rig_now_ns() + WAIT_NS;
	while (meter_exit(g.m, g.id, &e) && rig_now_ns() < end)
		(void)sched_yield(); /* the last switch comes after waitpid */
	EXPECT_EQ(e.status, status);
	EXPECT_EQ(e.tgid, pid);
	EXPECT_GT(e.start_ns, 0);
	EXPECT_EQ(rig_row(&g).nr_forks, 1);
	EXPECT_EQ(rig_row(&g).nr_exits, 1);
	us = rig_cpu_us(g.cgroup_fd);
	EXPECT_GE(rig_row(&g).cpu_ns / 1000 + us / 100, us);
}

TEST(incomplete_pins_are_replaced_and_running_processes_taken_up, NEEDS)
{
	char path[RIG_PATH_MAX + 64];
	struct rig g = up();
	uint64_t ms = 60000, end, first, past_us;
	struct dcos_exit e;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	(void)snprintf(path, sizeof(path), "%s/v%d/slots", g.pins, DCOS_ABI); /* fits */
	ASSERT_EQ(unlink(path), 0);
	end = rig_now_ns() + WAIT_NS;
	while (rig_cpu_us(g.cgroup_fd) < 200000 && rig_now_ns() < end)
		(void)sched_yield(); /* a past that must not be counted */
	reopen(&g);
	EXPECT_EQ(rig_row(&g).cpu_ns, 0);
	past_us = rig_cpu_us(g.cgroup_fd);
	EXPECT_GE(past_us, 200000);
	ASSERT_EQ(meter_adopt(g.m, g.id, pid, &g.slot), 0);
	end = rig_now_ns() + WAIT_NS;
	do {
		first = rig_row(&g).cpu_ns;
	} while (!first && rig_now_ns() < end);
	EXPECT_GT(first, 0);
	EXPECT_LE(first / 1000, rig_cpu_us(g.cgroup_fd) - past_us + 1);
	EXPECT_EQ(rig_row(&g).nr_forks, 1);
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	ASSERT_EQ(meter_exit(g.m, g.id, &e), 0);
	EXPECT_EQ(e.status, SIGKILL);
	EXPECT_GT(e.start_ns, 0);
	EXPECT_EQ(rig_row(&g).nr_exits, 1);
}

TEST(adopting_what_is_metered_changes_nothing, NEEDS)
{
	struct rig g = up();
	uint64_t ms = 60000;
	struct dcos_cell c;
	uint32_t slot;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	while (rig_row(&g).cpu_ns == 0)
		(void)sched_yield(); /* the harness ends a test that hangs */
	reopen(&g);
	c = rig_row(&g);
	ASSERT_EQ(meter_adopt(g.m, g.id, pid, &slot), 0);
	EXPECT_EQ(slot, g.slot);
	EXPECT_GE(rig_row(&g).cpu_ns, c.cpu_ns);
	EXPECT_EQ(rig_row(&g).nr_forks, 1);
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_LE(rig_row(&g).cpu_ns / 1000, rig_cpu_us(g.cgroup_fd) + 1);
}

TEST(a_reused_slot_starts_at_0_and_ignores_survivors_of_its_last_owner, NEEDS)
{
	struct rig g = up();
	uint64_t ms = 60000;
	struct dcos_cell zero = {}, c;
	uint32_t slot = 0, i;
	int pidfd, status;
	pid_t pid;

	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_TRUE(pid > 0);
	while (rig_row(&g).cpu_ns == 0)
		(void)sched_yield(); /* the harness ends a test that hangs */
	g.iso->detach(g.iso->ctx, g.id, g.slot); /* while it still runs */
	for (i = 1; i < DCOS_SLOTS && slot != g.slot; i++)
		ASSERT_EQ(g.iso->attach(g.iso->ctx, FAKE_ID + i, &slot), 0);
	EXPECT_EQ(slot, g.slot);
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	c = rig_row(&g);
	EXPECT_EQ(c.owner, FAKE_ID + (i - 1));
	zero.owner = c.owner;
	EXPECT_EQ(memcmp(&c, &zero, sizeof(c)), 0);
}

TEST(a_slot_that_is_asked_for_when_all_are_taken_is_refused_and_counted, NEEDS)
{
	struct rig g = up();
	struct meter_drops d;
	uint32_t slot, i;
	uint64_t live = g.id;

	for (i = 2; i < DCOS_SLOTS; i++) /* 0 is never given, one is the rig's */
		ASSERT_EQ(g.iso->attach(g.iso->ctx, FAKE_ID + i, &slot), 0);
	slot = 4711;
	EXPECT_EQ(g.iso->attach(g.iso->ctx, FAKE_ID + i, &slot), -ENOSPC);
	EXPECT_EQ(slot, 4711);
	reopen(&g); /* the next agent knows it too */
	EXPECT_EQ(g.iso->attach(g.iso->ctx, FAKE_ID + i, &slot), -ENOSPC);
	meter_drops(g.m, &d);
	EXPECT_EQ(d.slots_full, 2);
	EXPECT_EQ(d.storage_failed, 0);
	EXPECT_EQ(meter_reclaim(g.m, &live, 1), 0);
	for (i = 2; i < DCOS_SLOTS; i++) {
		ASSERT_EQ(g.iso->attach(g.iso->ctx, FAKE_ID + i, &slot), 0);
		EXPECT_NE(slot, g.slot);
	}
}

TEST(reclaim_drops_the_records_of_what_is_gone_and_keeps_the_rest, NEEDS)
{
	struct rig g = up();
	int fd = rig_cgroup_make(test_cgroup(), "gone"), pidfd, status;
	uint64_t gone = rig_cgroup_id(fd), ms = 0;
	struct dcos_exit e;
	uint32_t slot;
	pid_t pid;

	ASSERT_EQ(g.iso->attach(g.iso->ctx, gone, &slot), 0);
	pid = rig_spawn(fd, spins, &ms, &pidfd);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	pid = rig_spawn(g.cgroup_fd, spins, &ms, &pidfd);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	reopen(&g);
	EXPECT_EQ(meter_exit(g.m, gone, &e), 0);
	EXPECT_EQ(meter_reclaim(g.m, &g.id, 1), 0);
	EXPECT_EQ(meter_exit(g.m, gone, &e), -ENOENT);
	EXPECT_EQ(meter_exit(g.m, g.id, &e), 0);
}

TEST(two_agents_with_their_own_pins_count_side_by_side, NEEDS)
{
	struct rig g = up();
	uint64_t ms = 50, us, id2;
	char pins[RIG_PATH_MAX + 8];
	struct why why = {};
	struct meter_row r;
	struct meter *m;
	int pidfd, status, fd;
	uint32_t slot;
	pid_t pid;

	(void)snprintf(pins, sizeof(pins), "%s2", g.pins); /* fits */
	ASSERT_EQ(meter_open(pins, test_cgroup(), &m, &why), 0);
	fd = rig_cgroup_make(test_cgroup(), "second");
	id2 = rig_cgroup_id(fd);
	ASSERT_EQ(meter_iso(m)->attach(meter_iso(m)->ctx, id2, &slot), 0);
	EXPECT_EQ(slot, g.slot); /* the same number, another meter */
	pid = rig_spawn(fd, spins, &ms, &pidfd);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(rig_row(&g).cpu_ns, 0);
	EXPECT_EQ(meter_unpin(g.pins), 0);
	meter_close(g.m);
	pid = rig_spawn(fd, spins, &ms, &pidfd);
	ASSERT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(meter_flush(m), 0);
	meter_read(m, slot, &r);
	us = rig_cpu_us(fd);
	EXPECT_GE(r.sum.cpu_ns / 1000, us - us / 100);
	EXPECT_EQ(r.sum.nr_exits, 2);
}

TEST(unpin_leaves_nothing_and_ends_the_programs, NEEDS)
{
	struct rig g = up();
	uint32_t id = link_id(&g, "sched_switch");
	uint64_t end = rig_now_ns() + WAIT_NS;
	struct stat st;
	int fd;

	ASSERT_TRUE(id > 0);
	EXPECT_EQ(meter_unpin(g.pins), 0);
	EXPECT_EQ(lstat(g.pins, &st), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(meter_unpin(g.pins), 0); /* again: nothing to do */
	EXPECT_EQ(meter_flush(g.m), 0); /* what is open still counts */
	meter_close(g.m);
	do { /* links are freed a moment later */
		fd = bpf_link_get_fd_by_id(id);
		if (fd >= 0)
			(void)close(fd); /* only looked for */
	} while (fd >= 0 && rig_now_ns() < end);
	EXPECT_EQ(fd, -ENOENT);
}

TEST(another_abis_pins_are_removed, NEEDS)
{
	char path[RIG_PATH_MAX + 64];
	struct rig g = up();
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/v0", g.pins); /* fits */
	ASSERT_EQ(mkdir(path, 0700), 0);
	reopen(&g);
	EXPECT_EQ(lstat(path, &st), -1);
	EXPECT_EQ(errno, ENOENT);
}

TEST(a_pin_directory_that_is_not_on_bpffs_is_named, NEEDS)
{
	struct why why = {};
	struct meter *m = NULL;
	char want[WHY_MAX];

	(void)snprintf(want, sizeof(want), "pin directory %s is not on a bpf file system",
		       test_dir()); /* fits */
	EXPECT_EQ(meter_open(test_dir(), -1, &m, &why), -EINVAL);
	EXPECT_STREQ(why.text, want);
	EXPECT_TRUE(!m);
}

/* Open the meter with fewer capabilities: 0 if it failed with EPERM and just this sentence. */
static int refused(const struct rig *g, const cap_value_t *drop, int nr, const char *want)
{
	cap_t caps = cap_get_proc();
	struct meter *m = NULL;
	struct why why = {};
	int status = -1, r;
	pid_t pid = fork();

	if (!pid) {
		if (cap_set_flag(caps, CAP_EFFECTIVE, nr, drop, CAP_CLEAR) || cap_set_proc(caps))
			_exit(2);
		r = meter_open(g->pins, test_cgroup(), &m, &why);
		EXPECT_STREQ(why.text, want);
		_exit(r != -EPERM || m || strcmp(why.text, want) != 0);
	}
	(void)cap_free(caps); /* fails only for what is none */
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

TEST(what_the_kernel_refuses_is_named_and_earlier_pins_survive, NEEDS)
{
	const cap_value_t all[] = {CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF};
	struct rig g = up();
	uint32_t id = link_id(&g, "sched_switch");

	EXPECT_EQ(refused(&g, all, 3, "BPF maps: Operation not permitted"), 0);
	EXPECT_EQ(refused(&g, all, 2, "sched_process_exit: Operation not permitted"), 0);
	EXPECT_EQ(link_id(&g, "sched_switch"), id);
}
