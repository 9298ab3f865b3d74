// SPDX-License-Identifier: Apache-2.0
/*
 * Attaches a family's programs and pins the links. The order matters only on an upgrade: a new
 * program is attached before the old one goes, so that no birth and no exit is lost; for that
 * moment a switch may be counted twice, never a time (times are differences against a state that
 * both share). On a cgroup the kernel swaps the program inside the link: there nothing is counted
 * twice.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/crash.h"
#include "agent/meter_family.h"
#include "agent/meter_pins.h"

#define PIN_NEW "_new" /* appended while a pin is replaced; dots are refused by bpffs */

static int prog_tag(int fd, __u8 tag[static BPF_TAG_SIZE])
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r)
		return r;
	memcpy(tag, info.tag, BPF_TAG_SIZE);
	return 0;
}

/* Does a link run the same instructions as @prog_fd? */
static bool runs_program(const struct bpf_link_info *link, int prog_fd)
{
	__u8 old[BPF_TAG_SIZE], new[BPF_TAG_SIZE];
	cleanup_close int fd = bpf_prog_get_fd_by_id(link->prog_id);

	if (fd < 0 || prog_tag(fd, old) || prog_tag(prog_fd, new))
		return false;
	return !memcmp(old, new, BPF_TAG_SIZE);
}

static bool is_cgroup_program(const struct bpf_program *prog)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_SOCK_OPS:
		return true;
	default:
		return false;
	}
}

/* The unit may have been stopped and started: the same path, another cgroup, the link detached. */
static bool is_on_cgroup(const struct bpf_link_info *link, int cgroup_fd)
{
	struct stat st;

	return link->type == BPF_LINK_TYPE_CGROUP && !fstat(cgroup_fd, &st) &&
	       link->cgroup.cgroup_id == st.st_ino;
}

/* What is pinned is what we want, or can be made so in place. */
static bool keep_link(int link_fd, const struct bpf_program *prog, const struct family_env *env)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int prog_fd = bpf_program__fd(prog);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return false;
	if (!is_cgroup_program(prog))
		return runs_program(&info, prog_fd);
	if (!is_on_cgroup(&info, env->cgroup_fd))
		return false;
	return runs_program(&info, prog_fd) || !bpf_link_update(link_fd, prog_fd, NULL);
}

static int attach_new(const struct bpf_program *prog, const struct family_env *env, int *ret_fd)
{
	struct bpf_link *link;
	int fd;

	link = is_cgroup_program(prog) ? bpf_program__attach_cgroup(prog, env->cgroup_fd)
				       : bpf_program__attach(prog);
	if (!link)
		return -errno;
	fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		fd = -errno;
	(void)bpf_link__destroy(link); /* our own descriptor keeps it attached */
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* Attach @prog and put its link where an older one may be. */
static int attach_pinned(const struct bpf_program *prog, const struct family_env *env,
			 const char *pin, int *ret_fd)
{
	char path[PIN_PATH_MAX], fresh[PIN_PATH_MAX];
	cleanup_close int fd = -1;
	int r = pin_path(path, env->dir, pin, "");

	if (!r)
		r = pin_path(fresh, env->dir, pin, PIN_NEW);
	if (!r)
		r = attach_new(prog, env, &fd);
	if (r < 0)
		return r;
	CRASH_POINT("meter.link_attached");
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	r = bpf_obj_pin(fd, fresh);
	if (r < 0)
		return r;
	CRASH_POINT("meter.link_pinned");
	if (rename(fresh, path))
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int hook_attach(const struct bpf_program *prog, const struct family_env *env,
		       const char *pin, int *ret_fd)
{
	char path[PIN_PATH_MAX];
	cleanup_close int old = -1;
	int r = pin_path(path, env->dir, pin, "");

	if (r < 0)
		return r;
	old = bpf_obj_get(path);
	if (old < 0 || !keep_link(old, prog, env))
		return attach_pinned(prog, env, pin, ret_fd);
	*ret_fd = take_fd(&old);
	return 0;
}

int family_attach(struct family *f, const struct family_env *env, struct why *why)
{
	const struct family_hook *h = f->spec->hooks;
	const struct bpf_program *prog;
	int i, r;

	for (i = 0; h && h->prog && i < FAMILY_HOOKS_MAX; h++, i++) {
		prog = bpf_object__find_program_by_name(f->obj, h->prog);
		if (!prog)
			return why_set(why, -ENOENT, "%s", h->prog);
		if (bpf_program__fd(prog) < 0)
			continue; /* optional, and refused */
		r = hook_attach(prog, env, h->pin, &f->links[i]);
		if (r < 0)
			return why_set(why, r, "%s", family_event(prog));
	}
	return 0;
}
