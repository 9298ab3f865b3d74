// SPDX-License-Identifier: Apache-2.0
/*
 * An agent's tasks, one call after the other on one connection: `tasks SOCKET IMAGE RUNS MANY`.
 * RUNS times `true` from the call Run to its answer and to the end that Wait tells, medians; then
 * MANY tasks that sleep: started, killed and forgotten. Each has new namespaces, the network one
 * too, and the profile "default".
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/units.h"

#define MANY_MAX  10000
#define RUNS_MAX  1000
#define REPLY_MAX 65536

static int sock;

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A call and its answer; an error ends the program. */
static void __attribute__((format(printf, 1, 2))) call(const char *format, ...)
{
	static char text[4096], reply[REPLY_MAX];
	size_t at = 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (send(sock, text, (size_t)n + 1, MSG_NOSIGNAL) != n + 1) /* its NUL ends a message */
		at = sizeof(reply);
	while (at < sizeof(reply)) {
		ssize_t got = recv(sock, reply + at, sizeof(reply) - at, 0);

		at = got <= 0 ? sizeof(reply) : at + (size_t)got;
		if (got > 0 && !reply[at - 1])
			break;
	}
	if (at < sizeof(reply) && !strstr(reply, "\"error\""))
		return;
	(void)fprintf(stderr, "%s: %s\n", text, at < sizeof(reply) ? reply : "no answer");
	exit(1);
}

static void start(const char *image, const char *kind, int i, const char *command)
{
	call("{\"method\":\"io.dcos.Agent.Run\",\"parameters\":{\"spec\":{\"id\":\"%s%d\","
	     "\"image\":\"%s\",\"network\":\"none\",\"command\":[%s]}}}",
	     kind, i, image, command);
}

static void ask(const char *method, const char *kind, int i, const char *more)
{
	call("{\"method\":\"io.dcos.Agent.%s\",\"parameters\":{\"id\":\"%s%d\"%s}}", method, kind,
	     i, more);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void one_by_one(const char *image, int runs)
{
	static double running[RUNS_MAX], ended[RUNS_MAX];

	for (int i = 0; i < runs; i++) {
		double begin = now_ms();

		start(image, "run", i, "\"true\"");
		running[i] = now_ms() - begin;
		ask("Wait", "run", i, "");
		ended[i] = now_ms() - begin;
		ask("Remove", "run", i, "");
	}
	qsort(running, (size_t)runs, sizeof(*running), compare);
	qsort(ended, (size_t)runs, sizeof(*ended), compare);
	(void)printf("%d runs of true by an agent: running after %.2f ms, ended after %.2f ms, "
		     "medians\n",
		     runs, running[runs / 2], ended[runs / 2]);
}

static void many_at_once(const char *image, int many)
{
	double begin = now_ms(), started, killed;

	for (int i = 0; i < many; i++)
		start(image, "many", i, "\"sleep\",\"100000\"");
	started = now_ms();
	for (int i = 0; i < many; i++)
		ask("Kill", "many", i, ",\"signal\":9");
	for (int i = 0; i < many; i++)
		ask("Wait", "many", i, "");
	killed = now_ms();
	for (int i = 0; i < many; i++)
		ask("Remove", "many", i, "");
	(void)printf("%d tasks: started in %.2f s, killed until the last has ended in %.2f s, "
		     "forgotten in %.2f s\n",
		     many, (started - begin) / 1e3, (killed - started) / 1e3,
		     (now_ms() - killed) / 1e3);
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	uint64_t runs = 0, many = 0;

	if (argc != 5 || parse_u64(argv[3], 1, RUNS_MAX, &runs) ||
	    parse_u64(argv[4], 1, MANY_MAX, &many) || strlen(argv[1]) >= sizeof(to.sun_path)) {
		(void)fprintf(stderr, "tasks SOCKET IMAGE RUNS MANY\n");
		return 2;
	}
	memcpy(to.sun_path, argv[1], strlen(argv[1]));
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to))) {
		perror(argv[1]);
		return 1;
	}
	one_by_one(argv[2], (int)runs);
	many_at_once(argv[2], (int)many);
	(void)close(sock); /* nothing was kept */
	return 0;
}
