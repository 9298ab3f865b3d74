// SPDX-License-Identifier: Apache-2.0
/*
 * What the host does with packets of private networks that are not for itself: one table "inet
 * dcos" of nf_tables, written anew, in one transaction, whenever a task with such a network starts,
 * so that it is there again if somebody has flushed it. It stays when the tasks have ended.
 * nft(8) does it, as a program: the library that it is made of is GPL-2.0-only, which this is not.
 * Source: nft(8), Documentation/networking/ip-sysctl.rst "ip_forward".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "isolators/isolator.h"
#include "isolators/net.h"

#define IP_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define RUN_MAX_MS 5000

#define SAID_MAX 128 /* bytes of what nf_tables says */

static const char *const programs[] = {"/usr/sbin/nft", "/sbin/nft"};

/* Answers come in, and what the host publishes; nothing else, unless it is from a neighbour. */
int net_nat_rules(const struct net_pool *pool, const struct net_nat *nat, char **ret)
{
	struct in_addr in = {.s_addr = htonl(pool->base)};
	int bits = __builtin_clz(pool->nr) + 1;
	char net[INET_ADDRSTRLEN + 4], addr[INET_ADDRSTRLEN], neighbours[96] = "";

	(void)snprintf(net, sizeof(net), "%s/%d", inet_ntop(AF_INET, &in, addr, sizeof(addr)),
		       bits); /* fits */
	if (!nat->isolate)
		(void)snprintf(neighbours, sizeof(neighbours),
			       "add rule inet dcos forward ip saddr %s ip daddr %s accept\n", net,
			       net); /* fits */
	return asprintf(ret,
			"add table inet dcos\n"
			"add chain inet dcos forward "
			"{ type filter hook forward priority filter; policy accept; }\n"
			"add chain inet dcos postrouting "
			"{ type nat hook postrouting priority srcnat; policy accept; }\n"
			"flush chain inet dcos forward\n"
			"flush chain inet dcos postrouting\n"
			"add rule inet dcos forward ip daddr %s ct state established,related "
			"accept\n"
			"add rule inet dcos forward ip daddr %s ct status dnat accept\n"
			"%s"
			"add rule inet dcos forward ip daddr %s drop\n"
			"add rule inet dcos postrouting ip saddr %s ip daddr != %s masquerade\n",
			net, net, neighbours, net, net, net) < 0
		       ? -ENOMEM
		       : 0;
}

/* What nft reads: a file without a name. Return: descriptor or -errno */
static int commands_file(const char *commands)
{
	cleanup_close int fd = memfd_create("nft", MFD_CLOEXEC);
	size_t len = strlen(commands);

	if (fd < 0)
		return -errno;
	if (write(fd, commands, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))
		return -EIO;
	return take_fd(&fd);
}

/* The child: nothing is said if all went well. */
static void run_inside(int commands, bool check, int out) __attribute__((noreturn));
static void run_inside(int commands, bool check, int out)
{
	static char nft[] = "nft", file[] = "--file", from[] = "-", dry[] = "--check";
	char *argv[] = {nft, file, from, check ? dry : NULL, NULL}, *env[] = {NULL};

	if (dup2(commands, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(2);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		(void)execve(programs[i], argv, env); /* returns only to fail */
	(void)dprintf(out, "%s: %s", programs[0], strerror(errno)); /* the status says it, too */
	_exit(2);
}

/* Until the child closes its end. Return: bytes, -ETIMEDOUT */
static ssize_t hear(int fd, char said[static SAID_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = 0, more = 1;

	while (n < SAID_MAX - 1 && more > 0) {
		int rc = poll(&p, 1, RUN_MAX_MS);

		if (!rc)
			return -ETIMEDOUT;
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc > 0)
			more = read(fd, said + n, (size_t)(SAID_MAX - 1 - n));
		if (rc > 0 && more > 0)
			n += more;
	}
	said[n] = '\0';
	said[strcspn(said, "\n")] = '\0'; /* the line that says what */
	return n;
}

int net_nft_run(const char *commands, bool check, struct why *why)
{
	char said[SAID_MAX] = "";
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return why_set(why, -errno, "nf_tables: pipe");
	cleanup_close int in = p[0], file = commands_file(commands);

	pid = file < 0 ? -1 : fork();
	if (!pid)
		run_inside(file, check, p[1]);
	(void)close(p[1]); /* the child's */
	if (pid < 0)
		return why_set(why, -EAGAIN, "nf_tables: fork");
	n = hear(in, said);
	if (n < 0)
		(void)kill(pid, SIGKILL); /* it is our child and not yet waited for */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 0)
		return why_set(why, (int)n, "nf_tables");
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return why_set(why, -EINVAL, "nf_tables: %s", n ? said : "nft failed");
}

static bool forwards(void)
{
	cleanup_close int fd = open(IP_FORWARD, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c != '0';
}

static int forward(struct why *why)
{
	cleanup_close int fd = open(IP_FORWARD, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "1", 1) != 1 ? why_set(why, -errno, IP_FORWARD) : 0;
}

int net_nat_up(const struct net_pool *pool, const struct net_nat *nat, struct why *why)
{
	cleanup_free char *rules = NULL;
	int err = net_nat_rules(pool, nat, &rules);

	if (err)
		return why_set(why, err, "nf_tables");
	err = net_nft_run(rules, false, why);
	/* not before the rules: until then nothing keeps tasks apart */
	return err ? err : nat->forward && !forwards() ? forward(why) : 0;
}

void net_nat_probe(const struct iso_host *host, struct iso_probe *ret)
{
	cleanup_free char *rules = NULL;
	struct why why = {0};
	int err = 0;

	ret->name = "nat of private networks";
	if (!host->nat || !host->nat->on || !host->net || !host->net->nr) {
		ret->ok = true;
		(void)snprintf(ret->how, sizeof(ret->how), "off: nat = no in agent.conf");
		return;
	}
	err = net_nat_rules(host->net, host->nat, &rules) ?: net_nft_run(rules, true, &why);
	ret->ok = !err;
	if (err)
		(void)snprintf(ret->reason, sizeof(ret->reason), "%.150s", why.text);
	else
		(void)snprintf(ret->how, sizeof(ret->how), "nf_tables, tasks %s; ip_forward=%d%s",
			       host->nat->isolate ? "apart" : "together", forwards(),
			       forwards()	    ? ""
			       : host->nat->forward ? ", set with the first task"
						    : ": nothing beyond this host is reached");
}
