// SPDX-License-Identifier: Apache-2.0
/* Base64, the way in; log bytes that are not UTF-8 come so. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/common/text.h"

static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len)
{
	cleanup_free char *out = malloc(len / 4 * 3 + 1);
	size_t used = 0, pad = 0;

	if (!out)
		return -ENOMEM;
	if (len % 4)
		return -EBADMSG;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;

		for (size_t j = i; j < i + 4; j++) {
			int d = j >= len - pad ? 0 : digit(text[j]);

			if (d < 0)
				return -EBADMSG;
			v = v << 6 | (uint32_t)d;
		}
		out[used++] = (char)(v >> 16);
		out[used++] = (char)(v >> 8);
		out[used++] = (char)v;
	}
	used -= pad;
	out[used] = 0;
	*ret = take_ptr(out);
	*ret_len = used;
	return 0;
}
