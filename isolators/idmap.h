/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps of a user namespace that somebody without privileges makes. */
#ifndef DCOS_IDMAP_H
#define DCOS_IDMAP_H

#include <stdbool.h>

#include "isolators/isolator.h"

struct oci_maps;

/**
 * idmap_is_own - whether a map is one id, the caller's own
 * @own: effective user or group id of the caller
 * Such a map may be written without newuidmap(1); for groups only if setgroups(2) is denied.
 */
bool idmap_is_own(const struct oci_maps *maps, unsigned int own);

/**
 * idmap_own - the maps of a new user namespace, by its maker
 * More than one id needs newuidmap(1) and newgidmap(1), and the ranges of subuid(5).
 * Return: 0 or -errno, with the sentence in @iso.
 */
int idmap_own(struct isolation *iso);

#endif
