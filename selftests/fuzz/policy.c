// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target: the calls of the policy, driven by bytes, with texts of the input as regular
 * expressions and values. No call may crash or take long, what is said to wait must, and no share
 * may be more than the whole.
 */
#include "tools/allocator/policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 256
#define TOTAL	  1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
	char text[POLICY_NAME_MAX + 2];
};

static uint8_t byte(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static const char *name(struct input *in)
{
	static const char *const names[] = {"a", "b", "a/b", "c", "d", "a/b/c", "zone-1", "*"};

	return names[byte(in) % 8];
}

/* a length and as many bytes, up to a 0 among them */
static const char *text(struct input *in)
{
	size_t nr = byte(in);

	nr = nr < in->size ? nr : in->size;
	memcpy(in->text, in->data, nr);
	in->text[nr] = '\0';
	in->data += nr;
	in->size -= nr;
	return in->text;
}

static void set_node(struct policy *p, struct input *in)
{
	const struct policy_range range = {byte(in), (uint16_t)(byte(in) * 2)};
	const struct policy_reserved reserved = {name(in), {{byte(in), byte(in)}}};
	struct policy_attribute attribute = {name(in), NULL};
	struct policy_node n = {.id = name(in),
				.zone = name(in),
				.total.of = {TOTAL, TOTAL, TOTAL, TOTAL},
				.attributes = &attribute,
				.attributes_nr = 1,
				.ports = &range,
				.ports_nr = byte(in) % 2,
				.reserved = &reserved,
				.reserved_nr = byte(in) % 2,
				.accepts = byte(in) % 4 > 0};

	attribute.value = text(in);
	(void)policy_node_set(p, &n, NULL); /* refusals are part of it */
}

static void set_demand(struct policy *p, struct input *in)
{
	struct policy_constraint c = {name(in), byte(in) % (POLICY_OPERATORS + 1), NULL};
	struct policy_demand d = {.id = name(in),
				  .role = name(in),
				  .priority = byte(in),
				  .request.of = {byte(in), byte(in), byte(in), byte(in)},
				  .ports_nr = byte(in) % 4,
				  .constraints = &c,
				  .constraints_nr = byte(in) % 2,
				  .wanted = byte(in),
				  .accept = byte(in) % 4,
				  .revocable = byte(in) % 2,
				  .preempts = byte(in) % 2};

	c.value = text(in);
	(void)policy_demand_set(p, &d, NULL);
}

static void set_role(struct policy *p, struct input *in)
{
	struct policy_role r = {.name = name(in), .weight = byte(in), .priority = byte(in) % 4};

	for (int d = 0; d < POLICY_DIMENSIONS; d++) {
		r.limit.of[d] = byte(in) % 2 ? POLICY_UNLIMITED : byte(in) * 8U;
		r.guarantee.of[d] = byte(in);
	}
	if (byte(in) % 4)
		(void)policy_role_set(p, &r, NULL);
	else
		(void)policy_role_remove(p, r.name);
}

static void step(struct policy *p, struct input *in)
{
	const struct policy_budget budget = {byte(in), byte(in)};
	struct policy_result r;

	if (policy_step(p, &budget, &r))
		abort();
	for (size_t i = 0; i < r.placements_nr; i++)
		if (i % 3 == 0 && policy_instance_remove(p, r.placements[i].instance))
			abort();
	for (size_t i = 0; i < r.unplaced_nr; i++) {
		struct policy_explanation e;

		if (policy_explain(p, r.unplaced[i].demand, &e))
			abort();
		if (r.unplaced[i].wait == POLICY_WAIT_NOTHING || !r.unplaced[i].missing)
			abort();
	}
}

static void other(struct policy *p, struct input *in)
{
	const struct policy_resources used = {{byte(in), byte(in)}};
	const struct policy_metered metered = {{{byte(in) * 8U}},
					       {{byte(in), 0, 0, byte(in)}},
					       byte(in) * 4U};
	const struct policy_instance instance = {.id = name(in),
						 .demand = name(in),
						 .node = name(in),
						 .used = &used};
	const struct policy_share *shares;
	size_t nr;

	switch (byte(in) % 7) {
	case 0:
		(void)policy_node_remove(p, name(in));
		break;
	case 1:
		(void)policy_demand_remove(p, name(in));
		break;
	case 2:
		(void)policy_instance_add(p, &instance, NULL);
		break;
	case 3:
		(void)policy_instance_remove(p, instance.id);
		break;
	case 4:
		(void)policy_node_metered(p, name(in), &metered);
		break;
	case 5:
		(void)policy_demand_wanted(p, name(in), byte(in), byte(in) % 2);
		break;
	case 6:
		if (policy_shares(p, &shares, &nr))
			abort();
		for (size_t i = 0; i < nr; i++)
			if (shares[i].entitled_ppb > 1000000001)
				abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct policy *, struct input *) = {set_node, set_demand,
									 set_role, step, other};
	struct input in = {data, size, ""};
	struct policy *p;

	if (policy_new(NULL, &p))
		return 0;
	for (int i = 0; i < CALLS_MAX && in.size; i++)
		calls[byte(&in) % 5](p, &in);
	policy_free(p);
	return 0;
}
