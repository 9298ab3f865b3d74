// SPDX-License-Identifier: Apache-2.0
/*
 * "bind_ports" and "connect_to": what the sockets of a task may do, as bpf/guard.bpf.c takes it; and
 * "publish": which ports of the host lead to them.
 */
#include "agent/task_draft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "bpf/abi.h"
#include "isolators/net.h"

#define PORT_MAX      65535
#define PEER_TEXT_MAX 96 /* bytes of the longest that can be right, and some */
#define PORTS_SAYS    "a port, a range such as \"8000-8010\", or either with \"/tcp\" or \"/udp\""
#define PEER_SAYS     "such as \"10.0.0.0/8\", \"192.0.2.7:443\" or \"[2001:db8::]/32:8000-8010/tcp\""
#define V4_BITS	      96 /* of an address of IPv6, before one of IPv4 that it stands for */

/* The draft's guard, made by the first key that needs one. */
static struct dcos_guard *guard_of(struct draft *d, struct dcos_guard **place, uint32_t flag)
{
	if (!*place)
		*place = calloc(1, sizeof(**place));
	if (!*place)
		(void)draft_nomem(d);
	else
		(*place)->flags |= flag;
	return *place;
}

/* "80", "8000-8010", "53/udp"; cuts @text up. Return: whether it was right. */
static bool parse_ports(char *text, struct dcos_ports *ret)
{
	uint64_t low, high;
	char *protocol = strchr(text, '/'), *dash;

	ret->protocols = DCOS_PROTO_TCP | DCOS_PROTO_UDP | DCOS_PROTO_OTHER;
	if (protocol) {
		*protocol++ = '\0';
		if (!strcmp(protocol, "tcp"))
			ret->protocols = DCOS_PROTO_TCP;
		else if (!strcmp(protocol, "udp"))
			ret->protocols = DCOS_PROTO_UDP;
		else
			return false;
	}
	dash = strchr(text, '-');
	if (dash)
		*dash++ = '\0';
	if (parse_u64(text, 1, PORT_MAX, &low) < 0)
		return false;
	high = low;
	if (dash && parse_u64(dash, low, PORT_MAX, &high) < 0)
		return false;
	ret->low = (uint16_t)low;
	ret->high = (uint16_t)high;
	return true;
}

/* A text that fits into @buf, or "", which is nothing that a parser takes. */
static void copy_text(const json_t *v, char buf[static PEER_TEXT_MAX])
{
	const char *s = json_string_value(v);

	buf[0] = '\0';
	if (strlen(s) == json_string_length(v) && strlen(s) < PEER_TEXT_MAX)
		memcpy(buf, s, strlen(s) + 1);
}

static int add_ports(struct draft *d, json_t *v, void *data)
{
	struct dcos_guard *g = data;
	struct dcos_ports *p = &g->ports[g->ports_nr];
	json_int_t n = json_integer_value(v);
	char text[PEER_TEXT_MAX];

	if (json_is_integer(v)) {
		if (n < 1 || n > PORT_MAX)
			return draft_fail(d, "%s is out of range, allowed is 1 to 65535",
					  draft_show(d, v));
		p->low = p->high = (uint16_t)n;
		p->protocols = DCOS_PROTO_TCP | DCOS_PROTO_UDP | DCOS_PROTO_OTHER;
	} else if (json_is_string(v)) {
		copy_text(v, text);
		if (!parse_ports(text, p))
			return draft_fail(d, "%s is not allowed, allowed is " PORTS_SAYS,
					  draft_show(d, v));
	} else {
		return draft_type(d, v, "a port or text such as \"8000-8010\"");
	}
	g->ports_nr++;
	return 0;
}

static int add_publish(struct draft *d, json_t *v, void *data)
{
	struct ct_spec *ct = data;
	struct net_publish *p = &ct->publish[ct->publish_nr];
	char text[PEER_TEXT_MAX];

	if (!json_is_string(v))
		return draft_type(d, v, "text such as \"8080:80\"");
	copy_text(v, text);
	if (net_publish_parse(text, p))
		return draft_fail(d, "%s is not allowed, allowed is " NET_PUBLISH_SAYS,
				  draft_show(d, v));
	for (size_t i = 0; i < ct->publish_nr; i++)
		if (ct->publish[i].host == p->host && ct->publish[i].udp == p->udp)
			return draft_fail(d, "%s: the port of the host is given twice",
					  draft_show(d, v));
	ct->publish_nr++;
	return 0;
}

int value_publish(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct ct_spec *ct = field;

	(void)row;
	if (!ct->publish)
		ct->publish = calloc(NET_PUBLISH_MAX, sizeof(*ct->publish));
	return ct->publish ? draft_array(d, v, NET_PUBLISH_MAX, add_publish, ct) : draft_nomem(d);
}

int value_bind_ports(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct dcos_guard *g = guard_of(d, field, DCOS_GUARD_BIND);

	(void)row;
	return g ? draft_array(d, v, DCOS_GUARD_PORTS_MAX, add_ports, g) : -ENOMEM;
}

/* The address at *@text, in brackets one of IPv6; *@text moves behind. Return: its bits, 0 none. */
static unsigned int parse_addr(char **text, uint32_t addr[static 4])
{
	char *s = *text, *end, c;
	bool v4 = *s != '[';
	int ok;

	end = v4 ? s + strcspn(s, "/:") : strchr(s, ']');
	if (!end)
		return 0;
	c = *end;
	*end = '\0';
	addr[0] = addr[1] = 0;
	addr[2] = htonl(0xffff);
	ok = v4 ? inet_pton(AF_INET, s, &addr[3]) : inet_pton(AF_INET6, s + 1, addr);
	*end = c;
	*text = v4 ? end : end + 1;
	if (ok != 1)
		return 0;
	return v4 ? 32 : 128;
}

static void make_mask(unsigned int prefix, uint32_t mask[static 4])
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int bits = prefix > i * 32 ? prefix - i * 32 : 0;

		mask[i] = htonl(bits >= 32 ? UINT32_MAX : bits ? ~(UINT32_MAX >> bits) : 0);
	}
}

/* ADDRESS[/PREFIX][:PORTS]; cuts @text up. Return: whether it was right. */
static bool parse_peer(char *text, struct dcos_peer *ret)
{
	unsigned int bits = parse_addr(&text, ret->addr);
	uint64_t prefix = bits;
	char *ports;

	if (!bits)
		return false;
	ret->ports = (struct dcos_ports){
		.high = PORT_MAX,
		.protocols = DCOS_PROTO_TCP | DCOS_PROTO_UDP | DCOS_PROTO_OTHER,
	};
	ports = strchr(text, ':');
	if (ports) {
		*ports++ = '\0';
		if (!parse_ports(ports, &ret->ports))
			return false;
	}
	if (*text && (*text != '/' || parse_u64(text + 1, 0, bits, &prefix) < 0))
		return false;
	if (bits == 32)
		prefix += V4_BITS;
	else if (prefix < V4_BITS)
		ret->ports.protocols |= DCOS_PEER_V6;
	make_mask((unsigned int)prefix, ret->mask);
	return true;
}

static int add_peer(struct draft *d, json_t *v, void *data)
{
	struct dcos_guard *g = data;
	struct dcos_peer *p = &g->peers[g->peers_nr];
	char text[PEER_TEXT_MAX];

	if (!json_is_string(v))
		return draft_type(d, v, "text " PEER_SAYS);
	copy_text(v, text);
	if (!parse_peer(text, p))
		return draft_fail(d, "%s is no network, allowed is text " PEER_SAYS,
				  draft_show(d, v));
	for (int i = 0; i < 4; i++)
		if (p->addr[i] & ~p->mask[i])
			return draft_fail(d, "%s has bits in the address beyond its prefix",
					  draft_show(d, v));
	g->peers_nr++;
	return 0;
}

int value_connect_to(struct draft *d, const struct task_row *row, json_t *v, void *field)
{
	struct dcos_guard *g = guard_of(d, field, DCOS_GUARD_CONNECT);

	(void)row;
	return g ? draft_array(d, v, DCOS_GUARD_PEERS_MAX, add_peer, g) : -ENOMEM;
}
