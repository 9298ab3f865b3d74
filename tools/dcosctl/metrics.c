// SPDX-License-Identifier: Apache-2.0
/* dcosctl metrics: what the agent costs, how late it is, and what was lost. */
#include <inttypes.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/hist.h"
#include "agent/lib/units.h"
#include "tools/dcosctl/ctl.h"
#include "tools/dcosctl/table.h"

#define CELL_MAX 80

static const struct table_column metrics_columns[] = {{"WHAT"}, {"VALUE"}, {}};
static const struct table_column program_columns[] = {{"PROGRAM"},
						      {"RUNS", .right = true},
						      {"NS A RUN", .right = true},
						      {"CPU TIME", .right = true},
						      {"SKIPPED", .right = true},
						      {}};

static int add(struct libscols_table *t, const char *what, const char *value)
{
	const char *const cells[] = {what, value};

	return table_row(t, cells);
}

static int add_number(struct libscols_table *t, const char *what, int64_t v)
{
	char text[CELL_MAX];

	(void)snprintf(text, sizeof(text), "%" PRId64, v); /* fits */
	return add(t, what, text);
}

static int add_bytes(struct libscols_table *t, const char *what, int64_t v)
{
	char text[CELL_MAX];

	return add(t, what, format_bytes(text, sizeof(text), v > 0 ? (uint64_t)v : 0));
}

static int add_hist(struct libscols_table *t, const char *what, const json_t *list)
{
	char text[CELL_MAX], half[8], most[8], all[8];
	__u64 hist[HIST_CLASSES] = {};

	for (size_t i = 0; i < HIST_CLASSES; i++)
		hist[i] = (__u64)json_integer_value(json_array_get(list, i));
	(void)snprintf(text, sizeof(text), "half below %s, 99%% below %s, all below %s", /* fits */
		       format_us(half, sizeof(half), hist_quantile_us(hist, 0.5)),
		       format_us(most, sizeof(most), hist_quantile_us(hist, 0.99)),
		       format_us(all, sizeof(all), hist_quantile_us(hist, 1)));
	return add(t, what, text);
}

/* Only what was lost: the others are many. */
static int add_losses(struct libscols_table *t, json_t *losses)
{
	const char *name;
	char what[CELL_MAX];
	bool any = false;
	json_t *count;

	json_object_foreach (losses, name, count) {
		if (json_integer_value(count) <= 0)
			continue;
		any = true;
		(void)snprintf(what, sizeof(what), "lost: %s", name); /* a cut one is shown */
		if (add_number(t, what, json_integer_value(count)))
			return -1;
	}
	return any ? 0 : add(t, "lost", "nothing");
}

static int fill_table(struct libscols_table *t, const json_t *agent)
{
	char text[CELL_MAX];

	(void)format_us(text, sizeof(text), (uint64_t)field_int(agent, "cpu_ns", 0) / 1000);
	return add(t, "CPU time", text) ?:
	       add_bytes(t, "memory", field_int(agent, "memory_bytes", 0)) ?:
	       add_number(t, "readings", field_int(agent, "ticks", 0)) ?:
	       add_number(t, "readings skipped", field_int(agent, "ticks_skipped", 0)) ?:
	       add_hist(t, "readings began late", json_object_get(agent, "loop_hist_us")) ?:
	       add_hist(t, "readings took", json_object_get(agent, "tick_hist_us")) ?:
	       add_bytes(t, "last snapshot", field_int(agent, "snapshot_bytes", 0)) ?:
	       add_bytes(t, "history", field_int(agent, "history_bytes", 0)) ?:
	       add_number(t, "subscribers", field_int(agent, "subscribers", 0)) ?:
	       add_number(t, "snapshots sent", field_int(agent, "snapshots_sent", 0)) ?:
	       add_losses(t, json_object_get(agent, "losses"));
}

static int add_program(struct libscols_table *t, const json_t *p)
{
	int64_t runs = field_int(p, "runs", -1), ns = field_int(p, "run_ns", 0);
	char count[CELL_MAX] = "", each[CELL_MAX] = "", all[CELL_MAX] = "";
	char skipped[CELL_MAX];
	const char *const cells[] = {field_str(p, "name"), count, each, all, skipped};

	(void)snprintf(skipped, sizeof(skipped), "%" PRId64, field_int(p, "skipped", 0)); /* fits */
	if (runs >= 0) {
		(void)snprintf(count, sizeof(count), "%" PRId64, runs); /* these fit */
		(void)format_us(all, sizeof(all), (uint64_t)ns / 1000);
	}
	if (runs > 0)
		(void)snprintf(each, sizeof(each), "%" PRId64, ns / runs);
	return table_row(t, cells);
}

static int print_programs(const json_t *programs)
{
	struct libscols_table *t = table_new(program_columns);
	const json_t *p;
	size_t i;

	if (!t)
		return ctl_fail("out of memory");
	json_array_foreach (programs, i, p)
		if (add_program(t, p)) {
			scols_unref_table(t);
			return ctl_fail("out of memory");
		}
	return table_print(t) < 0 ? ctl_fail("can't print the table") : 0;
}

static int metrics_run(struct ctl *ctl, const void *options, char **operands, int nr)
{
	cleanup_json json_t *reply = ctl_call(ctl, "Metrics", NULL);
	const json_t *agent = json_object_get(reply, "agent");
	struct libscols_table *t;

	(void)options, (void)operands, (void)nr; /* it has none */
	if (!reply)
		return CTL_FAILED;
	if (ctl->json) {
		ctl_print_json(reply, false);
		return 0;
	}
	t = table_new(metrics_columns);
	if (!t)
		return ctl_fail("out of memory");
	if (fill_table(t, agent)) {
		scols_unref_table(t);
		return ctl_fail("out of memory");
	}
	if (table_print(t) < 0)
		return ctl_fail("can't print the table");
	if (!json_array_size(json_object_get(agent, "programs")))
		return 0;
	(void)puts(""); /* errors of stdout are seen when it is closed */
	return print_programs(json_object_get(agent, "programs"));
}

const struct command cmd_metrics = {
	.name = "metrics",
	.args = "",
	.help = "what the agent costs, how late it is, what was lost",
	.more = "Programs have times while the kernel counts them: sysctl "
		"kernel.bpf_stats_enabled=1.",
	.run = metrics_run,
};
