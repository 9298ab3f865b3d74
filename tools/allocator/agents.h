/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes: what they are, what they say, and the orders that they get. */
#ifndef DCOS_ALLOCATOR_AGENTS_H
#define DCOS_ALLOCATOR_AGENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"

struct agents;

enum agents_state { AGENTS_ACTIVE, AGENTS_DRAINING, AGENTS_UNREACHABLE, AGENTS_GONE };

/**
 * struct agents_node - a node
 * @attributes: object of texts; @ports: [[low, high]...]; @doctor: what its doctor found
 * Numbers are thousandths of a CPU, bytes, bits per second.
 */
struct agents_node {
	const char *id, *hostname;
	json_t *attributes;
	uint64_t cpus_milli, memory, disk, network_bps;
	json_t *ports;
	enum agents_state state;
	json_t *doctor;
	const char *version;
};

/**
 * struct agents_ops - what the owner is told; everything passed is borrowed
 * @node: it registered, changed or was lost
 * @status: {task, state, reason, exit, signal, oom, healthy, health, time, uuid, address, ports}; once it
 *          is kept @ack is called with @ack_arg
 * @report: what all tasks of a node use
 * @all: the keys of @tasks are all that the node has of ours; it has just come (back)
 */
struct agents_ops {
	void (*node)(void *arg, const struct agents_node *node);
	void (*status)(void *arg, const char *node, json_t *status, void (*ack)(void *),
		       void *ack_arg);
	void (*report)(void *arg, const char *node, json_t *tasks, uint64_t at_ms);
	void (*all)(void *arg, const char *node, const json_t *tasks);
};

/** struct agents_counters - since the beginning; @connected is how many there are */
struct agents_counters {
	uint64_t connected, registered, lost, reports, bytes;
	uint64_t refused_tls, refused_identity, refused_twice, refused_other;
};

/** agents_counters - none of it for the agent of this machine but @lost */
void agents_counters(const struct agents *a, struct agents_counters *ret);

/**
 * agents_launch - start a task
 * @spec: dcos-task(5)
 * Return: 0 the order is on its way, a status follows; -errno with @why.
 */
int agents_launch(struct agents *a, const char *node, json_t *spec, struct why *why);

/** agents_kill - end a task. Return: 0 a status follows; -ENOENT no such node or task */
int agents_kill(struct agents *a, const char *node, const char *task, uint32_t grace_ms);

/** agents_update - change limits of a running task */
int agents_update(struct agents *a, const char *node, const char *task, json_t *resources);

/**
 * agents_log - the end of what a task has written
 * @stream: stdout or stderr; @bytes: at most so many
 * @done: called once, later: @text (borrowed), or NULL and @why not
 * Return: 0; -ENOTCONN, -EBUSY, -ENOMEM and others: @done is not called.
 */
int agents_log(struct agents *a, const char *node, const char *task, const char *stream,
	       size_t bytes, void (*done)(void *arg, const char *text, const char *why), void *arg);

/** agents_drain - accept no new tasks there, or accept them again */
int agents_drain(struct agents *a, const char *node, bool on);

#endif
