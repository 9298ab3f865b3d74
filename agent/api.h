/* SPDX-License-Identifier: Apache-2.0 */
/* io.dcos.Agent on the unix socket; the interface is agent/io.dcos.Agent.varlink. */
#ifndef DCOS_API_H
#define DCOS_API_H

#include "agent/lib/varlink.h"
#include "agent/node.h"

#define API_WAITERS_MAX	 4096 /* Wait, Drain and followed Logs together */
#define API_GRACE_MAX_MS 3600000
#define API_SECONDS_MAX	 36000 /* of History: 600 readings, one a minute */

/**
 * api_start - serve the socket of the configuration
 * @why: e.g. "socket=/run/dcos/agent.sock: Address already in use"
 */
int api_start(struct node *n, struct why *why);

/** api_stop - close the socket; calls that wait are dropped */
void api_stop(struct node *n);

/* ---- between api.c and its parts ---- */

/** api_task - the task of params.id, or NULL after NoSuchTask or InvalidParameter was sent */
struct task *api_task(struct node *n, struct vl_call *call, const json_t *params);

/**
 * api_int - an optional integer parameter
 * @ret: untouched when absent or null
 * Return: 0; -EINVAL: InvalidParameter was sent.
 */
int api_int(struct vl_call *call, const json_t *params, const char *name, int64_t min, int64_t max,
	    int64_t *ret);

/** api_bool - an optional boolean parameter; as api_int() */
int api_bool(struct vl_call *call, const json_t *params, const char *name, bool *ret);

/** api_task_json - type Task; a new object, NULL out of memory */
json_t *api_task_json(const struct task *t);

/** api_limit - the error LimitReached */
int api_limit(struct vl_call *call, const char *what, int64_t limit);

/** api_inspect - method Inspect; the others likewise */
int api_inspect(struct vl_call *call, json_t *params, void *userdata);
int api_subscribe(struct vl_call *call, json_t *params, void *userdata);
int api_history(struct vl_call *call, json_t *params, void *userdata);
int api_metrics(struct vl_call *call, json_t *params, void *userdata);

/** api_events - method Events */
int api_events(struct vl_call *call, json_t *params, void *userdata);

/** api_logs - method Logs */
int api_logs(struct vl_call *call, json_t *params, void *userdata);

/** api_wait - method Wait; api_drain - method Drain */
int api_wait(struct vl_call *call, json_t *params, void *userdata);
int api_drain(struct vl_call *call, json_t *params, void *userdata);

/** api_doctor - method Doctor */
int api_doctor(struct vl_call *call, json_t *params, void *userdata);

/** api_moved - n->on_move: answers those who wait */
void api_moved(struct task *t, void *data);

#endif
