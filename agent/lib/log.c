// SPDX-License-Identifier: Apache-2.0
/*
 * The log. The state is one static struct, as a log that every caller had to carry would be used
 * less; log_open() sets it once. Not for use between clone and exec.
 *
 * Nobody who reads it can hold up the one thread of the agent. sd_journal_send(3) waits when a
 * stopped journald has left its queue full, and is silent where there is no journald, so that the
 * datagrams, which are few lines, are sent from here.
 */
#include "agent/lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"

#define LOG_TEXT_MAX   2048 /* bytes of one message, longer ones are cut */
#define LOG_RECORD_MAX (LOG_TEXT_MAX + 512)

static struct {
	const char *ident;
	int max_priority;
	bool journal;
	uint64_t lost, told; /* messages that nobody took; of these the journal has heard */
} log_state = {.ident = "dcos", .max_priority = LOG_INFO};

static const char *const priority_names[] = {
	[LOG_EMERG] = "emergency", [LOG_ALERT] = "alert",     [LOG_CRIT] = "critical",
	[LOG_ERR] = "error",	   [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",	   [LOG_DEBUG] = "debug",
};

/* systemd.exec(5): $JOURNAL_STREAM is "device:inode" of the stream that we were started with. */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_open(const char *ident, int max_priority)
{
	log_state.ident = ident;
	log_state.max_priority = max_priority;
	log_state.journal = stderr_is_journal();
}

/* One message is one line, and nothing that a task is called or says reaches a terminal raw. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = *text == '\n' || *text == '\t' ? ' ' : '?';
	}
}

/* Source: systemd's JOURNAL_NATIVE_PROTOCOL; lines are enough, as no value has a newline. */
static int to_journal(int priority, const char *task, const char *text)
{
	static const struct sockaddr_un journal = {.sun_family = AF_UNIX,
						   .sun_path = "/run/systemd/journal/socket"};
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char record[LOG_RECORD_MAX];
	int n = snprintf(record, sizeof(record),
			 "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n%s%s%s", text, priority,
			 log_state.ident, task ? "DCOS_TASK=" : "", task ?: "", task ? "\n" : "");

	if (fd < 0)
		return -errno;
	if (n < 0 || (size_t)n >= sizeof(record))
		return -EMSGSIZE;
	return sendto(fd, record, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL, (const void *)&journal,
		      sizeof(journal)) < 0
		       ? -errno
		       : 0;
}

/* A stream of the journal is a socket, which is not waited for; anything else is the user's. */
static int to_stderr(int priority, const char *task, const char *text)
{
	char line[LOG_RECORD_MAX];
	int n = snprintf(line, sizeof(line), "%s: %s: %s%s%s\n", log_state.ident,
			 priority_names[priority], task ? task : "", task ? ": " : "", text);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;

	ssize_t sent = -1;

	errno = ENOTSOCK;
	if (log_state.journal)
		sent = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno == ENOTSOCK)
		sent = write(STDERR_FILENO, line, len);
	return sent < 0 ? -errno : 0;
}

/* What was lost is told first. */
static int tell_lost(void)
{
	char text[80];
	int err;

	if (log_state.lost == log_state.told)
		return 0;
	(void)snprintf(text, sizeof(text), "%" PRIu64 " messages were lost before this one",
		       log_state.lost - log_state.told); /* fits */
	err = to_journal(LOG_WARNING, NULL, text);
	if (!err)
		log_state.told = log_state.lost;
	return err;
}

uint64_t log_lost(void)
{
	return log_state.lost;
}

void log_msg(int priority, const char *task, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	int saved = errno;
	va_list ap;

	if (priority > log_state.max_priority || priority < LOG_EMERG || priority > LOG_DEBUG)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut message is still one */
	va_end(ap);
	make_printable(text);
	if (!log_state.journal)
		(void)to_stderr(priority, task, text); /* nobody is left to tell */
	else if ((tell_lost() || to_journal(priority, task, text)) &&
		 to_stderr(priority, task, text))
		log_state.lost++;
	errno = saved;
}
