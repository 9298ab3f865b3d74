// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/netguard.h"
#include "agent/task.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

#define ALL (DCOS_PROTO_TCP | DCOS_PROTO_UDP | DCOS_PROTO_OTHER)

TEST(without_either_key_there_is_no_guard)
{
	cleanup_task_spec struct task_spec *t = rig_parse("{'command':['x']}");

	EXPECT_TRUE(!t->ct.guard);
}

TEST(ports_arrive_as_ranges_with_protocols)
{
	cleanup_task_spec struct task_spec *t = rig_parse(
		"{'command':['x'],'bind_ports':[1,'65535','8000-8010','53/udp','5-6/tcp']}");
	const struct dcos_guard *g = t->ct.guard;
	static const struct dcos_ports want[] = {
		{1, 1, ALL},
		{65535, 65535, ALL},
		{8000, 8010, ALL},
		{53, 53, DCOS_PROTO_UDP},
		{5, 6, DCOS_PROTO_TCP},
	};

	EXPECT_EQ(g->flags, DCOS_GUARD_BIND);
	ASSERT_EQ(g->ports_nr, 5);
	EXPECT_EQ(memcmp(g->ports, want, sizeof(want)), 0);
}

TEST(an_empty_list_allows_nothing)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'command':['x'],'bind_ports':[],'connect_to':[]}");
	const struct dcos_guard *g = t->ct.guard;

	EXPECT_EQ(g->flags, DCOS_GUARD_BIND | DCOS_GUARD_CONNECT);
	EXPECT_EQ(g->ports_nr, 0);
	EXPECT_EQ(g->peers_nr, 0);
}

TEST(networks_arrive_as_addresses_of_ipv6_with_masks)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'command':['x'],'connect_to':['10.0.0.0/8','192.0.2.7:443','0.0.0.0/0',"
			  "'[2001:db8::]/33:1-9/tcp','[::]/0','[::ffff:10.0.0.0]/104']}");
	const struct dcos_peer *p = t->ct.guard->peers;

	EXPECT_EQ(t->ct.guard->flags, DCOS_GUARD_CONNECT);
	ASSERT_EQ(t->ct.guard->peers_nr, 6);
	EXPECT_EQ(p[0].addr[2], htonl(0xffff));
	EXPECT_EQ(p[0].addr[3], htonl(0x0a000000));
	EXPECT_EQ(p[0].mask[0], 0xffffffff);
	EXPECT_EQ(p[0].mask[3], htonl(0xff000000));
	EXPECT_EQ(p[0].ports.low, 0);
	EXPECT_EQ(p[0].ports.high, 65535);
	EXPECT_EQ(p[1].mask[3], 0xffffffff);
	EXPECT_EQ(p[1].ports.low, 443);
	EXPECT_EQ(p[1].ports.high, 443);
	EXPECT_EQ(p[2].mask[2], 0xffffffff);
	EXPECT_EQ(p[2].mask[3], 0);
	EXPECT_EQ(p[2].ports.protocols, ALL);
	EXPECT_EQ(p[3].mask[0], 0xffffffff);
	EXPECT_EQ(p[3].mask[1], htonl(0x80000000));
	EXPECT_EQ(p[3].mask[2], 0);
	EXPECT_EQ(p[3].ports.protocols, DCOS_PROTO_TCP | DCOS_PEER_V6);
	EXPECT_EQ(p[4].ports.protocols, ALL | DCOS_PEER_V6);
	/* the same network, written as IPv6 */
	EXPECT_EQ(memcmp(&p[5], &p[0], sizeof(p[0])), 0);
}

TEST(a_guard_comes_back_from_the_checkpoint)
{
	cleanup_task_spec struct task_spec *t = rig_parse(
		"{'command':['x'],'bind_ports':[80],'connect_to':['10.0.0.0/8:443/tcp']}");
	cleanup_task_spec struct task_spec *again = NULL;
	struct config *cfg = rig_config();

	ASSERT_EQ(task_spec_restore(cfg, t->doc, &again, NULL), 0);
	EXPECT_EQ(memcmp(t->ct.guard, again->ct.guard, sizeof(*t->ct.guard)), 0);
	config_free(cfg);
}

#define PORTS_SAYS                                                                                 \
	" is not allowed, allowed is a port, a range such as \"8000-8010\", or either with "       \
	"\"/tcp\" or \"/udp\""
#define NETWORK_SAYS                                                                               \
	" is no network, allowed is text such as \"10.0.0.0/8\", \"192.0.2.7:443\" or "            \
	"\"[2001:db8::]/32:8000-8010/tcp\""

TEST(what_is_no_port_is_refused_with_a_sentence)
{
	static const char *const bad[] = {
		"0",	 "65536",   "-1",  "",	  "80-", "-80",
		"90-80", "80/sctp", "80/", "80 ", "tcp", "18446744073709551617",
		"1-2-3", "0x50",
	};
	char doc[128], reason[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(doc, sizeof(doc), "{'command':['x'],'bind_ports':['%s']}", bad[i]);
		(void)snprintf(reason, sizeof(reason), "\"%s\"" PORTS_SAYS, bad[i]);
		rig_refused(__FILE__, __LINE__, doc, "bind_ports[0]", reason);
	}
	REFUSED_KEYS("'bind_ports':[80,0]", "bind_ports[1]",
		     "0 is out of range, allowed is 1 to 65535");
	REFUSED_KEYS("'bind_ports':[-80]", "bind_ports[0]",
		     "-80 is out of range, allowed is 1 to 65535");
	REFUSED_KEYS("'bind_ports':[80.5]", "bind_ports[0]",
		     "80.5 is a number, must be a port or text such as \"8000-8010\"");
	REFUSED_KEYS("'bind_ports':80", "bind_ports", "80 is a number, must be an array");
}

TEST(what_is_no_network_is_refused_with_a_sentence)
{
	static const char *const bad[] = {
		"",
		"10.0.0.0/33",
		"10.0.0/8",
		"10.0.0.0/",
		"10.0.0.0/-1",
		"10.0.0.0:0",
		"10.0.0.0:",
		"2001:db8::/32",
		"[2001:db8::/32",
		"[2001:db8::]/129",
		"[2001:db8::]x",
		"localhost",
		"10.0.0.0/8:80/8",
		"10.0.0.0x:80",
		"[10.0.0.0]",
	};
	char doc[128], reason[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(doc, sizeof(doc), "{'command':['x'],'connect_to':['%s']}", bad[i]);
		(void)snprintf(reason, sizeof(reason), "\"%s\"" NETWORK_SAYS, bad[i]);
		rig_refused(__FILE__, __LINE__, doc, "connect_to[0]", reason);
	}
	REFUSED_KEYS("'connect_to':['10.0.0.1/8']", "connect_to[0]",
		     "\"10.0.0.1/8\" has bits in the address beyond its prefix");
	REFUSED_KEYS("'connect_to':[7]", "connect_to[0]",
		     "7 is a number, must be text such as \"10.0.0.0/8\", \"192.0.2.7:443\" or "
		     "\"[2001:db8::]/32:8000-8010/tcp\"");
}

TEST(a_list_that_is_too_long_is_refused)
{
	char doc[1024] = "{'command':['x'],'bind_ports':[1";

	for (int i = 0; i < DCOS_GUARD_PORTS_MAX; i++)
		(void)snprintf(doc + strlen(doc), sizeof(doc) - strlen(doc), ",1");
	(void)snprintf(doc + strlen(doc), sizeof(doc) - strlen(doc), "]}");
	REFUSED(doc, "bind_ports", "has 65 elements, allowed are at most 64");
}

TEST(a_denial_reads_as_a_sentence_and_shows_no_control_characters)
{
	struct dcos_denial d = {
		.addr = {0, 0, htonl(0xffff), htonl(0x0a000001)},
		.what = DCOS_DENIED_CONNECT,
		.protocol = 6,
		.port = 443,
		.pid = 12,
		.comm = "a\033[2Jb",
	};
	char text[NETGUARD_TEXT_MAX];

	EXPECT_STREQ(netguard_text(&d, text), "connect to 10.0.0.1:443 (tcp) by a?[2Jb, pid 12");
	memset(d.addr, 0xff, sizeof(d.addr));
	memset(d.comm, 'x', sizeof(d.comm));
	d.protocol = d.port = d.pid = UINT32_MAX;
	d.what = DCOS_DENIED_BIND;
	EXPECT_STREQ(netguard_text(&d, text),
		     "bind to [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:4294967295 (protocol "
		     "65535) by xxxxxxxxxxxxxxxx, pid 4294967295");
}
