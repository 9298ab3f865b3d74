/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the HTTP interface, apart from how they are transported. */
#ifndef DCOS_ALLOCATOR_API_H
#define DCOS_ALLOCATOR_API_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/allocator/core.h"

#define API_PATH_MAX 1024

/**
 * struct api_call - one request and its answer
 * @path: decoded, without double slashes and without one at the end
 * @rest: what the route left of it, "" or "/a/b"
 * @body: NULL: there was none
 * @query: value of a parameter, NULL: not given
 * @status, @reply: the answer; @text instead of reply (allocated); @location: header (allocated)
 */
struct api_call {
	struct core *core;
	const char *method, *rest;
	char path[API_PATH_MAX];
	json_t *body;
	const char *(*query)(void *arg, const char *key);
	void *query_arg;
	unsigned int status;
	json_t *reply;
	char *text, *location;
	const char *type; /* of text */
};

/** struct api_route - a method on a path; @deep: on all below it, too */
struct api_route {
	const char *method, *path;
	bool deep;
	void (*run)(struct api_call *call);
};

/** api_run - answer a call */
void api_run(struct api_call *call);

/** api_says - an answer that is a sentence: {"message": ...} */
void api_says(struct api_call *call, unsigned int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** api_answer - an answer; @reply is taken over, NULL: out of memory */
void api_answer(struct api_call *call, unsigned int status, json_t *reply);

/** api_refuse - what is wrong with a definition, 422; @e is freed */
void api_refuse(struct api_call *call, struct app_errors *e);

/** api_flag - a parameter that is true or false */
bool api_flag(struct api_call *call, const char *key, bool fallback);

/** api_change - core_change() and its answer */
bool api_change(struct api_call *call, unsigned int status, const struct core_change *changes,
		size_t nr);

/** api_changed - the answer {version, deploymentId}, or of the failure @r */
void api_changed(struct api_call *call, unsigned int status, int r, struct core_changed *changed,
		 const struct why *why);

/** api_app_json - an app as it is answered; @tasks: with its tasks */
json_t *api_app_json(struct core *c, const struct core_app *a, bool tasks);

extern const struct api_route apps_routes[], tasks_routes[], groups_routes[], state_routes[],
	roles_routes[];

#endif
