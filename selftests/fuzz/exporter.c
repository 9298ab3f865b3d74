// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target: an Accept header, then a page of whatever JSON an agent may send. A page must be made
 * of lines that a parser of the text format takes: names, labels with their quotes closed, numbers.
 */
#include <ctype.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/exporter/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *skip_name(const char *p)
{
	if (!isalpha((unsigned char)*p) && *p != '_')
		abort();
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return p;
}

/* name="value" */
static const char *skip_label(const char *p)
{
	p = skip_name(p);
	if (*p++ != '=' || *p++ != '"')
		abort();
	for (; *p != '"'; p++) {
		if (*p == '\n' || !*p)
			abort();
		if (*p == '\\' && !strchr("\\\"n", *++p))
			abort();
	}
	return p + 1;
}

static const char *check_line(const char *p)
{
	if (*p == '#')
		return strchr(p, '\n') + 1;
	p = skip_name(p);
	if (*p == '{') {
		do
			p = skip_label(p + 1);
		while (*p == ',');
		if (*p++ != '}')
			abort();
	}
	if (*p++ != ' ' || !isdigit((unsigned char)*p))
		abort();
	while (isdigit((unsigned char)*p) || *p == '.')
		p++;
	if (*p != '\n')
		abort();
	return p + 1;
}

static void check_page(const json_t *doc, enum page_format format, unsigned int step)
{
	const struct page_options options = {.max_series = PAGE_SERIES_MIN, .bucket_step = step};
	cleanup_json json_t *self = json_pack("{ss si}", "version", "v", "up", 1);
	const struct page_data d = {
		.usages = json_object_get(doc, "usages"),
		.tasks = json_object_get(doc, "tasks"),
		.info = json_object_get(doc, "info"),
		.agent = json_object_get(doc, "agent"),
		.self = self,
	};
	struct page_totals totals;
	struct out o = {};
	uint64_t lines = 0;

	if (!self || page_render(&options, &d, format, &o, &totals) < 0)
		abort();
	out_char(&o, '\0');
	for (const char *p = o.data; *p; p = check_line(p))
		lines += *p != '#';
	/* lines of _created are series too */
	if (lines != totals.series || (totals.tasks_dropped && lines > PAGE_SERIES_MIN))
		abort();
	out_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	cleanup_json json_t *doc = NULL;
	const char *json;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)accept_choose(text);
	json = strchr(text, '{');
	doc = json ? json_loads(json, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	if (doc)
		check_page(doc, size % 2 ? PAGE_OPENMETRICS : PAGE_TEXT,
			   1 + (unsigned int)(size % PAGE_STEP_MAX));
	return 0;
}
