/* SPDX-License-Identifier: Apache-2.0 */
/* Structured log: to the journal when stderr is the journal's, else one line on stderr. */
#ifndef DCOS_LOG_H
#define DCOS_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/**
 * log_open - choose where to
 * @ident: SYSLOG_IDENTIFIER and prefix of the lines
 * @max_priority: LOG_* above which messages are dropped
 * The journal is used if $JOURNAL_STREAM names stderr (systemd.exec(5)).
 */
void log_open(const char *ident, int max_priority);

/**
 * log_msg - one message
 * @priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG
 * @task: id of the task it is about (field DCOS_TASK), or NULL
 */
void log_msg(int priority, const char *task, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** log_lost - messages that neither the journal nor its stream took, because nobody reads there */
uint64_t log_lost(void);

#define log_err(...)	log_msg(LOG_ERR, NULL, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_DEBUG, NULL, __VA_ARGS__)

#endif
