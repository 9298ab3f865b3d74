/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks in the HTTP interface, for api_apps.c. */
#ifndef DCOS_ALLOCATOR_API_TASKS_H
#define DCOS_ALLOCATOR_API_TASKS_H

#include "tools/allocator/api.h"

/** tasks_json - the tasks of an app, an array */
json_t *tasks_json(const struct core_app *a);

/** app_tasks - GET and DELETE of /v2/apps/ID/tasks; @task NULL: all of them */
void app_tasks(struct api_call *call, const char *app, const char *task);

#endif
