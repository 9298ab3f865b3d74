// SPDX-License-Identifier: Apache-2.0
/* Whole containers for root tests. */
#include "selftests/harness/ct_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define ARGS_MAX 8

static void __attribute__((noreturn)) give_up(const char *what)
{
	test_fail(__FILE__, __LINE__, "%s: %s", what, strerror(errno));
	test_abort();
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	if (!c)
		give_up("strdup");
	return c;
}

void ct_rig_begin(struct ct_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->stdio_fd = -1;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		give_up("a mount namespace");
	(void)snprintf(rig->state, sizeof(rig->state), "%s/state", test_dir()); /* both fit */
	(void)snprintf(rig->run, sizeof(rig->run), "%s/run", test_dir());
	if (mkdir(rig->state, 0755) || mkdir(rig->run, 0755))
		give_up("directories");
	rig->host = (struct iso_host){
		.cgroup_fd = test_cgroup(),
		.state_dir = rig->state,
		.run_dir = rig->run,
	};
	if (ct_spec_defaults(&rig->spec))
		give_up("ct_spec_defaults");
	rig->spec.id = copy("t");
	rig->spec.root.kind = CT_ROOT_HOST;
	rig->spec.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	rig->spec.process.env[0] = NULL;
}

void ct_rig_args(struct ct_rig *rig, const char *first, ...)
{
	char **args = calloc(ARGS_MAX + 1, sizeof(*args)), **old = rig->spec.process.args;
	const char *arg = first;
	va_list ap;

	if (!args)
		give_up("calloc");
	va_start(ap, first);
	for (int i = 0; arg && i < ARGS_MAX; i++, arg = va_arg(ap, const char *))
		args[i] = copy(arg);
	va_end(ap);
	for (int i = 0; old && old[i]; i++)
		free(old[i]);
	free(old);
	rig->spec.process.args = args;
}

void ct_rig_sh(struct ct_rig *rig, const char *command)
{
	ct_rig_args(rig, "sh", "-c", command, NULL);
}

static void copy_file(const char *from, const char *to)
{
	cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;
	ssize_t n = -1;

	if (in < 0 || out < 0 || fstat(in, &st))
		give_up(to);
	for (off_t at = 0; at < st.st_size; at += n) {
		n = copy_file_range(in, NULL, out, NULL, (size_t)(st.st_size - at), 0);
		if (n <= 0)
			give_up(to);
	}
}

static const char *busybox(void)
{
	static const char *const paths[] = {"/bin/busybox", "/usr/bin/busybox"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	test_skip("no busybox, of which the root file system is made");
}

static void image_applets(const char *image)
{
	static const char *const names[] = {"sh",	"cat",	 "id",	 "ls",	  "hostname",
					    "readlink", "touch", "true", "sleep", "stat",
					    "mount",	"mkdir", "ln",	 "rm",	  "grep",
					    "test",	"echo",	 "kill"};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/bin/busybox", image); /* all fit */
	copy_file(busybox(), path);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/bin/%s", image, names[i]);
		if (symlink("busybox", path))
			give_up(path);
	}
}

const char *ct_rig_image(struct ct_rig *rig)
{
	static const char *const dirs[] = {"",	   "/bin", "/dev", "/proc",
					   "/sys", "/tmp", "/etc", "/data"};
	struct ct_spec *spec = &rig->spec;
	char image[PATH_MAX - 64], path[PATH_MAX];

	(void)snprintf(image, sizeof(image), "%s/image", test_dir()); /* all fit */
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", image, dirs[i]);
		if (mkdir(path, 0755))
			give_up(path);
	}
	image_applets(image);
	spec->root.kind = CT_ROOT_DIR;
	spec->root.path = copy(image);
	spec->namespaces |= CLONE_NEWUSER;
	spec->idmap = (struct ct_idmap){.host_base = CT_RIG_ID_BASE, .nr = 65536};
	return spec->root.path;
}

int ct_rig_create(struct ct_rig *rig)
{
	int pair[2], err;

	close_fd(&rig->stdio_fd);
	if (pipe2(pair, O_CLOEXEC))
		give_up("pipe2");
	rig->why.text[0] = '\0';
	err = ct_create(&rig->host, &rig->spec, &(struct ct_stdio){-1, pair[1], pair[1]}, &rig->c,
			&rig->why);
	close_fd(&pair[1]);
	rig->stdio_fd = pair[0];
	return err;
}

const char *ct_rig_read(struct ct_rig *rig)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = {.fd = rig->stdio_fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, CT_RIG_WAIT_MS) != 1)
			give_up("waiting for output");
		n = read(rig->stdio_fd, rig->output + len, sizeof(rig->output) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	rig->output[len] = '\0';
	return rig->output;
}

int ct_rig_wait(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	siginfo_t si = {0};

	if (poll(&p, 1, CT_RIG_WAIT_MS) != 1)
		give_up("waiting for an end");
	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED))
		give_up("waitid");
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

int ct_rig_run(struct ct_rig *rig)
{
	int err = ct_rig_create(rig);

	if (!err)
		err = ct_start(rig->c, &rig->why);
	if (err)
		return err;
	(void)ct_rig_read(rig); /* the caller looks at rig->output */
	return ct_rig_wait(rig->c->iso.pidfd);
}

int ct_rig_exec_as(struct ct_rig *rig, const struct ct_process *pattern, const char *command)
{
	char *args[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	struct ct_process process = *pattern;
	int pair[2], err, pidfd;
	pid_t pid;

	process.args = args;
	close_fd(&rig->stdio_fd);
	if (pipe2(pair, O_CLOEXEC))
		give_up("pipe2");
	rig->why.text[0] = '\0';
	err = ct_exec(rig->c, &process, &(struct ct_stdio){-1, pair[1], pair[1]}, &pid, &pidfd,
		      &rig->why);
	close_fd(&pair[1]);
	rig->stdio_fd = pair[0];
	if (err)
		return err;
	(void)ct_rig_read(rig); /* the caller looks at rig->output */
	err = ct_rig_wait(pidfd);
	close_fd(&pidfd);
	return err;
}

int ct_rig_exec(struct ct_rig *rig, const char *command)
{
	return ct_rig_exec_as(rig, &rig->spec.process, command);
}

/* The number of entries, "." and ".." left out; 0 if there is no such directory */
static int entries(const char *dir)
{
	cleanup_closedir DIR *d = opendir(dir);
	int nr = 0;

	while (d && readdir(d))
		nr++;
	return nr > 2 ? nr - 2 : 0;
}

int ct_rig_mounts(const char *dir)
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t size = 0;
	int nr = 0;

	while (f && getline(&line, &size, f) > 0)
		nr += strstr(line, dir) != NULL;
	return nr;
}

void ct_rig_nothing_left(const struct ct_rig *rig)
{
	siginfo_t si;
	char path[PATH_MAX + 16];

	EXPECT_EQ(faccessat(rig->host.cgroup_fd, rig->spec.id, F_OK, 0), -1);
	(void)snprintf(path, sizeof(path), "%s/rootfs", rig->state); /* fits */
	EXPECT_EQ(entries(path), 0);
	(void)snprintf(path, sizeof(path), "%s/stage", rig->run); /* fits */
	EXPECT_EQ(entries(path), 0);
	EXPECT_EQ(ct_rig_mounts(test_dir()), 0);
	EXPECT_EQ(waitid(P_ALL, 0, &si, WEXITED | WNOHANG), -1); /* no child, dead or alive */
	EXPECT_EQ(errno, ECHILD);
}

static void undo(struct ct_rig *rig)
{
	EXPECT_EQ(ct_destroy(rig->c), 0);
	rig->c = NULL;
	ct_rig_nothing_left(rig);
}

void ct_rig_expect(const char *file, int line, struct ct_rig *rig, const char *command, int code,
		   const char *want)
{
	int got;

	ct_rig_sh(rig, command);
	rig->output[0] = '\0';
	got = ct_rig_run(rig);
	if (got != code || (want && strcmp(rig->output, want)))
		test_fail(file, line, "%s: got %d \"%s\" want %d \"%s\" %s", command, got,
			  rig->output, code, want ? want : "", rig->why.text);
	if (rig->c)
		undo(rig);
}

void ct_rig_refused(const char *file, int line, struct ct_rig *rig, int err, const char *words)
{
	int got = ct_rig_create(rig);

	if (got != err || !strstr(rig->why.text, words))
		test_fail(file, line, "got %d \"%s\" want %d \"%s\"", got, rig->why.text, err,
			  words);
	if (!got)
		undo(rig);
	else
		ct_rig_nothing_left(rig);
}

char *ct_rig_text(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		give_up("vasprintf");
	va_end(ap);
	return text;
}

void ct_rig_end(struct ct_rig *rig)
{
	if (rig->c)
		EXPECT_EQ(ct_destroy(rig->c), 0);
	rig->c = NULL;
	ct_rig_nothing_left(rig);
	close_fd(&rig->stdio_fd);
	ct_spec_free(&rig->spec);
}
