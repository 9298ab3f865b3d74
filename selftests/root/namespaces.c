// SPDX-License-Identifier: Apache-2.0
/*
 * The namespaces, net and rlimits rows as a program inside sees them, and what of it the host
 * sees: ids, networks, cgroups, limits.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/test.h"

#define NEED_HOST  NEED_ROOT | NEED_CGROUP2 | NEED_BPF
#define NEED_IMAGE NEED_HOST | NEED_OVERLAY | NEED_USERNS | NEED_IDMAP

static void rig_image(struct ct_rig *rig)
{
	ct_rig_begin(rig);
	(void)ct_rig_image(rig); /* its path is in the spec */
	ct_rig_sh(rig, "true");
}

/* "ipc:[4026531839]" of this process, or of another */
static const char *ns_of(const char *pid, const char *name)
{
	char text[64];
	ssize_t n = readlink(ct_rig_text("/proc/%s/ns/%s", pid, name), text, sizeof(text));

	ASSERT_TRUE(n > 0);
	return ct_rig_text("%.*s\n", (int)n, text);
}

static void set_rlimit(struct ct_rig *rig, int resource, uint64_t soft, uint64_t hard)
{
	struct ct_process *p = &rig->spec.process;

	free(p->rlimits);
	p->rlimits = malloc(sizeof(*p->rlimits));
	ASSERT_TRUE(p->rlimits);
	p->rlimits[0] = (struct ct_rlimit){resource, soft, hard};
	p->rlimits_nr = 1;
}

/* ---- which ---- */

TEST(each_namespace_is_new_exactly_if_it_was_asked_for, NEED_HOST)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} kinds[] = {
		{CLONE_NEWPID, "pid"}, {CLONE_NEWUTS, "uts"},	    {CLONE_NEWIPC, "ipc"},
		{CLONE_NEWNET, "net"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWUSER, "user"},
	};
	struct ct_rig rig;

	ct_rig_begin(&rig);
	rig.spec.idmap = (struct ct_idmap){.host_base = CT_RIG_ID_BASE, .nr = 65536};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *own = ns_of("self", kinds[i].name);
		const char *command = ct_rig_text("readlink /proc/self/ns/%s", kinds[i].name);

		rig.spec.namespaces = CLONE_NEWNS;
		EXPECT_RUN(&rig, command, own);
		/* a /proc can be mounted by the owner of its pid namespace only */
		rig.spec.namespaces |= kinds[i].flag;
		if (kinds[i].flag == CLONE_NEWUSER)
			rig.spec.namespaces |= CLONE_NEWPID;
		EXPECT_RUN(&rig, command, NULL);
		EXPECT_NE(strcmp(rig.output, own), 0);
		EXPECT_TRUE(strstr(rig.output, ":["));
	}
	ct_rig_end(&rig);
}

TEST(namespaces_that_cannot_be_are_refused, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_sh(&rig, "true");
	rig.spec.namespaces |= CLONE_NEWTIME;
	EXPECT_REFUSED(&rig, -EINVAL,
		       "namespaces: 0x80 is none of mnt pid uts ipc cgroup net user");
	rig.spec.namespaces = CLONE_NEWPID;
	EXPECT_REFUSED(&rig, -EINVAL, "namespaces: a container needs its own mnt");
	ct_rig_end(&rig);
}

TEST(the_first_program_is_process_1_and_sees_no_process_of_the_host, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig, "echo $$; cd /proc; echo [0-9]*", "1\n1\n");
	ct_rig_end(&rig);
}

TEST(message_queues_of_the_host_are_not_there, NEED_IMAGE)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	struct ct_rig rig;

	if (queue < 0)
		test_skip("no System V message queues: %s", strerror(errno));
	rig_image(&rig);
	EXPECT_RUN(&rig, "busybox wc -l < /proc/sysvipc/msg", "1\n"); /* the heading */
	EXPECT_EQ(msgctl(queue, IPC_RMID, NULL), 0);
	ct_rig_end(&rig);
}

/* ---- user ---- */

TEST(ids_inside_are_a_range_of_the_host_and_nothing_else, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig,
		   "for f in uid gid; do echo $(cat /proc/self/${f}_map); done; "
		   "cat /proc/self/setgroups; id -u; id -g; id -G",
		   "0 1000000 65536\n0 1000000 65536\nallow\n0\n0\n0\n");
	ct_rig_end(&rig);
}

TEST(its_process_has_no_id_that_another_user_of_the_host_has, NEED_IMAGE)
{
	struct ct_rig rig;
	char line[128] = "";

	rig_image(&rig);
	rig.spec.process.uid = 5;
	rig.spec.process.gid = 6;
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	cleanup_fclose FILE *f = fopen(ct_rig_text("/proc/%d/status", rig.c->iso.pid), "re");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Uid:", 4))
			EXPECT_STREQ(line, "Uid:\t1000005\t1000005\t1000005\t1000005\n");
		else if (!strncmp(line, "Gid:", 4))
			EXPECT_STREQ(line, "Gid:\t1000006\t1000006\t1000006\t1000006\n");
		else if (!strncmp(line, "Groups:", 7))
			EXPECT_STREQ(line, "Groups:\t \n");
	ct_rig_end(&rig);
}

TEST(root_inside_has_no_right_over_files_of_the_host, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	/* the proc file system of its own shows no file of another owner that it could chown */
	EXPECT_RUN(&rig,
		   "busybox chown 0 /sys/kernel 2>&1 | grep -c 'Read-only\\|not permitted'; "
		   "stat -c %u /sys/kernel",
		   "1\n65534\n");
	ct_rig_end(&rig);
}

TEST(an_id_map_that_reaches_root_of_the_host_is_refused, NEED_IMAGE)
{
	static const struct ct_idmap maps[] = {
		{0, 65536},
		{CT_RIG_ID_BASE, 0},
		{0, 0},
		{UINT32_MAX - 10, 65536},
	};
	struct ct_rig rig;

	rig_image(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		rig.spec.idmap = maps[i];
		EXPECT_REFUSED(&rig, -EINVAL,
			       ct_rig_text("idmap: %u ids from %u on: allowed", maps[i].nr,
					   maps[i].host_base));
	}
	ct_rig_end(&rig);
}

TEST(a_user_outside_of_the_map_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	rig.spec.process.uid = 65536;
	EXPECT_REFUSED(&rig, -EINVAL, "65536 is not mapped in the container's user namespace");
	ct_rig_end(&rig);
}

TEST(capabilities_are_those_of_the_spec_and_none_is_inherited, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	rig.spec.process.capabilities = 1ULL << CAP_CHOWN | 1ULL << CAP_NET_BIND_SERVICE;
	EXPECT_RUN(&rig, "grep -e ^Cap -e ^NoNew /proc/self/status",
		   "CapInh:\t0000000000000000\nCapPrm:\t0000000000000401\n"
		   "CapEff:\t0000000000000401\nCapBnd:\t0000000000000401\n"
		   "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
	ct_rig_end(&rig);
}

/* ---- uts ---- */

TEST(its_host_name_is_the_id_cut_or_the_one_given, NEED_IMAGE)
{
	struct ct_rig rig;
	char before[256], after[256];

	rig_image(&rig);
	ASSERT_EQ(gethostname(before, sizeof(before)), 0);
	EXPECT_RUN(&rig, "hostname", "t\n");
	rig.spec.hostname = strdup("other.example");
	EXPECT_RUN(&rig, "hostname", "other.example\n");
	free(rig.spec.hostname);
	rig.spec.hostname = NULL;
	free(rig.spec.id);
	rig.spec.id = strdup(ct_rig_text("%0100d", 7));
	EXPECT_RUN(&rig, "hostname", ct_rig_text("%063d\n", 0));
	ASSERT_EQ(gethostname(after, sizeof(after)), 0);
	EXPECT_STREQ(after, before);
	ct_rig_end(&rig);
}

TEST(a_host_name_that_would_be_cut_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	rig.spec.hostname = strdup(ct_rig_text("%064d", 7));
	EXPECT_REFUSED(&rig, -EINVAL, "hostname");
	ct_rig_end(&rig);
}

/* ---- net ---- */

TEST(an_own_network_has_nothing_but_a_loopback_device_that_is_up, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig,
		   "ls /sys/class/net; cat /sys/class/net/lo/flags; busybox wc -l < "
		   "/proc/net/route",
		   "lo\n0x9\n1\n"); /* IFF_UP | IFF_LOOPBACK; the heading */
	EXPECT_RUN(&rig,
		   "busybox nc -l -p 7777 -e busybox echo there & "
		   "until busybox nc 127.0.0.1 7777 2> /dev/null; do :; done",
		   "there\n");
	ct_rig_end(&rig);
}

TEST(the_agent_stays_in_its_own_network, NEED_IMAGE)
{
	const char *before = ns_of("thread-self", "net");
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig, "true", "");
	EXPECT_STREQ(ns_of("thread-self", "net"), before);
	ct_rig_end(&rig);
}

/* The test's own network stands for the host's. */
TEST(a_task_in_the_network_of_the_host_sees_it_and_cannot_change_it, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWNET;
	rig.spec.process.capabilities = 1ULL << CAP_NET_ADMIN; /* over its user namespace only */
	EXPECT_RUN(&rig, "readlink /proc/self/ns/net", ns_of("self", "net"));
	EXPECT_RUN(&rig,
		   "busybox ip link set lo up 2>&1 | grep -c 'not permitted'; "
		   "busybox ip -o link | grep -c 'lo: <LOOPBACK>'",
		   "1\n1\n");
	ct_rig_end(&rig);
}

/* ---- cgroup ---- */

TEST(the_cgroup_namespace_begins_at_the_containers_own_cgroup, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig,
		   "grep ^0: /proc/self/cgroup; cd /sys/fs/cgroup; cat cgroup.procs | "
		   "busybox head -n 1; [ ! -e t ] && ls -d cgroup.freeze",
		   "0::/\n1\ncgroup.freeze\n");
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWCGROUP;
	EXPECT_RUN(&rig, "grep ^0: /proc/self/cgroup | grep -c dcos-test-the_cgroup", "1\n");
	ct_rig_end(&rig);
}

TEST(a_container_with_processes_in_cgroups_of_its_own_is_destroyed, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	cleanup_close int below = cg_open(rig.c->iso.cgroup_fd, "of/the/task", true);

	ASSERT_TRUE(below >= 0);
	struct spawned s = spawn(below, 0, spawn_sleeper, NULL);
	struct pollfd ended = {.fd = s.pidfd, .events = POLLIN};

	EXPECT_EQ(spawn_listen(&s), 1);
	EXPECT_EQ(cg_freeze(rig.c->iso.cgroup_fd, true), 0);
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	EXPECT_EQ(poll(&ended, 1, 0), 1);
	EXPECT_EQ(waitpid(s.pid, NULL, __WALL), -1); /* reaped: a child of ours, in its cgroup */
	ct_rig_end(&rig);
}

/* ---- rlimits ---- */

TEST(limits_of_processes_are_those_of_the_spec, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	set_rlimit(&rig, RLIMIT_NOFILE, 77, 99);
	EXPECT_RUN(&rig, "ulimit -Sn; ulimit -Hn; busybox sh -c 'ulimit -n'", "77\n99\n77\n");
	set_rlimit(&rig, RLIMIT_CORE, 0, 0);
	EXPECT_RUN(&rig, "ulimit -Hc", "0\n");
	ct_rig_end(&rig);
}

TEST(few_files_for_the_program_do_not_keep_the_container_from_being_built, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	set_rlimit(&rig, RLIMIT_NOFILE, 4, 4);
	EXPECT_RUN(&rig, "ulimit -n", "4\n");
	ct_rig_end(&rig);
}

TEST(limits_of_processes_that_cannot_be_are_named, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	set_rlimit(&rig, RLIMIT_NOFILE, 100, 99);
	EXPECT_REFUSED(&rig, -EINVAL, "rlimits: nofile: the soft limit 100 is above the hard 99");
	set_rlimit(&rig, RLIM_NLIMITS, 1, 1);
	EXPECT_REFUSED(&rig, -EINVAL, "rlimits: 16 is no resource");
	set_rlimit(&rig, -1, 1, 1);
	EXPECT_REFUSED(&rig, -EINVAL, "rlimits: -1 is no resource");
	ct_rig_end(&rig);
}

static void drop_capability(cap_value_t cap)
{
	cap_t caps = cap_get_proc();

	ASSERT_TRUE(caps);
	ASSERT_EQ(cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR), 0);
	ASSERT_EQ(cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR), 0);
	ASSERT_EQ(cap_set_proc(caps), 0);
	ASSERT_EQ(cap_free(caps), 0);
}

/* Not even over its own user namespace has the agent what it takes, then. */
TEST(a_limit_above_the_agents_own_is_refused_without_the_capability, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &(struct rlimit){512, 512}), 0);
	drop_capability(CAP_SYS_RESOURCE);
	set_rlimit(&rig, RLIMIT_NOFILE, 512, 513);
	EXPECT_REFUSED(&rig, -EPERM,
		       "rlimits: nofile: hard limit 513 is above the agent's own 512");
	EXPECT_TRUE(strstr(rig.why.text, "CAP_SYS_RESOURCE"));
	set_rlimit(&rig, RLIMIT_NOFILE, 512, 512);
	EXPECT_RUN(&rig, "ulimit -Hn", "512\n");
	ct_rig_end(&rig);
}
