// SPDX-License-Identifier: Apache-2.0
/*
 * Network quotas in the kernel: what gets through, what is counted, what a change of the rate does.
 * Over loopback in a network namespace of the test's own. How well TCP does with them is for
 * `make bench-netquota`; here a rate is met when no more has come than it and its burst allow.
 */
#include "agent/netquota.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/meter_impl.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/net_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	  20000
#define DATAGRAM  1000U /* bytes */
#define HEADERS	  28U /* of IPv4 and UDP */
#define FLOOD	  2000 /* datagrams */
#define RATE	  (1U << 20) /* bytes a second */
#define BURST	  (64U << 10) /* bytes */
#define MTU_LO	  65536U /* a packet that is let through may be that long */
#define DEBT_MS	  200U /* that TCP may be let run into, and a little */
#define NS_PER_S  1000000000ULL
#define KEY_MAX	  64
#define TCP_BYTES (1U << 20)

struct limited {
	struct rig g;
	struct netquota *q;
};

static void up(struct limited *r)
{
	struct why why = {};

	ASSERT_EQ(rig_netns(), 0);
	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_NET), &r->g, &why) < 0 ||
	    netquota_open(r->g.m, &r->q, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
}

static void down(struct limited *r)
{
	netquota_close(r->q);
	meter_close(r->g.m);
}

static void limit(struct limited *r, uint64_t tx, uint64_t rx)
{
	const struct iso_netquota *iso = netquota_iso(r->q);
	struct iso_rates rates = {tx, BURST, rx, BURST};

	ASSERT_EQ(iso->set(iso->ctx, r->g.slot, r->g.id, &rates), 0);
}

static void run(int cgroup_fd, int (*fn)(void *), void *arg)
{
	int pidfd, status = -1;
	pid_t pid = rig_spawn(cgroup_fd, fn, arg, &pidfd);

	ASSERT_TRUE(pid > 0);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&pidfd);
}

/* Datagrams as fast as they go, to a socket that nobody need read. */
static int flood(void *arg)
{
	static const char text[DATAGRAM];
	const struct rig_addr *to = arg;
	int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 1;
	for (int i = 0; i < FLOOD; i++)
		if (sendto(fd, text, sizeof(text), 0, &to->any, to->len) != sizeof(text))
			return 2; /* a drop is no error to the sender, as in a queue */
	return close(fd) ? 3 : 0;
}

/* What a rate lets through in that time at most. */
static uint64_t most(uint64_t rate, uint64_t began_ns)
{
	return BURST + rate * (rig_now_ns() - began_ns) / NS_PER_S + MTU_LO;
}

TEST(a_flood_of_datagrams_gets_the_burst_and_the_rate_and_the_rest_is_counted_as_dropped, NEEDS)
{
	struct rig_addr to = rig_loopback(AF_INET, 0);
	struct limited r = {};
	struct dcos_cell c;
	uint64_t began;

	up(&r);
	cleanup_close int sink = rig_bound(SOCK_DGRAM, &to);

	ASSERT_TRUE(sink >= 0);
	limit(&r, RATE, 0);
	began = rig_now_ns();
	run(r.g.cgroup_fd, flood, &to);
	c = rig_row(&r.g);
	EXPECT_EQ(c.tx_packets + c.tx_dropped, FLOOD);
	EXPECT_TRUE(c.tx_dropped > 0);
	EXPECT_TRUE(c.tx_bytes >= BURST);
	EXPECT_TRUE(c.tx_bytes <= most(RATE, began));
	EXPECT_EQ(c.tx_bytes, c.tx_packets * (DATAGRAM + HEADERS));
	down(&r);
}

TEST(a_neighbour_without_a_quota_is_not_held, NEEDS)
{
	struct rig_addr to = rig_loopback(AF_INET6, 0);
	struct limited r = {};
	struct dcos_cell c = {};
	uint32_t slot;

	up(&r);
	cleanup_close int sink = rig_bound(SOCK_DGRAM, &to);
	cleanup_close int other = rig_cgroup_make(test_cgroup(), "other");

	ASSERT_TRUE(sink >= 0);
	ASSERT_TRUE(other >= 0);
	ASSERT_EQ(r.g.iso->attach(r.g.iso->ctx, rig_cgroup_id(other), &slot), 0);
	limit(&r, RATE / 16, 0);
	run(r.g.cgroup_fd, flood, &to);
	run(other, flood, &to);
	struct meter_row row;

	meter_read(r.g.m, slot, &row);
	c = row.sum;
	EXPECT_EQ(c.tx_packets, FLOOD);
	EXPECT_EQ(c.tx_dropped, 0);
	EXPECT_TRUE(rig_row(&r.g).tx_dropped > 0);
	r.g.iso->detach(r.g.iso->ctx, rig_cgroup_id(other), slot);
	down(&r);
}

/* In the limited cgroup: a socket that others send to, for which packets come in. */
struct receiver {
	struct rig_addr at;
	int ready[2], done[2];
};

static int receive(void *arg)
{
	struct receiver *w = arg;
	int fd = rig_bound(SOCK_DGRAM, &w->at);
	char c;

	if (fd < 0 || write(w->ready[1], &w->at, sizeof(w->at)) != sizeof(w->at))
		return 1;
	return read(w->done[0], &c, 1) == 1 ? 0 : 2;
}

TEST(what_comes_in_beyond_the_rate_is_dropped_before_the_socket_gets_it, NEEDS)
{
	struct receiver w = {.at = rig_loopback(AF_INET, 0)};
	struct limited r = {};
	int pidfd, status = -1;
	struct dcos_cell c;
	uint64_t began;
	pid_t pid;

	up(&r);
	ASSERT_EQ(pipe2(w.ready, O_CLOEXEC), 0);
	ASSERT_EQ(pipe2(w.done, O_CLOEXEC), 0);
	limit(&r, 0, RATE);
	pid = rig_spawn(r.g.cgroup_fd, receive, &w, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(read(w.ready[0], &w.at, sizeof(w.at)), sizeof(w.at));
	began = rig_now_ns();
	EXPECT_EQ(flood(&w.at), 0);
	c = rig_row(&r.g);
	EXPECT_EQ(c.rx_packets + c.rx_dropped, FLOOD);
	EXPECT_TRUE(c.rx_dropped > 0);
	EXPECT_TRUE(c.rx_bytes >= BURST);
	EXPECT_TRUE(c.rx_bytes <= most(RATE, began));
	ASSERT_EQ(write(w.done[1], "", 1), 1);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&pidfd);
	down(&r);
}

/* What the sender's socket says at its end; shared. */
struct sent {
	struct rig_addr to;
	struct tcp_info info;
	uint64_t pace;
};

static int send_stream(void *arg)
{
	static const char text[65536];
	struct sent *s = arg;
	socklen_t len = sizeof(s->info);
	int fd = rig_connect(&s->to);
	size_t left = TCP_BYTES;

	while (fd >= 0 && left) {
		ssize_t n = write(fd, text, left < sizeof(text) ? left : sizeof(text));

		if (n <= 0)
			return 1;
		left -= (size_t)n;
	}
	if (fd < 0 || shutdown(fd, SHUT_WR) || read(fd, &(char){0}, 1))
		return 2;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &s->info, &len))
		return 3;
	len = sizeof(s->pace);
	return getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &s->pace, &len) ? 4 : 0;
}

/* Outside of the limited cgroup. */
static int drain(void *arg)
{
	static char text[65536];
	int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n;

	do
		n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	while (n > 0);
	return n || close(fd) ? 1 : 0;
}

/* TCP_BYTES from the limited cgroup to one without. */
static void stream(struct limited *r, struct sent *s, uint64_t *ret_began)
{
	int pidfd, status = -1, listener;
	pid_t pid;

	s->to = rig_loopback(AF_INET, 0);
	listener = rig_listener(&s->to, 1);
	ASSERT_TRUE(listener >= 0);
	cleanup_close int other = rig_cgroup_make(test_cgroup(), "other");

	ASSERT_TRUE(other >= 0);
	pid = rig_spawn(other, drain, &listener, &pidfd);
	ASSERT_TRUE(pid > 0);
	*ret_began = rig_now_ns();
	run(r->g.cgroup_fd, send_stream, s);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&pidfd);
	close_fd(&listener);
}

static struct sent *shared(void)
{
	struct sent *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(s != MAP_FAILED);
	return s;
}

TEST(a_tcp_connection_is_paced_to_the_rate_and_keeps_to_it, NEEDS)
{
	struct sent *s = shared();
	struct limited r = {};
	struct dcos_cell c;
	uint64_t began;

	up(&r);
	limit(&r, RATE, 0);
	stream(&r, s, &began);
	c = rig_row(&r.g);
	EXPECT_TRUE(c.tx_bytes >= TCP_BYTES);
	EXPECT_TRUE(c.tx_bytes <= most(RATE, began) + (uint64_t)RATE * DEBT_MS / 1000);
	EXPECT_TRUE(s->pace <= RATE);
	EXPECT_TRUE(s->pace >= RATE / 8);
	down(&r);
}

TEST(a_connection_without_a_quota_is_not_paced, NEEDS)
{
	struct sent *s = shared();
	struct limited r = {};
	uint64_t began;

	up(&r);
	stream(&r, s, &began);
	EXPECT_EQ(s->pace, UINT64_MAX);
	EXPECT_EQ(rig_row(&r.g).tx_dropped, 0);
	down(&r);
}

static int receive_stream(void *arg)
{
	struct receiver *w = arg;
	int fd = rig_listener(&w->at, 1);

	if (fd < 0 || write(w->ready[1], &w->at, sizeof(w->at)) != sizeof(w->at))
		return 1;
	return drain(&fd);
}

/* TCP_BYTES from another task to the limited one. */
static void stream_in(struct limited *r, struct sent *s, int family, uint64_t *ret_began)
{
	struct receiver w = {.at = rig_loopback(family, 0)};
	int pidfd, status = -1;
	uint32_t slot;
	pid_t pid;

	cleanup_close int other = rig_cgroup_make(test_cgroup(), family == AF_INET ? "v4" : "v6");

	ASSERT_TRUE(other >= 0);
	ASSERT_EQ(r->g.iso->attach(r->g.iso->ctx, rig_cgroup_id(other), &slot), 0);
	ASSERT_EQ(pipe2(w.ready, O_CLOEXEC), 0);
	pid = rig_spawn(r->g.cgroup_fd, receive_stream, &w, &pidfd);
	ASSERT_TRUE(pid > 0);
	ASSERT_EQ(read(w.ready[0], &s->to, sizeof(s->to)), sizeof(s->to));
	*ret_began = rig_now_ns();
	run(other, send_stream, s);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&pidfd);
	r->g.iso->detach(r->g.iso->ctx, rig_cgroup_id(other), slot);
}

TEST(a_task_that_sends_to_one_with_a_rate_is_paced_to_it_and_forgotten_with_the_connection, NEEDS)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct sent *s = shared();
	struct limited r = {};
	struct dcos_cell c;
	uint64_t began, before;
	int peers;

	up(&r);
	peers = meter_map_fd(r.g.m, METER_NET, "peers");
	limit(&r, 0, RATE);
	for (int i = 0; i < 2; i++) {
		before = rig_row(&r.g).rx_bytes;
		stream_in(&r, s, families[i], &began);
		c = rig_row(&r.g);
		EXPECT_TRUE(c.rx_bytes - before >= TCP_BYTES);
		EXPECT_TRUE(c.rx_bytes - before <=
			    most(RATE, began) + (uint64_t)RATE * DEBT_MS / 1000);
		EXPECT_TRUE(s->pace <= RATE);
		EXPECT_TRUE(s->pace >= RATE / 8);
		EXPECT_EQ(bpf_map_get_next_key(peers, NULL, (char[KEY_MAX]){0}), -ENOENT);
	}
	down(&r);
}

TEST(another_rate_holds_at_once_and_none_lets_all_through, NEEDS)
{
	struct rig_addr to = rig_loopback(AF_INET, 0);
	struct limited r = {};
	uint64_t began, before, bytes;
	const struct iso_netquota *iso;
	struct dcos_cell c;

	up(&r);
	cleanup_close int sink = rig_bound(SOCK_DGRAM, &to);

	ASSERT_TRUE(sink >= 0);
	limit(&r, 1ULL << 40, 0);
	run(r.g.cgroup_fd, flood, &to);
	EXPECT_EQ(rig_row(&r.g).tx_dropped, 0);
	began = rig_now_ns();
	bytes = rig_row(&r.g).tx_bytes;
	limit(&r, RATE, 0);
	run(r.g.cgroup_fd, flood, &to);
	c = rig_row(&r.g);
	EXPECT_TRUE(c.tx_dropped > 0);
	EXPECT_TRUE(c.tx_bytes - bytes <= most(RATE, began));
	before = c.tx_dropped;
	iso = netquota_iso(r.q);
	iso->drop(iso->ctx, r.g.slot, r.g.id);
	run(r.g.cgroup_fd, flood, &to);
	EXPECT_EQ(rig_row(&r.g).tx_dropped, before);
	down(&r);
}

TEST(a_quota_holds_while_no_agent_runs_and_after_it_is_back, NEEDS)
{
	struct rig_addr to = rig_loopback(AF_INET, 0);
	struct limited r = {};
	struct why why = {};
	struct dcos_cell c;
	uint64_t began;

	up(&r);
	cleanup_close int sink = rig_bound(SOCK_DGRAM, &to);

	ASSERT_TRUE(sink >= 0);
	limit(&r, RATE, 0);
	down(&r);
	began = rig_now_ns();
	run(r.g.cgroup_fd, flood, &to);
	ASSERT_EQ(meter_open_some(r.g.pins, test_cgroup(), RIG_ONLY(METER_NET), &r.g.m, &why), 0);
	ASSERT_EQ(netquota_open(r.g.m, &r.q, &why), 0);
	run(r.g.cgroup_fd, flood, &to);
	c = rig_row(&r.g);
	EXPECT_EQ(c.tx_packets + c.tx_dropped, 2 * FLOOD);
	EXPECT_TRUE(c.tx_bytes <= most(RATE, began));
	down(&r);
}

TEST(a_quota_of_another_owner_of_the_slot_does_not_hold, NEEDS)
{
	struct rig_addr to = rig_loopback(AF_INET, 0);
	struct limited r = {};
	const struct iso_netquota *iso;
	struct iso_rates rates = {.tx_bytes_per_s = RATE, .tx_burst_bytes = BURST};

	up(&r);
	cleanup_close int sink = rig_bound(SOCK_DGRAM, &to);

	ASSERT_TRUE(sink >= 0);
	iso = netquota_iso(r.q);
	ASSERT_EQ(iso->set(iso->ctx, r.g.slot, r.g.id + 1, &rates), 0);
	run(r.g.cgroup_fd, flood, &to);
	EXPECT_EQ(rig_row(&r.g).tx_dropped, 0);
	EXPECT_EQ(iso->set(iso->ctx, 0, r.g.id, &rates), -EINVAL);
	EXPECT_EQ(iso->set(iso->ctx, DCOS_SLOTS, r.g.id, &rates), -EINVAL);
	down(&r);
}
