/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes there are: the options for it, and the agents.h that they make. */
#ifndef DCOS_ALLOCATOR_NODES_H
#define DCOS_ALLOCATOR_NODES_H

#include "tools/allocator/agents.h"
#include "tools/common/options.h"
#include "tools/link/tls.h"

/**
 * struct nodes_options - from the command line
 * @agent: socket of the agent of this machine
 * @ports: "LOW-HIGH" that tasks of this machine may have
 * @agents: address to wait for nodes at; @tls, @insecure: whether over TLS
 * @emulated: nodes of a test; @load: a file with what their tasks use
 */
struct nodes_options {
	const char *agent, *ports;
	const char *agents;
	struct tls_files tls;
	bool insecure;
	const char *load;
	struct opt_u64 emulated;
};

extern const struct opt_row nodes_rows[];

/**
 * nodes_begin - what agents_new() is for these options
 * Return: 0; -EINVAL and others with @why.
 */
int nodes_begin(sd_event *event, const struct nodes_options *o, const struct agents_ops *ops,
		void *arg, struct agents **ret, struct why *why);

/** nodes_end - NULL allowed. Return: NULL */
struct agents *nodes_end(struct agents *a);

#endif
