// SPDX-License-Identifier: Apache-2.0
/* One descriptor over a unix socket. */
#include "agent/lib/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int fd_send(int sock, const void *data, size_t len, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	return n < 0 ? -errno : (size_t)n < len ? -EMSGSIZE : 0;
}

int fd_receive(int sock, void *data, size_t size, int flags, size_t *ret_len)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {data, size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *h;
	ssize_t n;
	int fd;

	do
		n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	h = n ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	if (ret_len)
		*ret_len = (size_t)n;
	return fd;
}
