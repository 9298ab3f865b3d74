/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name. */
#ifndef DCOS_SIGNALS_BY_NAME_H
#define DCOS_SIGNALS_BY_NAME_H

/** signal_parse - "15", "TERM", "SIGTERM", "RTMIN+3". Return: 1..64 or -EINVAL */
int signal_parse(const char *text);

#endif
