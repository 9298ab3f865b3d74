/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the allocator, over HTTP/1.0: its answer ends with the connection. */
#ifndef DCOS_COMMON_HTTP_H
#define DCOS_COMMON_HTTP_H

#include <jansson.h>

#include "agent/lib/why.h"

#define HTTP_URL_ENV "DCOS_ALLOCATOR" /* where it is, if nobody says */
#define HTTP_URL     "http://127.0.0.1:8080"

#define HTTP_ANSWER_MAX (64U << 20)
#define HTTP_WAIT_S	60 /* for each part of an answer */

/**
 * http_ask - send a request and read the whole answer
 * @url: "http://HOST:PORT" without a path
 * @path: with its query; what is no printable character must be encoded by the caller
 * @body: borrowed, NULL: none
 * @ret: the answer as JSON, a new reference; null when it has no body
 * Return: the status, 100..599; -EINVAL the address or the answer is not one; other -errno; with
 * @why.
 */
int http_ask(const char *url, const char *method, const char *path, const json_t *body,
	     json_t **ret, struct why *why);

#endif
