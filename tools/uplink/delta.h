/* SPDX-License-Identifier: Apache-2.0 */
/* What has changed since it was told last. Pure: JSON in, JSON out. */
#ifndef DCOS_UPLINK_DELTA_H
#define DCOS_UPLINK_DELTA_H

#include <jansson.h>

/**
 * delta_tasks - of the replies to List
 * @told: {id: what was told of it}, brought up to date
 * @tasks: the reply's list
 * @ret_changed: list of what is to be told, [] if nothing
 * @ret_gone: list of ids that are not there any more
 * Return: 0; -ENOMEM, nothing has changed.
 */
int delta_tasks(json_t **told, const json_t *tasks, json_t **ret_changed, json_t **ret_gone);

/**
 * delta_usages - of the snapshots of the meters: the fields that an allocator uses
 * @told, @ret_changed: as above; of a task only the fields that differ, and its id
 */
int delta_usages(json_t **told, const json_t *usages, json_t **ret_changed);

#endif
