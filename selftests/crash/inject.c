// SPDX-License-Identifier: Apache-2.0
/*
 * inject [-n N] PROGRAM [ARG...]: runs a program under a filter that asks for most of its system
 * calls, and lets one fail. Lines on standard input:
 *   arm N   the N-th call from now on fails, with an errno that it may well give
 *   status  answers "passed P": so many calls since; and "failed NAME: REASON" if one did
 * Calls of PROGRAM count, and of what it clones until that executes another program. With -n it is
 * armed from the start. Ends when nobody is left under the filter.
 * Source: seccomp_unotify(2).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define LINE_SIZE 128

struct fault {
	int nr, err;
	const char *name;
};

#define FAULT(name, err)                                                                           \
	{                                                                                          \
		SYS_##name, err, #name                                                             \
	}

/* Each with what a full disk, a full table, short memory or a busy object makes of it. */
static const struct fault faults[] = {
	FAULT(accept4, EMFILE),
	FAULT(bpf, ENOMEM),
	FAULT(capset, EPERM),
	FAULT(chdir, EACCES),
	FAULT(chown, EPERM),
	FAULT(clone3, EAGAIN),
	FAULT(close_range, ENOMEM),
	FAULT(dup2, EBUSY),
	FAULT(dup3, EBUSY),
	FAULT(epoll_create1, EMFILE),
	FAULT(epoll_ctl, ENOMEM),
	FAULT(eventfd2, EMFILE),
	FAULT(faccessat, EACCES),
	FAULT(fcntl, EMFILE),
	FAULT(flock, ENOLCK),
	FAULT(fsconfig, ENOMEM),
	FAULT(fsmount, ENOMEM),
	FAULT(fsopen, ENOMEM),
	FAULT(getdents64, ENOMEM),
	FAULT(keyctl, EDQUOT),
	FAULT(memfd_create, EMFILE),
	FAULT(mkdir, ENOSPC),
	FAULT(mkdirat, ENOSPC),
	FAULT(mknodat, ENOSPC),
	FAULT(mmap, ENOMEM),
	FAULT(mount, ENOMEM),
	FAULT(mount_setattr, ENOMEM),
	FAULT(move_mount, ENOMEM),
	FAULT(newfstatat, ENOMEM),
	FAULT(open_tree, EMFILE),
	FAULT(openat, EMFILE),
	FAULT(openat2, EMFILE),
	FAULT(perf_event_open, EMFILE),
	FAULT(pidfd_open, EMFILE),
	FAULT(pidfd_send_signal, EPERM),
	FAULT(pivot_root, EBUSY),
	FAULT(prctl, EPERM),
	FAULT(prlimit64, EPERM),
	FAULT(read, EIO),
	FAULT(readlink, ENOMEM),
	FAULT(recvmsg, EMFILE),
	FAULT(rename, ENOSPC),
	FAULT(renameat2, ENOSPC),
	FAULT(seccomp, ENOMEM),
	FAULT(sendmsg, ENOBUFS),
	FAULT(setgroups, EPERM),
	FAULT(sethostname, EPERM),
	FAULT(setresgid, EPERM),
	FAULT(setresuid, EAGAIN),
	FAULT(setsid, EPERM),
	FAULT(socket, EMFILE),
	FAULT(socketpair, EMFILE),
	FAULT(statfs, EIO),
	FAULT(symlinkat, ENOSPC),
	FAULT(timerfd_create, EMFILE),
	FAULT(umount2, EBUSY),
	FAULT(unlinkat, EBUSY),
	FAULT(unshare, ENOSPC),
	FAULT(write, ENOSPC),
};

struct state {
	int listener;
	uint64_t armed, passed; /* armed 0: nothing fails */
	const struct fault *failed;
	struct stat own; /* the program that is meant */
};

static void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int install(void)
{
	struct sock_filter code[2 * ARRAY_SIZE(faults) + 2], *p = code;

	*p++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		*p++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						    (uint32_t)faults[i].nr, 0, 1);
		*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {.len = (unsigned short)(p - code), .filter = code};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &prog);
}

/*
 * The listener is born in the child: its number comes over a page, itself by pidfd_getfd(2), then the
 * child is told to go on.
 */
static int start(char **argv)
{
	int *number = mmap(NULL, 2 * sizeof(*number), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pidfd, fd;
	pid_t pid;

	if (number == MAP_FAILED)
		die("mmap");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		int n = install();

		__atomic_store_n(number, n < 0 ? -1 : n, __ATOMIC_SEQ_CST);
		while (n >= 0 && !__atomic_load_n(&number[1], __ATOMIC_SEQ_CST))
			(void)sched_yield(); /* execve will close it */
		if (n < 0)
			_exit(1);
		(void)execv(argv[0], argv); /* returns only to fail */
		_exit(127);
	}
	while (!__atomic_load_n(number, __ATOMIC_SEQ_CST))
		(void)sched_yield(); /* never fails */
	if (*number < 0)
		die("seccomp");
	pidfd = pidfd_open(pid, 0);
	fd = pidfd < 0 ? -1 : pidfd_getfd(pidfd, *number, 0);
	if (fd < 0)
		die("pidfd_getfd");
	__atomic_store_n(&number[1], 1, __ATOMIC_SEQ_CST);
	return fd;
}

/* By its file: the agent executes itself out of a mount that has no path. */
static bool is_meant(const struct state *s, pid_t pid)
{
	char link[64];
	struct stat st;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid); /* fits */
	return !stat(link, &st) && st.st_dev == s->own.st_dev && st.st_ino == s->own.st_ino;
}

static void answer(struct state *s)
{
	struct seccomp_notif req = {0};
	struct seccomp_notif_resp resp = {0};

	if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, &req))
		return; /* it was killed meanwhile */
	resp.id = req.id;
	resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (is_meant(s, (pid_t)req.pid) && ++s->passed == s->armed) {
		for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
			if (faults[i].nr == req.data.nr)
				s->failed = &faults[i];
		resp.flags = 0;
		resp.error = -s->failed->err;
	}
	(void)ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp); /* it may have been killed */
}

/* Return: false: nobody gives orders any more */
static bool obey(struct state *s)
{
	char line[LINE_SIZE];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "arm ", 4)) {
		if (parse_u64(line + 4, 0, UINT64_MAX, &s->armed))
			printf("arm: a number is needed\n");
		else
			printf("armed\n");
		s->passed = 0;
		s->failed = NULL;
	} else {
		printf("passed %llu", (unsigned long long)s->passed);
		if (s->failed)
			printf(" failed %s: %s", s->failed->name, strerror(s->failed->err));
		printf("\n");
	}
	return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
	struct state s = {0};
	int first = 1;

	if (argc > 3 && !strcmp(argv[1], "-n")) {
		if (parse_u64(argv[2], 0, UINT64_MAX, &s.armed))
			return 2;
		first = 3;
	}
	if (argc <= first)
		return 2;
	setvbuf(stdin, NULL, _IONBF, 0); /* poll(2) has to see what is there */
	if (stat(argv[first], &s.own))
		die(argv[first]);
	s.listener = start(argv + first);
	struct pollfd p[] = {{.fd = s.listener, .events = POLLIN},
			     {.fd = STDIN_FILENO, .events = POLLIN}};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents & POLLIN)
			answer(&s);
		else if (p[0].revents)
			return 0;
		if (p[1].revents && !obey(&s))
			p[1].fd = -1;
	}
}
