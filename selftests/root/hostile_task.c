// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile tasks: what public reports tell of programs that left their container, or harmed who
 * made it, tried in a real one. Mostly in the tree of the host as root without a user namespace,
 * which can do the most. Those that concern one row alone are with the tests of that row;
 * Documentation/reliability.rst has the list.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_ether.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/seccomp.h"
#include "selftests/harness/probe_rig.h"
#include "selftests/harness/test.h"
#include "selftests/harness/tree_rig.h"

#define ABSTRACT "dcos-test-abstract"
#define SIBLINGS 20
#define SEALED	 "stat: done\nchmod: EROFS\nchown: EROFS\ntimes: EROFS\n"

/* ---- what runs in the container ---- */

/* The program of the container is the agent's: the first step of CVE-2019-5736. */
static void inside_exe(void)
{
	static const char exe[] = "/proc/self/exe";
	struct stat st;

	probe_tell("stat", stat(exe, &st));
	probe_tell("chmod", chmod(exe, st.st_mode & 07777));
	probe_tell("chown", chown(exe, st.st_uid, st.st_gid));
	probe_tell("times", utimensat(AT_FDCWD, exe, NULL, 0));
}

/* What is bound from the host is the host's own: as root its modes could be changed there. */
static void inside_devices(void)
{
	static const char *const nodes[] = {"/dev/null", "/dev/tty", "/dev/urandom", "/dev/full"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		probe_tell("stat", stat(nodes[i], &st));
		probe_tell("chmod", chmod(nodes[i], st.st_mode & 07777));
		probe_tell("chown", chown(nodes[i], st.st_uid, st.st_gid));
	}
	probe_tell("fstat", fstat(STDIN_FILENO, &st));
	probe_tell("fchmod", fchmod(STDIN_FILENO, st.st_mode & 07777));
}

/* Opened only, for nothing must come of it where it is not refused. */
static void inside_switches(void)
{
	static const char *const paths[] = {
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/modprobe",
		"/proc/sys/kernel/hostname",
		"/proc/sys/vm/drop_caches",
		"/proc/sys/fs/binfmt_misc/register",
		"/proc/sysrq-trigger",
		"/proc/irq/default_smp_affinity",
		"/proc/1/root/proc/sys/kernel/core_pattern",
		"/proc/kcore",
		"/sys/kernel/uevent_helper",
		"/sys/kernel/mm/ksm/run",
		"/sys/power/state",
		"/sys/fs/cgroup/cgroup.procs",
		"/sys/fs/cgroup/cgroup.freeze",
		"/sys/fs/cgroup/release_agent",
		"/sys/fs/cgroup/notify_on_release",
	};
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		int fd = open(paths[i], O_WRONLY | O_CLOEXEC);
		struct stat st;

		/* a masked file is the null device */
		if ((fd < 0 && (errno == EROFS || errno == EACCES || errno == ENOENT)) ||
		    (fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode)))
			refused++;
		else
			probe_tell(paths[i], fd);
	}
	(void)dprintf(STDERR_FILENO, "refused %zu\n", refused);
}

static long try_add_key(void)
{
	return syscall(SYS_add_key, "user", "dcos-test", "x", 1, KEY_SPEC_SESSION_KEYRING);
}

static long try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_fsopen(void)
{
	return syscall(SYS_fsopen, "tmpfs", 0); /* the way to CVE-2022-0185 */
}

static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, ~0UL);
}

static long try_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1);
}

static long try_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long try_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

/* A cgroup file system in which a program of the host is named: CVE-2022-0492 */
static long try_mount_cgroup(void)
{
	return mount("none", "/tmp", "cgroup", 0, "rdma");
}

static long try_new_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_clone_new_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);

	if (!pid)
		_exit(0);
	return pid;
}

static long try_new_cgroup_namespace(void)
{
	return unshare(CLONE_NEWCGROUP);
}

/* A file of the host by its number, whatever directory is the root: known since 2014. */
static long try_open_by_handle(void)
{
	struct {
		struct file_handle h;
		unsigned int inode, generation;
	} root = {.h = {.handle_bytes = 8, .handle_type = 1}, .inode = 2};

	return open_by_handle_at(AT_FDCWD, &root.h, O_RDONLY);
}

static long try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL); /* no magic number: nothing comes of it */
}

static long try_setns(void)
{
	return setns(-1, 0);
}

static long try_swapon(void)
{
	return syscall(SYS_swapon, "", 0);
}

static long try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 1);
}

struct
try {
	const char *name;
	long (*call)(void);
};

/* Each by a process of its own, which a filter may kill. Told is only what was not refused. */
static void make_tries(const struct try *tries, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		int status = 0;
		pid_t pid = fork();

		if (!pid) {
			long n = tries[i].call();

			if (n >= 0 || (errno != EPERM && errno != ENOSYS && errno != EACCES))
				probe_tell(tries[i].name, n);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			probe_tell("fork", -1);
	}
	(void)dprintf(STDERR_FILENO, "made %zu tries\n", nr);
}

static void inside_profile(void)
{
	static const struct try tries[] = {
		{"add_key", try_add_key},
		{"bpf", try_bpf},
		{"clone with a user namespace", try_clone_new_user},
		{"finit_module", try_module},
		{"fsopen", try_fsopen},
		{"io_uring_setup", try_io_uring},
		{"kexec_load", try_kexec},
		{"keyctl", try_keyctl},
		{"mount", try_mount},
		{"mount of a cgroup hierarchy", try_mount_cgroup},
		{"open_by_handle_at", try_open_by_handle},
		{"perf_event_open", try_perf},
		{"reboot", try_reboot},
		{"setns", try_setns},
		{"swapon", try_swapon},
		{"unshare of cgroups", try_new_cgroup_namespace},
		{"unshare of users", try_new_user},
		{"userfaultfd", try_userfaultfd},
	};

	make_tries(tries, ARRAY_SIZE(tries));
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)); /* CVE-2020-14386 */
}

static long try_mknod(void)
{
	return mknod("/tmp/memory", S_IFCHR | 0666, makedev(1, 1));
}

static long try_sethostname(void)
{
	return sethostname("x", 1);
}

static long try_priority(void)
{
	return setpriority(PRIO_PROCESS, 0, -20);
}

static long try_realtime(void)
{
	return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

static void inside_capabilities(void)
{
	static const struct try tries[] = {
		{"a raw socket", try_raw},
		{"a packet socket", try_packet},
		{"mknod", try_mknod},
		{"mount", try_mount},
		{"mount of a cgroup hierarchy", try_mount_cgroup},
		{"sethostname", try_sethostname},
		{"a higher priority", try_priority},
		{"a real-time priority", try_realtime},
		{"open_by_handle_at", try_open_by_handle},
		{"swapon", try_swapon},
		{"finit_module", try_module},
	};

	make_tries(tries, ARRAY_SIZE(tries));
}

static void inside_groups(void)
{
	(void)dprintf(STDERR_FILENO, "%d groups, %d\n", getgroups(0, NULL), (int)getgid());
}

static socklen_t abstract_name(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(a->sun_path + 1, ABSTRACT, sizeof(ABSTRACT) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT));
}

static void inside_abstract(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	socklen_t len = abstract_name(&a);

	probe_tell("connect", connect(fd, (struct sockaddr *)&a, len));
}

/* The number 0 means who is in the same process group, in whatever namespace of processes. */
static void inside_group(void)
{
	(void)sigaction(SIGUSR1, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* valid */
	probe_tell("kill", kill(0, SIGUSR1));
}

/* Brothers instead of children: whose parent is the agent, who knows nothing of them. */
static void inside_siblings(void)
{
	long made = 0;

	for (int i = 0; i < SIBLINGS; i++) {
		long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);

		if (!pid)
			_exit(0);
		made += pid > 0;
	}
	(void)dprintf(STDERR_FILENO, "%ld\n", made);
}

static void inside_pause(void)
{
	for (;;)
		(void)pause(); /* until killed */
}

static void __attribute__((constructor)) inside(int argc, char **argv)
{
	static const struct probe probes[] = {
		{"devices", inside_devices},
		{"groups", inside_groups},
		{"switches", inside_switches},
		{"exe", inside_exe},
		{"profile", inside_profile},
		{"capabilities", inside_capabilities},
		{"abstract", inside_abstract},
		{"group", inside_group},
		{"siblings", inside_siblings},
		{"pause", inside_pause},
		{NULL, NULL},
	};

	(void)argc; /* argv has its end */
	probe_inside(probes);
	probe_seal(argv);
}

/* ---- the test's side ---- */

/* CVE-2019-5736; this program is sealed as the agent is, and stands for it here. */
TEST(the_agents_program_cannot_be_changed_by_who_runs_it, NEED_HOST)
{
	struct ct_rig rig;

	probe_begin(&rig, "exe");
	ct_rig_args(&rig, "/proc/self/exe", NULL);
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.why.text, "");
	EXPECT_STREQ(rig.output, SEALED);
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	/* and as the interpreter of a script, which the kernel looks up while the agent's runs */
	tree_write(tree_in_dir("script"), "#!/proc/self/exe\n");
	ASSERT_EQ(chmod(tree_in_dir("script"), 0755), 0);
	tree_mount(&rig, tree_in_dir("script"), "/tmp/script", true);
	ct_rig_args(&rig, "/tmp/script", NULL);
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, SEALED);
	ct_rig_end(&rig);
}

TEST(devices_of_the_host_cannot_be_changed_by_root_in_its_tree, NEED_HOST)
{
	static const char node[] = "stat: done\nchmod: EROFS\nchown: EROFS\n";
	struct ct_rig rig;

	probe_begin(&rig, "devices");
	tree_mount(&rig, "/dev/full", "/dev/full", false);
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output,
		     ct_rig_text("%s%s%s%sfstat: done\nfchmod: EROFS\n", node, node, node, node));
	ct_rig_end(&rig);
}

/* As one that has / for a volume: the agent's socket would be an order away from the host. */
TEST(a_volume_above_the_agents_files_does_not_show_them, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	tree_write(tree_in_dir("state/secret"), "secret\n");
	tree_write(tree_in_dir("run/agent.sock"), "socket\n");
	tree_write(tree_in_dir("state2"), "beside\n");
	tree_mount(&rig, test_dir(), "/tmp/all", false);
	EXPECT_RUN(&rig,
		   "cd /tmp/all; ls -A state run; cat state2 state/secret 2> /dev/null; "
		   "mkdir run/x 2> /dev/null && echo made; true",
		   "run:\n\nstate:\nbeside\n");
	EXPECT_EQ(tree_entries(tree_in_dir("run")), 1);
	ct_rig_end(&rig);
}

/* CVE-2022-0492 and what is commonly masked; here no user namespace is in the way. */
TEST(root_in_the_hosts_tree_turns_no_switch_of_the_kernel, NEED_HOST)
{
	struct ct_rig rig;

	probe_begin(&rig, "switches");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "refused 16\n");
	ct_rig_end(&rig);
}

TEST(the_default_profile_stops_what_opens_the_kernel, NEED_HOST)
{
	struct ct_rig rig;

	probe_begin(&rig, "profile");
	rig.spec.seccomp = strdup(sc_builtin("default"));
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "made 18 tries\n");
	ct_rig_end(&rig);
}

/* Groups of who started the agent open files to a task that no user of it may have. */
TEST(groups_of_the_agent_are_not_passed_on, NEED_HOST)
{
	const gid_t groups[] = {4, 12345};
	struct ct_rig rig;

	ASSERT_EQ(setgroups(ARRAY_SIZE(groups), groups), 0);
	probe_begin(&rig, "pause");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(probe_exec(&rig, "groups"), 0);
	EXPECT_STREQ(rig.output, "0 groups, 0\n");
	ct_rig_end(&rig);
}

/* In the network of the host and without a filter: nothing but the capabilities is between. */
TEST(root_in_the_hosts_tree_has_no_way_past_its_capabilities, NEED_HOST)
{
	struct ct_rig rig;

	probe_begin(&rig, "capabilities");
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWNET;
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "made 11 tries\n");
	ct_rig_end(&rig);
}

/* The kind of socket by which CVE-2020-15257 gave orders to another runtime. */
TEST(an_abstract_socket_of_the_host_is_out_of_reach, NEED_HOST)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	socklen_t len = abstract_name(&a);
	struct ct_rig rig;

	ASSERT_EQ(bind(fd, (struct sockaddr *)&a, len), 0);
	ASSERT_EQ(listen(fd, 1), 0);
	probe_begin(&rig, "abstract");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "connect: ECONNREFUSED\n");
	ct_rig_end(&rig);
}

TEST(a_signal_to_its_own_group_does_not_reach_the_agent, NEED_HOST)
{
	struct ct_rig rig;
	sigset_t set;

	(void)sigemptyset(&set); /* cannot fail */
	(void)sigaddset(&set, SIGUSR1); /* likewise */
	ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	probe_begin(&rig, "group");
	EXPECT_EQ(ct_rig_run(&rig), 0);
	EXPECT_STREQ(rig.output, "kill: done\n");
	ASSERT_EQ(sigpending(&set), 0);
	EXPECT_EQ(sigismember(&set, SIGUSR1), 0);
	ct_rig_end(&rig);
}

/* Their parent is the agent: while it does not reap them, the container cannot come to its end. */
TEST(processes_that_become_the_agents_children_do_not_outlive_the_container, NEED_HOST)
{
	struct ct_rig rig;

	probe_begin(&rig, "pause");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(probe_exec(&rig, "siblings"), 0);
	EXPECT_STREQ(rig.output, ct_rig_text("%d\n", SIBLINGS));
	ct_rig_end(&rig);
}
