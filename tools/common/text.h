/* SPDX-License-Identifier: Apache-2.0 */
/* Text for terminals: widths, cutting, and nothing that a terminal would obey. */
#ifndef DCOS_TEXT_H
#define DCOS_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/**
 * text_fit - copy text so that it takes at most so many columns
 * @buf: always NUL-terminated
 * @size: of @buf in bytes
 * @text: in the locale's encoding; what can't be shown becomes '?'
 * @columns: longer text loses its middle, since ids differ at their ends
 * Return: columns used. Widths are wcwidth(3)'s.
 */
int text_fit(char *buf, size_t size, const char *text, int columns);

/** text_width - columns that text_fit() would use if there were room */
int text_width(const char *text);

/** text_print - print text with control characters as \xNN, so that nobody's text drives a terminal */
void text_print(FILE *f, const char *text);

/**
 * text_wrap - copy text, with line breaks instead of blanks where a line gets too long
 * @width: bytes of a line; words that are longer are broken; 0: no breaks
 * Return: @buf.
 */
const char *text_wrap(char *buf, size_t size, const char *text, int width);

/**
 * exit_text - how a task ended, in few columns
 * @exit: type Exit of io.dcos.Agent, or null
 * @buf: "3", "SIGTERM", "oom", "?" nobody knows, "-" it has not ended
 */
const char *exit_text(const json_t *exit, char *buf, size_t size);

/** exit_status - as a shell would say it: code, or 128 + signal; -1 not known */
int exit_status(const json_t *exit);

/**
 * base64_decode - the bytes of RFC 4648 base64 with padding
 * @ret: malloc'd, NUL-terminated beyond @ret_len
 * Return: 0; -EBADMSG; -ENOMEM.
 */
int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len);

#endif
