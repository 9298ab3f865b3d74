// SPDX-License-Identifier: Apache-2.0
/*
 * The network meter against the counters of an interface: in a network namespace of the test's
 * own, over its loopback device, which has no link header. It cuts segments that are too long for
 * it after the meter has seen them; that shows in bytes as one more header for each more packet.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/meter_rig.h"
#include "selftests/harness/net_rig.h"
#include "selftests/harness/test.h"

#define NEEDS	  NEED_ROOT, NEED_CGROUP2, NEED_BPF
#define END_MS	  20000
#define BULK	  (8U << 20) /* bytes */
#define DATAGRAMS 100
#define DATAGRAM  1000 /* bytes */
#define PINGS	  20
#define LOSS	  16 /* a power of 2 */
#define NOBODY	  9 /* a port that nobody listens on */

struct counts {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};

struct seen {
	struct dcos_cell cell;
	struct dcos_detail detail;
	struct counts lo;
};

static struct rig up(void)
{
	struct why why = {};
	struct rig g;

	ASSERT_EQ(rig_netns(), 0);
	if (rig_up_with(test_dir(), test_cgroup(), RIG_ONLY(METER_NET), &g, &why) < 0) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	if (!meter_has(g.m, METER_NET, &why)) {
		EXPECT_STREQ(why.text, "");
		test_abort();
	}
	return g;
}

static struct counts lo_counts(void)
{
	struct counts c = {};
	char line[512];
	cleanup_fclose FILE *f = fopen("/proc/thread-self/net/dev", "re");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line,
			   " lo: %" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %*u %*u %" SCNu64
			   " %" SCNu64,
			   &c.rx_bytes, &c.rx_packets, &c.tx_bytes, &c.tx_packets) == 4)
			return c;
	}
	test_abort();
}

static void look(const struct rig *g, struct seen *s)
{
	s->cell = rig_row(g);
	meter_detail(g->m, g->slot, &s->detail);
	s->lo = lo_counts();
}

/* Run in the metered cgroup, to its end. */
static void run(const struct rig *g, int cgroup_fd, int (*fn)(void *), void *arg)
{
	int pidfd, status = -1;
	pid_t pid = rig_spawn(cgroup_fd, fn, arg, &pidfd);

	ASSERT_TRUE(pid > 0);
	EXPECT_EQ(rig_wait(pid, pidfd, END_MS, &status), 0);
	EXPECT_EQ(status, 0);
	close_fd(&pidfd);
	(void)g;
}

static uint64_t *retransmits; /* shared; what the kernel says of the sockets in these tests */

static int add_retransmits(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return 1;
	if (retransmits)
		__atomic_add_fetch(retransmits, info.tcpi_total_retrans, __ATOMIC_SEQ_CST);
	return 0;
}

static int send_all(const struct rig_addr *w, size_t bytes)
{
	static char text[65536];
	int fd = socket(w->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0 || connect(fd, &w->any, w->len))
		return 1;
	while (bytes) {
		n = write(fd, text, bytes < sizeof(text) ? bytes : sizeof(text));
		if (n <= 0)
			return 1;
		bytes -= (size_t)n;
	}
	if (shutdown(fd, SHUT_WR) || read(fd, text, sizeof(text)))
		return 1; /* the other side has closed when the read ends */
	return add_retransmits(fd) || close(fd) ? 1 : 0;
}

/* Both ends of a TCP connection that carries BULK bytes. */
static int tcp_bulk(void *arg)
{
	struct rig_addr w = rig_loopback(*(int *)arg, 0);
	static char text[65536];
	int listener = rig_bound(SOCK_STREAM, &w), fd, status;
	ssize_t n;
	pid_t pid;

	if (listener < 0 || listen(listener, 1))
		return 1;
	pid = fork();
	if (!pid)
		_exit(send_all(&w, BULK));
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	do
		n = read(fd, text, sizeof(text));
	while (n > 0);
	if (n || close(fd) || waitpid(pid, &status, 0) != pid)
		return 1;
	return status;
}

static int udp_datagrams(void *arg)
{
	struct rig_addr w = rig_loopback(*(int *)arg, 0);
	char text[DATAGRAM] = {};
	int in = rig_bound(SOCK_DGRAM, &w), out = socket(w.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < DATAGRAMS; i++) {
		if (sendto(out, text, sizeof(text), 0, &w.any, w.len) != DATAGRAM ||
		    recv(in, text, sizeof(text), 0) != DATAGRAM)
			return 1;
	}
	return 0;
}

/* Echo requests by a ping socket; the kernel answers by itself. */
static int pings(void *arg)
{
	struct rig_addr w = rig_loopback(AF_INET, 0);
	struct icmphdr h = {.type = ICMP_ECHO};
	char text[128];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return 1;
	for (int i = 0; i < PINGS; i++) {
		h.un.echo.sequence = htons((uint16_t)i);
		if (sendto(fd, &h, sizeof(h), 0, &w.any, w.len) != sizeof(h) ||
		    recv(fd, text, sizeof(text), 0) != sizeof(h))
			return 1;
	}
	return arg ? 1 : 0;
}

static int connect_to_nobody(void *arg)
{
	struct rig_addr w = rig_loopback(*(int *)arg, NOBODY);
	int fd = socket(w.family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, &w.any, w.len) < 0 && errno == ECONNREFUSED ? 0 : 1;
}

static uint64_t hist_sum(const __u64 *hist)
{
	uint64_t sum = 0;

	for (int i = 0; i < DCOS_HIST; i++)
		sum += hist[i];
	return sum;
}

/* How the meter's numbers may differ from the device's, in bytes; all 0: not at all. */
struct unlike {
	uint64_t least, most; /* that the device adds for each packet that it cut off */
	uint64_t hidden; /* a packet that some kernels hide from programs of cgroups */
	uint64_t twice; /* a packet that the kernel looks at again if two CPUs race for it */
};

static void expect_sent_like_lo(const struct seen *a, const struct seen *b, const struct unlike *u)
{
	uint64_t packets = b->cell.tx_packets - a->cell.tx_packets,
		 more = b->lo.tx_packets - a->lo.tx_packets - packets,
		 added = b->lo.tx_bytes - a->lo.tx_bytes - (b->cell.tx_bytes - a->cell.tx_bytes);

	if (u->hidden && more && added > more * u->most) {
		printf("# this kernel hides the answer to a SYN\n");
		more--;
		added -= u->hidden;
	}
	EXPECT_GE(added, more * u->least);
	EXPECT_LE(added, more * u->most);
	if (!u->most)
		EXPECT_EQ(more, 0);
}

static void expect_like_lo(const struct seen *a, const struct seen *b, const struct unlike *u)
{
	uint64_t packets = b->lo.rx_packets - a->lo.rx_packets,
		 bytes = b->lo.rx_bytes - a->lo.rx_bytes;

	expect_sent_like_lo(a, b, u);
	if (u->twice && b->cell.rx_packets - a->cell.rx_packets == packets + 1) {
		printf("# a packet was looked at twice\n");
		packets++;
		bytes += u->twice;
	}
	EXPECT_EQ(b->cell.rx_packets - a->cell.rx_packets, packets);
	EXPECT_EQ(b->cell.rx_bytes - a->cell.rx_bytes, bytes);
}

/* Headers of IP and TCP, with timestamps; SYN and its answer have more options. */
static const struct unlike tcp_unlike = {.least = 20 + 32, .most = 20 + 32, .twice = 20 + 32};

/* Some kernels' uncut ones have a jumbo option. */
static const struct unlike tcp6_unlike = {.least = 40 + 32 - 8,
					  .most = 40 + 32,
					  .hidden = 40 + 40,
					  .twice = 40 + 32};
static const struct unlike udp_unlike;

static void tcp_like_lo(int family, const struct unlike *u)
{
	struct rig g = up();
	struct seen a, b;

	look(&g, &a);
	run(&g, g.cgroup_fd, tcp_bulk, &family);
	look(&g, &b);
	expect_like_lo(&a, &b, u);
	EXPECT_GE(b.cell.tx_bytes - a.cell.tx_bytes, BULK);
	EXPECT_EQ(b.cell.nr_tcp_opened, 2); /* both ends */
	EXPECT_EQ(b.cell.nr_tcp_closed, 2);
	EXPECT_EQ(b.cell.nr_tcp_failed, 0);
	EXPECT_EQ(hist_sum(b.detail.connect_hist), 1);
	EXPECT_GE(hist_sum(b.detail.rtt_hist), 1); /* at most one each jiffy: all may fit in one */
	EXPECT_EQ(b.detail.tx_udp_packets + b.detail.tx_other_packets, 0);
	meter_close(g.m);
}

TEST(tcp_bytes_and_packets_equal_those_of_the_interface, NEEDS)
{
	tcp_like_lo(AF_INET, &tcp_unlike);
}

TEST(tcp_over_ipv6_is_counted_alike, NEEDS)
{
	tcp_like_lo(AF_INET6, &tcp6_unlike);
}

static void udp_like_lo(int family, size_t headers)
{
	struct rig g = up();
	struct seen a, b;

	look(&g, &a);
	run(&g, g.cgroup_fd, udp_datagrams, &family);
	look(&g, &b);
	expect_like_lo(&a, &b, &udp_unlike);
	EXPECT_EQ(b.detail.tx_udp_packets, DATAGRAMS);
	EXPECT_EQ(b.detail.rx_udp_packets, DATAGRAMS);
	EXPECT_EQ(b.detail.tx_udp_bytes, DATAGRAMS * (DATAGRAM + headers));
	EXPECT_EQ(b.detail.rx_udp_bytes, DATAGRAMS * (DATAGRAM + headers));
	EXPECT_EQ(b.cell.tx_bytes, b.detail.tx_udp_bytes);
	meter_close(g.m);
}

TEST(udp_is_told_apart, NEEDS)
{
	udp_like_lo(AF_INET, 20 + 8);
}

TEST(udp_over_ipv6_is_told_apart, NEEDS)
{
	udp_like_lo(AF_INET6, 40 + 8);
}

TEST(other_protocols_are_told_apart_and_the_kernels_answers_left_out, NEEDS)
{
	struct rig g = up();
	struct seen a, b;
	cleanup_close int range = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(write(range, "0 0", 3), 3);
	look(&g, &a);
	run(&g, g.cgroup_fd, pings, NULL);
	look(&g, &b);
	EXPECT_EQ(b.detail.tx_other_packets, PINGS);
	EXPECT_EQ(b.detail.rx_other_packets, PINGS);
	EXPECT_EQ(b.cell.tx_packets, PINGS);
	EXPECT_EQ(b.lo.tx_packets - a.lo.tx_packets, 2 * PINGS); /* the answers too */
	meter_close(g.m);
}

TEST(a_refused_connect_is_a_failed_one, NEEDS)
{
	struct rig g = up();
	int family = AF_INET;
	struct seen s;

	run(&g, g.cgroup_fd, connect_to_nobody, &family);
	look(&g, &s);
	EXPECT_EQ(s.cell.nr_tcp_failed, 1);
	EXPECT_EQ(s.cell.nr_tcp_opened, 0);
	EXPECT_EQ(s.cell.nr_tcp_closed, 0);
	meter_close(g.m);
}

TEST(what_a_task_does_in_cgroups_of_its_own_is_the_tasks, NEEDS)
{
	struct rig g = up();
	int family = AF_INET, mid = rig_cgroup_make(g.cgroup_fd, "mid"),
	    low = rig_cgroup_make(mid, "low");
	struct seen a, b;

	ASSERT_TRUE(low >= 0);
	look(&g, &a);
	run(&g, low, tcp_bulk, &family);
	look(&g, &b);
	expect_like_lo(&a, &b, &tcp_unlike);
	EXPECT_EQ(b.cell.nr_tcp_opened, 2);
	meter_close(g.m);
	close_fd(&low);
	close_fd(&mid);
}

TEST(retransmits_equal_what_the_kernel_says_of_the_socket, NEEDS)
{
	struct rig g = up();
	int family = AF_INET;
	cleanup_close int link = rig_lose(g.cgroup_fd, LOSS);
	struct seen s;

	ASSERT_TRUE(link >= 0);
	retransmits = mmap(NULL, sizeof(*retransmits), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(retransmits != MAP_FAILED);
	run(&g, g.cgroup_fd, tcp_bulk, &family);
	look(&g, &s);
	printf("# %lu segments sent again\n", (unsigned long)*retransmits);
	EXPECT_GE(*retransmits, 1);
	/* the socket says so before its last packets; those of the other side are not in it */
	EXPECT_GE(s.cell.nr_retransmits, *retransmits);
	EXPECT_LE(s.cell.nr_retransmits, *retransmits + 3);
	meter_close(g.m);
}

TEST(traffic_of_others_is_not_counted, NEEDS)
{
	struct rig g = up();
	int family = AF_INET;
	struct seen s;

	EXPECT_EQ(tcp_bulk(&family), 0); /* in the test's own cgroup */
	look(&g, &s);
	EXPECT_GE(s.lo.tx_bytes, BULK);
	EXPECT_EQ(s.cell.tx_packets + s.cell.rx_packets, 0);
	EXPECT_EQ(s.cell.nr_tcp_opened, 0);
	meter_close(g.m);
}
