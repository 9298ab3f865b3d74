// SPDX-License-Identifier: Apache-2.0
/* Addresses of TCP, see listen.h. */
#include "tools/common/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"

#define ALLOWED "must be ADDRESS:PORT such as 127.0.0.1:9924, [::1]:9924 or :9924"

/* "[::1]:80" into its two parts. Return: 0; -EINVAL. */
static int split(const char *text, char *host, size_t size, const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!colon)
		return -EINVAL;
	if (*text == '[') {
		if (len < 2 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;
	}
	if (len >= size)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int bind_to(const struct addrinfo *ai)
{
	cleanup_close int fd =
		socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* all addresses of IPv6 are those of IPv4 too */
	if (ai->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, HTTP_BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

int tcp_listen(const char *option, const char *address, struct why *why)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *ai = NULL;
	const char *port;
	uint64_t number;
	char host[64];
	int fd;

	if (split(address, host, sizeof(host), &port) < 0 || parse_u64(port, 0, 65535, &number) < 0)
		return why_set(why, -EINVAL, "--%s=%s: " ALLOWED, option, address);
	/* without a host: of IPv6 if there is any, for it takes IPv4 as well */
	if (getaddrinfo(*host ? host : "::", port, &hints, &ai))
		return why_set(why, -EINVAL, "--%s=%s: " ALLOWED, option, address);
	fd = bind_to(ai);
	freeaddrinfo(ai);
	if (fd == -EAFNOSUPPORT && !*host && !getaddrinfo("0.0.0.0", port, &hints, &ai)) {
		fd = bind_to(ai);
		freeaddrinfo(ai);
	}
	return fd < 0 ? why_set(why, fd, "--%s=%s", option, address) : fd;
}

static int connect_to(const struct addrinfo *ai)
{
	cleanup_close int fd =
		socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

int tcp_connect(const char *option, const char *address, char *host, size_t size, struct why *why)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	int fd = -EADDRNOTAVAIL, r;
	const char *port;
	uint64_t number;

	if (split(address, host, size, &port) < 0 || !*host ||
	    parse_u64(port, 1, 65535, &number) < 0)
		return why_set(why, -EINVAL, "--%s=%s: must be NAME:PORT or ADDRESS:PORT", option,
			       address);
	r = getaddrinfo(host, port, &hints, &ai);
	if (r)
		return why_set(why, -EHOSTUNREACH, "%s: %s", host, gai_strerror(r));
	for (const struct addrinfo *a = ai; a && fd < 0; a = a->ai_next)
		fd = connect_to(a);
	freeaddrinfo(ai);
	return fd < 0 ? why_set(why, fd, "%s", address) : fd;
}

const char *http_address(int fd, char *buf, size_t size)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char host[INET6_ADDRSTRLEN], port[8];

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    getnameinfo((const struct sockaddr *)&sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		(void)snprintf(buf, size, "?");
	else /* a cut address is still one to look at */
		(void)snprintf(buf, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	return buf;
}
