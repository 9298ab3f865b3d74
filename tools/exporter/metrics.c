// SPDX-License-Identifier: Apache-2.0
/* What rows of metrics mean, see metrics.h; the rows are in metrics_rows.c. */
#include "tools/exporter/metrics.h"

#include <string.h>

static uint64_t number(const json_t *object, const char *key, size_t len)
{
	const json_t *v = json_object_getn(object, key, len);

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		return (uint64_t)json_integer_value(v);
	return json_is_boolean(v) ? json_is_true(v) : METRIC_UNKNOWN;
}

static uint64_t combine(char operation, uint64_t left, uint64_t right)
{
	if (operation == '|')
		return left == METRIC_UNKNOWN ? right : left;
	if (left == METRIC_UNKNOWN || right == METRIC_UNKNOWN)
		return METRIC_UNKNOWN;
	switch (operation) {
	case '+':
		return left + right;
	case '-':
		return left > right ? left - right : 0;
	default: /* '?' */
		return left;
	}
}

uint64_t metric_value(const struct metric *m, const json_t *object)
{
	const char *p = m->source;
	size_t len = strcspn(p, "+-|?");
	uint64_t v = number(object, p, len);

	for (p += len; *p; p += 1 + len) {
		len = strcspn(p + 1, "+-|?");
		v = combine(*p, v, number(object, p + 1, len));
	}
	return v != METRIC_UNKNOWN && m->fixed ? m->fixed : v;
}

bool metric_is_first(const struct metric_table *t, size_t i)
{
	return i == 0 || strcmp(t->rows[i].name, t->rows[i - 1].name) != 0;
}

size_t metric_family(const struct metric *m)
{
	size_t len = strlen(m->name);

	if (m->type == METRIC_COUNTER)
		return len - strlen("_total");
	return m->type == METRIC_INFO ? len - strlen("_info") : len;
}

const char *metric_type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	case METRIC_INFO:
		return "info";
	}
	return "unknown";
}

static const char *origin(enum metric_from from)
{
	switch (from) {
	case FROM_USAGE:
		return "Usage";
	case FROM_EXIT:
		return "Exit";
	case FROM_TASK:
		return "Task";
	case FROM_INFO:
		return "Info";
	case FROM_AGENT:
		return "AgentUsage";
	case FROM_SELF:
	case FROM_NR:
		break;
	}
	return NULL;
}

static void list_source(FILE *f, const struct metric *m)
{
	const char *from = origin(m->from);

	if (from)
		fprintf(f, "%s ``%s``", from, m->source);
	else
		fprintf(f, "the exporter");
	if (m->labels)
		fprintf(f, " as ``%s``", m->labels);
}

static void list_table(FILE *f, const struct metric_table *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		const struct metric *m = &t->rows[i];

		if (metric_is_first(t, i)) {
			fprintf(f, "%s``%s``\n    %s", i ? ".\n\n" : "", m->name,
				metric_type_name(m->type));
			if (m->unit)
				fprintf(f, ", %s", m->unit);
			fprintf(f, ". %s. From ", m->help);
		} else {
			fprintf(f, ", ");
		}
		list_source(f, m);
	}
	fprintf(f, ".\n");
}

void metrics_list(FILE *f)
{
	const struct metric_table tasks = metrics_of_tasks(), node = metrics_of_node();

	list_table(f, &tasks);
	fprintf(f, "\n");
	list_table(f, &node);
}
