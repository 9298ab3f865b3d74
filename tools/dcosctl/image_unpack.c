// SPDX-License-Identifier: Apache-2.0
/* The child that unpacks, and what it is confined by; see image_unpack.h. */
#include "tools/dcosctl/image_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosctl/image_layer.h"

/* What the filter takes away; the rest of the danger goes with the capabilities. */
static int load_filter(void)
{
	static const char *const denied[] = {
		"execve",
		"execveat",
		"socket",
		"socketpair",
		"connect",
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"mount",
		"umount2",
		"move_mount",
		"open_tree",
		"fsopen",
		"fsmount",
		"mount_setattr",
		"pivot_root",
		"chroot",
		"setns",
		"unshare",
		"clone",
		"clone3",
		"fork",
		"vfork",
		"bpf",
		"keyctl",
		"add_key",
		"request_key",
		"open_by_handle_at",
		"kill",
		"tgkill",
		"tkill",
		"pidfd_open",
		"pidfd_getfd",
		"pidfd_send_signal",
		"perf_event_open",
		"userfaultfd",
		"io_uring_setup",
		"init_module",
		"finit_module",
		"kexec_load",
		"memfd_create",
		"ioctl",
		"prctl",
		"seccomp",
	};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int err = f ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_SIZE(denied); i++) {
		int nr = seccomp_syscall_resolve_name(denied[i]);

		/* one that this architecture does not have needs no rule */
		if (nr != __NR_SCMP_ERROR && nr >= 0)
			err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);
	return err;
}

static int keep_capabilities(void)
{
	static const cap_value_t kept[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
					   CAP_SETFCAP};
	cap_t caps = cap_init();
	int err = 0;

	for (cap_value_t c = 0; c <= CAP_LAST_CAP; c++)
		(void)cap_drop_bound(c); /* one that this kernel does not know */
	if (!caps || cap_set_flag(caps, CAP_PERMITTED, ARRAY_SIZE(kept), kept, CAP_SET) ||
	    cap_set_flag(caps, CAP_EFFECTIVE, ARRAY_SIZE(kept), kept, CAP_SET) ||
	    cap_set_proc(caps))
		err = -errno;
	(void)cap_free(caps);
	return err;
}

static int limit(int what, rlim_t max)
{
	const struct rlimit r = {max, max};

	return setrlimit(what, &r) ? -errno : 0;
}

static int confine(int dir)
{
	/* names in pax headers are UTF-8; this locale is part of the C library */
	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* without it other names are refused */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) ||
	    fchdir(dir) || chroot(".") || chdir("/"))
		return -errno;
	(void)umask(0);
#if !defined(__SANITIZE_ADDRESS__)
	if (limit(RLIMIT_AS, UNPACK_MEMORY_MAX))
		return -errno;
#endif
	if (limit(RLIMIT_FSIZE, UNPACK_BYTES_MAX) || limit(RLIMIT_CORE, 0) ||
	    limit(RLIMIT_MEMLOCK, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return keep_capabilities() ?: load_filter();
}

struct job {
	int dir;
	const struct unpack_layer *layers;
	const int *plain; /* a nameless file each */
	size_t nr;
	bool whiteouts, progress;
};

static int child(const struct job *j, struct why *why)
{
	int err = confine(j->dir);

	if (err)
		return why_set(why, err, "the process that unpacks can't be confined");
	for (size_t i = 0; i < j->nr && !err; i++) {
		if (j->progress) /* nowhere to complain about stderr */
			(void)fprintf(stderr, "\runpacking layer %zu of %zu ", i + 1, j->nr);
		err = layer_apply(&j->layers[i], j->plain[i], j->whiteouts, why);
	}
	if (j->progress)
		(void)fprintf(stderr, "\n"); /* likewise */
	return err;
}

/* What the child says: an error number, then the sentence. */
struct verdict {
	int err;
	struct why why;
};

static int wait_for(pid_t pid, int fd, struct why *why)
{
	struct verdict v = {};
	ssize_t n = read(fd, &v, sizeof(v)); /* one write of less than PIPE_BUF */
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return why_set(why, -errno, "the process that unpacks");
	if (n == sizeof(v) && WIFEXITED(status)) {
		v.why.text[WHY_MAX - 1] = '\0';
		if (v.err)
			(void)why_set(why, -EINVAL, "%s", v.why.text);
		return v.err > 0 ? -EIO : v.err;
	}
	return why_set(why, -EINVAL,
		       "the process that unpacks ended by signal %d: its limit is "
		       "%llu bytes a file",
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0, UNPACK_BYTES_MAX);
}

static int spawn(const struct job *j, struct why *why)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return why_set(why, -errno, "the process that unpacks");
	cleanup_close int in = p[0], out = p[1];
	pid_t pid = fork();

	if (pid < 0)
		return why_set(why, -errno, "the process that unpacks");
	if (!pid) {
		struct verdict v = {};

		v.err = child(j, &v.why);
		_exit(write(out, &v, sizeof(v)) == sizeof(v) ? 0 : 1);
	}
	close_fd(&out);
	return wait_for(pid, in, why);
}

int unpack(int dir, int scratch, const struct unpack_layer *layers, size_t nr, bool whiteouts,
	   bool progress, struct why *why)
{
	cleanup_free int *plain = calloc(nr + 1, sizeof(*plain));
	struct job j = {dir, layers, plain, nr, whiteouts, progress};
	size_t made = 0;
	int err = plain ? 0 : -ENOMEM;

	for (; !err && made < nr; made++) {
		plain[made] = openat(scratch, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (plain[made] < 0) {
			err = -errno;
			break;
		}
	}
	err = err ? why_set(why, err, "space to unpack") : spawn(&j, why);
	while (made)
		(void)close(plain[--made]); /* nobody reads them any more */
	return err;
}
