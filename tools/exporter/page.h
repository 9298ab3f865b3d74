/* SPDX-License-Identifier: Apache-2.0 */
/* One page of metrics, made of what the agent last said. No clock, no socket: tests give it JSON. */
#ifndef DCOS_EXPORTER_PAGE_H
#define DCOS_EXPORTER_PAGE_H

#include <jansson.h>
#include <stdint.h>

#include "tools/common/options.h"
#include "tools/exporter/accept.h"
#include "tools/exporter/out.h"

#define PAGE_HIST	  28 /* classes of a histogram, see io.dcos.Agent */
#define PAGE_STEP_MAX	  8
#define PAGE_LABELS_MAX	  32 /* of one task's own; more are left out and counted */
#define PAGE_VALUE_MAX	  512 /* bytes of a label's value, longer ones are cut */
#define PAGE_SERIES_MIN	  1000 /* the node's own series always fit */
#define PAGE_PROGRAMS_MAX 64
#define PAGE_MEMBERS_MAX  128

struct page_options {
	uint64_t max_series;
	unsigned int bucket_step; /* every n-th class bound is a bucket's: 1..PAGE_STEP_MAX */
	const struct opt_list *exclude; /* families, patterns of fnmatch(3); NULL: none */
};

/* Borrowed; each may be NULL: then its part of the page is not there. */
struct page_data {
	const json_t *usages; /* of Snapshot; NULL while the agent is not up */
	const json_t *tasks; /* of List */
	const json_t *info;
	const json_t *agent; /* AgentUsage */
	/* keys as in the rows of metrics.h; page_render() sets series, series_dropped and
	 * tasks_dropped */
	json_t *self;
};

struct page_totals {
	uint64_t series;
	uint64_t series_dropped, tasks_dropped; /* for want of room in max_series */
	uint64_t labels_dropped; /* beyond PAGE_LABELS_MAX, or a name that is there already */
};

/**
 * page_render - append a page
 * Tasks that don't fit into max_series are left out whole: first those that have ended, then those
 * that run, of each the last in the agent's order, which is that of their beginning, first.
 * Return: 0; -ENOMEM also for a page beyond OUT_MAX. @ret is filled on success.
 */
int page_render(const struct page_options *options, const struct page_data *data,
		enum page_format format, struct out *o, struct page_totals *ret);

#endif
