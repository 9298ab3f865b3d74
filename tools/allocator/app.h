/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App definitions as Marathon's API has them. A definition is a JSON object; the canonical form
 * has every key with its default. Everything here is pure.
 */
#ifndef DCOS_ALLOCATOR_APP_H
#define DCOS_ALLOCATOR_APP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define APP_ID_MAX	  255 /* bytes of a path such as "/shop/web" */
#define APP_INSTANCES_MAX 100000
#define APP_PORTS_MAX	  64
#define APP_HEALTH_MAX	  8 /* checks; as many as an agent takes */
#define APP_ERRORS_MAX	  64 /* details of one refusal */

/**
 * struct app_errors - what is wrong with a document
 * @details: [{"path": "/cpus", "errors": ["..."]}], NULL while nothing is
 */
struct app_errors {
	json_t *details;
};

/** app_error - add a detail; beyond APP_ERRORS_MAX they are dropped */
void app_error(struct app_errors *e, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** app_errors_free - forget them */
void app_errors_free(struct app_errors *e);

/**
 * app_id_make - the absolute form of an id
 * @base: group that a relative one is in; NULL: the root
 * @buf: APP_ID_MAX + 1 bytes
 * Return: 0; -EINVAL with @e: not a path of such parts.
 */
int app_id_make(const char *id, const char *base, char *buf, struct app_errors *e);

/**
 * app_make - check a definition and complete it
 * @in: as the client sent it; keys that are only in replies (tasks, version...) are ignored
 * @base: see app_id_make()
 * @ret: a new object with every key
 * Return: 0; -EINVAL with @e; -ENOMEM.
 */
int app_make(const json_t *in, const char *base, json_t **ret, struct app_errors *e);

/**
 * app_merge - a partial update
 * @old: canonical
 * @patch: keys that change; null takes a key back to its default
 * @ret: to be given to app_make()
 */
json_t *app_merge(const json_t *old, const json_t *patch);

/** app_same_config - nothing but instances and the version differ. Return: so it is */
bool app_same_config(const json_t *a, const json_t *b);

/* readers of canonical definitions */
const char *app_id(const json_t *app);
const char *app_text(const json_t *app, const char *key); /* NULL: none */
uint32_t app_instances(const json_t *app);
double app_number(const json_t *app, const char *key);
size_t app_ports_nr(const json_t *app); /* of each instance, on the host */

#endif
