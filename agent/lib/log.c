// SPDX-License-Identifier: Apache-2.0
/*
 * The log. The state is one static struct, as a log that every caller had to carry would be used
 * less; log_open() sets it once. Not for use between clone and exec.
 */
#include "agent/lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* the only place would be this file */
#include <systemd/sd-journal.h>

#define LOG_TEXT_MAX 2048 /* bytes of one message, longer ones are cut */

static struct {
	const char *ident;
	int max_priority;
	bool journal;
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

static int to_journal(int priority, const char *task, const char *text)
{
	if (task)
		return sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i", priority,
				       "SYSLOG_IDENTIFIER=%s", log_state.ident, "DCOS_TASK=%s",
				       task, NULL);
	return sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i", priority, "SYSLOG_IDENTIFIER=%s",
			       log_state.ident, NULL);
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
	if (!log_state.journal || to_journal(priority, task, text) < 0) {
		make_printable(text);
		(void)dprintf(STDERR_FILENO, "%s: %s: %s%s%s\n", log_state.ident,
			      priority_names[priority], task ? task : "", task ? ": " : "",
			      text); /* nobody is left to tell */
	}
	errno = saved;
}
