// SPDX-License-Identifier: Apache-2.0
/* Pages, kept for a second, see pages.h. */
#include "tools/exporter/pages.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/common/client.h"
#include "tools/exporter/metrics.h"

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* does not fail for these clocks */
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void pages_init(struct pages *p, const struct page_options *options)
{
	*p = (struct pages){.options = *options, .started_unix_us = clock_us(CLOCK_REALTIME)};
}

static void forget(struct page_kept *k)
{
	if (k->response)
		MHD_destroy_response(k->response);
	*k = (struct page_kept){};
}

void pages_done(struct pages *p)
{
	for (int i = 0; i < PAGE_FORMATS; i++)
		forget(&p->kept[i]);
}

/* Second number of /proc/self/statm, proc(5). Return: METRIC_UNKNOWN if it can't be read. */
static uint64_t resident_bytes(void)
{
	cleanup_fclose FILE *f = fopen("/proc/self/statm", "re");
	uint64_t pages;

	if (!f || fscanf(f, "%*u %" SCNu64, &pages) != 1)
		return METRIC_UNKNOWN;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t own_cpu_us(void)
{
	struct rusage u = {};

	(void)getrusage(RUSAGE_SELF, &u); /* does not fail for these arguments */
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Values of FROM_SELF: what is not known is not there. */
static json_t *own_values(const struct pages *p, const struct feed_view *view)
{
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{"up", view->usages != NULL},
		{"snapshot_age_ms", view->age_ms},
		{"snapshot_unix_ms", view->snapshot_unix_ms},
		{"started_unix_us", p->started_unix_us},
		{"requests_openmetrics", p->requests[PAGE_OPENMETRICS]},
		{"requests_text", p->requests[PAGE_TEXT]},
		{"pages", p->made},
		{"refused", p->refused},
		{"connections", p->connections},
		{"connections_dropped", p->connections_dropped},
		{"snapshots", view->stats.snapshots},
		{"connects", view->stats.connects},
		{"errors", view->stats.errors},
		{"series_dropped_before", p->series_dropped},
		{"labels_dropped", p->labels_dropped},
		{"page_us", p->page_us},
		{"cpu_us", own_cpu_us()},
		{"resident_bytes", resident_bytes()},
	};
	json_t *self = json_pack("{ss}", "version", DCOS_VERSION);

	for (size_t i = 0; self && i < ARRAY_SIZE(values); i++)
		if (values[i].value != METRIC_UNKNOWN)
			(void)json_object_set_new(/* one that lacks shows */
						  self, values[i].name,
						  json_integer((json_int_t)values[i].value));
	return self;
}

int pages_render(struct pages *p, enum page_format format, struct out *o)
{
	uint64_t began = clock_us(CLOCK_MONOTONIC);
	struct page_totals totals;
	cleanup_json json_t *self = NULL;
	struct page_data data;
	struct feed_view view;
	int r;

	feed_view(p->feed, &view);
	self = own_values(p, &view);
	if (!self)
		return -ENOMEM;
	data = (struct page_data){
		.usages = view.usages,
		.tasks = view.tasks,
		.info = view.info,
		.agent = view.agent,
		.self = self,
	};
	r = page_render(&p->options, &data, format, o, &totals);
	if (r < 0)
		return r;
	p->made++;
	p->series_dropped += totals.series_dropped;
	p->labels_dropped += totals.labels_dropped;
	p->page_us = clock_us(CLOCK_MONOTONIC) - began;
	return 0;
}

struct MHD_Response *pages_kept(struct pages *p, enum page_format format)
{
	struct page_kept *k = &p->kept[format];

	if (k->response && clock_us(CLOCK_MONOTONIC) - k->made_us < PAGES_KEEP_MS * 1000)
		return k->response;
	return NULL;
}

uint64_t pages_trim(struct pages *p)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC), next = UINT64_MAX;

	for (int i = 0; i < PAGE_FORMATS; i++) {
		struct page_kept *k = &p->kept[i];
		uint64_t end = k->made_us + PAGES_KEEP_MS * 1000;

		if (!k->response)
			continue;
		if (end <= now)
			forget(k);
		else if (end - now < next)
			next = end - now;
	}
	return next == UINT64_MAX ? next : next / 1000 + 1;
}

/* A page whose last reader is done. */
struct page_text {
	struct pages *pages;
	char *data;
};

static void free_text(void *cls)
{
	struct page_text *t = cls;

	t->pages->alive--;
	free(t->data);
	free(t);
}

static struct MHD_Response *to_response(struct pages *p, enum page_format format, struct out *o)
{
	struct page_text *t = malloc(sizeof(*t));
	struct MHD_Response *response;

	if (!t)
		return NULL;
	*t = (struct page_text){p, o->data};
	response = MHD_create_response_from_buffer_with_free_callback_cls(o->len, o->data,
									  free_text, t);
	if (!response) {
		free(t);
		return NULL;
	}
	p->alive++;
	*o = (struct out){}; /* is the response's now */
	if (MHD_add_response_header(response, "Content-Type", accept_type(format)) == MHD_YES &&
	    MHD_add_response_header(response, "Vary", "Accept") == MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

int pages_response(struct pages *p, enum page_format format, struct MHD_Response **ret)
{
	struct page_kept *k = &p->kept[format];
	struct MHD_Response *response;
	struct out o = {};
	int r;

	forget(k);
	if (p->alive >= PAGES_MAX)
		return -EBUSY;
	r = pages_render(p, format, &o);
	out_fit(&o);
	response = r < 0 ? NULL : to_response(p, format, &o);
	out_free(&o);
	if (!response)
		return -ENOMEM;
	*k = (struct page_kept){response, clock_us(CLOCK_MONOTONIC)};
	*ret = response;
	return 0;
}
