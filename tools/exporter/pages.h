/* SPDX-License-Identifier: Apache-2.0 */
/* The pages that are made, the exporter's own counts on them, and how long a page is kept. */
#ifndef DCOS_EXPORTER_PAGES_H
#define DCOS_EXPORTER_PAGES_H

#include <microhttpd.h>
#include <stdint.h>

#include "tools/exporter/feed.h"
#include "tools/exporter/page.h"

#define PAGES_MAX     6 /* in memory at a time: slow readers keep old ones */
#define PAGES_KEEP_MS 1000 /* who asks within this time gets the same page */

struct page_kept {
	struct MHD_Response *response;
	uint64_t made_us;
};

struct pages {
	struct page_options options;
	struct feed *feed; /* borrowed */
	uint64_t started_unix_us;
	struct page_kept kept[PAGE_FORMATS];
	unsigned int alive; /* pages that some connection, or kept, has */
	/* counts, as in the rows of metrics.h */
	uint64_t requests[PAGE_FORMATS], made, refused, connections, connections_dropped;
	uint64_t series_dropped, labels_dropped, page_us;
};

/** pages_init - @options are copied */
void pages_init(struct pages *p, const struct page_options *options);

/** pages_done - forget kept pages; connections may still send theirs, so @p must stay until they end */
void pages_done(struct pages *p);

/** pages_render - make a page of what the feed knows now. Return: 0 or -ENOMEM */
int pages_render(struct pages *p, enum page_format format, struct out *o);

/** pages_kept - the page that is young enough, borrowed; NULL: there is none */
struct MHD_Response *pages_kept(struct pages *p, enum page_format format);

/**
 * pages_trim - forget pages that are too old to be given to anybody
 * Return: ms until the next will be; UINT64_MAX there is none.
 */
uint64_t pages_trim(struct pages *p);

/**
 * pages_response - make a page and keep it
 * @ret: borrowed, see pages_kept()
 * Return: 0; -EBUSY slow readers keep PAGES_MAX pages; -ENOMEM.
 */
int pages_response(struct pages *p, enum page_format format, struct MHD_Response **ret);

#endif
