// SPDX-License-Identifier: Apache-2.0
/*
 * TCP and HTTP: the agent's one thread turns to the network namespace of the task for the time of
 * one socket(2); a socket stays in the namespace that it was made in (network_namespaces(7)).
 * Nothing is forked. A command is one more process in the container, see ct_exec(); it and what it
 * has started in its session are killed when it takes too long.
 */
#include "agent/health_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/launch.h"
#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define TIMEOUT_ACCURACY_US 1000
#define REQUEST_MAX	    2048 /* fits the longest path that a spec may have */
#define STATUS_AT	    9 /* of "HTTP/1.1 200" */
#define STATUS_END	    12

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Return: the bytes of it */
static socklen_t address_of(const struct task_health *h, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, h->address, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons((uint16_t)h->port);
		return sizeof(ret->v4);
	}
	(void)inet_pton(AF_INET6, h->address, &ret->v6.sin6_addr); /* checked by the parser */
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons((uint16_t)h->port);
	return sizeof(ret->v6);
}

/* Return: a socket of the container's network; -errno */
static int socket_inside(const struct container *c, int family)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd;

	if (!(c->iso.spec->namespaces & CLONE_NEWNET)) {
		fd = socket(family, type, 0);
		return fd < 0 ? -errno : fd;
	}
	cleanup_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0 || setns(c->iso.pidfd, CLONE_NEWNET))
		return -errno;
	fd = socket(family, type, 0);
	if (fd < 0)
		fd = -errno;
	if (setns(own, CLONE_NEWNET))
		abort(); /* all that follows would be in the network of this task */
	return fd;
}

void probe_abort(struct health_probe *p)
{
	if (!p->busy)
		return;
	p->busy = false;
	p->io = sd_event_source_disable_unref(p->io);
	p->timeout = sd_event_source_disable_unref(p->timeout);
	close_fd(&p->fd);
	if (p->pidfd >= 0) {
		(void)kill(-p->pid, SIGKILL); /* its session; it has not been reaped */
		launch_reap(p->pidfd);
	}
	close_fd(&p->pidfd);
	p->task->node->health_busy--;
}

static void end(struct health_probe *p, const char *failure)
{
	probe_abort(p);
	p->done(p, failure);
}

static void end_errno(struct health_probe *p, int err)
{
	char text[WHY_MAX], desc[128];

	(void)snprintf(text, sizeof(text), "%s port %u: %s", p->check->address, /* fits */
		       (unsigned int)p->check->port, strerror_r(err, desc, sizeof(desc)));
	end(p, text);
}

/* ---- a command ---- */

static int command_ended(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct health_probe *p = userdata;
	siginfo_t si = {0};
	char text[WHY_MAX];

	(void)source;
	(void)events;
	(void)kill(-p->pid, SIGKILL); /* what it has left behind; ESRCH: nothing */
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG) || !si.si_pid)
		si.si_code = CLD_KILLED; /* reaped by nobody else; say that it failed */
	close_fd(&p->pidfd);
	if (si.si_code == CLD_EXITED && !si.si_status && !p->late) {
		end(p, NULL);
		return 0;
	}
	if (p->late)
		(void)snprintf(text, sizeof(text), "the command took longer than %g s",
			       (double)p->check->timeout_us / 1e6); /* these fit */
	else if (si.si_code == CLD_EXITED)
		(void)snprintf(text, sizeof(text), "the command exited with code %d", si.si_status);
	else
		(void)snprintf(text, sizeof(text), "the command was killed by signal %d",
			       si.si_status);
	end(p, text);
	return 0;
}

/* Return: NULL-terminated, the texts borrowed; NULL out of memory */
static char **argv_of(json_t *args)
{
	char **argv = calloc(json_array_size(args) + 1, sizeof(*argv));
	json_t *v;
	size_t i;

	if (argv)
		json_array_foreach (args, i, v)
			argv[i] = (char *)json_string_value(v); /* is only read */
	return argv;
}

static int begin_command(struct health_probe *p, struct why *why)
{
	const struct container *c = p->task->ct;
	struct ct_process process = c->iso.spec->process;
	struct ct_stdio none = {-1, -1, -1};
	cleanup_free char **argv = argv_of(p->check->args);
	int err;

	if (!argv)
		return why_set(why, -ENOMEM, "command");
	process.args = argv;
	err = ct_exec(p->task->ct, &process, &none, &p->pid, &p->pidfd, why);
	if (err)
		return err;
	return sd_event_add_io(p->task->node->event, &p->io, p->pidfd, EPOLLIN, command_ended, p);
}

/* ---- sockets ---- */

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9112, "Status Line" */
static void judge_answer(struct health_probe *p)
{
	const char *a = p->answer, *s = a + STATUS_AT;
	char text[WHY_MAX];

	if (p->answer_len < STATUS_END || memcmp(a, "HTTP/1.", 7) != 0 || !is_digit(a[7]) ||
	    a[8] != ' ' || !is_digit(s[0]) || !is_digit(s[1]) || !is_digit(s[2])) {
		end(p, "the answer is not one of HTTP");
		return;
	}
	if (*s == '2' || *s == '3') {
		end(p, NULL);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s port %u: status %.3s of %.64s", p->check->address,
		       (unsigned int)p->check->port, s, p->check->path); /* fits */
	end(p, text);
}

static int on_answer(struct health_probe *p)
{
	ssize_t n = recv(p->fd, p->answer + p->answer_len, sizeof(p->answer) - p->answer_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		end_errno(p, errno);
		return 0;
	}
	p->answer_len += (size_t)n;
	if (!n || p->answer_len >= STATUS_END)
		judge_answer(p);
	return 0;
}

/* A socket that has just been connected takes so little at once. */
static void send_request(struct health_probe *p)
{
	const struct task_health *h = p->check;
	bool v6 = strchr(h->address, ':');
	char request[REQUEST_MAX];
	int len =
		snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: dcos-agent\r\n"
			 "Accept: */*\r\nConnection: close\r\n\r\n",
			 h->path, v6 ? "[" : "", h->address, v6 ? "]" : "", (unsigned int)h->port);
	ssize_t n = send(p->fd, request, (size_t)len, MSG_NOSIGNAL);

	if (n < 0)
		end_errno(p, errno);
	else if (n < len)
		end(p, "the request could not be sent at once");
	else
		(void)sd_event_source_set_io_events(p->io, EPOLLIN); /* never fails: it is one */
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct health_probe *p = userdata;
	socklen_t len = sizeof(int);
	uint32_t wanted = 0;
	int err = 0;

	(void)events;
	(void)sd_event_source_get_io_events(source, &wanted); /* likewise */
	if (wanted & EPOLLIN)
		return on_answer(p);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		end_errno(p, err);
	else if (p->check->protocol == HEALTH_TCP)
		end(p, NULL);
	else
		send_request(p);
	return 0;
}

static int begin_socket(struct health_probe *p, struct why *why)
{
	const struct task_health *h = p->check;
	union address to;
	socklen_t len = address_of(h, &to);
	int err = 0;

	p->fd = socket_inside(p->task->ct, to.any.sa_family);
	if (p->fd < 0)
		err = p->fd;
	else if (connect(p->fd, &to.any, len) && errno != EINPROGRESS)
		err = -errno;
	if (err)
		return why_set(why, err, "%s port %u", h->address, (unsigned int)h->port);
	return sd_event_add_io(p->task->node->event, &p->io, p->fd, EPOLLOUT, on_socket, p);
}

/* ---- both ---- */

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct health_probe *p = userdata;
	char text[WHY_MAX];

	(void)source;
	(void)usec;
	if (p->pidfd >= 0) {
		p->late = true; /* reaped as soon as it has ended */
		(void)kill(-p->pid, SIGKILL);
		return 0;
	}
	(void)snprintf(text, sizeof(text), "%s port %u: no answer within %g s", p->check->address,
		       (unsigned int)p->check->port, (double)p->check->timeout_us / 1e6); /* fits */
	end(p, text);
	return 0;
}

int probe_begin(struct health_probe *p, struct why *why)
{
	int err;

	p->busy = true;
	p->late = false;
	p->fd = p->pidfd = -1;
	p->answer_len = 0;
	p->task->node->health_busy++;
	err = p->check->protocol == HEALTH_COMMAND ? begin_command(p, why) : begin_socket(p, why);
	if (err >= 0)
		err = sd_event_add_time_relative(p->task->node->event, &p->timeout, CLOCK_MONOTONIC,
						 p->check->timeout_us, TIMEOUT_ACCURACY_US,
						 on_timeout, p);
	if (err >= 0)
		return 0;
	probe_abort(p);
	return why->text[0] ? err : why_set(why, err, "watching the check");
}
