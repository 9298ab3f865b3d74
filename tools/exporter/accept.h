/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the two formats a client wants. */
#ifndef DCOS_EXPORTER_ACCEPT_H
#define DCOS_EXPORTER_ACCEPT_H

enum page_format {
	PAGE_TEXT, /* Prometheus' text format 0.0.4 */
	PAGE_OPENMETRICS, /* OpenMetrics 1.0.0 */
	PAGE_FORMATS,
};

/**
 * accept_choose - by the Accept header of a request (RFC 9110, 12.5.1)
 * @accept: its value, NULL if there is none
 * The format with the highest weight; of equal ones the one that is named more exactly, then text.
 * Where nothing is acceptable it is text too: a page that may be understood is better than none.
 */
enum page_format accept_choose(const char *accept);

/** accept_type - the Content-Type of a format */
const char *accept_type(enum page_format format);

#endif
