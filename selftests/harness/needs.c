// SPDX-License-Identifier: Apache-2.0
/* What a test needs of the host, each found out by trying it; never by a version. */
#include "selftests/harness/harness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

static int missing(char *reason, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int missing(char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, TEST_REASON_MAX, fmt, ap); /* a cut reason is still one */
	va_end(ap);
	return 1;
}

static int need_root(char *reason)
{
	return geteuid() == 0 ? 0 : missing(reason, "needs root");
}

static int need_cgroup2(char *reason)
{
	char root[PATH_MAX], probe[PATH_MAX + 32];
	int r = scratch_cgroup_root(root);

	if (r < 0)
		return missing(reason, "cgroup2 is not mounted");
	(void)snprintf(probe, sizeof(probe), "%s/dcos-test-probe-%d", root, getpid()); /* fits */
	if (mkdir(probe, 0755) < 0)
		return missing(reason, "cgroup2 at %s: mkdir: %s", root, strerror(errno));
	if (rmdir(probe) < 0)
		return missing(reason, "cgroup2 at %s: rmdir: %s", root, strerror(errno));
	return 0;
}

static int need_controller(const char *name, char *reason)
{
	char root[PATH_MAX], path[PATH_MAX + 32], line[512] = "", *save = NULL;

	if (scratch_cgroup_root(root) < 0)
		return missing(reason, "cgroup2 is not mounted");
	(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", root); /* fits */

	cleanup_fclose FILE *f = fopen(path, "re");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0'; /* an empty file: no controller */
	for (char *c = strtok_r(line, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		if (strcmp(c, name) == 0)
			return 0;
	}
	return missing(reason, "cgroup2 at %s has no %s controller", root, name);
}

static int need_bpf(char *reason)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	int id = libbpf_find_vmlinux_btf_id("sched_switch", BPF_TRACE_RAW_TP);

	if (id < 0)
		return missing(reason, "BTF of sched_switch: %s", strerror(-id));
	opts.attach_btf_id = (__u32)id;

	cleanup_close int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "dcos_probe", "GPL", insns,
					     ARRAY_SIZE(insns), &opts);

	return fd >= 0 ? 0 : missing(reason, "a tp_btf program: %s", strerror(errno));
}

static int need_userns(char *reason)
{
	char map[64];
	int n = snprintf(map, sizeof(map), "0 %u 1", geteuid());

	if (unshare(CLONE_NEWUSER) < 0)
		return missing(reason, "a user namespace: %s", strerror(errno));

	cleanup_close int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, map, (size_t)n) != n)
		return missing(reason, "uid_map of a user namespace: %s", strerror(errno));
	return 0;
}

static int private_mounts(char *reason)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return missing(reason, "a mount namespace: %s", strerror(errno));
	return 0;
}

static int overlay_in(const char *dir, char *reason)
{
	static const char *const parts[] = {"lower", "upper", "work", "merged"};
	char at[PATH_MAX + 16], options[3 * PATH_MAX + 64];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		(void)snprintf(at, sizeof(at), "%s/%s", dir, parts[i]); /* fits */
		if (mkdir(at, 0755) < 0)
			return missing(reason, "mkdir %s: %s", at, strerror(errno));
	}
	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir, dir,
		       dir); /* fits */
	if (mount("overlay", at, "overlay", 0, options) < 0)
		return missing(reason, "an overlay in %s: %s", dir, strerror(errno));
	return 0;
}

static int need_overlay(char *reason)
{
	char dir[PATH_MAX];
	int r = scratch_dir_make(dir);

	if (r < 0)
		return missing(reason, "a temporary directory: %s", strerror(-r));
	r = private_mounts(reason);
	if (!r)
		r = overlay_in(dir, reason);
	scratch_dir_remove(dir);
	return r;
}

/* A user namespace that maps something else than the identity; needs a process to hold it. */
static int userns_fd(void)
{
	cleanup_close int ready_r = -1;
	cleanup_close int ready_w = -1;
	char path[64], c;
	int fds[2], fd = -1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ready_r = fds[0];
	ready_w = fds[1];
	pid = fork();
	if (pid == 0) {
		c = unshare(CLONE_NEWUSER) == 0;
		if (write(ready_w, &c, 1) == 1)
			for (;;)
				(void)pause(); /* until killed */
		_exit(1);
	}
	if (pid < 0)
		return -errno;
	if (read(ready_r, &c, 1) == 1 && c) {
		(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid); /* fits */

		cleanup_fclose FILE *u = fopen(path, "we");

		(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid); /* fits */

		cleanup_fclose FILE *g = fopen(path, "we");

		if (u && g && fprintf(u, "0 100000 1000") > 0 && fprintf(g, "0 100000 1000") > 0 &&
		    fflush(u) == 0 && fflush(g) == 0) {
			(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid); /* fits */
			fd = open(path, O_RDONLY | O_CLOEXEC);
		}
	}
	if (fd < 0)
		fd = -errno;
	(void)kill(pid, SIGKILL); /* our own child, not reaped yet */
	(void)waitpid(pid, NULL, 0); /* it was killed */
	return fd;
}

static int idmap_of(const char *dir, char *reason)
{
	cleanup_close int userns = userns_fd();
	cleanup_close int tree = open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};

	if (userns < 0)
		return missing(reason, "a mapped user namespace: %s", strerror(-userns));
	if (tree < 0)
		return missing(reason, "open_tree %s: %s", dir, strerror(errno));
	attr.userns_fd = (__u64)userns;
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return missing(reason, "an id-mapped mount of %s: %s", dir, strerror(errno));
	return 0;
}

static int need_idmap(char *reason)
{
	char dir[PATH_MAX];
	int r = scratch_dir_make(dir);

	if (r < 0)
		return missing(reason, "a temporary directory: %s", strerror(-r));
	r = private_mounts(reason);
	if (!r)
		r = idmap_of(dir, reason);
	scratch_dir_remove(dir);
	return r;
}

static int need_here(unsigned int need, char *reason)
{
	switch ((enum test_need)need) {
	case NEED_NOTHING:
		return 0;
	case NEED_ROOT:
		return need_root(reason);
	case NEED_CGROUP2:
		return need_cgroup2(reason);
	case NEED_BPF:
		return need_bpf(reason);
	case NEED_CPU_CONTROLLER:
		return need_controller("cpu", reason);
	case NEED_MEMORY_CONTROLLER:
		return need_controller("memory", reason);
	case NEED_PIDS_CONTROLLER:
		return need_controller("pids", reason);
	case NEED_OVERLAY:
		return need_overlay(reason);
	case NEED_USERNS:
		return need_userns(reason);
	case NEED_IDMAP:
		return need_idmap(reason);
	}
	return missing(reason, "unknown need %#x", need);
}

int need_missing(unsigned int need, char *reason)
{
	int fds[2], status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return missing(reason, "pipe: %s", strerror(errno));

	cleanup_close int in = fds[0];
	cleanup_close int out = fds[1];

	pid = fork();
	if (pid == 0) {
		char text[TEST_REASON_MAX] = "";
		int r = need_here(need, text);

		if (r && write(out, text, strlen(text)) < 0)
			_exit(2);
		_exit(r);
	}
	close_fd(&out);
	reason[0] = '\0';
	if (pid > 0) {
		ssize_t n = read(in, reason, TEST_REASON_MAX - 1);

		reason[n > 0 ? n : 0] = '\0';
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return missing(reason, "probe: %s", strerror(errno));
	if (status && !reason[0])
		return missing(reason, "the probe of need %#x died, status %#x", need, status);
	return status != 0;
}
