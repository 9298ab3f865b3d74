// SPDX-License-Identifier: Apache-2.0
/*
 * Filters in the kernel: a child installs one and makes calls. Most needs no root, but where the
 * calls are dangerous ones, only root shows that it was the filter that denied them.
 */
#include "isolators/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/iso_rig.h"
#include "selftests/harness/test.h"

#define HIGH	   0x100000000ULL
#define CHILD_MS   20000
#define OUTPUT_MAX 4096

/* getppid looks at no argument, so that any can be passed */
#define ON_GETPPID(ACTION)                                                                         \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],"            \
	"\"action\":" ACTION "}]}"
#define GETPPID_ARG(OP, VALUE, TWO)                                                                \
	ON_GETPPID("\"SCMP_ACT_ERRNO\",\"errnoRet\":77,\"args\":[{\"index\":2,\"value\":" VALUE    \
		   ",\"valueTwo\":" TWO ",\"op\":\"" OP "\"}]")

static struct sc_filter *compile(const char *json)
{
	struct sc_filter *f = NULL;
	struct why why = {0};

	if (sc_compile(json, 0, &f, &why) < 0) {
		test_fail(__FILE__, __LINE__, "%s", why.text);
		test_abort();
	}
	return f;
}

/* Install in the calling process; ends it with 120 if that fails. */
static void confine(const struct sc_filter *f)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sc_load(f) < 0)
		_exit(120);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

/* Run @fn in a child under the profile. Return: the status of waitpid(2) */
static int under(const char *json, int (*fn)(void *arg), void *arg)
{
	struct sc_filter *f = compile(json);
	pid_t pid;

	(void)fflush(NULL); /* or the child prints it again */
	pid = fork();
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* only for when the harness gives up */
		confine(f);
		_exit(fn(arg));
	}
	sc_filter_unref(f);
	return wait_for(pid);
}

static int exit_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int signal_of(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

/* 0, or errno */
static int call_getppid(void *arg)
{
	uint64_t *a2 = arg;

	return syscall(SYS_getppid, 0, 0, a2 ? *a2 : 0) < 0 ? errno : 0;
}

TEST(allow_lets_the_call_be_made)
{
	EXPECT_EQ(exit_of(under("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", call_getppid, NULL)), 0);
}

TEST(errno_fails_the_call_with_the_number_given)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_ERRNO\""), call_getppid, NULL)), EPERM);
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_ERRNO\",\"errnoRet\":77"), call_getppid,
				NULL)),
		  77);
}

TEST(log_lets_the_call_be_made)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_LOG\""), call_getppid, NULL)), 0);
}

TEST(kill_process_ends_it_with_sigsys)
{
	EXPECT_EQ(signal_of(under(ON_GETPPID("\"SCMP_ACT_KILL_PROCESS\""), call_getppid, NULL)),
		  SIGSYS);
}

static int getppid_in_a_thread(void *arg)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	static volatile pid_t tid = 1; /* the kernel clears it when the thread ends */
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;

	(void)arg;
	if (clone(call_getppid, stack + sizeof(stack), flags, NULL, NULL, NULL, &tid) < 0)
		return 1;
	for (pid_t t = tid; t; t = tid)
		(void)syscall(SYS_futex, &tid, 0 /* FUTEX_WAIT */, t, NULL, NULL, 0);
	return 42; /* still here */
}

TEST(kill_thread_ends_one_thread_only)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_KILL_THREAD\""), getppid_in_a_thread, NULL)),
		  42);
	EXPECT_EQ(signal_of(under(ON_GETPPID("\"SCMP_ACT_KILL_PROCESS\""), getppid_in_a_thread,
				  NULL)),
		  SIGSYS);
}

static void trapped(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	_exit(si->si_syscall == SYS_getppid ? 43 : 44);
}

static int catch_and_call(void *arg)
{
	struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};

	return sigaction(SIGSYS, &sa, NULL) < 0 ? 1 : call_getppid(arg);
}

TEST(trap_sends_sigsys_with_the_number_of_the_call)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_TRAP\""), catch_and_call, NULL)), 43);
}

TEST(trace_without_a_tracer_is_enosys)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_TRACE\""), call_getppid, NULL)), ENOSYS);
}

TEST(notify_without_a_supervisor_is_enosys)
{
	EXPECT_EQ(exit_of(under(ON_GETPPID("\"SCMP_ACT_NOTIFY\""), call_getppid, NULL)), ENOSYS);
}

/* The parent shares the table of descriptors, so that it has the listener, too. */
static int listen_and_call(const struct sc_filter *f, int told)
{
	int listener;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 120;
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER, &sc_filter_info(f)->prog);
	if (write(told, &listener, sizeof(listener)) != sizeof(listener) || listener < 0)
		return 121;
	return syscall(SYS_getppid) == 4242 ? 42 : 122;
}

TEST(notify_asks_the_supervisor_and_gives_its_answer)
{
	struct sc_filter *f = compile(ON_GETPPID("\"SCMP_ACT_NOTIFY\""));
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp answer = {.val = 4242};
	int told[2], listener = -1;
	pid_t pid;

	ASSERT_EQ(pipe2(told, O_CLOEXEC), 0);
	(void)fflush(NULL);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(listen_and_call(f, told[1]));
	ASSERT_EQ(read(told[0], &listener, sizeof(listener)), (ssize_t)sizeof(listener));
	ASSERT_TRUE(listener >= 0);
	EXPECT_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked), 0);
	EXPECT_EQ(asked.data.nr, SYS_getppid);
	EXPECT_EQ(asked.pid, (uint32_t)pid);
	answer.id = asked.id;
	EXPECT_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
	EXPECT_EQ(exit_of(wait_for(pid)), 42);
	(void)close(listener);
	(void)close(told[0]);
	(void)close(told[1]);
	sc_filter_unref(f);
}

TEST(default_action_denies_what_is_not_named)
{
	static const char json[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":55,\"syscalls\":[{"
		"\"names\":[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

	EXPECT_EQ(exit_of(under(json, call_getppid, NULL)), 55);
}

static int getppid_with(const char *json, uint64_t arg)
{
	return exit_of(under(json, call_getppid, &arg));
}

TEST(comparisons_see_both_words_of_an_argument)
{
	static const char eq[] = GETPPID_ARG("SCMP_CMP_EQ", "4294967301", "0"); /* HIGH | 5 */
	static const char ne[] = GETPPID_ARG("SCMP_CMP_NE", "4294967301", "0");
	static const char lt[] = GETPPID_ARG("SCMP_CMP_LT", "4294967301", "0");
	static const char le[] = GETPPID_ARG("SCMP_CMP_LE", "4294967301", "0");
	static const char gt[] = GETPPID_ARG("SCMP_CMP_GT", "4294967301", "0");
	static const char ge[] = GETPPID_ARG("SCMP_CMP_GE", "4294967301", "0");
	static const struct {
		const char *json;
		int less_low, less_high, same, more_low, more_high;
	} rows[] = {
		{eq, 0, 0, 77, 0, 0},	{ne, 77, 77, 0, 77, 77}, {lt, 77, 77, 0, 0, 0},
		{le, 77, 77, 77, 0, 0}, {gt, 0, 0, 0, 77, 77},	 {ge, 0, 0, 77, 77, 77},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(getppid_with(rows[i].json, HIGH | 4), rows[i].less_low);
		EXPECT_EQ(getppid_with(rows[i].json, 99), rows[i].less_high);
		EXPECT_EQ(getppid_with(rows[i].json, HIGH | 5), rows[i].same);
		EXPECT_EQ(getppid_with(rows[i].json, HIGH | 6), rows[i].more_low);
		EXPECT_EQ(getppid_with(rows[i].json, 2 * HIGH), rows[i].more_high);
	}
}

TEST(masked_comparisons_see_both_words_of_an_argument)
{
	/* mask HIGH | 0xf0, value HIGH | 0x30 */
	static const char json[] = GETPPID_ARG("SCMP_CMP_MASKED_EQ", "4294967536", "4294967344");

	EXPECT_EQ(getppid_with(json, HIGH | 0x30), 77);
	EXPECT_EQ(getppid_with(json, 3 * HIGH | 0x3f), 77);
	EXPECT_EQ(getppid_with(json, 0x30), 0);
	EXPECT_EQ(getppid_with(json, HIGH | 0x70), 0);
}

static int status_seccomp(void *arg)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	(void)arg;
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Seccomp:\t2", 10))
			return 0;
	return 1;
}

TEST(flags_of_a_profile_are_accepted_by_the_kernel)
{
	static const char json[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
				   "\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_TSYNC\","
				   "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"]}";

	EXPECT_EQ(exit_of(under(json, status_seccomp, NULL)), 0);
}

#ifdef __x86_64__
/* i386's getpid, and getpid in the x32 numbering */
static int call_i386(void *arg)
{
	long r = 20;

	(void)arg;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r > 0 ? 0 : 1;
}

static int call_x32(void *arg)
{
	(void)arg;
	return syscall(SYS_getpid | 0x40000000) < 0 ? errno : 0;
}

TEST(the_default_profile_can_not_be_avoided_by_another_numbering)
{
	const char *json = sc_builtin("default");

	EXPECT_EQ(signal_of(under(json, call_i386, NULL)), SIGSYS);
	EXPECT_EQ(signal_of(under(json, call_x32, NULL)), SIGSYS);
}

TEST(a_profile_that_lists_x86_allows_its_calls)
{
	static const char all[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}";
	static const char x86[] = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":["
				  "\"SCMP_ARCH_X86\"],\"syscalls\":[{\"names\":[\"getpid\","
				  "\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	pid_t pid = fork();

	if (!pid)
		_exit(call_i386(NULL));
	if (exit_of(wait_for(pid)) != 0)
		test_skip("this kernel runs no 32-bit programs");
	EXPECT_EQ(signal_of(under(all, call_i386, NULL)), SIGSYS);
	EXPECT_EQ(exit_of(under(x86, call_i386, NULL)), 0);
}
#endif

/* --- what the default profile denies ---------------------------------------- */

#define BAD ((void *)-1L) /* faults, or is no descriptor or number */

struct denied {
	const char *name;
	long nr, args[4];
	int err;
	bool harmful; /* is not to be made without the filter, not even with bad arguments */
};

/* Arguments are such that the kernel, too, would refuse, with another errno. */
static const struct denied matrix[] = {
	{"mount", SYS_mount, {(long)BAD, (long)BAD, (long)BAD}, EPERM, false},
	{"umount2", SYS_umount2, {(long)BAD}, EPERM, false},
	{"pivot_root", SYS_pivot_root, {(long)BAD, (long)BAD}, EPERM, false},
	{"fsopen", SYS_fsopen, {(long)BAD}, EPERM, false},
	{"fsconfig", SYS_fsconfig, {-1, -1}, EPERM, false},
	{"fsmount", SYS_fsmount, {-1, -1}, EPERM, false},
	{"fspick", SYS_fspick, {-1, (long)BAD}, EPERM, false},
	{"open_tree", SYS_open_tree, {-1, (long)BAD}, EPERM, false},
	{"move_mount", SYS_move_mount, {-1, (long)BAD, -1, (long)BAD}, EPERM, false},
	{"mount_setattr", SYS_mount_setattr, {-1, (long)BAD}, EPERM, false},
	{"setns", SYS_setns, {-1, 0}, EPERM, false},
	{"unshare(CLONE_NEWUSER)", SYS_unshare, {CLONE_NEWUSER}, EPERM, false},
	{"unshare(CLONE_NEWNS)", SYS_unshare, {CLONE_NEWNS}, EPERM, false},
	{"unshare(CLONE_NEWTIME)", SYS_unshare, {0x80}, EPERM, false},
	{"clone(CLONE_NEWUSER)", SYS_clone, {CLONE_NEWUSER | CLONE_THREAD}, EPERM, false},
	{"clone(CLONE_NEWNET)", SYS_clone, {CLONE_NEWNET | CLONE_THREAD}, EPERM, false},
	{"clone3", SYS_clone3, {(long)BAD, 64}, ENOSYS, false},
	{"bpf", SYS_bpf, {-1, 0, 0}, EPERM, false},
	{"perf_event_open", SYS_perf_event_open, {(long)BAD, 0, -1, -1}, EPERM, false},
	{"userfaultfd", SYS_userfaultfd, {-1}, EPERM, false},
	{"io_uring_setup", SYS_io_uring_setup, {1, (long)BAD}, EPERM, false},
	{"io_uring_enter", SYS_io_uring_enter, {-1}, EPERM, false},
	{"io_uring_register", SYS_io_uring_register, {-1, -1}, EPERM, false},
	{"keyctl", SYS_keyctl, {-1}, EPERM, false},
	{"add_key", SYS_add_key, {(long)BAD}, EPERM, false},
	{"request_key", SYS_request_key, {(long)BAD}, EPERM, false},
	{"open_by_handle_at", SYS_open_by_handle_at, {-1, (long)BAD}, EPERM, false},
	{"fanotify_init", SYS_fanotify_init, {-1, -1}, EPERM, false},
	{"pidfd_getfd", SYS_pidfd_getfd, {-1, -1, 0}, EPERM, false},
	{"init_module", SYS_init_module, {(long)BAD, 0, (long)BAD}, EPERM, true},
	{"finit_module", SYS_finit_module, {-1, (long)BAD, 0}, EPERM, true},
	{"delete_module", SYS_delete_module, {(long)BAD, 0}, EPERM, true},
	{"kexec_load", SYS_kexec_load, {0, 0, 0, -1}, EPERM, true},
	{"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, (long)BAD}, EPERM, true},
	{"reboot", SYS_reboot, {0, 0, 0, 0}, EPERM, true},
	{"swapon", SYS_swapon, {(long)BAD}, EPERM, true},
	{"swapoff", SYS_swapoff, {(long)BAD}, EPERM, true},
	{"acct", SYS_acct, {(long)BAD}, EPERM, true},
	{"quotactl", SYS_quotactl, {-1, (long)BAD}, EPERM, true},
	{"syslog", SYS_syslog, {-1}, EPERM, true},
	{"vhangup", SYS_vhangup, {0}, EPERM, true},
	{"sethostname", SYS_sethostname, {(long)BAD, -1}, EPERM, true},
	{"setdomainname", SYS_setdomainname, {(long)BAD, -1}, EPERM, true},
	{"settimeofday", SYS_settimeofday, {(long)BAD, 0}, EPERM, true},
	{"clock_settime", SYS_clock_settime, {0, (long)BAD}, EPERM, true},
	{"mbind", SYS_mbind, {-1, -1, -1}, EPERM, false},
	{"move_pages", SYS_move_pages, {0, 1, (long)BAD}, EPERM, false},
	{"migrate_pages", SYS_migrate_pages, {0, -1, (long)BAD}, EPERM, false},
	{"socket(AF_VSOCK)", SYS_socket, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT, true},
	{"socket(AF_ALG)", SYS_socket, {AF_ALG, SOCK_SEQPACKET}, EAFNOSUPPORT, true},
	{"socket(AF_BLUETOOTH)", SYS_socket, {AF_BLUETOOTH, SOCK_RAW}, EAFNOSUPPORT, true},
	{"socket(AF_APPLETALK)", SYS_socket, {AF_APPLETALK, SOCK_DGRAM}, EAFNOSUPPORT, true},
	{"personality(READ_IMPLIES_EXEC)", SYS_personality, {0x400000}, ENOSYS, false},
	{"uselib or lookup_dcookie", 212, {(long)BAD}, ENOSYS, true},
	{"a call of a kernel to come", 900, {0}, ENOSYS, true},
#ifdef __x86_64__
	{"iopl", SYS_iopl, {99}, EPERM, true},
	{"ioperm", SYS_ioperm, {-1, -1, 1}, EPERM, true},
	{"modify_ldt", SYS_modify_ldt, {-1}, ENOSYS, true},
#endif
};

static int call_denied(void *arg)
{
	const struct denied *d = arg;

	return syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], 0, 0) < 0 ? errno : 0;
}

/* The same call without a filter, to know that the test could fail. */
static int unfiltered(const struct denied *d)
{
	pid_t pid = fork();

	if (!pid)
		_exit(call_denied((void *)d));
	return exit_of(wait_for(pid));
}

TEST(the_default_profile_denies_root_what_is_dangerous, NEED_ROOT)
{
	const char *json = sc_builtin("default");
	int told_apart = 0;

	for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
		const struct denied *d = &matrix[i];
		int got = exit_of(under(json, call_denied, (void *)d));

		if (got != d->err)
			test_fail(__FILE__, __LINE__, "%s: errno %d, not %d", d->name, got, d->err);
		if (!d->harmful && unfiltered(d) != d->err)
			told_apart++;
	}
	EXPECT_GE(told_apart, 20); /* the kernel alone would have said something else */
}

/* --- ordinary programs ------------------------------------------------------ */

/* Run a shell command under a built-in profile. Return: the status; @out gets its output */
static int shell(const char *profile, const char *command, char out[static OUTPUT_MAX])
{
	struct sc_filter *f = compile(sc_builtin(profile));
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	int p[2];

	ASSERT_EQ(pipe2(p, O_CLOEXEC), 0);
	(void)fflush(NULL); /* or the child prints it again */
	pid = fork();
	if (!pid) {
		(void)dup2(p[1], STDOUT_FILENO);
		(void)dup2(p[1], STDERR_FILENO);
		confine(f);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close_fd(&p[1]);
	while ((n = read(p[0], out + len, OUTPUT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close_fd(&p[0]);
	sc_filter_unref(f);
	return wait_for(pid);
}

/* Commands that say "fine" at the end when all went well; @needs: the program that must be there. */
struct program {
	const char *needs, *command;
};

static bool there(const char *program)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return exit_of(wait_for(pid)) == 0;
}

static void expect_fine(const char *profile, const struct program *rows, size_t nr)
{
	char out[OUTPUT_MAX];
	int ran = 0;

	ASSERT_EQ(chdir(test_dir()), 0);
	for (size_t i = 0; i < nr; i++) {
		int status;

		if (!there(rows[i].needs))
			continue;
		ran++;
		status = shell(profile, rows[i].command, out);
		if (exit_of(status) != 0 || !strstr(out, "fine"))
			test_fail(__FILE__, __LINE__, "%s: %s: status %#x: %s", profile,
				  rows[i].command, (unsigned int)status, out);
	}
	EXPECT_GE(ran, 3);
}

#define PY_THREADS                                                                                 \
	"import threading,queue;q=queue.Queue();"                                                  \
	"t=[threading.Thread(target=q.put,args=(i,)) for i in range(8)];"                          \
	"[x.start() for x in t];[x.join() for x in t];assert q.qsize()==8;print('fine')"
#define PY_SERVER                                                                                  \
	"import http.server,threading,urllib.request as u;"                                        \
	"s=http.server.ThreadingHTTPServer(('127.0.0.1',0),http.server.SimpleHTTPRequestHandler);" \
	"threading.Thread(target=s.serve_forever,daemon=True).start();"                            \
	"assert u.urlopen('http://127.0.0.1:%d/'%s.server_port).status==200;print('fine')"
#define PY_COMPUTE                                                                                 \
	"import hashlib,mmap,tempfile,json,os;f=tempfile.TemporaryFile();f.truncate(1<<20);"       \
	"m=mmap.mmap(f.fileno(),0);m[:4]=b'abcd';assert m[:4]==b'abcd';"                           \
	"assert hashlib.sha256(b'').hexdigest()[:4]=='e3b0';assert os.fork()>=0;print('fine')"
#define PY_SUBPROCESS                                                                              \
	"import subprocess,asyncio,signal,select,multiprocessing as m;"                            \
	"assert subprocess.run(['true']).returncode==0;"                                           \
	"asyncio.run(asyncio.sleep(0.001));assert m.Pool(2).map(abs,[-1,-2])==[1,2];print('fine')"
#define PY_USERS                                                                                   \
	"import os;os.setgroups([]);os.setresgid(65534,65534,65534);"                              \
	"os.setresuid(65534,65534,65534);assert os.getuid()==65534;print('fine')"

static const struct program everyday[] = {
	{"sh", "echo fine"},
	{"busybox",
	 "busybox seq 100|busybox sort -rn|busybox head -1|busybox grep 100 && echo fine"},
	{"busybox",
	 "busybox mkdir d && busybox touch d/f && busybox cp -a d e && busybox ls -laR . "
	 ">l && busybox find . -type f|busybox xargs busybox wc >/dev/null && busybox "
	 "tar c d|busybox gzip|busybox tar tz >/dev/null && busybox rm -r d e && echo "
	 "fine"},
	{"busybox", "busybox awk 'BEGIN{print 6*7}'|busybox sed s/42/fine/"},
	{"busybox", "busybox mkfifo p && (echo fine >p & busybox cat p; wait); busybox rm p"},
	{"busybox", "busybox timeout 5 busybox sleep 0.01 && busybox date >/dev/null && busybox ps "
		    ">/dev/null && busybox df >/dev/null && busybox id && echo fine"},
	{"bash", "bash -c 'a=$(for i in {1..50}; do echo $i; done|sort -n|tail -1); [[ $a == 50 ]] "
		 "&& echo fine'"},
	{"perl",
	 "perl -e 'use Socket; socketpair(my $a,my $b,AF_UNIX,SOCK_STREAM,0) or die; $p=fork; "
	 "if(!$p){exit 3} waitpid $p,0; print \"fine\" if $?>>8==3'"},
	{"python3", "python3 -c \"" PY_THREADS "\""},
	{"python3", "python3 -c \"" PY_COMPUTE "\""},
};

static const struct program served[] = {
	{"python3", "python3 -c \"" PY_SERVER "\""},
	{"python3", "python3 -c \"" PY_SUBPROCESS "\""},
	{"sh", "umask 027 && ulimit -n >/dev/null && echo fine"},
	{"busybox", "busybox nice -n 1 busybox true; echo fine"},
};

TEST(ordinary_programs_run_under_the_default_profile)
{
	expect_fine("default", everyday, ARRAY_SIZE(everyday));
	expect_fine("default", served, ARRAY_SIZE(served));
}

TEST(ordinary_programs_run_under_the_web_profile)
{
	expect_fine("web", everyday, ARRAY_SIZE(everyday) - 1);
	expect_fine("web", served, ARRAY_SIZE(served));
}

TEST(computations_run_under_the_strict_profile)
{
	static const struct program rows[] = {
		{"sh", "echo fine"},
		{"busybox", "busybox seq 100|busybox sort -rn|busybox head -1 && echo fine"},
		{"busybox", "busybox awk 'BEGIN{print 6*7}'|busybox sed s/42/fine/"},
		{"bash", "bash -c '[[ $(echo 7|cat) == 7 ]] && echo fine'"},
		{"perl", "perl -e 'print join(\"\",map{chr}102,105,110,101)'"},
		{"python3", "python3 -c \"" PY_THREADS "\""},
		{"python3", "python3 -c \"" PY_COMPUTE "\""},
	};
	char out[OUTPUT_MAX];

	expect_fine("strict", rows, ARRAY_SIZE(rows));
	if (there("python3")) {
		EXPECT_EQ(exit_of(shell("strict", "python3 -c 'import socket;socket.socket()'",
					out)),
			  1);
		EXPECT_TRUE(strstr(out, "PermissionError") != NULL);
	}
}

TEST(root_can_become_another_user_under_the_default_profile, NEED_ROOT)
{
	char out[OUTPUT_MAX];

	if (!there("python3"))
		test_skip("needs python3");
	EXPECT_EQ(exit_of(shell("default", "python3 -c \"" PY_USERS "\"", out)), 0);
	EXPECT_STREQ(out, "fine\n");
}

/* --- the row ----------------------------------------------------------------- */

static int row_enter(struct isolation *iso)
{
	pid_t pid = fork();

	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(120);
		if (seccomp_isolator.enter(iso) < 0)
			_exit(121);
		_exit(call_getppid(NULL));
	}
	return exit_of(wait_for(pid));
}

TEST(the_row_compiles_in_prepare_and_installs_in_enter)
{
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "seccomp");
	rig.spec.seccomp = strdup(ON_GETPPID("\"SCMP_ACT_ERRNO\",\"errnoRet\":77"));
	ASSERT_EQ(seccomp_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(row_enter(&rig.iso), 77);
	seccomp_isolator.cleanup(&rig.iso);
	seccomp_isolator.cleanup(&rig.iso); /* twice is harmless */
	iso_rig_free(&rig);
}

TEST(unconfined_installs_nothing)
{
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "seccomp");
	ASSERT_EQ(seccomp_isolator.prepare(&rig.iso), 0);
	EXPECT_EQ(row_enter(&rig.iso), 0);
	seccomp_isolator.cleanup(&rig.iso);
	iso_rig_free(&rig);
}

TEST(a_profile_with_half_a_supervisor_starts_nothing)
{
	static const char *const profiles[] = {
		ON_GETPPID("\"SCMP_ACT_NOTIFY\""),
		"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run/x\"}",
		("{\"defaultAction\":\"SCMP_ACT_ALLOW\","
		 "\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}"),
	};

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		struct iso_rig rig;

		iso_rig_init(&rig, -1, "seccomp");
		rig.spec.seccomp = strdup(profiles[i]);
		EXPECT_EQ(seccomp_isolator.prepare(&rig.iso), -EINVAL);
		EXPECT_STREQ(rig.iso.why.text,
			     "seccomp: SCMP_ACT_NOTIFY leaves calls to a supervisor, and "
			     "listenerPath says where it listens: both are needed, or none");
		EXPECT_EQ(seccomp_isolator.recover(&rig.iso), 0);
		EXPECT_EQ(seccomp_isolator.enter(&rig.iso), -ENOKEY);
		iso_rig_free(&rig);
	}
}

TEST(new_privileges_with_a_filter_need_cap_sys_admin)
{
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "seccomp");
	rig.spec.process.no_new_privileges = false;
	rig.spec.seccomp = strdup("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	EXPECT_EQ(seccomp_isolator.prepare(&rig.iso), -EINVAL);
	EXPECT_STREQ(rig.iso.why.text,
		     "seccomp: no_new_privileges=false is allowed only with CAP_SYS_ADMIN or "
		     "unconfined, because the kernel lets nobody else install a filter");
	rig.spec.process.capabilities = UINT64_C(1) << CAP_SYS_ADMIN;
	EXPECT_EQ(seccomp_isolator.prepare(&rig.iso), 0);
	seccomp_isolator.cleanup(&rig.iso);
	iso_rig_free(&rig);
}

TEST(a_container_with_what_the_profile_does_not_do_warns)
{
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "seccomp");
	rig.spec.seccomp = strdup("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
				  "\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
	ASSERT_EQ(seccomp_isolator.prepare(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig),
		     "seccomp: 1 system calls that the profile denies are unknown to this "
		     "libseccomp and stay allowed, among: no_such_call");
	seccomp_isolator.cleanup(&rig.iso);
	iso_rig_free(&rig);
}

TEST(after_a_restart_a_profile_that_fails_lets_nothing_more_be_run)
{
	struct iso_rig rig;

	iso_rig_init(&rig, -1, "seccomp");
	rig.spec.seccomp = strdup("{}");
	EXPECT_EQ(seccomp_isolator.recover(&rig.iso), 0);
	EXPECT_STREQ(iso_rig_warning(&rig),
		     "nothing more can be run in it: seccomp: \"defaultAction\" is missing "
		     "(SCMP_ACT_*)");
	EXPECT_EQ(seccomp_isolator.enter(&rig.iso), -ENOKEY);
	iso_rig_free(&rig);
}

TEST(the_row_says_what_it_uses)
{
	struct iso_probe p = {0};

	ASSERT_EQ(seccomp_isolator.probe(NULL, &p), 0);
	EXPECT_STREQ(p.name, "seccomp");
	EXPECT_TRUE(p.ok);
	EXPECT_TRUE(strstr(p.how, "libseccomp ") != NULL);
}
