// SPDX-License-Identifier: Apache-2.0
/* Containers through the library: how a process is born, what it brings along, how it fails. */
#include "agent/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/test.h"

#define HOST  NEED_ROOT, NEED_CGROUP2
#define IMAGE NEED_ROOT, NEED_CGROUP2, NEED_OVERLAY, NEED_IDMAP

/* A filter that lets a program start and end, and nothing else: it could not even write. */
static const char mute[] =
	"{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[{\"names\":[\"execve\","
	"\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name); /* fits */
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
	ASSERT_EQ(fchmod(fd, mode), 0);
}

/* Expect that the launch fails so, and that nothing of it stays. */
static void expect_failure(struct ct_rig *rig, int err, const char *why)
{
	EXPECT_EQ(ct_rig_run(rig), err);
	EXPECT_STREQ(rig->why.text, why);
	(void)ct_destroy(rig->c); /* nothing left is checked below */
	rig->c = NULL;
	ct_rig_nothing_left(rig);
}

TEST(a_program_runs_in_the_hosts_tree_and_its_exit_code_is_seen, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_sh(&rig, "echo out; echo err >&2; exit 7");
	EXPECT_EQ(ct_rig_run(&rig), 7);
	EXPECT_STREQ(rig.output, "out\nerr\n");
	ct_rig_end(&rig);
}

TEST(a_program_runs_from_an_image_as_root_of_its_own_user_namespace, IMAGE)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ct_rig_sh(&rig, "echo $$; id -u; hostname; cat /proc/self/uid_map; touch /new; "
			"stat -c %u:%g / /bin/sh /new");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "1\n0\nt\n         0    1000000      65536\n0:0\n0:0\n0:0\n");
	ct_rig_end(&rig);
}

TEST(its_cgroup_namespace_begins_at_its_own_cgroup, HOST)
{
	struct ct_rig rig;
	pid_t pid = 0;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "grep", "^0:", "/proc/self/cgroup", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	EXPECT_EQ(cg_procs(rig.c->iso.cgroup_fd, &pid, 1), 1);
	EXPECT_EQ(pid, rig.c->iso.pid);
	ASSERT_EQ(ct_start(rig.c, NULL), 0);
	EXPECT_STREQ(ct_rig_read(&rig), "0::/\n");
	ct_rig_end(&rig);
}

TEST(no_descriptor_of_the_agent_is_there_neither_waiting_nor_running, HOST)
{
	struct ct_rig rig;
	char path[64], target[PATH_MAX];

	ct_rig_begin(&rig);
	ASSERT_TRUE(fcntl(rig.host.cgroup_fd, F_DUPFD, 40) >= 40); /* without O_CLOEXEC */
	ct_rig_sh(&rig, "cd /proc/self/fd && echo *");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	for (int fd = 3; fd < 64; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", rig.c->iso.pid, fd); /* fits */
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		EXPECT_EQ(strncmp(target, "socket:", 7), 0); /* the one to the agent */
		EXPECT_EQ(fd, 3);
	}
	ASSERT_EQ(ct_start(rig.c, NULL), 0);
	/* a shell may have opened the directory to expand the star */
	EXPECT_EQ(strncmp(ct_rig_read(&rig), "0 1 2", 5), 0);
	EXPECT_EQ(strstr(rig.output, "40") != NULL, false);
	ct_rig_end(&rig);
}

/* Somebody with the user and the capabilities of a container, but no more. */
static int trace_like(const struct ct_spec *spec, pid_t pid)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(spec->process.capabilities >> (32 * i));
		data[i].permitted = data[i].effective;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &hdr, data))
		return 255;
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) ? errno : 0;
}

TEST(while_it_waits_its_like_cannot_trace_it, HOST)
{
	struct ct_rig rig;
	int status = 0;
	pid_t tracer;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "true", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	tracer = fork();
	if (!tracer)
		_exit(trace_like(&rig.spec, rig.c->iso.pid));
	ASSERT_EQ(waitpid(tracer, &status, 0), tracer);
	EXPECT_EQ(WEXITSTATUS(status), EPERM);
	ct_rig_end(&rig);
}

TEST(signals_and_session_are_fresh, HOST)
{
	/* two that the C library keeps for itself: make(1) has them ignored */
	const unsigned long ignore[4] = {(unsigned long)SIG_IGN};
	struct ct_rig rig;
	sigset_t set;

	ASSERT_EQ(syscall(SYS_rt_sigaction, 32, ignore, NULL, 8), 0);
	ASSERT_EQ(syscall(SYS_rt_sigaction, 33, ignore, NULL, 8), 0);

	ct_rig_begin(&rig);
	(void)sigemptyset(&set); /* cannot fail */
	(void)sigaddset(&set, SIGTERM); /* likewise */
	ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	ASSERT_TRUE(sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
	ct_rig_args(&rig, "grep", "-E", "^(SigBlk|SigIgn|NSsid)", "/proc/self/status", NULL);
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_TRUE(strstr(rig.output, "SigBlk:\t0000000000000000\n") != NULL);
	EXPECT_TRUE(strstr(rig.output, "SigIgn:\t0000000000000000\n") != NULL);
	EXPECT_TRUE(strstr(rig.output, "NSsid:\t1\n") != NULL);
	ASSERT_EQ(sigprocmask(SIG_SETMASK, NULL, &set), 0);
	EXPECT_EQ(sigismember(&set, SIGTERM), 1); /* the caller's own mask is as it was */
	EXPECT_EQ(sigismember(&set, SIGUSR1), 0);
	ct_rig_end(&rig);
}

TEST(the_umask_is_that_of_the_spec_and_does_not_spoil_the_tree, IMAGE)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	rig.spec.process.umask = 0777;
	rig.spec.mounts = calloc(1, sizeof(*rig.spec.mounts));
	rig.spec.mounts[0] = (struct ct_mount){.destination = strdup("/made/here"),
					       .tmpfs = true,
					       .tmpfs_bytes = 4096};
	rig.spec.mounts_nr = 1;
	ct_rig_sh(&rig, "stat -c %a /made /dev /dev/shm; touch /f; stat -c %a /f");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "755\n755\n1777\n0\n");
	ct_rig_end(&rig);
}

TEST(few_descriptors_for_the_program_are_enough_for_many_mounts, IMAGE)
{
	struct ct_rlimit limit = {.resource = RLIMIT_NOFILE, .soft = 4, .hard = 4};
	struct ct_rig rig;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	rig.spec.mounts = calloc(8, sizeof(*rig.spec.mounts));
	for (char i = 0; i < 8; i++) {
		char name[] = "/mnt/a";

		name[5] = (char)('a' + i);
		rig.spec.mounts[(int)i] = (struct ct_mount){.source = strdup(test_dir()),
							    .destination = strdup(name),
							    .tmpfs_bytes = 0};
		rig.spec.mounts_nr++;
	}
	rig.spec.process.rlimits = calloc(1, sizeof(limit));
	rig.spec.process.rlimits[0] = limit;
	rig.spec.process.rlimits_nr = 1;
	ct_rig_sh(&rig, "ulimit -n; test -d /mnt/h/image");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "4\n");
	EXPECT_STREQ(rig.why.text, "");
	ct_rig_end(&rig);
}

TEST(a_program_is_found_by_the_path_of_its_own_environment, IMAGE)
{
	char *env[] = {(char *)"A=1", (char *)"PATH=/nowhere::/etc:/bin", NULL}, **own;
	struct ct_rig rig;
	const char *image;

	ct_rig_begin(&rig);
	image = ct_rig_image(&rig);
	write_file(image, "etc/id", "not a program", 0644); /* passed over, not tried */
	own = rig.spec.process.env;
	rig.spec.process.env = env;
	ct_rig_args(&rig, "id", "-u", NULL);
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "0\n");
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	env[1] = (char *)"PATH=/etc";
	expect_failure(&rig, -EACCES, "exec id: Permission denied");
	env[1] = (char *)"PATH=";
	expect_failure(&rig, -ENOENT, "exec id: No such file or directory");
	rig.spec.process.env = own;
	ct_rig_end(&rig);
}

TEST(a_program_that_cannot_be_run_is_named, IMAGE)
{
	struct ct_rig rig;
	const char *image;

	ct_rig_begin(&rig);
	image = ct_rig_image(&rig);
	write_file(image, "etc/plain", "x", 0644);
	write_file(image, "etc/script", "#!/no/such\n", 0755);
	write_file(image, "etc/garbage", "\1\2\3", 0755);
	ct_rig_args(&rig, "/no/such", NULL);
	expect_failure(&rig, -ENOENT, "exec /no/such: No such file or directory");
	ct_rig_args(&rig, "/etc/plain", NULL);
	expect_failure(&rig, -EACCES, "exec /etc/plain: Permission denied");
	ct_rig_args(&rig, "/etc", NULL);
	expect_failure(&rig, -EACCES, "exec /etc: Permission denied");
	ct_rig_args(&rig, "", NULL);
	expect_failure(&rig, -ENOENT, "exec: No such file or directory");
	ct_rig_args(&rig, "/etc/script", NULL);
	expect_failure(&rig, -ENOENT,
		       "exec: interpreter of /etc/script: No such file or directory");
	ct_rig_args(&rig, "/etc/garbage", NULL);
	expect_failure(&rig, -ENOEXEC, "exec /etc/garbage: Exec format error");
	ct_rig_end(&rig);
}

TEST(a_filter_that_forbids_to_write_does_not_hide_why_execve_failed, IMAGE)
{
	struct ct_rig rig;
	const char *image;

	ct_rig_begin(&rig);
	image = ct_rig_image(&rig);
	write_file(image, "etc/garbage", "\1\2\3", 0755);
	rig.spec.seccomp = strdup(mute);
	ct_rig_args(&rig, "/etc/garbage", NULL);
	expect_failure(&rig, -ENOEXEC, "exec /etc/garbage: Exec format error");
	ct_rig_args(&rig, "/bin/true", NULL);
	EXPECT_EQ(ct_rig_run(&rig), 128 + SIGSYS); /* the same filter, judging the program */
	ct_rig_end(&rig);
}

TEST(values_that_are_wrong_are_named_and_leave_nothing, IMAGE)
{
	struct ct_rig rig;
	char *path, *id;
	char want[PATH_MAX + 64];

	ct_rig_begin(&rig);
	path = (char *)ct_rig_image(&rig);
	ct_rig_args(&rig, "true", NULL);
	free(rig.spec.process.cwd);
	rig.spec.process.cwd = strdup("/not/there");
	expect_failure(&rig, -ENOENT, "cwd /not/there: No such file or directory");
	free(rig.spec.process.cwd);
	rig.spec.process.cwd = strdup("tmp");
	expect_failure(&rig, -EINVAL, "cwd=tmp: allowed is an absolute path");
	free(rig.spec.process.cwd);
	rig.spec.process.cwd = strdup("/");
	rig.spec.root.path = (char *)"/not/there";
	expect_failure(&rig, -ENOENT, "rootfs: /not/there: No such file or directory");
	rig.spec.root.path = (char *)"/etc/passwd";
	expect_failure(&rig, -ENOTDIR, "rootfs: /etc/passwd: Not a directory");
	rig.spec.root.path = path;
	id = rig.spec.id;
	rig.spec.id = (char *)"../t";
	(void)ct_rig_run(&rig); /* the sentence tells */
	(void)snprintf(want, sizeof(want),
		       "id=../t: allowed are 1..%d of [A-Za-z0-9_+.-], the "
		       "first not a dot",
		       CT_ID_MAX);
	EXPECT_STREQ(rig.why.text, want);
	rig.spec.id = id;
	rig.spec.idmap.host_base = 0;
	EXPECT_EQ(ct_rig_run(&rig), -EINVAL);
	EXPECT_TRUE(strstr(rig.why.text, "begins above 0") != NULL);
	rig.spec.idmap.host_base = UINT32_MAX - 100;
	EXPECT_EQ(ct_rig_run(&rig), -EINVAL);
	ct_rig_end(&rig);
}

TEST(an_id_in_use_is_refused_and_its_container_goes_on, IMAGE)
{
	struct ct_rig rig;
	struct container *other = NULL;
	struct why why = {0};

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ct_rig_sh(&rig, "echo kept > /f; echo ready; read x < /dev/zero; cat /f");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	EXPECT_EQ(ct_create(&rig.host, &rig.spec, &(struct ct_stdio){-1, -1, -1}, &other, &why),
		  -EEXIST);
	EXPECT_STREQ(why.text, "cgroup t: File exists");
	EXPECT_TRUE(other == NULL);
	ASSERT_EQ(ct_start(rig.c, NULL), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "until test -s /f; do :; done; cat /f"), 0);
	EXPECT_STREQ(rig.output, "kept\n");
	ct_rig_end(&rig);
}

TEST(a_container_starts_once, HOST)
{
	struct ct_rig rig;
	struct why why = {0};

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "true", NULL);
	ASSERT_EQ(ct_rig_run(&rig), 0);
	EXPECT_EQ(ct_start(rig.c, &why), -EINVAL);
	EXPECT_STREQ(why.text, "start: the container has been started already");
	ct_rig_end(&rig);
}

TEST(a_process_that_dies_while_it_waits_is_no_success, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "true", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_signal(rig.c, SIGKILL), 0);
	ASSERT_EQ(ct_rig_wait(rig.c->iso.pidfd), 128 + SIGKILL);
	EXPECT_EQ(ct_start(rig.c, &rig.why), -ECHILD);
	EXPECT_TRUE(strstr(rig.why.text, "ended before its program ran") != NULL);
	EXPECT_EQ(ct_signal(rig.c, SIGTERM), -ESRCH);
	EXPECT_EQ(ct_signal(rig.c, 0), -EINVAL);
	EXPECT_EQ(ct_signal(rig.c, 65), -EINVAL);
	ct_rig_end(&rig);
}

TEST(one_that_hangs_is_given_up_after_the_deadline, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "true", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(cg_freeze(rig.c->iso.cgroup_fd, true), 0);
	EXPECT_EQ(ct_start(rig.c, &rig.why), -ETIMEDOUT);
	EXPECT_EQ(strncmp(rig.why.text, "launch: did not finish in 10 s (step ", 37), 0);
	ct_rig_end(&rig); /* the frozen process is gone, too */
}

TEST(a_frozen_container_can_be_killed, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, NULL), 0);
	ASSERT_EQ(cg_freeze(rig.c->iso.cgroup_fd, true), 0);
	EXPECT_EQ(ct_kill(rig.c), 0);
	EXPECT_EQ(ct_rig_wait(rig.c->iso.pidfd), 128 + SIGKILL);
	ct_rig_end(&rig);
}

TEST(all_that_a_task_left_running_ends_with_its_container, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWPID; /* whose end would take the others along */
	ct_rig_sh(&rig, "sleep 1000 > /dev/null 2>&1 & (sleep 1000 > /dev/null 2>&1 &); exit 0");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_EQ(cg_procs(rig.c->iso.cgroup_fd, NULL, 0), 2);
	/* these are not ours to reap: only the cgroup tells that they are gone */
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	ct_rig_end(&rig);
}

/* What an agent tells before it is gone. */
struct told {
	pid_t pid;
};

/* An agent that ends without a word, with a container created, and started if so wanted. */
static pid_t die_with_container(struct ct_rig *rig, bool start)
{
	int pair[2];
	pid_t agent;
	struct told t = {0};

	ASSERT_EQ(pipe2(pair, O_CLOEXEC), 0);
	agent = fork();
	if (!agent) {
		if (ct_create(&rig->host, &rig->spec, &(struct ct_stdio){-1, -1, -1}, &rig->c,
			      &rig->why))
			_exit(1);
		t.pid = rig->c->iso.pid;
		if (start && ct_start(rig->c, &rig->why))
			_exit(2);
		_exit(write(pair[1], &t, sizeof(t)) == sizeof(t) ? 0 : 3);
	}
	close_fd(&pair[1]);
	ASSERT_EQ(read(pair[0], &t, sizeof(t)), sizeof(t));
	close_fd(&pair[0]);
	ASSERT_EQ(waitpid(agent, NULL, 0), agent);
	return t.pid;
}

TEST(a_process_that_waits_dies_with_its_agent, HOST)
{
	struct ct_rig rig;
	int fd;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	(void)die_with_container(&rig, false); /* what the cgroup says is what counts */
	fd = cg_open(rig.host.cgroup_fd, "t", false);
	ASSERT_TRUE(fd >= 0);
	EXPECT_EQ(cg_wait_empty(fd, CT_RIG_WAIT_MS), 0);
	close_fd(&fd);
	EXPECT_EQ(cg_remove(rig.host.cgroup_fd, "t"), 0);
	ct_rig_end(&rig);
}

TEST(a_running_task_outlives_its_agent_and_the_next_one_adopts_it, IMAGE)
{
	struct ct_rig rig;
	pid_t pid;
	int pidfd;
	struct iso_sample s;

	ct_rig_begin(&rig);
	(void)ct_rig_image(&rig);
	ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); /* so that it can be waited for */
	ct_rig_sh(&rig, "echo mine > /f; sleep 1000");
	pid = die_with_container(&rig, true);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	ASSERT_TRUE(pidfd >= 0);
	ASSERT_EQ(ct_adopt(&rig.host, &rig.spec, pid, pidfd, false, 0, &rig.c, &rig.why), 0);
	EXPECT_EQ(ct_rig_exec(&rig, "until test -s /f; do :; done; cat /f"), 0);
	EXPECT_STREQ(rig.output, "mine\n");
	ASSERT_EQ(ct_sample(rig.c, &s), 0);
	EXPECT_NE(s.cpu_usage_us, CT_UNSET);
	EXPECT_GE(s.pids, 1);
	EXPECT_EQ(ct_kill(rig.c), 0);
	ct_rig_end(&rig); /* the layers of the one before are gone, too */
}

TEST(what_is_gone_cannot_be_adopted, HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	EXPECT_EQ(ct_adopt(&rig.host, &rig.spec, 0, -1, false, 0, &rig.c, &rig.why), -ENOENT);
	EXPECT_STREQ(rig.why.text, "cgroup t: No such file or directory");
	ct_rig_end(&rig);
}

TEST(limits_are_updated_all_or_none, NEED_ROOT, NEED_CGROUP2, NEED_CPU_CONTROLLER,
     NEED_PIDS_CONTROLLER)
{
	struct ct_resources res;
	struct ct_rig rig;
	uint64_t weight, pids;

	ct_rig_begin(&rig);
	ct_rig_args(&rig, "sleep", "1000", NULL);
	rig.spec.resources.cpu_weight = 50;
	rig.spec.resources.pids_max = 10;
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, NULL), 0);
	res = rig.spec.resources;
	res.cpu_weight = 200;
	res.pids_max = 1ULL << 60; /* the kernel refuses it, after the weight was set */
	EXPECT_LT(ct_update(rig.c, &res, &rig.why), 0);
	EXPECT_EQ(strncmp(rig.why.text, "pids.max=1152921504606846976", 28), 0);
	ASSERT_EQ(cg_read_u64(rig.c->iso.cgroup_fd, "cpu.weight", &weight), 0);
	ASSERT_EQ(cg_read_u64(rig.c->iso.cgroup_fd, "pids.max", &pids), 0);
	EXPECT_EQ(weight, 50);
	EXPECT_EQ(pids, 10);
	res.pids_max = 20;
	EXPECT_EQ(ct_update(rig.c, &res, NULL), 0);
	ASSERT_EQ(cg_read_u64(rig.c->iso.cgroup_fd, "cpu.weight", &weight), 0);
	ASSERT_EQ(cg_read_u64(rig.c->iso.cgroup_fd, "pids.max", &pids), 0);
	EXPECT_EQ(weight, 200);
	EXPECT_EQ(pids, 20);
	ct_rig_end(&rig);
}

TEST(every_probe_says_how_or_why_not, HOST)
{
	struct iso_probe probes[ISO_TABLE_MAX];
	struct ct_rig rig;
	int nr;

	ct_rig_begin(&rig);
	nr = ct_probe(&rig.host, probes);
	EXPECT_GE(nr, 8);
	for (int i = 0; i < nr; i++)
		EXPECT_TRUE(probes[i].ok ? probes[i].how[0] : probes[i].reason[0]);
	ct_rig_end(&rig);
}
