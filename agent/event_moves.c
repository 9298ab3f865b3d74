// SPDX-License-Identifier: Apache-2.0
/* Events of a task's life, from what the state machine and Update know. */
#include "agent/event_moves.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/lib/cleanup.h"

void event_moved(const struct task *t)
{
	const char *id = t->spec->ct.id;
	char text[EVENT_TEXT_MAX];

	switch (t->state) {
	case TASK_STAGING:
	case TASK_STARTING:
		break;
	case TASK_RUNNING:
		(void)snprintf(text, sizeof(text), "began as pid %d",
			       (int)t->ct->iso.pid); /* fits */
		event_add_json(t->node, EVENT_STARTED, id, text,
			       json_pack("{si}", "pid", (int)t->ct->iso.pid));
		break;
	case TASK_KILLING:
		event_add_json(t->node, EVENT_KILL, id,
			       t->unhealthy[0] ? t->unhealthy : "asked to end", json_object());
		break;
	case TASK_FINISHED:
	case TASK_FAILED:
	case TASK_KILLED:
	case TASK_LOST:
		event_add_json(t->node, EVENT_ENDED, id, t->exit.reason,
			       json_pack("{ss so}", "state", state_to_string(t->state), "exit",
					 task_exit_json(&t->exit)));
	}
}

void event_launch_failed(const struct task *t, const char *reason)
{
	event_add_json(t->node, EVENT_LAUNCH_FAILED, t->spec->ct.id, reason,
		       json_pack("{ss}", "reason", reason));
}

json_t *event_limits(const struct task *t)
{
	json_t *now = json_object_get(t->spec->doc, "resources");

	return now ? json_copy(now) : json_object();
}

/* "cpus 1 to 0.5, memory none to 64M" of the keys that were asked for; what does not fit is cut */
static void say_changes(const json_t *before, json_t *doc, char *buf, size_t size)
{
	const char *key;
	size_t len = 0;
	json_t *to;

	buf[0] = '\0';
	json_object_foreach (doc, key, to) {
		const json_t *from = json_object_get(before, key);
		cleanup_free char *a = json_dumps(from, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		cleanup_free char *b = json_dumps(to, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

		if (len >= size)
			return;
		len += (size_t)snprintf(buf + len, size - len, "%s%s %s to %s", len ? ", " : "",
					key, !from || json_is_null(from) ? "none" : a ?: "?",
					json_is_null(to) ? "none" : b ?: "?");
	}
}

void event_updated(const struct task *t, json_t *before, json_t *doc)
{
	char text[EVENT_TEXT_MAX];

	say_changes(before, doc, text, sizeof(text));
	event_add_json(t->node, EVENT_UPDATE, t->spec->ct.id, text[0] ? text : "nothing changed",
		       json_pack("{so so}", "old", before, "new", event_limits(t)));
}
