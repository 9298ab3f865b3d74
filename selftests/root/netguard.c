// SPDX-License-Identifier: Apache-2.0
/*
 * The guard of ports and addresses in the kernel: what is allowed, what is denied with EPERM, what
 * is counted and told, and that it holds without an agent. In a network namespace of the test's
 * own, with loopback only.
 */
#include "agent/netguard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"
#include "agent/task.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/net_rig.h"
#include "selftests/harness/spawn.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

#define NEEDS NEED_ROOT, NEED_CGROUP2, NEED_BPF

static const char spec[] = "{'cmd':'x','bind_ports':[8080,'9000-9010','53/udp'],"
			   "'connect_to':['127.0.0.0/29:9','127.1.0.0/16','[::1]:80-90/tcp',"
			   "'[fd00::]/8']}";

struct guarded {
	struct rig g;
	struct netguard *guard;
	int told;
	char last[NETGUARD_TEXT_MAX]; /* without the pid */
};

static void on_told(void *data, const struct dcos_denial *d)
{
	struct guarded *r = data;
	char *pid;

	EXPECT_EQ(d->owner, r->g.id);
	EXPECT_TRUE(d->pid > 1);
	pid = strstr(netguard_text(d, r->last), ", pid");
	ASSERT_TRUE(pid);
	*pid = '\0';
	r->told++;
}

static void up(struct guarded *r)
{
	struct why why = {};

	ASSERT_EQ(rig_netns(), 0);
	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_GUARD), &r->g, &why) < 0 ||
	    netguard_open(r->g.m, on_told, r, &r->guard, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
}

static void hold(struct guarded *r, const char *doc)
{
	cleanup_task_spec struct task_spec *t = rig_parse(doc);
	const struct iso_guard *iso = netguard_iso(r->guard);

	ASSERT_TRUE(t->ct.guard);
	ASSERT_EQ(iso->set(iso->ctx, r->g.id, t->ct.guard), 0);
}

static void down(struct guarded *r)
{
	netguard_close(r->guard);
	meter_close(r->g.m);
}

/* One call inside the cgroup and the errno that it must end with. */
struct attempt {
	const char *call; /* "bind", "connect", "send" */
	int type;
	const char *addr;
	uint16_t port;
	int want;
};

struct attempts {
	const struct attempt *rows;
	size_t nr;
};

static int attempt(const struct attempt *a)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
	bool is_v6 = strchr(a->addr, ':');
	const struct sockaddr *sa = is_v6 ? (void *)&v6 : (void *)&v4;
	socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);
	cleanup_close int fd = socket(sa->sa_family, a->type | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 || inet_pton(sa->sa_family, a->addr,
				is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return -1;
	if (!strcmp(a->call, "bind"))
		r = bind(fd, sa, len);
	else if (!strcmp(a->call, "connect"))
		r = connect(fd, sa, len);
	else
		r = sendto(fd, "x", 1, 0, sa, len) == 1 ? 0 : -1;
	return r ? errno : 0;
}

static int try_inside(const struct spawn_child *c)
{
	const struct attempts *a = c->arg;

	for (size_t i = 0; i < a->nr; i++)
		spawn_tell(c, attempt(&a->rows[i]));
	return 0;
}

static void attempts_run(int cgroup_fd, const struct attempt *rows, size_t nr)
{
	struct attempts a = {.rows = rows, .nr = nr};
	struct spawned s = spawn(cgroup_fd, 0, try_inside, &a);

	for (size_t i = 0; i < nr; i++) {
		int got = spawn_listen(&s);

		if (got != rows[i].want)
			test_fail(__FILE__, __LINE__, "%s %s %u type %d: got %s want %s",
				  rows[i].call, rows[i].addr, rows[i].port, rows[i].type,
				  strerror(got), strerror(rows[i].want));
	}
	EXPECT_EQ(spawn_end(&s), 0);
}

/* Nobody listens: what the guard lets through is refused by TCP, and sent by UDP. */
static const struct attempt rows[] = {
	{"bind", SOCK_STREAM, "127.0.0.1", 8080, 0},
	{"bind", SOCK_DGRAM, "0.0.0.0", 8080, 0},
	{"bind", SOCK_STREAM, "::1", 8080, 0},
	{"bind", SOCK_STREAM, "127.0.0.1", 9000, 0},
	{"bind", SOCK_STREAM, "127.0.0.1", 9010, 0},
	{"bind", SOCK_DGRAM, "::", 53, 0},
	{"bind", SOCK_STREAM, "127.0.0.1", 0, 0},
	{"bind", SOCK_STREAM, "127.0.0.1", 8081, EPERM},
	{"bind", SOCK_STREAM, "127.0.0.1", 8999, EPERM},
	{"bind", SOCK_STREAM, "127.0.0.1", 9011, EPERM},
	{"bind", SOCK_STREAM, "127.0.0.1", 53, EPERM},
	{"bind", SOCK_STREAM, "::", 22, EPERM},
	{"bind", SOCK_DGRAM, "::ffff:127.0.0.1", 22, EPERM},
	{"connect", SOCK_STREAM, "127.0.0.1", 9, ECONNREFUSED},
	{"connect", SOCK_STREAM, "127.0.0.7", 9, ECONNREFUSED},
	{"connect", SOCK_STREAM, "127.1.2.3", 5, ECONNREFUSED},
	{"connect", SOCK_STREAM, "::ffff:127.0.0.1", 9, ECONNREFUSED},
	{"connect", SOCK_STREAM, "::1", 85, ECONNREFUSED},
	{"connect", SOCK_DGRAM, "127.0.0.1", 9, 0},
	{"send", SOCK_DGRAM, "127.0.0.1", 9, 0},
	{"send", SOCK_DGRAM, "::ffff:127.1.2.3", 7, 0},
	{"connect", SOCK_STREAM, "127.0.0.1", 10, EPERM},
	{"connect", SOCK_STREAM, "127.0.0.8", 9, EPERM},
	{"connect", SOCK_STREAM, "127.2.0.0", 9, EPERM},
	{"connect", SOCK_STREAM, "0.0.0.0", 9, EPERM},
	{"connect", SOCK_STREAM, "::ffff:127.0.0.1", 10, EPERM},
	{"connect", SOCK_STREAM, "::1", 91, EPERM},
	{"connect", SOCK_DGRAM, "::1", 85, EPERM},
	{"connect", SOCK_STREAM, "2001:db8::1", 85, EPERM},
	{"send", SOCK_DGRAM, "127.0.0.1", 10, EPERM},
	{"send", SOCK_DGRAM, "::1", 85, EPERM},
	{"send", SOCK_DGRAM, "::ffff:127.2.0.0", 7, EPERM},
};

static void count_denied(uint64_t *binds, uint64_t *connects)
{
	*binds = *connects = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].want == EPERM)
			(*(strcmp(rows[i].call, "bind") ? connects : binds))++;
}

TEST(sockets_get_to_the_listed_ports_and_networks_and_denials_are_counted, NEEDS)
{
	struct guarded r = {};
	struct dcos_cell c;
	uint64_t binds, connects;

	up(&r);
	hold(&r, spec);
	attempts_run(r.g.cgroup_fd, rows, ARRAY_SIZE(rows));
	count_denied(&binds, &connects);
	c = rig_row(&r.g);
	EXPECT_EQ(c.nr_bind_denied, binds);
	EXPECT_EQ(c.nr_connect_denied, connects);
	down(&r);
}

TEST(a_denial_is_told_with_its_address_and_a_flood_is_told_in_part, NEEDS)
{
	static const struct attempt one[] = {{"connect", SOCK_STREAM, "::1", 443, EPERM}};
	static const struct attempt mapped[] = {{"send", SOCK_DGRAM, "::ffff:10.1.2.3", 53, EPERM}};
	struct attempt many[10 * DCOS_DENIALS];
	struct guarded r = {};
	struct pollfd p;
	uint64_t began;

	up(&r);
	hold(&r, "{'cmd':'x','connect_to':[]}");
	p = (struct pollfd){.fd = netguard_fd(r.guard), .events = POLLIN};
	attempts_run(r.g.cgroup_fd, one, 1);
	EXPECT_EQ(poll(&p, 1, SPAWN_WAIT_MS), 1);
	netguard_read(r.guard);
	EXPECT_EQ(r.told, 1);
	EXPECT_STREQ(r.last, "connect to [::1]:443 (tcp) by netguard");
	attempts_run(r.g.cgroup_fd, mapped, 1);
	netguard_read(r.guard);
	EXPECT_STREQ(r.last, "send to 10.1.2.3:53 (udp) by netguard");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = one[0];
	r.told = 0;
	began = rig_now_ns();
	attempts_run(r.g.cgroup_fd, many, ARRAY_SIZE(many));
	netguard_read(r.guard);
	/* so many a second, and the first second began before */
	EXPECT_TRUE((uint64_t)r.told <= DCOS_DENIALS * ((rig_now_ns() - began) / 1000000000 + 2));
	EXPECT_EQ(rig_row(&r.g).nr_connect_denied, ARRAY_SIZE(many) + 2);
	down(&r);
}

TEST(only_the_cgroup_that_has_a_guard_is_held, NEEDS)
{
	static const struct attempt free_rows[] = {
		{"bind", SOCK_STREAM, "127.0.0.1", 22, 0},
		{"connect", SOCK_STREAM, "127.0.0.1", 10, ECONNREFUSED},
		{"send", SOCK_DGRAM, "::1", 85, 0},
	};
	struct guarded r = {};
	const struct iso_guard *iso;

	up(&r);
	attempts_run(r.g.cgroup_fd, free_rows, ARRAY_SIZE(free_rows));
	hold(&r, spec);
	cleanup_close int other = rig_cgroup_make(test_cgroup(), "other");

	ASSERT_TRUE(other >= 0);
	attempts_run(other, free_rows, ARRAY_SIZE(free_rows));
	iso = netguard_iso(r.guard);
	iso->drop(iso->ctx, r.g.id);
	attempts_run(r.g.cgroup_fd, free_rows, ARRAY_SIZE(free_rows));
	EXPECT_EQ(rig_row(&r.g).nr_bind_denied, 0);
	down(&r);
}

TEST(a_cgroup_that_a_task_makes_below_its_own_is_held_too, NEEDS)
{
	static const struct attempt denied[] = {{"connect", SOCK_STREAM, "127.0.0.1", 10, EPERM}};
	struct guarded r = {};

	up(&r);
	hold(&r, spec);
	cleanup_close int below = rig_cgroup_make(r.g.cgroup_fd, "below");

	ASSERT_TRUE(below >= 0);
	attempts_run(below, denied, 1);
	EXPECT_EQ(rig_row(&r.g).nr_connect_denied, 1);
	down(&r);
}

TEST(a_guard_holds_while_no_agent_runs_and_goes_with_its_slot, NEEDS)
{
	static const struct attempt denied[] = {{"bind", SOCK_STREAM, "127.0.0.1", 22, EPERM}};
	static const struct attempt allowed[] = {{"bind", SOCK_STREAM, "127.0.0.1", 22, 0}};
	struct guarded r = {};
	struct why why = {};

	up(&r);
	hold(&r, spec);
	down(&r);
	attempts_run(r.g.cgroup_fd, denied, 1);
	ASSERT_EQ(meter_open_some(r.g.pins, test_cgroup(), RIG_ONLY(METER_GUARD), &r.g.m, &why), 0);
	ASSERT_EQ(netguard_open(r.g.m, on_told, &r, &r.guard, &why), 0);
	EXPECT_EQ(netguard_reclaim(r.guard), 0);
	attempts_run(r.g.cgroup_fd, denied, 1);
	EXPECT_EQ(rig_row(&r.g).nr_bind_denied, 2);
	EXPECT_EQ(meter_reclaim(r.g.m, NULL, 0), 0);
	EXPECT_EQ(netguard_reclaim(r.guard), 0);
	r.g.iso = meter_iso(r.g.m);
	ASSERT_EQ(r.g.iso->attach(r.g.iso->ctx, r.g.id, &r.g.slot), 0);
	attempts_run(r.g.cgroup_fd, allowed, 1);
	down(&r);
}
