/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libmicrohttpd on the program's event loop. Bounded: connections, memory and bodies of
 * each, bodies in all, listeners of events.
 */
#ifndef DCOS_ALLOCATOR_HTTP_H
#define DCOS_ALLOCATOR_HTTP_H

#include <systemd/sd-event.h>

#include "tools/allocator/core.h"

#define HTTP_CONNS_MAX	  512
#define HTTP_PER_ADDR_MAX 256
#define HTTP_HEADERS_MAX  32768 /* bytes of a request's line and headers, replies' headers too */
#define HTTP_BODY_MAX	  (4 * 1024 * 1024) /* bytes */
#define HTTP_BODIES_MAX	  (64 * 1024 * 1024) /* bytes of all bodies that are being received */
#define HTTP_IDLE_S	  120 /* a connection without anything moving is closed */

struct http;

/**
 * http_new - serve
 * @fd: a listening socket, taken over on success
 * @web: directory of the page's files, borrowed
 */
int http_new(sd_event *event, int fd, struct core *core, const char *web, struct http **ret);
struct http *http_free(struct http *h);

#endif
