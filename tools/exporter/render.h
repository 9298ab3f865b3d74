/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a page: what page.c and node_page.c share. */
#ifndef DCOS_EXPORTER_RENDER_H
#define DCOS_EXPORTER_RENDER_H

#include "tools/exporter/metrics.h"
#include "tools/exporter/page.h"

/* Labels that all series of an object have, as they are written; len 0: none. */
struct labels {
	const char *text;
	size_t len;
};

/** render_family - the HELP, TYPE and UNIT lines of a family */
void render_family(struct out *o, const struct metric *m, enum page_format format);

/**
 * render_value - one line
 * @suffix: behind the name, "" for none
 */
void render_value(struct out *o, const struct metric *m, const char *suffix, struct labels labels,
		  uint64_t value, unsigned int decimals);

/** render_labelled - one line with a label whose value is a text: escaped, cut to PAGE_VALUE_MAX */
void render_labelled(struct out *o, const struct metric *m, struct labels labels, const char *name,
		     const char *text, uint64_t value);

/** render_series_of_hist - how many series a histogram is */
unsigned int render_series_of_hist(const struct metric *m, const json_t *object, unsigned int step);

/**
 * render_hist - the buckets of a histogram, cumulated, and sum and count where there is a sum
 * @object: with the source's array of counts; classes that are missing at its end are 0
 */
void render_hist(struct out *o, const struct metric *m, struct labels labels, const json_t *object,
		 unsigned int step);

/** render_is_wanted - is a family not excluded */
bool render_is_wanted(const struct metric *m, const struct page_options *options);

/**
 * render_node - everything that there is once
 * Return: how many series.
 */
uint64_t render_node(struct out *o, const struct page_options *options,
		     const struct page_data *data, enum page_format format);

#endif
