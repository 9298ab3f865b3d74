// SPDX-License-Identifier: Apache-2.0
/* See seccomp_notify.h. */
#include "isolators/seccomp_notify.h"

#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/fdpass.h"
#include "isolators/oci.h"

#define STATE_PID   "@PID@"
#define OCI_VERSION "1.2.0" /* of the document's form */
#define STACK_BYTES 65536
#define PENDING	    1
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

/* Between the thread that is filtered and the one that is not. */
struct handover {
	int sock;
	const char *state;
	size_t len;
	atomic_int listener; /* -1: not yet there; below: it won't be */
	atomic_int result; /* PENDING, then 0 or -errno */
};

/* ContainerProcessState; the number of the process is not known yet. */
static char *state_text(const struct isolation *iso, const char *metadata)
{
	const struct ct_oci *oci = iso->spec->oci;
	json_t *state = oci && oci->notify_state
				? json_loads(oci->notify_state, 0, NULL)
				: json_pack("{s:s, s:s, s:s, s:s}", "ociVersion", OCI_VERSION, "id",
					    iso->spec->id, "status", "creating", "bundle", "");
	json_t *doc =
		json_pack("{s:s, s:[s], s:s, s:s, s:o}", "ociVersion", OCI_VERSION, "fds",
			  "seccompFd", "pid", STATE_PID, "metadata", metadata, "state", state);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	json_decref(doc);
	return text;
}

static int connect_to(const char *path)
{
	cleanup_close int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (sock < 0)
		return -errno;
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path); /* SC_LISTENER_MAX fits */
	return connect(sock, (struct sockaddr *)&to, sizeof(to)) ? -errno : take_fd(&sock);
}

int seccomp_supervisor(struct isolation *iso)
{
	const struct sc_filter *f = seccomp_filter_of(iso);
	const struct sc_info *info = f ? sc_filter_info(f) : NULL;
	int fd;

	if (!info || !info->listener)
		return -1;
	free(iso->notify_state); /* of an earlier process */
	iso->notify_state = state_text(iso, info->metadata);
	if (!iso->notify_state)
		return iso_fail(iso, -ENOMEM, "seccomp: /listenerPath");
	fd = connect_to(info->listener_path);
	/* -EPERM is the number that says that there is none */
	return fd < 0 ? iso_fail(iso, fd == -EPERM ? -EACCES : fd, "seccomp: /listenerPath: %s",
				 info->listener_path)
		      : fd;
}

/* The number of the process, as a number, wherever its place is; the same text without memory. */
static size_t put_pid(char *to, size_t size, const char *state, pid_t pid)
{
	static const char place[] = "\"" STATE_PID "\"";
	size_t n = 0;

	for (const char *at; n < size && (at = strstr(state, place));
	     state = at + sizeof(place) - 1)
		n += (size_t)snprintf(to + n, size - n, "%.*s%d", (int)(at - state), state,
				      (int)pid);
	if (n < size)
		n += (size_t)snprintf(to + n, size - n, "%s", state);
	return n;
}

/* The other thread: until there is a listener, or there will be none. */
static int hand_over(void *arg)
{
	struct handover *h = arg;
	int listener;

	while ((listener = atomic_load(&h->listener)) == -1)
		(void)sched_yield(); /* cannot fail */
	if (listener >= 0)
		atomic_store(&h->result, fd_send(h->sock, h->state, h->len, listener));
	return 0;
}

int sc_load_notify(const struct sc_filter *f, int sock, const char *state, pid_t pid)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	static char text[SC_STATE_MAX];
	const struct sc_info *info = sc_filter_info(f);
	struct handover h = {.sock = sock, .state = text};
	long n;

	h.len = put_pid(text, sizeof(text), state, pid);
	if (h.len >= sizeof(text))
		return -EMSGSIZE;
	atomic_init(&h.listener, -1);
	atomic_init(&h.result, PENDING);
	if (clone(hand_over, stack + sizeof(stack), THREAD_FLAGS, &h) < 0)
		return -errno;
	/* there is one thread to be filtered, and TSYNC would filter the other, too */
	n = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    (info->flags & ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC) |
			    SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    &info->prog);
	if (n < 0) {
		int err = -errno;

		atomic_store(&h.listener, -2);
		return err;
	}
	atomic_store(&h.listener, (int)n);
	while (atomic_load(&h.result) == PENDING)
		; /* a system call could be one that waits for an answer */
	return atomic_load(&h.result);
}
