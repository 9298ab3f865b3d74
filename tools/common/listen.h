/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of TCP: to serve on, and to connect to. */
#ifndef DCOS_LISTEN_H
#define DCOS_LISTEN_H

#include <stddef.h>

#include "agent/lib/why.h"

#define HTTP_BACKLOG 1024

/**
 * tcp_listen - a listening socket
 * @option: that has the address, for the sentence
 * @address: "127.0.0.1:9924", "[::1]:9924", ":9924" all addresses, "127.0.0.1:0" any port
 * Return: descriptor, non-blocking; -EINVAL and others with @why.
 */
int tcp_listen(const char *option, const char *address, struct why *why);

static inline int http_listen(const char *address, struct why *why)
{
	return tcp_listen("listen", address, why);
}

/**
 * tcp_connect - a socket that is about to be connected; room to write says when it is
 * Waits for the name's addresses, if it is a name. Of several, the first that can be tried.
 * @address: "name:port", "127.0.0.1:9924", "[::1]:9924"
 * @host: the part before the port
 * Return: descriptor, non-blocking; -EINVAL and others with @why.
 */
int tcp_connect(const char *option, const char *address, char *host, size_t size, struct why *why);

/** http_address - what a socket is bound to, "127.0.0.1:9924". Return: @buf */
const char *http_address(int fd, char *buf, size_t size);

#endif
