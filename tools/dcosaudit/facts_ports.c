// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets that listen, of the processes of one task: in the host's network a socket belongs to
 * who has a descriptor of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "cgroupfs/cgroupfs.h"
#include "tools/dcosaudit/facts.h"

#define PROCS_MAX   4096 /* processes of a task that are looked at */
#define SOCKETS_MAX 16384 /* sockets of a task that are looked at */
#define TCP_LISTEN  0x0A /* include/net/tcp_states.h */
#define UDP_BOUND   0x07 /* TCP_CLOSE: an UDP socket that is not connected */

struct sockets {
	uint64_t inodes[SOCKETS_MAX];
	size_t nr;
};

static int by_inode(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* "socket:[12345]" */
static void add_link(struct sockets *s, const char *text)
{
	uint64_t inode;

	if (sscanf(text, "socket:[%" SCNu64 "]", &inode) == 1 && s->nr < SOCKETS_MAX)
		s->inodes[s->nr++] = inode;
}

static void sockets_of(struct sockets *s, pid_t pid)
{
	char path[32], text[64];
	cleanup_closedir DIR *dir = NULL;
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid); /* fits */
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, text, sizeof(text) - 1);

		if (n <= 0)
			continue;
		text[n] = '\0';
		add_link(s, text);
	}
}

static int sockets_of_cgroup(int dirfd, void *ctx)
{
	cleanup_free pid_t *pids = calloc(PROCS_MAX, sizeof(*pids));
	int nr = pids ? cg_procs(dirfd, pids, PROCS_MAX) : -ENOMEM;

	for (int i = 0; i < nr && i < PROCS_MAX; i++)
		sockets_of(ctx, pids[i]);
	return 0; /* a cgroup that is gone has none */
}

static void port_add(struct facts *f, const char *protocol, unsigned int port)
{
	char text[32];
	const json_t *v;
	size_t i;

	(void)snprintf(text, sizeof(text), "%s/%u", protocol, port); /* fits */
	json_array_foreach (f->ports, i, v)
		if (!strcmp(json_string_value(v), text))
			return; /* IPv4 and IPv6 */
	if (json_array_size(f->ports) < FACTS_LIST_MAX)
		(void)json_array_append_new(f->ports, json_string(text));
	else
		f->left_out++;
}

/* Lines of /proc/PID/net/tcp: proc(5) */
static void read_table(struct facts *f, const struct sockets *s, pid_t pid, const char *file,
		       const char *protocol, unsigned int state)
{
	char path[48], line[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, file); /* fits */
	cleanup_fclose FILE *table = fopen(path, "re");

	while (table && fgets(line, sizeof(line), table)) {
		unsigned int port, st;
		uint64_t inode;

		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*d %*d %" SCNu64,
			   &port, &st, &inode) == 3 &&
		    st == state && bsearch(&inode, s->inodes, s->nr, sizeof(inode), by_inode))
			port_add(f, protocol, port);
	}
}

int facts_ports(pid_t pid, const char *cgroup_dir, struct facts *f)
{
	cleanup_free struct sockets *s = calloc(1, sizeof(*s));
	cleanup_close int dirfd = open(cgroup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!s)
		return -ENOMEM;
	if (dirfd < 0)
		return -errno;
	(void)cg_walk(dirfd, sockets_of_cgroup, s); /* of what is too deep nothing is listed */
	qsort(s->inodes, s->nr, sizeof(s->inodes[0]), by_inode);
	read_table(f, s, pid, "tcp", "tcp", TCP_LISTEN);
	read_table(f, s, pid, "tcp6", "tcp", TCP_LISTEN);
	read_table(f, s, pid, "udp", "udp", UDP_BOUND);
	read_table(f, s, pid, "udp6", "udp", UDP_BOUND);
	return 0;
}
