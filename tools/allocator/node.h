/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node, however it is connected: what it says becomes calls of agents_ops, what it is to do goes
 * through its way (struct node_way). Internal to nodes*.c and node*.c.
 */
#ifndef DCOS_ALLOCATOR_NODE_H
#define DCOS_ALLOCATOR_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tools/allocator/agents.h"
#include "tools/allocator/nodes.h"

#define NODE_ORDERS_MAX 4096 /* of one node that wait for their answers */
#define LOCAL_PORTS	"31000-32000"

struct node;
struct nodes_local;
struct nodes_remote;

/* An order that has not been answered. */
struct node_order {
	STAILQ_ENTRY(node_order) link;
	json_int_t number;
	bool is_run, is_kill;
	char *task; /* NULL: it is about none */
	void (*done)(void *arg, const char *text,
		     const char *why); /* of a log; NULL: nobody waits */
	void *arg;
};

/**
 * struct node_way - how orders get to a node
 * @send: a call of io.dcos.Agent; @params borrowed. Return: 0 it is on its way; -errno.
 */
struct node_way {
	int (*send)(struct node *n, json_int_t number, const char *method, json_t *params);
};

/**
 * struct node - one that is connected
 * @data: of the way
 * @id: owned; NULL: not known yet
 * @seen: {task: state that was told}
 * @is: what was told of it last, owned
 */
struct node {
	struct agents *agents;
	const struct node_way *way;
	void *data;
	char *id;
	json_t *seen;
	struct agents_node is;
	STAILQ_HEAD(, node_order) orders;
	unsigned int orders_nr;
	json_int_t orders_made;
	bool entered, up;
};

struct agents {
	sd_event *event;
	const struct agents_ops *ops;
	void *arg;
	void *by_id; /* nodes that are connected */
	struct nodes_local *local; /* NULL: none */
	struct nodes_remote *remote; /* NULL: none */
	struct agents_counters counters;
};

/** node_init - not connected */
void node_init(struct node *n, struct agents *a, const struct node_way *way, void *data);

/**
 * node_enter - it is this one, from now on orders find it
 * Return: 0; -EEXIST there is one of that id; -ENOMEM
 */
int node_enter(struct node *n, const char *id);

/** node_find - one that is connected. Return: NULL there is none */
struct node *node_find(struct agents *a, const char *id);

/** node_leave - it is lost; its owner is told if it was up. Harmless if it never came. */
void node_leave(struct node *n);

/** node_up - tell what it is; .id is known here, and .hostname if it has none */
void node_up(struct node *n, const struct agents_node *is);

/**
 * node_all - the list of its tasks, the first since node_up()
 * @tasks: as of List; what the owner knows beside them is not there
 */
void node_all(struct node *n, const json_t *tasks);

/** node_list - the whole list again. */
void node_list(struct node *n, const json_t *tasks);

/** node_changed - some of the list */
void node_changed(struct node *n, const json_t *tasks);

/** node_gone - a task is not in its list any more */
void node_gone(struct node *n, const char *task);

/**
 * node_answer - the answer to an order
 * @number: of it; -1: the one that waits longest
 * @error: NULL: it was done
 */
void node_answer(struct node *n, json_int_t number, const char *error, const json_t *params);

/* ---- node_local.c: the agent of this machine ---- */

int local_new(struct agents *a, const struct nodes_options *o, struct nodes_local **ret,
	      struct why *why);
struct nodes_local *local_free(struct nodes_local *l);

/* ---- node_remote.c: who dials in ---- */

int remote_new(struct agents *a, const struct nodes_options *o, struct nodes_remote **ret,
	       struct why *why);
struct nodes_remote *remote_free(struct nodes_remote *r);

#endif
