// SPDX-License-Identifier: Apache-2.0
/*
 * Who a container's program is after execve: the credentials row runs in a child, which then
 * executes cat /proc/self/status; the parent reads what the kernel says.
 */
#include "isolators/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/iso_rig.h"
#include "selftests/harness/test.h"

#define CAP_BIT(c)  (UINT64_C(1) << (c))
#define STATUS_MAX  8192
#define TWO_CAPS    (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_NET_BIND_SERVICE))
#define MAPPED_BASE 100000
#define MAPPED_NR   65536

/* A child between the row's enter and execve: reads one byte from go first. */
struct child {
	pid_t pid;
	int go, out;
};

static struct child start(struct iso_rig *rig, uint64_t flags, const char *program)
{
	struct child c;
	int go[2], out[2];

	ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
	ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
	(void)fflush(NULL); /* or the child prints it again */
	c.pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_TRUE(c.pid >= 0);
	if (!c.pid) {
		char byte;
		int err;

		(void)close(go[1]); /* so that a parent that dies is an end of file */
		if (read(go[0], &byte, 1) != 1)
			_exit(126);
		err = credentials_isolator.enter(&rig->iso);
		if (err) {
			(void)dprintf(out[1], "%s: %s\n", rig->iso.step, strerror(-err));
			_exit(125);
		}
		(void)dup2(out[1], STDOUT_FILENO);
		execl(program, "cat", "/proc/self/status", NULL);
		_exit(127);
	}
	close_fd(&go[0]);
	close_fd(&out[1]);
	c.go = go[1];
	c.out = out[0];
	return c;
}

/* Let it run. Return: its exit status; @status gets what it printed */
static int finish(struct child *c, char status[static STATUS_MAX])
{
	size_t len = 0;
	ssize_t n;
	int st;

	EXPECT_EQ(write(c->go, "g", 1), 1);
	close_fd(&c->go);
	while ((n = read(c->out, status + len, STATUS_MAX - 1 - len)) > 0)
		len += (size_t)n;
	status[len] = '\0';
	close_fd(&c->out);
	ASSERT_EQ(waitpid(c->pid, &st, 0), c->pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void run(struct iso_rig *rig, char status[static STATUS_MAX])
{
	struct child c = start(rig, 0, "/bin/cat");
	int code = finish(&c, status);

	if (code)
		test_fail(__FILE__, __LINE__, "exit status %d: %s", code, status);
}

/* The rest of the line "KEY:\t..." of /proc/pid/status */
static const char *line_of(const char *status, const char *key, char buf[static 256])
{
	const char *p = strstr(status, key);

	buf[0] = '\0';
	if (!p)
		return buf;
	p += strlen(key) + 2;
	(void)snprintf(buf, 256, "%.*s", (int)strcspn(p, "\n"), p); /* such lines are short */
	return buf;
}

static void expect_line(const char *status, const char *key, const char *want)
{
	char buf[256];

	EXPECT_STREQ(line_of(status, key, buf), want);
}

static void expect_caps(const char *status, uint64_t bound, uint64_t permitted, uint64_t effective,
			uint64_t inheritable, uint64_t ambient)
{
	const struct {
		const char *key;
		uint64_t want;
	} sets[] = {{"CapBnd", bound},
		    {"CapPrm", permitted},
		    {"CapEff", effective},
		    {"CapInh", inheritable},
		    {"CapAmb", ambient}};
	char want[32];

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		(void)snprintf(want, sizeof(want), "%016" PRIx64, sets[i].want); /* fits */
		expect_line(status, sets[i].key, want);
	}
}

TEST(root_has_its_bounding_set_and_nothing_inheritable, NEED_ROOT)
{
	char status[STATUS_MAX];
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = TWO_CAPS;
	ASSERT_EQ(credentials_isolator.prepare(&rig.iso), 0);
	run(&rig, status);
	expect_caps(status, TWO_CAPS, TWO_CAPS, TWO_CAPS, 0, 0);
	expect_line(status, "NoNewPrivs", "1");
	expect_line(status, "Uid", "0\t0\t0\t0");
	expect_line(status, "Gid", "0\t0\t0\t0");
	expect_line(status, "Groups", " ");
	iso_rig_free(&rig);
}

TEST(another_user_keeps_the_capabilities_as_ambient_ones, NEED_ROOT)
{
	uint32_t groups[] = {7, 12};
	char status[STATUS_MAX];
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = TWO_CAPS;
	rig.spec.process.uid = 1234;
	rig.spec.process.gid = 2345;
	rig.spec.process.additional_gids = groups;
	rig.spec.process.additional_gids_nr = ARRAY_SIZE(groups);
	ASSERT_EQ(credentials_isolator.prepare(&rig.iso), 0);
	run(&rig, status);
	expect_caps(status, TWO_CAPS, TWO_CAPS, TWO_CAPS, TWO_CAPS, TWO_CAPS);
	expect_line(status, "Uid", "1234\t1234\t1234\t1234");
	expect_line(status, "Gid", "2345\t2345\t2345\t2345");
	expect_line(status, "Groups", "7 12 ");
	rig.spec.process.additional_gids = NULL; /* not on the heap */
	iso_rig_free(&rig);
}

TEST(another_user_without_capabilities_has_none_anywhere, NEED_ROOT)
{
	char status[STATUS_MAX];
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = 0;
	rig.spec.process.uid = rig.spec.process.gid = 1234;
	ASSERT_EQ(credentials_isolator.prepare(&rig.iso), 0);
	run(&rig, status);
	expect_caps(status, 0, 0, 0, 0, 0);
	iso_rig_free(&rig);
}

TEST(inheritable_capabilities_of_the_agent_are_not_passed_on, NEED_ROOT)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	char status[STATUS_MAX];
	struct iso_rig rig;

	ASSERT_EQ(syscall(SYS_capget, &hdr, data), 0);
	data[0].inheritable = data[0].permitted; /* and ambient, as a careless manager might */
	ASSERT_EQ(syscall(SYS_capset, &hdr, data), 0);
	ASSERT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0), 0);
	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = TWO_CAPS;
	run(&rig, status);
	expect_caps(status, TWO_CAPS, TWO_CAPS, TWO_CAPS, 0, 0);
	iso_rig_free(&rig);
}

/* A copy of cat that is set-user-id root */
static const char *suid_cat(char path[static PATH_MAX])
{
	char buf[1 << 16];
	ssize_t n;

	(void)snprintf(path, PATH_MAX, "%s/cat", test_dir()); /* fits */
	cleanup_close int in = open("/bin/cat", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	ASSERT_TRUE(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		ASSERT_EQ(write(out, buf, (size_t)n), n);
	ASSERT_EQ(close(out), 0); /* or executing it is ETXTBSY */
	ASSERT_EQ(chmod(path, 04755), 0);
	ASSERT_EQ(chmod(test_dir(), 0755), 0);
	return path;
}

static void run_suid(bool no_new_privileges, char status[static STATUS_MAX])
{
	char path[PATH_MAX];
	struct iso_rig rig;
	struct child c;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = 0;
	rig.spec.process.uid = rig.spec.process.gid = 1234;
	rig.spec.process.no_new_privileges = no_new_privileges;
	c = start(&rig, 0, suid_cat(path));
	EXPECT_EQ(finish(&c, status), 0);
	iso_rig_free(&rig);
}

TEST(with_no_new_privileges_a_set_user_id_program_gains_nothing, NEED_ROOT)
{
	char status[STATUS_MAX];

	run_suid(true, status);
	expect_line(status, "Uid", "1234\t1234\t1234\t1234");
	expect_line(status, "NoNewPrivs", "1");
}

TEST(without_it_a_set_user_id_program_gains_the_user_but_no_capability, NEED_ROOT)
{
	char status[STATUS_MAX];

	run_suid(false, status);
	expect_line(status, "Uid", "1234\t0\t0\t0");
	expect_line(status, "NoNewPrivs", "0");
	expect_caps(status, 0, 0, 0, 0, 0); /* the bounding set is empty */
}

static void map_ids(pid_t pid, const char *file)
{
	char path[64], text[64];
	int n = snprintf(text, sizeof(text), "0 %d %d", MAPPED_BASE, MAPPED_NR);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(write(fd, text, (size_t)n), n);
}

TEST(in_a_user_namespace_ids_and_capabilities_are_those_inside, NEED_ROOT, NEED_USERNS)
{
	char status[STATUS_MAX];
	struct iso_rig rig;
	struct child c;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.namespaces = CLONE_NEWUSER;
	rig.spec.idmap = (struct ct_idmap){MAPPED_BASE, MAPPED_NR};
	rig.spec.process.uid = rig.spec.process.gid = 33;
	/* the agent itself may lack this one */
	rig.spec.process.capabilities = CAP_BIT(CAP_SYS_RESOURCE) | TWO_CAPS;
	ASSERT_EQ(credentials_isolator.prepare(&rig.iso), 0);
	c = start(&rig, CLONE_NEWUSER, "/bin/cat");
	map_ids(c.pid, "uid_map");
	map_ids(c.pid, "gid_map");
	EXPECT_EQ(finish(&c, status), 0);
	expect_line(status, "Uid", "33\t33\t33\t33");
	expect_caps(status, rig.spec.process.capabilities, rig.spec.process.capabilities,
		    rig.spec.process.capabilities, rig.spec.process.capabilities,
		    rig.spec.process.capabilities);
	iso_rig_free(&rig);
}

static void expect_refused(struct iso_rig *rig, int err, const char *why)
{
	rig->iso.why.text[0] = '\0';
	EXPECT_EQ(credentials_isolator.prepare(&rig->iso), err);
	EXPECT_STREQ(rig->iso.why.text, why);
}

TEST(what_can_not_be_is_refused_before_anything_is_made)
{
	struct iso_rig rig;
	struct ct_process good;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.namespaces = CLONE_NEWUSER;
	rig.spec.idmap = (struct ct_idmap){MAPPED_BASE, 1000};
	good = rig.spec.process;
	EXPECT_EQ(credentials_isolator.prepare(&rig.iso), 0);
	rig.spec.process.uid = 1000;
	expect_refused(&rig, -EINVAL,
		       "uid=1000 is not mapped in the container's user namespace: it "
		       "has 1000 ids from 0 on");
	rig.spec.process.uid = UINT32_MAX;
	expect_refused(&rig, -EINVAL, "uid=4294967295: allowed is 0..4294967294");
	rig.spec.process = good;
	rig.spec.process.gid = 4000;
	expect_refused(&rig, -EINVAL,
		       "gid=4000 is not mapped in the container's user namespace: it "
		       "has 1000 ids from 0 on");
	rig.spec.process = good;
	rig.spec.process.capabilities = UINT64_C(1) << 63;
	expect_refused(&rig, -EINVAL, "capabilities: this kernel has no 63");
	rig.spec.process = good;
	rig.spec.process.oom_score_adj = 1001;
	expect_refused(&rig, -EINVAL, "oom_score_adj=1001: allowed is -1000..1000");
	rig.spec.process = good;
	iso_rig_free(&rig);
}

TEST(capabilities_that_the_agent_lacks_are_refused_by_name_without_a_user_namespace)
{
	char text[CAPS_TEXT_MAX], want[CAPS_TEXT_MAX + 64];
	struct iso_rig rig;
	uint64_t own = 0;

	ASSERT_EQ(caps_permitted(&own), 0);
	if (own == caps_known())
		test_skip("this process has every capability");
	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.capabilities = caps_known();
	(void)snprintf(want, sizeof(want),
		       "capabilities: the agent itself lacks %s: Operation not permitted",
		       caps_to_text(caps_known() & ~own, text, sizeof(text)));
	want[WHY_MAX - 1] = '\0';
	EXPECT_EQ(credentials_isolator.prepare(&rig.iso), -EPERM);
	if (strlen(want) < WHY_MAX - 1)
		EXPECT_STREQ(rig.iso.why.text, want);
	iso_rig_free(&rig);
}

static int read_oom(pid_t pid)
{
	char path[64];
	int adj = INT_MIN;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid); /* fits */
	cleanup_fclose FILE *f = fopen(path, "re");

	EXPECT_TRUE(f && fscanf(f, "%d", &adj) == 1);
	return adj;
}

static int write_own_oom(const char *text)
{
	cleanup_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

TEST(attach_sets_the_oom_score_of_the_child)
{
	char status[STATUS_MAX];
	struct iso_rig rig;
	struct child c;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.oom_score_adj = 321;
	c = start(&rig, 0, "/bin/cat");
	rig.iso.pid = c.pid;
	EXPECT_EQ(credentials_isolator.attach(&rig.iso), 0);
	EXPECT_EQ(read_oom(c.pid), 321);
	(void)finish(&c, status); /* as another user it could not enter */
	iso_rig_free(&rig);
}

TEST(a_lower_oom_score_than_the_agents_needs_cap_sys_resource)
{
	struct iso_rig rig;
	uint64_t own = 0;

	ASSERT_EQ(caps_permitted(&own), 0);
	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.oom_score_adj = -500;
	rig.iso.pid = fork();
	if (!rig.iso.pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* only for when the harness gives up */
		(void)pause();
		_exit(0);
	}
	if (own & CAP_BIT(CAP_SYS_RESOURCE)) {
		EXPECT_EQ(credentials_isolator.attach(&rig.iso), 0);
		EXPECT_EQ(read_oom(rig.iso.pid), -500);
	} else {
		EXPECT_EQ(credentials_isolator.attach(&rig.iso), -EACCES);
		EXPECT_STREQ(rig.iso.why.text,
			     "oom_score_adj=-500: the agent lacks CAP_SYS_RESOURCE, without which "
			     "it can't go below the agent's own: Permission denied");
	}
	(void)kill(rig.iso.pid, SIGKILL); /* ours, not yet reaped */
	(void)waitpid(rig.iso.pid, NULL, 0);
	iso_rig_free(&rig);
}

TEST(a_task_does_not_inherit_the_protected_score_of_the_agent)
{
	char status[STATUS_MAX];
	struct iso_rig rig;
	struct child c;

	if (write_own_oom("-900") < 0)
		test_skip("can't lower oom_score_adj here: no CAP_SYS_RESOURCE");
	iso_rig_init(&rig, -1, "credentials");
	c = start(&rig, 0, "/bin/cat");
	rig.iso.pid = c.pid;
	EXPECT_EQ(read_oom(c.pid), -900);
	EXPECT_EQ(credentials_isolator.attach(&rig.iso), 0);
	EXPECT_EQ(read_oom(c.pid), 0);
	(void)finish(&c, status); /* only the score matters */
	iso_rig_free(&rig);
}

TEST(a_step_that_fails_in_the_child_is_named, NEED_ROOT)
{
	char status[STATUS_MAX];
	struct iso_rig rig;
	struct child c;

	iso_rig_init(&rig, -1, "credentials");
	rig.spec.process.uid = 33;
	c = start(&rig, CLONE_NEWUSER, "/bin/cat"); /* without a map of ids nobody is 33 */
	EXPECT_EQ(finish(&c, status), 125);
	EXPECT_STREQ(status, "setgroups: Operation not permitted\n");
	iso_rig_free(&rig);
}
