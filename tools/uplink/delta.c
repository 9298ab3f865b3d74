// SPDX-License-Identifier: Apache-2.0
/* What has changed, see delta.h. */
#include "tools/uplink/delta.h"

#include <errno.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"

static const char *const task_fields[] = {"id",	  "state",   "exit",   "ipv4",
					  "ipv6", "healthy", "health", NULL};

/* tools/allocator/signals.c has what becomes of them */
static const char *const usage_fields[] = {
	"id",	    "cpu_ns",	  "nr_periods",	  "nr_throttled", "memory_bytes", "rx_bytes",
	"tx_bytes", "tcp_opened", "wait_hist_us", "rtt_hist_us",  NULL,
};

/* Return: a new object of those fields of @from that differ from @old, NULL: out of memory */
static json_t *pick(const json_t *from, const char *const *fields, const json_t *old)
{
	cleanup_json json_t *to = json_object();

	for (; *fields; fields++) {
		json_t *v = json_object_get(from, *fields);

		if (!v || json_is_null(v) || (old && json_equal(v, json_object_get(old, *fields))))
			continue;
		if (json_object_set(to, *fields, v))
			return NULL;
	}
	return take_ptr(to);
}

int delta_tasks(json_t **told, const json_t *tasks, json_t **ret_changed, json_t **ret_gone)
{
	cleanup_json json_t *now = json_object(), *changed = json_array(), *gone = json_array();
	const char *id;
	json_t *t, *v;
	size_t i;

	if (!now || !changed || !gone)
		return -ENOMEM;
	json_array_foreach (tasks, i, t) {
		cleanup_json json_t *is = pick(t, task_fields, NULL);

		if (!is || json_object_set(now, field_str(t, "id"), is))
			return -ENOMEM;
		if (!json_equal(is, json_object_get(*told, field_str(t, "id"))) &&
		    json_array_append(changed, is))
			return -ENOMEM;
	}
	json_object_foreach (*told, id, v)
		if (!json_object_get(now, id) && json_array_append_new(gone, json_string(id)))
			return -ENOMEM;
	json_decref(*told);
	*told = take_ptr(now);
	*ret_changed = take_ptr(changed);
	*ret_gone = take_ptr(gone);
	return 0;
}

int delta_usages(json_t **told, const json_t *usages, json_t **ret_changed)
{
	cleanup_json json_t *now = json_object(), *changed = json_array();
	json_t *u;
	size_t i;

	if (!now || !changed)
		return -ENOMEM;
	json_array_foreach (usages, i, u) {
		const char *id = field_str(u, "id");

		if (json_object_get(u, "exit"))
			continue; /* it has ended and changes no more */
		cleanup_json json_t *is = pick(u, usage_fields, NULL);
		cleanup_json json_t *news = pick(u, usage_fields, json_object_get(*told, id));

		if (!is || !news || json_object_set(now, id, is))
			return -ENOMEM;
		/* all tell that they are there: an allocator leaves out who is silent */
		if (json_object_set_new(news, "id", json_string(id)) ||
		    json_array_append(changed, news))
			return -ENOMEM;
	}
	json_decref(*told);
	*told = take_ptr(now);
	*ret_changed = take_ptr(changed);
	return 0;
}
