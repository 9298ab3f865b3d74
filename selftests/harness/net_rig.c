// SPDX-License-Identifier: Apache-2.0
/* Loopback in a network namespace, and losses on it. */
#include "selftests/harness/net_rig.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

int rig_netns(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};

	if (unshare(CLONE_NEWNET))
		return -errno;

	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r) ? -errno : 0;
}

struct rig_addr rig_loopback(int family, uint16_t port)
{
	struct rig_addr a = {.family = family};

	if (family == AF_INET6) {
		a.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = htons(port),
					     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		a.len = sizeof(a.v6);
	} else {
		a.v4 = (struct sockaddr_in){.sin_family = AF_INET,
					    .sin_port = htons(port),
					    .sin_addr = {htonl(INADDR_LOOPBACK)}};
		a.len = sizeof(a.v4);
	}
	return a;
}

int rig_bound(int type, struct rig_addr *a)
{
	cleanup_close int fd = socket(a->family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &a->any, a->len) || getsockname(fd, &a->any, &a->len))
		return -errno;
	return take_fd(&fd);
}

int rig_listener(struct rig_addr *a, int backlog)
{
	cleanup_close int fd = rig_bound(SOCK_STREAM, a);

	if (fd < 0)
		return fd;
	return listen(fd, backlog) ? -errno : take_fd(&fd);
}

int rig_connect(const struct rig_addr *a)
{
	cleanup_close int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &a->any, a->len))
		return -errno;
	return take_fd(&fd);
}

int rig_lose(int cgroup_fd, uint32_t one_in)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_prandom_u32},
		{.code = BPF_ALU | BPF_AND | BPF_K, .imm = (__s32)one_in - 1},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .off = 2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET_INGRESS);
	cleanup_close int prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "lose", "GPL", insns,
					       ARRAY_SIZE(insns), &opts);

	return prog < 0 ? prog : bpf_link_create(prog, cgroup_fd, BPF_CGROUP_INET_INGRESS, NULL);
}
