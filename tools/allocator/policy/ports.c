// SPDX-License-Identifier: Apache-2.0
/* The ports of a node: a bit for each port of its ranges. */
#include <errno.h>

#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

#define WORD 64

/* Bits are forgotten: the caller takes again what is in use. */
int ports_set(struct ports *ports, const struct policy_range *range, size_t nr, struct why *why)
{
	struct ports fresh = {.ranges_nr = nr};

	for (size_t i = 0; i < nr; i++) {
		if (range[i].low > range[i].high || (i && range[i].low <= range[i - 1].high))
			return why_set(why, -EINVAL, "ports: range %u-%u is empty or out of order",
				       range[i].low, range[i].high);
		fresh.range[i] = range[i];
		fresh.nr += (uint32_t)(range[i].high - range[i].low) + 1;
	}
	fresh.free = fresh.nr;
	fresh.taken = calloc(fresh.nr / WORD + 1, sizeof(*fresh.taken));
	if (!fresh.taken)
		return -ENOMEM;
	free(ports->taken);
	*ports = fresh;
	return 0;
}

/* the bit of a port; false: in no range */
static bool bit_of(const struct ports *ports, uint16_t port, uint32_t *ret)
{
	uint32_t before = 0;

	for (size_t i = 0; i < ports->ranges_nr; i++) {
		const struct policy_range *r = &ports->range[i];

		if (port >= r->low && port <= r->high) {
			*ret = before + port - r->low;
			return true;
		}
		before += (uint32_t)(r->high - r->low) + 1;
	}
	return false;
}

static uint16_t port_of(const struct ports *ports, uint32_t bit)
{
	for (size_t i = 0; i < ports->ranges_nr; i++) {
		const struct policy_range *r = &ports->range[i];
		uint32_t nr = (uint32_t)(r->high - r->low) + 1;

		if (bit < nr)
			return (uint16_t)(r->low + bit);
		bit -= nr;
	}
	abort(); /* bits are below ports->nr */
}

/* A port outside the ranges, of an instance that was found running, is no port of the node's. */
void ports_take(struct ports *ports, uint16_t port)
{
	uint32_t bit;

	if (!bit_of(ports, port, &bit) || ports->taken[bit / WORD] >> bit % WORD & 1)
		return;
	ports->taken[bit / WORD] |= 1ULL << bit % WORD;
	ports->free--;
	ports->next = bit + 1 < ports->nr ? bit + 1 : 0;
}

void ports_give(struct ports *ports, uint16_t port)
{
	uint32_t bit;

	if (!bit_of(ports, port, &bit) || !(ports->taken[bit / WORD] >> bit % WORD & 1))
		return;
	ports->taken[bit / WORD] &= ~(1ULL << bit % WORD);
	ports->free++;
}

bool ports_is_free(const struct ports *ports, uint16_t port)
{
	uint32_t bit;

	return bit_of(ports, port, &bit) && !(ports->taken[bit / WORD] >> bit % WORD & 1);
}

/* Free ones from the bit @from to before @to. Return: how many, at most @nr. */
static size_t choose_within(const struct ports *ports, uint32_t from, uint32_t to, size_t nr,
			    uint16_t *ret)
{
	size_t got = 0;

	for (uint32_t word = from / WORD; word * WORD < to && got < nr; word++) {
		uint64_t open = ~ports->taken[word];

		if (word == from / WORD)
			open &= ~0ULL << from % WORD;
		for (; open && got < nr; open &= open - 1) {
			uint32_t bit = word * WORD + (uint32_t)__builtin_ctzll(open);

			if (bit >= to)
				break;
			ret[got++] = port_of(ports, bit);
		}
	}
	return got;
}

/* The next free ones after the last that was taken, in a circle. Return: how many, at most @nr. */
size_t ports_choose(const struct ports *ports, size_t nr, uint16_t *ret)
{
	size_t got = choose_within(ports, ports->next, ports->nr, nr, ret);

	return got + choose_within(ports, 0, ports->next, nr - got, ret + got);
}
