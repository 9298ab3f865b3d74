// SPDX-License-Identifier: Apache-2.0
/* The directory in which a container is remembered, and what its processes say of its state. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "agent/procfs.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosrun/rt.h"

static const char *const names[] = {
	[RT_CREATING] = "creating", [RT_CREATED] = "created", [RT_RUNNING] = "running",
	[RT_PAUSED] = "paused",	    [RT_STOPPED] = "stopped",
};

const char *rt_status_name(enum rt_status s)
{
	return names[s];
}

/* All directories of a path, as root's alone. */
static int make_root(struct rt *rt)
{
	char path[4096];
	size_t len = strlen(rt->root);

	if (len >= sizeof(path))
		return why_set(&rt->why, -ENAMETOOLONG, "--root=%.64s...", rt->root);
	memcpy(path, rt->root, len + 1);
	for (char *p = path + 1; len; p++) {
		char was = *p;

		if (was && was != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0711) && errno != EEXIST)
			return why_set(&rt->why, -errno, "--root=%s", rt->root);
		*p = was;
		if (!was)
			break;
	}
	return 0;
}

static int check_id(struct rt *rt, const char *id)
{
	if (ct_id_valid(id))
		return 0;
	return why_set(
		&rt->why, -EINVAL,
		"container id \"%.64s\": allowed are 1..%d of [A-Za-z0-9_+.-], the first not "
		"a dot",
		id, CT_ID_MAX);
}

static void box_init(struct rt_box *b)
{
	*b = (struct rt_box){.dir = -1, .pidfd = -1, .cgroup_parent = -1, .cgroup_fd = -1};
}

/* Return: 0 or -errno. @flags for the directory */
static int open_dir(struct rt *rt, const char *id, struct rt_box *b)
{
	cleanup_close int root = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	b->dir = root < 0 ? -1 : openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (b->dir < 0)
		return -errno;
	b->id = strdup(id);
	return b->id ? 0 : -ENOMEM;
}

int rt_box_make(struct rt *rt, const char *id, struct rt_box *ret)
{
	cleanup_free char *path = NULL;
	struct rt_box b;
	int err = check_id(rt, id);

	box_init(&b);
	if (!err)
		err = make_root(rt);
	if (err)
		return err;
	if (asprintf(&path, "%s/%s", rt->root, id) < 0)
		return why_set(&rt->why, -ENOMEM, "container %s", id);
	if (mkdir(path, 0700))
		return why_set(&rt->why, errno == EEXIST ? -EINVAL : -errno,
			       errno == EEXIST ? "container with id exists: %s" : "%s",
			       errno == EEXIST ? id : path);
	err = open_dir(rt, id, &b);
	if (err) {
		rt_box_close(&b);
		(void)rmdir(path); /* it is empty */
		return why_set(&rt->why, err, "%s", path);
	}
	*ret = b;
	return 0;
}

void rt_box_close(struct rt_box *b)
{
	free(b->id);
	json_decref(b->state);
	close_fd(&b->dir);
	close_fd(&b->pidfd);
	close_fd(&b->cgroup_fd);
	close_fd(&b->cgroup_parent);
	box_init(b);
}

int rt_box_forget(struct rt *rt, struct rt_box *b)
{
	static const char *const files[] = {RT_SOCKET, RT_STATE, RT_CONFIG, RT_STATE ".new",
					    RT_CONFIG ".new"};
	cleanup_close int root = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (unlinkat(b->dir, files[i], 0) && errno != ENOENT)
			return why_set(&rt->why, -errno, "%s/%s/%s", rt->root, b->id, files[i]);
	if (root < 0 || unlinkat(root, b->id, AT_REMOVEDIR))
		return why_set(&rt->why, -errno, "%s/%s", rt->root, b->id);
	return 0;
}

int rt_box_write(struct rt *rt, struct rt_box *b, const char *file, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	cleanup_free char *temp = NULL;
	cleanup_close int fd = -1;

	if (!text || asprintf(&temp, "%s.new", file) < 0)
		return why_set(&rt->why, -ENOMEM, "%s", file);
	fd = openat(b->dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0)
			return why_set(&rt->why, -errno, "%s/%s/%s", rt->root, b->id, temp);
		at += (size_t)n;
	}
	if (fd < 0 || renameat(b->dir, temp, b->dir, file))
		return why_set(&rt->why, -errno, "%s/%s/%s", rt->root, b->id, file);
	return 0;
}

static json_t *read_doc(int dir, const char *file, int *ret_err)
{
	cleanup_free char *text = NULL;
	size_t len;
	json_t *doc = NULL;

	*ret_err = slurp_at(dir, file, 0, RT_STATE_MAX, &text, &len);
	if (!*ret_err) {
		doc = json_loadb(text, len, 0, NULL);
		*ret_err = doc ? 0 : -EBADMSG;
	}
	return doc;
}

int rt_box_config(struct rt *rt, struct rt_box *b, struct config *ret)
{
	int err;
	json_t *doc = read_doc(b->dir, RT_CONFIG, &err);

	if (!doc)
		return why_set(&rt->why, err, "%s/%s/" RT_CONFIG, rt->root, b->id);
	err = config_parse(ret, doc, b->bundle, &rt->why);
	if (err)
		return err;
	ret->spec.id = b->id;
	ret->oci.cgroup = b->cgroup ? (char *)(strrchr(b->cgroup, '/') + 1) : NULL;
	return 0;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* A number may be somebody else's by now: with its start it is an identity. */
static void open_process(struct rt_box *b)
{
	uint64_t start = 0;
	long fd = b->pid > 0 ? syscall(SYS_pidfd_open, b->pid, 0) : -1;

	b->pidfd = (int)fd;
	if (b->pidfd >= 0 &&
	    (proc_start_time(b->pid, &start) || start != b->pid_start || has_ended(b->pidfd)))
		close_fd(&b->pidfd);
}

static void open_cgroup(struct rt_box *b)
{
	cleanup_free char *above = b->cgroup ? strdup(b->cgroup) : NULL;
	char *name = above ? strrchr(above, '/') : NULL;

	if (!name)
		return;
	*name = '\0';
	b->cgroup_parent = rt_cgroup_open(*above ? above : "/", NULL);
	if (b->cgroup_parent < 0)
		return;
	b->cgroup_fd = cg_open(b->cgroup_parent, name + 1, false);
}

static enum rt_status status_of(const struct rt_box *b)
{
	uint64_t frozen = 0;

	if (!b->state || !b->pid)
		return RT_CREATING;
	if (b->pidfd < 0)
		return RT_STOPPED;
	if (!faccessat(b->dir, RT_SOCKET, F_OK, 0))
		return RT_CREATED;
	if (b->cgroup_fd >= 0 && !cg_read_u64(b->cgroup_fd, "cgroup.freeze", &frozen) && frozen)
		return RT_PAUSED;
	return RT_RUNNING;
}

/* A process that was killed in the middle of create leaves no state. */
static int read_state(struct rt *rt, struct rt_box *b)
{
	int err;

	b->state = read_doc(b->dir, RT_STATE, &err);
	if (!b->state)
		return err == -ENOENT ? 0
				      : why_set(&rt->why, err, "%s/%s/" RT_STATE, rt->root, b->id);
	b->bundle = json_string_value(json_object_get(b->state, "bundle"));
	b->cgroup = json_string_value(json_object_get(b->state, "cgroup"));
	b->pid = (pid_t)json_integer_value(json_object_get(b->state, "pid"));
	b->pid_start = (uint64_t)json_integer_value(json_object_get(b->state, "pidStart"));
	if (!b->bundle || (b->cgroup && b->cgroup[0] != '/'))
		return why_set(&rt->why, -EBADMSG, "%s/%s/" RT_STATE, rt->root, b->id);
	open_process(b);
	open_cgroup(b);
	return 0;
}

int rt_box_open(struct rt *rt, const char *id, struct rt_box *ret)
{
	struct rt_box b;
	int err = check_id(rt, id);

	box_init(&b);
	if (err)
		return err;
	err = open_dir(rt, id, &b);
	if (err == -ENOENT)
		return why_set(&rt->why, -ENOENT, "container \"%s\" does not exist", id);
	if (err)
		return why_set(&rt->why, err, "%s/%s", rt->root, id);
	err = read_state(rt, &b);
	if (err) {
		rt_box_close(&b);
		return err;
	}
	b.status = status_of(&b);
	*ret = b;
	return 0;
}

/* NSS would be loaded into a static program, and maybe be of another version than its library. */
const char *rt_box_owner(const struct rt_box *b)
{
	static char number[16];
	const struct passwd *user = NULL;
	struct stat st;
	FILE *f;

	if (fstat(b->dir, &st))
		return "";
	f = fopen("/etc/passwd", "re");
	do
		user = f ? fgetpwent(f) : NULL;
	while (user && user->pw_uid != st.st_uid);
	if (f)
		(void)fclose(f); /* it was only read */
	(void)snprintf(number, sizeof(number), "%u", st.st_uid); /* fits */
	return user ? user->pw_name : number;
}

int rt_box_cgroup(struct rt *rt, const struct rt_box *b)
{
	if (b->cgroup_fd >= 0)
		return 0;
	if (b->state && !b->cgroup)
		return why_set(&rt->why, -EINVAL,
			       "container %s has no cgroup of its own (--cgroup-manager=disabled)",
			       b->id);
	return why_set(&rt->why, -ENOENT, "container %s has lost its cgroup", b->id);
}

int rt_box_living(struct rt *rt, const struct rt_box *b)
{
	if (b->status == RT_CREATED || b->status == RT_RUNNING || b->status == RT_PAUSED)
		return 0;
	return why_set(&rt->why, -EINVAL, "container %s is not running: it is %s", b->id,
		       rt_status_name(b->status));
}

int rt_box_save(struct rt *rt, struct rt_box *b, const struct config *c, pid_t pid)
{
	cleanup_free char *text = NULL;
	struct timespec now;
	char when[64];
	struct tm tm;
	size_t n;
	int err;

	b->pid = pid;
	err = pid ? proc_start_time(pid, &b->pid_start) : 0;
	if (err)
		return why_set(&rt->why, err, "container %s: its process", b->id);
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(when + n, sizeof(when) - n, ".%09ldZ", now.tv_nsec); /* fits */
	json_decref(b->state);
	b->state = json_pack("{s:s, s:s, s:s, s:s*, s:i, s:I, s:s, s:s, s:O*}", "ociVersion",
			     RT_OCI_VERSION, "id", b->id, "bundle", c->bundle, "cgroup", b->cgroup,
			     "pid", (int)pid, "pidStart", (json_int_t)b->pid_start, "created", when,
			     "rootfs", c->oci.rootfs, "annotations", c->annotations);
	if (!b->state)
		return why_set(&rt->why, -ENOMEM, "state of %s", b->id);
	text = json_dumps(b->state, JSON_COMPACT);
	return rt_box_write(rt, b, RT_STATE, text);
}

json_t *rt_state_json(const char *id, const char *bundle, const char *status, pid_t pid,
		      json_t *annotations)
{
	json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:O*}", "ociVersion", RT_OCI_VERSION, "id",
				id, "status", status, "bundle", bundle, "annotations", annotations);

	if (doc && pid && json_object_set_new(doc, "pid", json_integer(pid))) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}
