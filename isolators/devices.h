/* SPDX-License-Identifier: Apache-2.0 */
/* The device allow-lists that are loaded in the kernel, for iso_host.devices. */
#ifndef DCOS_DEVICES_H
#define DCOS_DEVICES_H

#define DEVICES_CACHE_MAX 16 /* programs kept loaded for the next container with the same list */

#include <stddef.h>

#include "bpf/abi.h"

struct devices_cache;

/**
 * devices_plain_load - a device program that counts nothing
 * @rules: as bpf/devices.bpf.c has them; of each access the first that speaks of it decides
 * Return: its descriptor, -E2BIG, or -errno.
 */
int devices_plain_load(const struct dcos_device_rule *rules, size_t nr);

/**
 * devices_cache_new - keep programs for containers with the same allow-list
 *
 * A new one costs most of a millisecond, a kept one some microseconds for the attachment. When
 * it is full, the one that was not used for the longest time goes; containers keep it attached.
 * Return: the cache, or NULL without memory.
 */
struct devices_cache *devices_cache_new(void);

/**
 * devices_cache_free - close the programs; they go on working where they are attached
 * @c: NULL is allowed
 */
void devices_cache_free(struct devices_cache *c);

#endif
