/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and names that people write, judged as text. */
#ifndef DCOS_PATH_H
#define DCOS_PATH_H

#include <stdbool.h>

#define PATH_PLAIN_SAYS                                                                            \
	"an absolute path without \"//\", \".\" or \"..\" components and without a final \"/\""

/**
 * path_plain - is it an absolute path in its shortest spelling
 * @path: shorter than PATH_MAX, components of at most NAME_MAX bytes, no control characters; "/"
 *        itself is plain
 */
bool path_plain(const char *path);

/**
 * path_within - is a plain path the same as another or below it
 */
bool path_within(const char *path, const char *dir);

/**
 * name_plain - is it one component of a path: not empty, no "/", not starting with "."
 * @name: also without control characters and at most NAME_MAX bytes
 */
bool name_plain(const char *name);

#endif
