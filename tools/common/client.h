/* SPDX-License-Identifier: Apache-2.0 */
/* The agent, as the command line tools see it: connect, call, and sentences for what went wrong. */
#ifndef DCOS_CLIENT_H
#define DCOS_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/lib/varlink.h"
#include "agent/lib/why.h"

#define CLIENT_SOCKET	  "/run/dcos/agent.sock"
#define CLIENT_SOCKET_ENV "DCOS_SOCKET"

/**
 * client_socket - where the agent listens
 * @option: of --socket, may be NULL
 * Return: @option, else $DCOS_SOCKET, else CLIENT_SOCKET.
 */
const char *client_socket(const char *option);

/**
 * client_open - connect
 * @why: on failure what is wrong and what to do
 */
int client_open(const char *path, struct vl_client **ret, struct why *why);

static inline void client_closep(struct vl_client **c)
{
	*c = vl_client_free(*c);
}

#define cleanup_client __attribute__((cleanup(client_closep)))

static inline void json_freep_(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

#define cleanup_json __attribute__((cleanup(json_freep_)))

/**
 * client_call - one call of interface io.dcos.Agent
 * @method: without the interface
 * @params: taken over, NULL is {}
 * @ret: the reply's parameters, a new reference
 * @why: on failure the sentence
 * Return: 0; -EREMOTEIO the agent answered with an error; -errno of the connection.
 */
int client_call(struct vl_client *c, const char *method, json_t *params, json_t **ret,
		struct why *why);

/** client_more - start a call with several replies; @method without the interface */
int client_more(struct vl_client *c, const char *method, json_t *params, struct why *why);

/**
 * client_next - the next reply of client_more()
 * @timeout_ms: -1 for ever, 0 only looks
 * @ret_continues: more will follow
 * Return: 1 a reply; 0 none in time; -EREMOTEIO or -errno as client_call().
 */
int client_next(struct vl_client *c, int timeout_ms, json_t **ret, bool *ret_continues,
		struct why *why);

/**
 * client_explain - a sentence for a Varlink error
 * @error: "io.dcos.Agent.NoSuchTask"; @params: of the error, may be NULL
 */
void client_explain(const char *error, const json_t *params, struct why *why);

/** client_is_gone - does this result of client_next() mean that the connection is of no more use */
bool client_is_gone(int r);

/* ---- reading replies; a field that is missing, null or of another type is the default ---- */

/** field_str - Return: borrowed from @o, or "" */
const char *field_str(const json_t *o, const char *key);

/** field_int - Return: the number, or @missing */
int64_t field_int(const json_t *o, const char *key, int64_t missing);

#endif
