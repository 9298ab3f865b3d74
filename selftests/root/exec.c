// SPDX-License-Identifier: Apache-2.0
/* One more process in a running container: the same isolation, and none of the agent's. */
#include "agent/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "isolators/seccomp.h"
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/test.h"

#define HOST  NEED_ROOT, NEED_CGROUP2
#define IMAGE NEED_ROOT, NEED_CGROUP2, NEED_OVERLAY, NEED_IDMAP

static const char *const namespaces[] = {"user", "mnt", "pid", "uts", "ipc", "net", "cgroup"};

/* "user:[4026531837]\n" of each namespace of a process */
static void read_namespaces(const char *pid, char *ret, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		char path[64], text[64];
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, namespaces[i]); /* fits */
		n = readlink(path, text, sizeof(text) - 1);
		ASSERT_TRUE(n > 0);
		text[n] = '\0';
		len += (size_t)snprintf(ret + len, size - len, "%s\n", text); /* fits */
	}
}

static void start_sleeper(struct ct_rig *rig)
{
	ct_rig_begin(rig);
	(void)ct_rig_image(rig);
	rig->spec.seccomp = strdup(sc_builtin("default"));
	ct_rig_args(rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(rig), 0);
	ASSERT_EQ(ct_start(rig->c, &rig->why), 0);
}

TEST(it_is_in_every_namespace_of_the_container_and_the_agent_stays_in_its_own, IMAGE)
{
	char before[512], after[512], inside[512], pid[16];
	struct ct_rig rig;

	start_sleeper(&rig);
	read_namespaces("self", before, sizeof(before));
	(void)snprintf(pid, sizeof(pid), "%d", rig.c->iso.pid); /* fits */
	read_namespaces(pid, inside, sizeof(inside));
	EXPECT_EQ(ct_rig_exec(&rig, "cd /proc/self/ns && for n in user mnt pid uts ipc net cgroup;"
				    " do readlink $n; done"),
		  0);
	EXPECT_STREQ(rig.output, inside);
	read_namespaces("self", after, sizeof(after));
	EXPECT_STREQ(after, before);
	EXPECT_EQ(ct_rig_exec(&rig, "hostname; id -u; ls -d /proc/1; grep ^0: /proc/self/cgroup"),
		  0);
	EXPECT_STREQ(rig.output, "t\n0\n/proc/1\n0::/\n");
	ct_rig_end(&rig);
}

/* From then on no shell is found in the image. */
static int unlink_image_shell(const struct ct_rig *rig)
{
	struct ct_process process = rig->spec.process;
	char *args[] = {(char *)"rm", (char *)"/bin/sh", NULL};
	struct ct_stdio none = {-1, -1, -1};
	int pidfd, err;
	pid_t pid;

	process.args = args;
	err = ct_exec(rig->c, &process, &none, &pid, &pidfd, NULL);
	if (err)
		return err;
	err = ct_rig_wait(pidfd);
	close_fd(&pidfd);
	return err;
}

TEST(a_child_of_the_agent_is_born_in_the_agents_pid_namespace_afterwards, IMAGE)
{
	char own[64] = "", next[64] = "";
	struct ct_rig rig;

	start_sleeper(&rig);
	EXPECT_EQ(ct_rig_exec(&rig, "exit 5"), 5);
	ASSERT_TRUE(readlink("/proc/self/ns/pid", own, sizeof(own) - 1) > 0);
	ASSERT_TRUE(readlink("/proc/self/ns/pid_for_children", next, sizeof(next) - 1) > 0);
	EXPECT_STREQ(next, own);
	ASSERT_EQ(unlink_image_shell(&rig), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "true"), -ENOENT); /* also after one that failed */
	memset(next, 0, sizeof(next));
	ASSERT_TRUE(readlink("/proc/self/ns/pid_for_children", next, sizeof(next) - 1) > 0);
	EXPECT_STREQ(next, own);
	ct_rig_end(&rig);
}

TEST(it_joins_a_container_in_the_hosts_tree_without_a_user_namespace, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(ct_rig_exec(&rig,
			      "hostname; echo x > /tmp/x; touch /etc/x 2>/dev/null || echo ro"),
		  0);
	EXPECT_STREQ(rig.output, "t\nro\n");
	EXPECT_EQ(ct_rig_exec(&rig, "cat /tmp/x"), 0); /* the same private /tmp */
	EXPECT_STREQ(rig.output, "x\n");
	ct_rig_end(&rig);
}

TEST(the_filter_no_new_privs_and_capabilities_hold_for_it, IMAGE)
{
	struct ct_rig rig;
	char want[256];

	start_sleeper(&rig);
	EXPECT_EQ(ct_rig_exec(&rig, "grep -E '^(CapBnd|CapInh|NoNewPrivs|Seccomp):' "
				    "/proc/self/status; mount -t tmpfs x /tmp 2>/dev/null || "
				    "echo denied"),
		  0);
	(void)snprintf(want, sizeof(want),
		       "CapInh:\t0000000000000000\nCapBnd:\t%016llx\nNoNewPrivs:\t1\nSeccomp:\t2\n"
		       "denied\n",
		       (unsigned long long)rig.spec.process.capabilities); /* fits */
	EXPECT_STREQ(rig.output, want);
	ct_rig_end(&rig);
}

TEST(it_cannot_be_laxer_than_its_container, IMAGE)
{
	struct ct_process process;
	struct ct_rig rig;

	start_sleeper(&rig);
	process = rig.spec.process;
	process.capabilities |= 1ULL << CAP_SYS_ADMIN;
	EXPECT_EQ(ct_rig_exec_as(&rig, &process, "true"), -EPERM);
	EXPECT_STREQ(rig.why.text, "capabilities: the container itself lacks CAP_SYS_ADMIN: "
				   "Operation not permitted");
	process = rig.spec.process;
	process.uid = 70000;
	EXPECT_EQ(ct_rig_exec_as(&rig, &process, "true"), -EINVAL);
	EXPECT_TRUE(strstr(rig.why.text, "uid=70000 is not mapped") != NULL);
	process = rig.spec.process;
	process.no_new_privileges = false;
	EXPECT_EQ(ct_rig_exec_as(&rig, &process, "grep ^NoNewPrivs /proc/self/status"), 0);
	EXPECT_STREQ(rig.output, "NoNewPrivs:\t1\n");
	ct_rig_end(&rig);
}

TEST(no_descriptor_of_the_agent_gets_in, IMAGE)
{
	struct ct_rig rig;

	start_sleeper(&rig);
	ASSERT_TRUE(fcntl(rig.host.cgroup_fd, F_DUPFD, 40) >= 40); /* without O_CLOEXEC */
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(ct_rig_exec(&rig, "readlink /proc/self/fd/3; readlink /proc/self/fd/4; "
					    "readlink /proc/self/fd/40; ls /proc/1/fd"),
			  0);
		EXPECT_STREQ(rig.output, "0\n1\n2\n");
	}
	ct_rig_end(&rig);
}

TEST(a_directory_outside_of_the_root_is_no_current_directory, IMAGE)
{
	struct ct_rig rig;
	char cwd[32];

	start_sleeper(&rig);
	for (int fd = 3; fd < 12; fd++) {
		char *old = rig.spec.process.cwd;

		(void)snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", fd); /* fits */
		rig.spec.process.cwd = cwd;
		EXPECT_LT(ct_rig_exec(&rig, "ls"), 0);
		EXPECT_EQ(strncmp(rig.why.text, "cwd /proc/self/fd/", 18), 0);
		rig.spec.process.cwd = old;
	}
	ct_rig_end(&rig);
}

TEST(what_cannot_be_run_is_named_and_the_container_goes_on, IMAGE)
{
	char *args[] = {(char *)"/no/such", NULL};
	struct ct_process process;
	struct ct_rig rig;
	struct why why = {0};
	int pidfd = -1;
	pid_t pid;

	start_sleeper(&rig);
	process = rig.spec.process;
	process.args = args;
	EXPECT_EQ(ct_exec(rig.c, &process, &(struct ct_stdio){-1, -1, -1}, &pid, &pidfd, &why),
		  -ENOENT);
	EXPECT_STREQ(why.text, "exec /no/such: No such file or directory");
	EXPECT_EQ(pidfd, -1);
	EXPECT_EQ(cg_procs(rig.c->iso.cgroup_fd, NULL, 0), 1);
	EXPECT_EQ(ct_rig_exec(&rig, "exit 0"), 0);
	ct_rig_end(&rig);
}

TEST(nothing_runs_in_a_container_that_waits_or_has_ended, IMAGE)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ct_rig_args(&rig, "true", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "true"), -EINVAL);
	EXPECT_STREQ(rig.why.text, "exec: container t has not been started");
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(ct_rig_wait(rig.c->iso.pidfd), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "true"), -ESRCH);
	EXPECT_STREQ(rig.why.text, "exec: container t has ended: No such process");
	ct_rig_end(&rig);
}
