// SPDX-License-Identifier: Apache-2.0
/* The Varlink server: who may connect, and how many. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink_impl.h"

/* A limit or a right in the way? Return: 0 or -errno. */
static int admit(const struct vl_server *s, const struct ucred *peer)
{
	const struct vl_conn *c;
	unsigned int own = 0, users = 0;

	for (c = TAILQ_FIRST(&s->conns); c; c = TAILQ_NEXT(c, all)) {
		own += c->peer.uid == peer->uid;
		users += c->peer.uid != 0;
	}
	if (s->stats.open >= VL_CONNS_MAX)
		return -EUSERS;
	if (peer->uid && (own >= VL_CONNS_PER_UID || users >= VL_CONNS_MAX - VL_CONNS_ROOT))
		return -EUSERS;
	if (s->config.may_read && !s->config.may_read(peer, s->config.userdata))
		return -EACCES;
	return 0;
}

int vl_server_adopt(struct vl_server *s, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ? -errno : 0;

	if (!r)
		r = admit(s, &peer);
	if (!r)
		r = vl_conn_new(s, fd, &peer);
	if (r < 0)
		s->stats.refused++;
	return r;
}

/* The reason reaches a client that asks; one that does not read is not waited for. */
static void tell_refused(int fd, int err)
{
	static const char denied[] = "{\"error\":\"" VL_ERROR_PERMISSION_DENIED "\","
				     "\"parameters\":{}}";
	char text[256];
	int n;

	if (err == -EACCES) {
		(void)send(fd, denied, sizeof(denied), MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	n = snprintf(text, sizeof(text),
		     "{\"error\":\"" VL_ERROR_SYSTEM "\",\"parameters\":"
		     "{\"origin\":\"linux\",\"errno\":%d,\"errnoName\":\"%s\"}}",
		     -err, strerrorname_np(-err) ?: "?");
	if (n > 0 && (size_t)n < sizeof(text))
		(void)send(fd, text, (size_t)n + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct vl_server *s = userdata;

	(void)source;
	(void)usec;
	for (unsigned int i = 0; i < s->listeners_nr; i++)
		(void)sd_event_source_set_enabled(s->listeners[i].io, SD_EVENT_ON);
	return 0;
}

/*
 * accept() fails and would be asked again at once: leave the callers in the queue for a while.
 * The timer is there from the start, as it needs a descriptor itself.
 */
static void pause_accept(struct vl_server *s)
{
	uint64_t now;

	if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0 ||
	    sd_event_source_set_time(s->resume, now + VL_ACCEPT_PAUSE_US) < 0 ||
	    sd_event_source_set_enabled(s->resume, SD_EVENT_ONESHOT) < 0)
		return; /* without memory; tried again at the next wakeup */
	for (unsigned int i = 0; i < s->listeners_nr; i++)
		(void)sd_event_source_set_enabled(s->listeners[i].io, SD_EVENT_OFF);
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
	struct vl_server *s = userdata;

	(void)source;
	(void)revents;
	for (int i = 0; i < VL_ACCEPT_WAKEUP; i++) {
		cleanup_close int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int r;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				pause_accept(s);
			return 0;
		}
		r = vl_server_adopt(s, fd);
		if (r < 0)
			tell_refused(fd, r);
		else
			(void)take_fd(&fd);
	}
	return 0;
}

static int on_wakeup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct vl_server *s = userdata;
	eventfd_t n;

	(void)source;
	(void)revents;
	for (int i = 0; i < VL_READY_WAKEUP; i++)
		vl_conn_turn(s);
	if (TAILQ_EMPTY(&s->ready))
		(void)eventfd_read(fd, &n); /* or it was empty already */
	return 0;
}

int vl_server_new(sd_event *event, const struct vl_server_config *config, struct vl_server **ret)
{
	struct vl_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->config = *config;
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->ready);
	s->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = s->wakeup_fd < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &s->wakeup, s->wakeup_fd, EPOLLIN, on_wakeup, s);
	if (r >= 0)
		r = sd_event_add_time(event, &s->resume, CLOCK_MONOTONIC, UINT64_MAX, 0, on_resume,
				      s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->resume, SD_EVENT_OFF);
	if (r < 0) {
		(void)vl_server_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int add_listener(struct vl_server *s, int fd, const char *path)
{
	struct vl_listener *l = &s->listeners[s->listeners_nr];
	cleanup_free char *copy = path ? strdup(path) : NULL;
	struct stat st = {0};
	int r;

	if (path && (!copy || lstat(path, &st) < 0))
		return copy ? -errno : -ENOMEM;
	r = sd_event_add_io(s->event, &l->io, fd, EPOLLIN, on_accept, s);
	if (r < 0)
		return r;
	l->fd = fd;
	l->path = take_ptr(copy);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	s->listeners_nr++;
	return 0;
}

int vl_server_listen_fd(struct vl_server *s, int fd)
{
	int domain = 0, r;
	socklen_t len = sizeof(domain);

	if (s->listeners_nr == VL_LISTENERS_MAX)
		return -ENOSPC;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	r = listen(fd, SOMAXCONN) < 0 ? -errno : 0;
	return r < 0 ? r : add_listener(s, fd, NULL);
}

/* Return: 0 nothing is there any more; -EEXIST no socket; -EADDRINUSE it is alive; -errno. */
static int remove_stale(const struct sockaddr_un *sa)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

int vl_server_listen(struct vl_server *s, const char *path, unsigned int mode)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	mode_t umask_before;
	int r;

	if (fd < 0)
		return -errno;
	if (s->listeners_nr == VL_LISTENERS_MAX)
		return -ENOSPC;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	r = remove_stale(&sa);
	if (r < 0)
		return r;
	/* the file has its mode from the start, so nobody slips in before a chmod */
	umask_before = umask(0777 & ~mode);
	r = bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	(void)umask(umask_before); /* does not fail */
	if (!r)
		r = listen(fd, SOMAXCONN) < 0 ? -errno : 0;
	if (!r)
		r = add_listener(s, fd, path);
	if (!r)
		(void)take_fd(&fd);
	return r;
}

static void free_listener(struct vl_listener *l)
{
	struct stat st;

	sd_event_source_disable_unref(l->io);
	close_fd(&l->fd);
	/* a successor may have put its own there meanwhile */
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path); /* a stale file is replaced by the next one */
	free(l->path);
}

struct vl_server *vl_server_free(struct vl_server *s)
{
	if (!s)
		return NULL;
	for (unsigned int i = 0; i < s->listeners_nr; i++)
		free_listener(&s->listeners[i]);
	sd_event_source_disable_unref(s->resume);
	while (!TAILQ_EMPTY(&s->conns))
		(void)vl_conn_free(TAILQ_FIRST(&s->conns));
	sd_event_source_disable_unref(s->wakeup);
	close_fd(&s->wakeup_fd);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}

void vl_server_stats(const struct vl_server *s, struct vl_stats *ret)
{
	*ret = s->stats;
}
