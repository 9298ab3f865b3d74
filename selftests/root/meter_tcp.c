// SPDX-License-Identifier: Apache-2.0
/*
 * The lives of TCP connections as the network meter sees them: how many are open, how long they
 * took to be, what their round-trip times were, and whose they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/net_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	  20000
#define PAIRS	  20
#define EXCHANGES 20
#define PAUSE_MS  12 /* longer than a jiffy */
#define HZ_MAX	  1000 /* of any kernel */
#define FAST	  20000
#define RTO_S	  1 /* after which the kernel repeats a SYN, RFC 6298 */
#define DEAF_MS	  200
#define TEXT	  "sixteen letters."

/* What a task of these tests and the test tell each other. */
struct talk {
	int fds[2]; /* test, task */
	struct rig_addr to; /* whom to connect to */
	uint64_t *result; /* shared */
};

struct task {
	struct talk talk;
	int pidfd;
	pid_t pid;
};

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	ASSERT_EQ(rig_netns(), 0);
	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_NET), &g, &why) < 0 ||
	    !meter_has(g.m, METER_NET, &why)) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return g;
}

static int say(int fd)
{
	return write(fd, "", 1) == 1 ? 0 : 1;
}

static int hear(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&p, 1, END_MS) == 1 && read(fd, &c, 1) == 1 ? 0 : 1;
}

static struct task start_to(int cgroup_fd, int (*fn)(void *), const struct rig_addr *to)
{
	struct task t = {};

	if (to)
		t.talk.to = *to;
	t.talk.result = mmap(NULL, sizeof(*t.talk.result), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(t.talk.result != MAP_FAILED);
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t.talk.fds), 0);
	t.pid = rig_spawn(cgroup_fd, fn, &t.talk, &t.pidfd);
	ASSERT_TRUE(t.pid > 0);
	return t;
}

static struct task start(int cgroup_fd, int (*fn)(void *))
{
	return start_to(cgroup_fd, fn, NULL);
}

static void end(struct task *t)
{
	int status = -1;

	EXPECT_EQ(rig_wait(t->pid, t->pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&t->pidfd);
}

/* The last acknowledgement may be on its way when the sockets' owner is gone. */
static struct dcos_cell row_when_closed(const struct rig *g, uint64_t closed)
{
	uint64_t until = rig_now_ns() + END_MS * UINT64_C(1000000);
	struct dcos_cell c;

	do {
		c = rig_row(g);
		if (c.nr_tcp_closed >= closed)
			break;
		(void)sched_yield(); /* never fails on Linux */
	} while (rig_now_ns() < until);
	return c;
}

static uint64_t hist_sum(const __u64 *hist, int from, int to)
{
	uint64_t sum = 0;

	for (int i = from; i <= to; i++)
		sum += hist[i];
	return sum;
}

static int class_of(uint64_t us)
{
	int i = 0;

	while (us >>= 1)
		i++;
	return i < DCOS_HIST ? i : DCOS_HIST - 1;
}

/* PAIRS connections to itself; ends them, half and half, when it is told to. */
static int hold_pairs(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	int listener = rig_listener(&a, PAIRS), in[PAIRS], out[PAIRS], i;
	const struct talk *t = arg;

	for (i = 0; i < PAIRS; i++) {
		out[i] = rig_connect(&a);
		in[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (out[i] < 0 || in[i] < 0)
			return 1;
	}
	if (say(t->fds[1]) || hear(t->fds[1]))
		return 1;
	for (i = 0; i < PAIRS / 2; i++) {
		if (close(in[i]) || close(out[i]))
			return 1;
	}
	return say(t->fds[1]) || hear(t->fds[1]);
}

TEST(opened_less_closed_is_what_is_open, NEEDS)
{
	struct rig g = up();
	struct task t = start(g.cgroup_fd, hold_pairs);
	struct dcos_cell c;

	ASSERT_EQ(hear(t.talk.fds[0]), 0);
	c = rig_row(&g);
	EXPECT_EQ(c.nr_tcp_opened, 2 * PAIRS); /* both ends are the task's */
	EXPECT_EQ(c.nr_tcp_closed, 0);
	ASSERT_EQ(say(t.talk.fds[0]), 0);
	ASSERT_EQ(hear(t.talk.fds[0]), 0);
	c = row_when_closed(&g, PAIRS);
	EXPECT_EQ(c.nr_tcp_closed, PAIRS); /* also those that are in time-wait */
	ASSERT_EQ(say(t.talk.fds[0]), 0);
	end(&t);
	c = row_when_closed(&g, 2 * PAIRS);
	EXPECT_EQ(c.nr_tcp_opened, 2 * PAIRS);
	EXPECT_EQ(c.nr_tcp_closed, 2 * PAIRS);
	EXPECT_EQ(c.nr_tcp_failed, 0);
	meter_close(g.m);
}

/* One socket, used for one connection after the other. */
static int reuse(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	cleanup_close int listener = rig_listener(&a, PAIRS);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0)
		return 1;
	for (int i = 0; i < PAIRS; i++) {
		if (connect(fd, &a.any, a.len) || connect(fd, &none, sizeof(none)))
			return 1;
	}
	return arg ? 0 : 1;
}

TEST(a_socket_that_is_used_again_is_a_new_connection, NEEDS)
{
	struct rig g = up();
	struct task t = start(g.cgroup_fd, reuse);
	struct dcos_detail d;
	struct dcos_cell c;

	end(&t);
	c = row_when_closed(&g, 2 * PAIRS);
	meter_detail(g.m, g.slot, &d);
	EXPECT_EQ(c.nr_tcp_opened, 2 * PAIRS);
	EXPECT_EQ(c.nr_tcp_closed, 2 * PAIRS);
	EXPECT_EQ(c.nr_tcp_failed, 0);
	EXPECT_EQ(hist_sum(d.connect_hist, 0, DCOS_HIST - 1), PAIRS);
	meter_close(g.m);
}

/*
 * A second connection to a listener whose queue is full: its SYN is dropped, and only the repeated
 * one is answered.
 */
static int late_connect(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	cleanup_close int listener = rig_listener(&a, 0), first = rig_connect(&a);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cleanup_close int accepted = -1;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	const struct talk *t = arg;
	socklen_t len = sizeof(int);
	uint64_t begin = rig_now_ns();
	int err = -1;

	if (listener < 0 || first < 0 || fd < 0)
		return 1;
	if (!connect(fd, &a.any, a.len) || errno != EINPROGRESS)
		return 1;
	if (poll(&p, 1, DEAF_MS)) /* nothing must come */
		return 1;
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (accepted < 0 || poll(&p, 1, END_MS) != 1)
		return 1;
	*t->result = (rig_now_ns() - begin) / 1000;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) || err;
}

TEST(a_connect_that_was_answered_late_is_in_the_class_of_its_time, NEEDS)
{
	const int least = class_of(RTO_S * 1000000);
	struct rig g = up();
	struct task t = start(g.cgroup_fd, late_connect);
	struct dcos_detail d;
	int most;

	end(&t);
	meter_detail(g.m, g.slot, &d);
	most = class_of(*t.talk.result);
	printf("# connected after %lu us\n", (unsigned long)*t.talk.result);
	EXPECT_GE(most, least);
	EXPECT_EQ(hist_sum(d.connect_hist, least, most), 1);
	EXPECT_EQ(hist_sum(d.connect_hist, 0, DCOS_HIST - 1), 2);
	EXPECT_EQ(rig_row(&g).nr_retransmits, 1); /* the SYN */
	meter_close(g.m);
}

/* In the test's own cgroup, so that only the other end's times count. */
static pid_t echo(struct rig_addr *a)
{
	cleanup_close int listener = rig_listener(a, 1);
	pid_t pid = fork();
	char c;

	ASSERT_TRUE(pid >= 0);
	if (pid)
		return pid;

	cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	while (read(fd, &c, 1) == 1) {
		if (write(fd, &c, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static int exchange(int fd)
{
	char c = 0;

	(void)poll(NULL, 0, PAUSE_MS); /* part of the load */
	return write(fd, &c, 1) == 1 && read(fd, &c, 1) == 1 ? 0 : 1;
}

/* So slow that a round-trip time is looked at in each. */
static int slow_exchanges(void *arg)
{
	const struct talk *t = arg;
	cleanup_close int fd = rig_connect(&t->to);
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	for (int i = 0; i < EXCHANGES - 1; i++) {
		if (exchange(fd))
			return 1;
	}
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return 1;
	*t->result = info.tcpi_rtt; /* it is looked at when the next packet comes in */
	return exchange(fd);
}

/* As many as there can be; the result is how long they took in us. */
static int fast_exchanges(void *arg)
{
	const struct talk *t = arg;
	cleanup_close int fd = rig_connect(&t->to);
	uint64_t begin = rig_now_ns();
	char c = 0;

	for (int i = 0; i < FAST; i++) {
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			return 1;
	}
	*t->result = (rig_now_ns() - begin) / 1000;
	return 0;
}

TEST(smoothed_round_trip_times_are_those_of_the_socket, NEEDS)
{
	struct rig g = up();
	struct rig_addr to = rig_loopback(AF_INET, 0);
	pid_t peer = echo(&to);
	struct task t = start_to(g.cgroup_fd, slow_exchanges, &to);
	struct dcos_detail d;
	int status = -1;

	end(&t);
	EXPECT_EQ(waitpid(peer, &status, 0), peer);
	EXPECT_EQ(status, 0);
	meter_detail(g.m, g.slot, &d);
	printf("# smoothed round-trip time %lu us\n", (unsigned long)*t.talk.result);
	EXPECT_GE(d.rtt_hist[class_of(*t.talk.result)], 1);
	EXPECT_GE(hist_sum(d.rtt_hist, 0, DCOS_HIST - 1), EXCHANGES);
	meter_close(g.m);
}

TEST(round_trip_times_of_a_stream_are_thinned_out, NEEDS)
{
	struct rig g = up();
	struct rig_addr to = rig_loopback(AF_INET, 0);
	pid_t peer = echo(&to);
	struct task t = start_to(g.cgroup_fd, fast_exchanges, &to);
	struct dcos_detail d;
	struct dcos_cell c;

	end(&t);
	EXPECT_EQ(waitpid(peer, NULL, 0), peer);
	c = rig_row(&g);
	meter_detail(g.m, g.slot, &d);
	EXPECT_GE(c.rx_packets, FAST);
	EXPECT_GE(hist_sum(d.rtt_hist, 0, DCOS_HIST - 1), 1);
	/* the clock's interrupts that there were, and one for each CPU */
	EXPECT_LE(hist_sum(d.rtt_hist, 0, DCOS_HIST - 1),
		  *t.talk.result * HZ_MAX / 1000000 + 1 + (uint64_t)get_nprocs_conf());
	meter_close(g.m);
}

/* Makes a pair of connected UDP sockets, and gives them away. */
static int give_away(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	const struct talk *t = arg;
	int fds[2] = {rig_bound(SOCK_DGRAM, &a), socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	union {
		char buf[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = {};
	struct iovec text = {.iov_base = control.buf, .iov_len = 1};
	struct msghdr m = {.msg_iov = &text,
			   .msg_iovlen = 1,
			   .msg_control = control.buf,
			   .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	if (fds[0] < 0 || connect(fds[1], &a.any, a.len))
		return 1;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	return sendmsg(t->fds[1], &m, 0) == 1 ? 0 : 1;
}

static void take(int from, int fds[static 2])
{
	char buf[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8))), c;
	struct iovec text = {.iov_base = &c, .iov_len = 1};
	struct msghdr m = {.msg_iov = &text,
			   .msg_iovlen = 1,
			   .msg_control = buf,
			   .msg_controllen = sizeof(buf)};

	ASSERT_EQ(recvmsg(from, &m, MSG_CMSG_CLOEXEC), 1);
	ASSERT_TRUE(CMSG_FIRSTHDR(&m));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), 2 * sizeof(int));
}

TEST(a_socket_that_is_handed_on_stays_with_the_task_that_made_it, NEEDS)
{
	struct rig g = up();
	struct task t = start(g.cgroup_fd, give_away);
	char buf[sizeof(TEXT)];
	struct dcos_cell c;
	int fds[2];

	take(t.talk.fds[0], fds);
	end(&t);
	EXPECT_EQ(send(fds[1], TEXT, sizeof(TEXT), 0), sizeof(TEXT));
	EXPECT_EQ(recv(fds[0], buf, sizeof(buf), 0), sizeof(TEXT));
	c = rig_row(&g);
	EXPECT_EQ(c.tx_packets, 1);
	EXPECT_EQ(c.rx_packets, 1);
	EXPECT_EQ(c.tx_bytes, 20 + 8 + sizeof(TEXT));
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	meter_close(g.m);
}

/* One connection to itself, and a text over it when it is told to. */
static int connected_then_text(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	cleanup_close int listener = rig_listener(&a, 1), out = rig_connect(&a);
	cleanup_close int in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	const struct talk *t = arg;
	char buf[sizeof(TEXT)];

	if (in < 0 || say(t->fds[1]) || hear(t->fds[1]))
		return 1;
	if (write(out, TEXT, sizeof(TEXT)) != sizeof(TEXT))
		return 1;
	return read(in, buf, sizeof(buf)) == sizeof(TEXT) ? 0 : 1;
}

static void reopen(struct rig *g, int parent_fd)
{
	struct why why = {};

	if (meter_open(g->pins, parent_fd, &g->m, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	g->iso = meter_iso(g->m);
}

TEST(of_a_connection_that_is_older_than_the_meter_packets_count_and_nothing_else, NEEDS)
{
	struct rig g = up();
	struct dcos_cell c;
	struct task t;

	meter_close(g.m);
	ASSERT_EQ(meter_unpin(g.pins), 0);
	t = start(g.cgroup_fd, connected_then_text);
	ASSERT_EQ(hear(t.talk.fds[0]), 0);
	reopen(&g, g.cgroup_fd);
	ASSERT_EQ(g.iso->attach(g.iso->ctx, g.id, &g.slot), 0);
	ASSERT_EQ(say(t.talk.fds[0]), 0);
	end(&t);
	c = rig_row(&g);
	EXPECT_GE(c.tx_packets, 2); /* the text, its acknowledgement, the ends */
	EXPECT_GE(c.tx_bytes, 2 * (20 + 32) + sizeof(TEXT));
	EXPECT_EQ(c.nr_tcp_opened, 0);
	EXPECT_EQ(c.nr_tcp_closed, 0);
	meter_close(g.m);
}

TEST(the_next_agent_knows_what_is_open, NEEDS)
{
	int parent_fd = test_cgroup();
	struct why why = {};
	struct dcos_cell c;
	struct task t;
	struct rig g;

	ASSERT_EQ(rig_netns(), 0);
	ASSERT_EQ(rig_up_with(test_dir(), parent_fd, RIG_ONLY(METER_NET), &g, &why), 0);
	t = start(g.cgroup_fd, connected_then_text);
	ASSERT_EQ(hear(t.talk.fds[0]), 0);
	meter_close(g.m);
	reopen(&g, parent_fd);
	c = rig_row(&g);
	EXPECT_EQ(c.nr_tcp_opened, 2);
	EXPECT_EQ(c.nr_tcp_closed, 0);
	ASSERT_EQ(say(t.talk.fds[0]), 0);
	end(&t);
	c = row_when_closed(&g, 2);
	EXPECT_EQ(c.nr_tcp_opened, 2);
	EXPECT_EQ(c.nr_tcp_closed, 2);
	meter_close(g.m);
}

TEST(a_connect_that_no_memory_is_left_for_is_open_but_has_no_latency, NEEDS)
{
	struct rig g = up();
	cleanup_close int limit = open("/proc/sys/net/core/optmem_max", O_WRONLY | O_CLOEXEC);
	struct meter_drops drops;
	struct dcos_detail d;
	struct dcos_cell c;
	struct task t;

	if (limit < 0)
		test_skip("net.core.optmem_max is the whole host's in this kernel");
	ASSERT_EQ(write(limit, "1", 1), 1);
	t = start(g.cgroup_fd, connected_then_text);
	ASSERT_EQ(hear(t.talk.fds[0]), 0);
	ASSERT_EQ(say(t.talk.fds[0]), 0);
	end(&t);
	c = row_when_closed(&g, 2);
	meter_drops(g.m, &drops);
	meter_detail(g.m, g.slot, &d);
	EXPECT_EQ(drops.socks_failed, 1);
	EXPECT_EQ(hist_sum(d.connect_hist, 0, DCOS_HIST - 1), 0);
	EXPECT_EQ(c.nr_tcp_opened, 2);
	EXPECT_EQ(c.nr_tcp_closed, 2);
	meter_close(g.m);
}

/* Connected, let go, and then a listener. */
static int connect_then_listen(void *arg)
{
	struct rig_addr a = rig_loopback(AF_INET, 0);
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	cleanup_close int listener = rig_listener(&a, 1), fd = rig_connect(&a);
	cleanup_close int in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (in < 0 || connect(fd, &none, sizeof(none)) || listen(fd, 1))
		return 1;
	return arg ? 0 : 1;
}

TEST(the_end_of_a_listener_is_not_that_of_a_connection, NEEDS)
{
	struct rig g = up();
	struct task t = start(g.cgroup_fd, connect_then_listen);
	struct dcos_cell c;

	end(&t);
	c = row_when_closed(&g, 2);
	EXPECT_EQ(c.nr_tcp_opened, 2);
	EXPECT_EQ(c.nr_tcp_closed, 2);
	EXPECT_EQ(c.nr_tcp_failed, 0);
	meter_close(g.m);
}

/* Connects to who does not answer, and gives up. */
static int give_up(void *arg)
{
	const struct talk *t = arg;
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (!connect(fd, &t->to.any, t->to.len) || errno != EINPROGRESS)
		return 1;
	return poll(&p, 1, DEAF_MS); /* nothing must come */
}

TEST(a_connect_that_was_given_up_is_a_failed_one, NEEDS)
{
	struct rig g = up();
	struct rig_addr to = rig_loopback(AF_INET, 0);
	cleanup_close int listener = rig_listener(&to, 0), queued = rig_connect(&to);
	struct task t = start_to(g.cgroup_fd, give_up, &to);
	struct dcos_cell c;

	ASSERT_TRUE(listener >= 0);
	ASSERT_TRUE(queued >= 0); /* fills the queue of the listener */
	end(&t);
	c = rig_row(&g);
	EXPECT_EQ(c.nr_tcp_opened, 0);
	EXPECT_EQ(c.nr_tcp_closed, 0);
	EXPECT_EQ(c.nr_tcp_failed, 1);
	EXPECT_EQ(c.tx_packets, 1);
	EXPECT_EQ(c.tx_bytes, 20 + 40);
	meter_close(g.m);
}
