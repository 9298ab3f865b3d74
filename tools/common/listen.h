/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to serve HTTP on. */
#ifndef DCOS_LISTEN_H
#define DCOS_LISTEN_H

#include <stddef.h>

#include "agent/lib/why.h"

#define HTTP_BACKLOG 1024

/**
 * http_listen - a listening socket
 * @address: "127.0.0.1:9924", "[::1]:9924", ":9924" all addresses, "127.0.0.1:0" any port
 * Return: descriptor; -EINVAL and others with @why.
 */
int http_listen(const char *address, struct why *why);

/** http_address - what a socket is bound to, "127.0.0.1:9924". Return: @buf */
const char *http_address(int fd, char *buf, size_t size);

#endif
