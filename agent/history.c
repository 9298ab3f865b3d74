// SPDX-License-Identifier: Apache-2.0
/*
 * The history's ring. A place in it is counted in bytes since the beginning, modulo its size: a
 * piece whose place lies before the ring's tail has given way. The pieces of a task are a chain,
 * from the newest to the oldest.
 */
#include "agent/history.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MANTISSA_BITS 11
#define MANTISSA      (1U << MANTISSA_BITS) /* the first bit, which is not kept */
#define SHIFT_MAX     30 /* 5 bits of exponent: 0 for what is not shifted, and lacks the first bit */
#define CODE_BITS     16
#define RING_BEGIN    1 /* place 0 is no place */

/* What a piece begins with in the ring; then, of each series in @series, base, width, and the bits. */
struct piece {
	uint64_t before; /* the task's piece before; 0 none */
	uint32_t tick; /* of its newest value; wraps */
	uint16_t series; /* bit set: those that are not all 0 */
	uint16_t len; /* bytes, with this head */
};

struct packed {
	uint16_t base; /* the smallest code */
	uint8_t width; /* bits of what is added to it, 0 to 16 */
} __attribute__((packed));

#define SERIES_BYTES (sizeof(struct packed) + (HISTORY_OPEN * CODE_BITS + 7) / 8)
#define PIECE_MAX    (sizeof(struct piece) + HISTORY_SERIES * SERIES_BYTES)

_Static_assert(sizeof(struct piece) == 16, "struct piece has a hole");
_Static_assert(HISTORY_SERIES <= CODE_BITS, "a bit for each series");
_Static_assert(PIECE_MAX <= HISTORY_FIRST, "a piece fits into the ring");

struct history {
	uint8_t *ring;
	size_t size, max;
	uint64_t tail, head; /* places: of the oldest piece, and behind the newest */
	uint32_t tick;
	uint64_t dropped;
};

struct history_task {
	uint64_t last; /* place of its newest piece, 0 none */
	int nr; /* values that stand open */
	uint16_t open[HISTORY_SERIES][HISTORY_OPEN];
};

uint16_t history_encode(uint64_t v)
{
	unsigned int shift;

	if (v < 2 * MANTISSA)
		return (uint16_t)v;
	shift = 63 - (unsigned int)__builtin_clzll(v) - MANTISSA_BITS;
	if (shift <= SHIFT_MAX) {
		v = (v + (UINT64_C(1) << shift >> 1)) >> shift;
		if (v == 2 * MANTISSA) { /* rounded up to the next power of two */
			v = MANTISSA;
			shift++;
		}
	}
	if (shift > SHIFT_MAX)
		return HISTORY_CODE_MAX;
	return (uint16_t)(((shift + 1) << MANTISSA_BITS) | (v - MANTISSA));
}

uint64_t history_decode(uint16_t code)
{
	unsigned int exponent = code >> MANTISSA_BITS, mantissa = code & (MANTISSA - 1);

	return exponent ? (uint64_t)(MANTISSA + mantissa) << (exponent - 1) : mantissa;
}

int history_new(size_t max, struct history **ret)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->max = max > HISTORY_FIRST ? max : HISTORY_FIRST;
	h->size = HISTORY_FIRST;
	h->tail = h->head = RING_BEGIN;
	h->ring = malloc(h->size);
	if (!h->ring) {
		free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

struct history *history_free(struct history *h)
{
	if (h)
		free(h->ring);
	free(h);
	return NULL;
}

void history_tick(struct history *h, uint64_t ticks)
{
	h->tick += (uint32_t)ticks;
}

struct history_task *history_task_new(void)
{
	return calloc(1, sizeof(struct history_task));
}

struct history_task *history_task_free(struct history_task *t)
{
	free(t);
	return NULL;
}

/* How many of @len bytes at a place come before the end of the ring. */
static size_t contiguous(const struct history *h, uint64_t place, size_t len)
{
	size_t left = h->size - (size_t)(place % h->size);

	return len < left ? len : left;
}

static void ring_write(struct history *h, uint64_t place, const uint8_t *data, size_t len)
{
	size_t first = contiguous(h, place, len);

	memcpy(h->ring + place % h->size, data, first);
	memcpy(h->ring, data + first, len - first);
}

static void ring_read(const struct history *h, uint64_t place, void *ret, size_t len)
{
	size_t first = contiguous(h, place, len);

	memcpy(ret, h->ring + place % h->size, first);
	memcpy((uint8_t *)ret + first, h->ring, len - first);
}

/* Nobody can ask for any of its values any more. */
static bool is_past(const struct history *h, const struct piece *p)
{
	return h->tick - p->tick >= HISTORY_TICKS;
}

static void drop_past(struct history *h)
{
	struct piece p;

	while (h->tail < h->head) {
		ring_read(h, h->tail, &p, sizeof(p));
		if (!is_past(h, &p))
			return;
		h->tail += p.len;
	}
}

/* Half as much again, if that is allowed and to be had. */
static bool ring_grow(struct history *h)
{
	struct history bigger = *h;
	size_t len;

	if (h->size == h->max)
		return false;
	bigger.size = h->size / 2 * 3 < h->max ? h->size / 2 * 3 : h->max;
	bigger.ring = malloc(bigger.size);
	if (!bigger.ring)
		return false;
	for (uint64_t place = h->tail; place < h->head; place += len) {
		len = contiguous(h, place, (size_t)(h->head - place));
		ring_write(&bigger, place, h->ring + place % h->size, len);
	}
	free(h->ring);
	*h = bigger;
	return true;
}

static void ring_reserve(struct history *h, size_t len)
{
	struct piece p;

	drop_past(h);
	while (h->size - (size_t)(h->head - h->tail) < len) {
		if (ring_grow(h))
			continue;
		ring_read(h, h->tail, &p, sizeof(p));
		h->tail += p.len;
		h->dropped++;
	}
}

/* Codes of one series as base, width and bits. Return: bytes. */
static size_t pack(const uint16_t codes[HISTORY_OPEN], uint8_t *ret)
{
	uint16_t low = HISTORY_CODE_MAX, high = 0;
	struct packed head;
	uint32_t bits = 0;
	unsigned int have = 0;
	uint8_t *p = ret + sizeof(head);

	for (int i = 0; i < HISTORY_OPEN; i++) {
		low = codes[i] < low ? codes[i] : low;
		high = codes[i] > high ? codes[i] : high;
	}
	if (!high)
		return 0;
	head.base = low;
	head.width = high == low ? 0 : (uint8_t)(32 - __builtin_clz((unsigned int)(high - low)));
	memcpy(ret, &head, sizeof(head));
	for (int i = 0; head.width && i < HISTORY_OPEN; i++) {
		bits |= (uint32_t)(codes[i] - low) << have;
		for (have += head.width; have >= 8; have -= 8, bits >>= 8)
			*p++ = (uint8_t)bits;
	}
	if (have)
		*p++ = (uint8_t)bits;
	return (size_t)(p - ret);
}

/* Return: behind what was read. */
static const uint8_t *unpack(const uint8_t *p, uint16_t ret[HISTORY_OPEN])
{
	unsigned int have = 0;
	struct packed head;
	uint32_t bits = 0;

	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	for (int i = 0; i < HISTORY_OPEN; i++) {
		for (; have < head.width; have += 8)
			bits |= (uint32_t)*p++ << have;
		ret[i] = (uint16_t)(head.base + (bits & ((1U << head.width) - 1)));
		bits >>= head.width;
		have -= head.width;
	}
	return p;
}

/* All that stands open becomes a piece. */
static void close_piece(struct history *h, struct history_task *t)
{
	uint8_t data[PIECE_MAX];
	struct piece head = {.before = t->last, .tick = h->tick, .len = sizeof(head)};
	size_t len;

	for (int s = 0; s < HISTORY_SERIES; s++) {
		len = pack(t->open[s], data + head.len);
		head.series |= (uint16_t)(!!len << s);
		head.len = (uint16_t)(head.len + len);
	}
	memcpy(data, &head, sizeof(head));
	ring_reserve(h, head.len);
	ring_write(h, h->head, data, head.len);
	t->last = h->head;
	h->head += head.len;
	t->nr = 0;
}

void history_add(struct history *h, struct history_task *t, const uint64_t v[HISTORY_SERIES],
		 unsigned int times)
{
	if (times > HISTORY_TICKS)
		times = HISTORY_TICKS;
	while (times--) {
		for (int s = 0; s < HISTORY_SERIES; s++)
			t->open[s][t->nr] = history_encode(v[s]);
		if (++t->nr == HISTORY_OPEN)
			close_piece(h, t);
	}
}

static void piece_read(const struct history *h, uint64_t place, struct piece *ret_head,
		       uint16_t ret[HISTORY_SERIES][HISTORY_OPEN])
{
	uint8_t data[PIECE_MAX];
	const uint8_t *p = data;

	ring_read(h, place, ret_head, sizeof(*ret_head));
	ring_read(h, place + sizeof(*ret_head), data, ret_head->len - sizeof(*ret_head));
	for (int s = 0; s < HISTORY_SERIES; s++) {
		if (ret_head->series & 1U << s)
			p = unpack(p, ret[s]);
		else
			memset(ret[s], 0, HISTORY_OPEN * sizeof(ret[s][0]));
	}
}

/* How many values there are, at most @max. */
static int count(const struct history *h, const struct history_task *t, int max)
{
	uint64_t place = t->last;
	struct piece head;
	int nr = t->nr;

	while (nr < max && place >= h->tail) {
		ring_read(h, place, &head, sizeof(head));
		place = head.before;
		nr += HISTORY_OPEN;
	}
	return nr < max ? nr : max;
}

/* Codes of a piece to where they belong; what comes before the first that is wanted is left out. */
static void place_codes(uint16_t from[HISTORY_SERIES][HISTORY_OPEN], int nr, int at,
			uint16_t ret[HISTORY_SERIES][HISTORY_TICKS])
{
	int skip = at < 0 ? -at : 0;

	for (int s = 0; s < HISTORY_SERIES; s++)
		memcpy(&ret[s][at + skip], &from[s][skip], (size_t)(nr - skip) * sizeof(ret[s][0]));
}

int history_read(const struct history *h, const struct history_task *t, int max,
		 uint16_t ret[HISTORY_SERIES][HISTORY_TICKS])
{
	uint16_t codes[HISTORY_SERIES][HISTORY_OPEN];
	uint64_t place = t->last;
	struct piece head;
	int nr, at;

	if (max <= 0)
		return 0;
	nr = count(h, t, max < HISTORY_TICKS ? max : HISTORY_TICKS);
	at = nr - t->nr;
	memcpy(codes, t->open, sizeof(codes));
	place_codes(codes, t->nr, at, ret);
	while (at > 0) {
		piece_read(h, place, &head, codes);
		at -= HISTORY_OPEN;
		place_codes(codes, HISTORY_OPEN, at, ret);
		place = head.before;
	}
	return nr;
}

void history_stats(const struct history *h, struct history_stats *ret)
{
	*ret = (struct history_stats){.dropped = h->dropped, .bytes = h->size};
}
