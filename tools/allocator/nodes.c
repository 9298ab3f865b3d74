// SPDX-License-Identifier: Apache-2.0
/* Which nodes there are: the agent of this machine, those that dial in, or both. */
#include <errno.h>
#include <stdlib.h>

#include "tools/allocator/node.h"
#include "tools/common/client.h"

#define FIELD(f) offsetof(struct nodes_options, f)

const struct opt_row nodes_rows[] = {
	{"agent", 0, "PATH", opt_string, FIELD(agent), NULL,
	 "socket of the agent of this machine (default $" CLIENT_SOCKET_ENV ", " CLIENT_SOCKET
	 "; with --agents: none)"},
	{"ports", 0, "LOW-HIGH", opt_string, FIELD(ports), NULL,
	 "ports that its tasks may get (default " LOCAL_PORTS ")"},
	{"agents", 0, "ADDR:PORT", opt_string, FIELD(agents), NULL,
	 "wait there for nodes, dcos-uplink(8); or unix:PATH"},
	{"ca", 0, "FILE", opt_string, FIELD(tls.ca), NULL,
	 "certificate of the authority that signs nodes, PEM, as the next two"},
	{"certificate", 0, "FILE", opt_string, FIELD(tls.certificate), NULL,
	 "of this allocator, for the name that nodes dial"},
	{"key", 0, "FILE", opt_string, FIELD(tls.key), NULL, "of the certificate"},
	{"insecure", 0, NULL, opt_flag, FIELD(insecure), NULL,
	 "nodes come without TLS; only at addresses of this machine"},
	{},
};

int nodes_begin(sd_event *event, const struct nodes_options *o, const struct agents_ops *ops,
		void *arg, struct agents **ret, struct why *why)
{
	struct agents *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return -ENOMEM;
	*a = (struct agents){.event = event, .ops = ops, .arg = arg};
	if (o->agents)
		r = remote_new(a, o, &a->remote, why);
	if (!r && (o->agent || !o->agents))
		r = local_new(a, o, &a->local, why);
	if (r < 0) {
		nodes_end(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct agents *nodes_end(struct agents *a)
{
	if (!a)
		return NULL;
	a->local = local_free(a->local);
	a->remote = remote_free(a->remote);
	free(a);
	return NULL;
}

void agents_counters(const struct agents *a, struct agents_counters *ret)
{
	*ret = a->counters;
}
