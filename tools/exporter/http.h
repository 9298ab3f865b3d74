/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP side: /metrics, /healthz and a page for people, by libmicrohttpd on the program's
 * event loop. Bounded in every direction: connections, memory of each, the time that a request
 * may take from first byte to last, pages that slow readers keep alive.
 */
#ifndef DCOS_EXPORTER_HTTP_H
#define DCOS_EXPORTER_HTTP_H

#include <systemd/sd-event.h>

#include "agent/lib/why.h"
#include "tools/common/listen.h"
#include "tools/exporter/pages.h"

#define HTTP_CONNS_MAX	256
#define HTTP_CONNS_SOFT 192 /* beyond, the slowest of the address that has most is closed */
#define HTTP_DEADLINE_MS                                                                           \
	30000 /* for a request's headers, from the beginning or the last reply; for the reply */
#define HTTP_REQUEST_MAX 16384 /* bytes of a request's line and headers, replies' headers too */
#define HTTP_WAIT_MS	 2000 /* for answers of the agent; then the page is made without */

struct http;

/**
 * http_new - serve
 * @event: reference taken
 * @fd: from http_listen(), taken over on success
 * @pages: with its feed set; borrowed
 */
int http_new(sd_event *event, int fd, struct pages *pages, struct http **ret);

/** http_settled - the feed has settled: who waits for it gets an answer */
void http_settled(struct http *h);

/** http_free - close all connections. NULL allowed. Return: NULL */
struct http *http_free(struct http *h);

#endif
