/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the web page. */
#ifndef DCOS_ALLOCATOR_PAGE_H
#define DCOS_ALLOCATOR_PAGE_H

#include <stddef.h>

/**
 * page_find - which file a path is
 * @ret_type: its media type
 * Return: its name, NULL: the path is no part of the page.
 */
const char *page_find(const char *path, const char **ret_type);

/**
 * page_open - a file of the page
 * @dir: where they are
 * Return: descriptor, and its size; -errno.
 */
int page_open(const char *dir, const char *name, size_t *ret_size);

#endif
