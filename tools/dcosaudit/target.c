// SPDX-License-Identifier: Apache-2.0
/* Finds what is to be looked at, see target.h. */
#include "tools/dcosaudit/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/common/client.h"

#define COMMAND_EXIT 127 /* of a command that could not be executed, as a shell has it */

static void words_join(char to[static REC_TEXT_MAX], const char *word)
{
	size_t len = strlen(to);

	/* cut: for people only */
	(void)snprintf(to + len, REC_TEXT_MAX - len, "%s%s", len ? " " : "", word);
}

/* ---- cgroups ---- */

static int cgroup_at(struct target *t, const char *path, struct why *why)
{
	cleanup_free char *mnt = NULL, *dir = NULL;
	cleanup_close int mnt_fd = -1, fd = -1;
	uint64_t id;
	int err = cg_find_mount("/proc/self/mountinfo", &mnt);
	size_t len;

	if (err)
		return why_set(why, err, "cgroup2 is not mounted");
	len = strlen(mnt);
	if (!strncmp(path, mnt, len) && (path[len] == '/' || !path[len]))
		path += len;
	while (*path == '/')
		path++;
	mnt_fd = open(mnt, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mnt_fd < 0)
		return why_set(why, -errno, "%s", mnt);
	fd = cg_open(mnt_fd, *path ? path : ".", false);
	if (fd < 0)
		return why_set(why, fd, "cgroup %s/%s", mnt, path);
	err = cg_id(fd, &id);
	if (err)
		return why_set(why, err, "cgroup %s/%s", mnt, path);
	if (asprintf(&dir, "%s/%s", mnt, path) < 0)
		return why_set(why, -ENOMEM, "%s", path);
	t->dir = take_ptr(dir);
	t->cgroup_fd = take_fd(&fd);
	t->cgroup_id = id;
	return 0;
}

static int open_cgroup(struct audit *a, struct target *t, const char *path)
{
	t->kind = TARGET_CGROUP;
	(void)snprintf(t->name, sizeof(t->name), "%s", path); /* cut: for people only */
	return cgroup_at(t, path, &a->why) < 0 ? audit_fail("%s", a->why.text) : 0;
}

/* ---- tasks ---- */

static json_t *ask(struct audit *a, const char *method, json_t *params)
{
	cleanup_client struct vl_client *c = NULL;
	json_t *reply = NULL;

	if (client_open(client_socket(a->socket), &c, &a->why) < 0) {
		json_decref(params);
		return NULL;
	}
	return client_call(c, method, params, &reply, &a->why) < 0 ? NULL : reply;
}

static int open_task(struct audit *a, struct target *t, const char *id)
{
	const json_t *task, *word;
	size_t i;

	t->kind = TARGET_CGROUP;
	t->task = ask(a, "Inspect", json_pack("{s:s}", "id", id));
	if (!t->task)
		return audit_fail("%s", a->why.text);
	task = json_object_get(t->task, "task");
	(void)snprintf(t->name, sizeof(t->name), "%s", id); /* ids are shorter */
	json_array_foreach (json_object_get(task, "command"), i, word)
		words_join(t->text, json_string_value(word) ? json_string_value(word) : "?");
	if (cgroup_at(t, field_str(t->task, "cgroup"), &a->why) == 0)
		return 0;
	return json_is_object(json_object_get(task, "exit"))
		       ? audit_fail("%s: the task has ended (%s)", id, field_str(task, "state"))
		       : audit_fail("%s: %s", id, a->why.text);
}

static int open_node(struct audit *a, struct target *t)
{
	cleanup_json json_t *info = ask(a, "Info", NULL);

	t->kind = TARGET_NODE;
	(void)snprintf(t->name, sizeof(t->name), "%s", field_str(info, "node")); /* fits */
	if (!info || cgroup_at(t, field_str(info, "cgroup"), &a->why) < 0)
		return audit_fail("%s", a->why.text);
	return 0;
}

static int open_awaited(struct audit *a, struct target *t, const char *id)
{
	int status = open_node(a, t);

	if (status)
		return status;
	t->kind = TARGET_AWAITED;
	if (strlen(id) >= sizeof(t->wait_name) || strchr(id, '/') || !*id)
		return audit_fail("%s: no task has such an id", id);
	if (faccessat(t->cgroup_fd, id, F_OK, 0) == 0)
		return audit_fail("%s: the task is there already; leave out --wait", id);
	(void)snprintf(t->wait_name, sizeof(t->wait_name), "%s", id); /* fits */
	(void)snprintf(t->name, sizeof(t->name), "%s", id); /* fits */
	return 0;
}

/* ---- processes ---- */

static int open_process(struct target *t, uint64_t pid)
{
	cleanup_free char *path = NULL;
	FILE *f;

	t->kind = TARGET_PROCESS;
	t->pid = (pid_t)pid;
	(void)snprintf(t->name, sizeof(t->name), "pid %" PRIu64, pid); /* fits */
	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (t->pidfd < 0)
		return errno == ESRCH || errno == EINVAL
			       ? audit_fail("--pid=%" PRIu64 ": there is no such process", pid)
			       : audit_fail("--pid=%" PRIu64 ": %m", pid);
	if (asprintf(&path, "/proc/%d/comm", t->pid) < 0)
		return audit_fail("out of memory");
	f = fopen(path, "re");
	if (f) {
		if (!fgets(t->text, sizeof(t->text), f)) /* it may end any moment */
			t->text[0] = '\0';
		t->text[strcspn(t->text, "\n")] = '\0';
		(void)fclose(f); /* it was read */
	}
	return 0;
}

/* Wait for the word, and be what a program expects to be. */
static void __attribute__((noreturn)) command_child(int start_fd, char **argv)
{
	sigset_t none;
	char word;
	int err;

	(void)sigemptyset(&none); /* cannot fail */
	if (read(start_fd, &word, 1) != 1)
		_exit(COMMAND_EXIT); /* given up */
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
	(void)execvp(argv[0], argv); /* returns only to fail */
	err = errno;
	(void)audit_fail("%s: %s", argv[0], strerror(err)); /* its status is ours below */
	_exit(COMMAND_EXIT);
}

static int open_command(struct target *t, char **argv)
{
	int ends[2];

	t->kind = TARGET_COMMAND;
	for (char **word = argv; *word; word++)
		words_join(t->text, *word);
	(void)snprintf(t->name, sizeof(t->name), "%s", argv[0]); /* cut: for people only */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return audit_fail("pipe: %m");
	(void)fflush(stdout); /* or the child would print it again; seen when it is closed */
	t->pid = fork();
	if (t->pid == 0) {
		(void)close(ends[1]); /* nothing was written */
		command_child(ends[0], argv);
	}
	(void)close(ends[0]); /* nothing was written */
	t->start_fd = ends[1];
	if (t->pid < 0)
		return audit_fail("fork: %m");
	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	return t->pidfd < 0 ? audit_fail("pidfd_open: %m") : 0;
}

/* ---- ---- */

static int check(const struct audit *a, const struct target_options *o, int nr, bool node)
{
	int ways = !!o->cgroup + o->pid.given + (nr > 0);

	if (o->command && !nr)
		return audit_usage(a, "--command: missing COMMAND, after --");
	if (ways > 1)
		return audit_usage(a, "a task, --cgroup, --pid and --command exclude each other");
	if (o->wait && (!nr || o->command))
		return audit_usage(a, "--wait: needs the id of a task");
	if (nr > 1 && !o->command)
		return audit_usage(a, "one task at a time");
	return ways || node ? 0 : audit_usage(a, "missing TASK, --cgroup, --pid or --command");
}

int target_open(struct audit *a, const struct target_options *o, char **operands, int nr, bool node,
		struct target *ret)
{
	struct target t = {.cgroup_fd = -1, .pidfd = -1, .start_fd = -1};
	int status = check(a, o, nr, node);

	if (status)
		return status;
	if (o->cgroup)
		status = open_cgroup(a, &t, o->cgroup);
	else if (o->pid.given)
		status = open_process(&t, o->pid.value);
	else if (!nr)
		status = open_node(a, &t);
	else if (o->command)
		status = open_command(&t, operands);
	else if (o->wait)
		status = open_awaited(a, &t, operands[0]);
	else
		status = open_task(a, &t, operands[0]);
	if (status) {
		(void)target_close(&t); /* nothing was started */
		return status;
	}
	*ret = t;
	return 0;
}

void target_start(struct target *t)
{
	char word = 1;

	if (t->start_fd < 0)
		return;
	if (write(t->start_fd, &word, 1) != 1) /* the child is dead: it is reaped at the end */
		(void)audit_fail("%s: %m", t->name);
	close_fd(&t->start_fd);
}

int target_close(struct target *t)
{
	int status = 0, wait_status;

	close_fd(&t->start_fd);
	if (t->kind == TARGET_COMMAND && t->pid > 0) {
		(void)syscall(SYS_pidfd_send_signal, t->pidfd, SIGTERM, NULL,
			      0); /* it may be dead */
		if (waitpid(t->pid, &wait_status, 0) == t->pid)
			status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
							  : WEXITSTATUS(wait_status);
	}
	close_fd(&t->pidfd);
	close_fd(&t->cgroup_fd);
	free(t->dir);
	json_decref(t->task);
	*t = (struct target){.cgroup_fd = -1, .pidfd = -1, .start_fd = -1};
	return status;
}
