// SPDX-License-Identifier: Apache-2.0
/* Messages in the form that engines read: a line of JSON or of text in the file of --log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosrun/rt.h"

static struct {
	int fd; /* of --log; 0: there is none */
	bool json;
} out; /* the one log of this program; set once, before anything else is done */

int rt_log_open(struct rt *rt)
{
	const char *format = rt->log_format ? rt->log_format : "text";
	int fd;

	if (strcmp(format, "json") && strcmp(format, "text"))
		return why_set(&rt->why, -EINVAL, "--log-format=%s: allowed are text, json",
			       format);
	out.json = !strcmp(format, "json");
	if (!rt->log || !*rt->log)
		return 0;
	fd = open(rt->log, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644);
	if (fd < 0)
		return why_set(&rt->why, -errno, "--log=%s", rt->log);
	out.fd = fd;
	return 0;
}

static void put(const char *level, const char *text)
{
	struct timespec now;
	struct tm tm;
	char when[40];
	json_t *doc;
	cleanup_free char *line = NULL;

	if (!out.fd)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm); /* fits */
	if (out.json) {
		doc = json_pack("{s:s, s:s%, s:s}", "level", level, "msg", text, strlen(text),
				"time", when);
		line = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
		json_decref(doc);
	} else if (asprintf(&line, "time=\"%s\" level=%s msg=\"%s\"", when, level, text) < 0) {
		line = NULL;
	}
	if (line)
		(void)dprintf(out.fd, "%s\n", line); /* a full disk is no reason to fail */
}

void rt_warn(const char *text)
{
	put("warning", text);
}

int rt_fail(const char *text)
{
	put("error", text);
	(void)fprintf(stderr, "dcosrun: %s\n", text); /* nobody else could be told */
	return 1;
}
