// SPDX-License-Identifier: Apache-2.0
/* Type Usage as text. Made for every task at every reading: no tree, no formats. */
#include "agent/usage.h"

#include <string.h>

struct key {
	const char *text; /* with the comma before and the colon behind */
	size_t len;
};

#define KEY(name)                                                                                  \
	{                                                                                          \
		",\"" name "\":", sizeof(",\"" name "\":") - 1                                     \
	}
#define FIELD_KEY(name)	 [U_##name] = KEY(#name),
#define FIELD_NAME(name) [U_##name] = #name,

void usage_clear(struct usage *u)
{
	memset(u, 0, sizeof(*u));
	memset(u->v, 0xff, sizeof(u->v));
}

void usage_print(const struct usage *u, struct jsonbuf *b)
{
	static const struct key keys[USAGE_FIELDS] = {USAGE_LIST(FIELD_KEY)};
	static const struct key hists[USAGE_HISTS] = {
		[UH_WAIT] = KEY("wait_hist_us"),
		[UH_DISK] = KEY("disk_hist_us"),
		[UH_CONNECT] = KEY("connect_hist_us"),
		[UH_RTT] = KEY("rtt_hist_us"),
	};

	for (int i = 0; i < USAGE_FIELDS; i++) {
		if (u->v[i] == USAGE_UNKNOWN)
			continue;
		jb_raw(b, keys[i].text, keys[i].len);
		/* JSON readers take integers up to 2^63 */
		jb_u64(b, u->v[i] < INT64_MAX ? u->v[i] : INT64_MAX);
	}
	for (int i = 0; i < USAGE_HISTS; i++) {
		if (!(u->hists & 1U << i))
			continue;
		jb_raw(b, hists[i].text, hists[i].len);
		jb_hist(b, u->hist[i], DCOS_HIST);
	}
}

const char *usage_field_name(enum usage_field f)
{
	static const char *const names[USAGE_FIELDS] = {USAGE_LIST(FIELD_NAME)};

	return names[f];
}
