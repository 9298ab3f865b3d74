// SPDX-License-Identifier: Apache-2.0
/*
 * Constraints. LIKE, UNLIKE, IS and CLUSTER with a value look at the node alone: their answers are
 * kept as a bit for each node. The others count the demand's instances by value.
 *
 * Regular expressions are POSIX extended ones; what is too costly is refused (pattern.c).
 */
#include <errno.h>

#include "agent/lib/units.h"
#include "agent/lib/why.h"
#include "tools/allocator/policy/policy_impl.h"

#define WORD 64

static int compile_pattern(struct constraint *c, struct why *why)
{
	char whole[POLICY_PATTERN_MAX + 8];

	if (!c->text || strlen(c->text) > POLICY_PATTERN_MAX || !pattern_is_cheap(c->text))
		return why_set(why, -EINVAL,
			       "%s %s: a regular expression of at most %d bytes, without \\1 and "
			       "with few repetitions of repetitions",
			       c->field->name, policy_operator_name(c->op), POLICY_PATTERN_MAX);
	(void)snprintf(whole, sizeof(whole), "^(%s)$", c->text); /* it fits: checked above */
	if (regcomp(&c->regex, whole, REG_EXTENDED | REG_NOSUB))
		return why_set(why, -EINVAL, "%s %s: %s is not a regular expression",
			       c->field->name, policy_operator_name(c->op), c->text);
	c->compiled = true;
	return 0;
}

static int compile_number(struct constraint *c, struct why *why)
{
	uint64_t n = 0;

	if (c->text && parse_u64(c->text, 1, POLICY_WANTED_MAX, &n))
		return why_set(why, -EINVAL, "%s %s: %.64s is not a number of 1 to %d",
			       c->field->name, policy_operator_name(c->op), c->text,
			       POLICY_WANTED_MAX);
	if (!c->text && c->op == POLICY_MAX_PER)
		return why_set(why, -EINVAL, "%s MAX_PER needs a number", c->field->name);
	c->number = (uint32_t)n;
	return 0;
}

static int compile_value(struct constraint *c, struct why *why)
{
	switch (c->op) {
	case POLICY_UNIQUE:
		if (c->text)
			return why_set(why, -EINVAL, "%s UNIQUE takes no value", c->field->name);
		return 0;
	case POLICY_LIKE:
	case POLICY_UNLIKE:
		return compile_pattern(c, why);
	case POLICY_GROUP_BY:
	case POLICY_MAX_PER:
		return compile_number(c, why);
	case POLICY_IS:
		if (!c->text)
			return why_set(why, -EINVAL, "%s IS needs a value", c->field->name);
		return 0;
	case POLICY_CLUSTER:
		return 0;
	case POLICY_OPERATORS:
		break;
	}
	return why_set(why, -EINVAL, "%s: no such operator", c->field->name);
}

/* @to is to be freed with constraint_free() in any case. */
int constraint_compile(struct policy *p, const struct policy_constraint *from,
		       struct constraint *to, struct why *why)
{
	int r;

	if (!name_ok(from->field) ||
	    (from->value && strnlen(from->value, POLICY_NAME_MAX + 1) > POLICY_NAME_MAX))
		return why_set(why, -EINVAL, "a constraint's field and value have up to %d bytes",
			       POLICY_NAME_MAX);
	r = field_of_constraint(p, from->field, &to->field);
	if (r == -E2BIG)
		return refuse_bound(p, why, "different attribute names", POLICY_FIELDS_MAX);
	if (r)
		return r;
	to->op = from->op;
	if (from->value && *from->value) {
		to->text = strdup(from->value);
		if (!to->text)
			return -ENOMEM;
	}
	return compile_value(to, why);
}

void constraint_free(struct constraint *c)
{
	if (c->compiled)
		regfree(&c->regex);
	c->compiled = false;
	free(c->text);
	c->text = NULL;
}

/* Its answer depends on the node alone. */
bool constraint_static(const struct constraint *c)
{
	return c->compiled || c->op == POLICY_IS || (c->op == POLICY_CLUSTER && c->text);
}

bool constraint_static_ok(const struct constraint *c, uint32_t node)
{
	int32_t v = c->field->column[node];

	if (v == NO_VALUE)
		return c->op == POLICY_UNLIKE;
	if (!c->compiled)
		return !strcmp(c->field->values[v]->text, c->text);
	return !regexec(&c->regex, c->field->values[v]->text, 0, NULL, 0) == (c->op == POLICY_LIKE);
}

static bool eligible_now(const struct demand *d, uint32_t node)
{
	for (size_t c = 0; c < d->constraints_nr; c++)
		if (constraint_static(&d->constraint[c]) &&
		    !constraint_static_ok(&d->constraint[c], node))
			return false;
	return true;
}

/* Bring the bits up to date: only nodes that changed since are looked at again. */
int eligible_refresh(struct policy *p, struct demand *d)
{
	if (!d->selective || d->eligible_at == p->generation)
		return 0;
	if (array_grow(&d->eligible, &d->eligible_cap, p->nodes_nr / WORD + 1, sizeof(uint64_t)))
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nodes_nr; i++) {
		if (p->nodes[i]->changed <= d->eligible_at)
			continue;
		d->eligible[i / WORD] &= ~(1ULL << i % WORD);
		d->eligible[i / WORD] |= (uint64_t)eligible_now(d, i) << i % WORD;
	}
	d->eligible_at = p->generation;
	return 0;
}

/* May one more instance go to this node, by what is there already? */
bool constraint_counted_ok(const struct scratch *s, const struct demand *d, size_t i, uint32_t node)
{
	const struct constraint *c = &d->constraint[i];
	int32_t v = c->field->column[node];
	uint32_t count;

	if (constraint_static(c))
		return true;
	if (v == NO_VALUE)
		return false;
	count = s->count[i][v];
	switch (c->op) {
	case POLICY_UNIQUE:
		return !count;
	case POLICY_MAX_PER:
		return count < c->number;
	case POLICY_CLUSTER:
		return s->only[i] == NO_VALUE || s->only[i] == v;
	case POLICY_GROUP_BY:
		return count == (s->groups[i] < c->number ? 0 : s->least[i]);
	case POLICY_LIKE:
	case POLICY_UNLIKE:
	case POLICY_IS:
	case POLICY_OPERATORS:
		break;
	}
	return true;
}

/* How many values have instances, and the least of any value that a node has to offer. */
static void group_totals(struct scratch *s, const struct constraint *c, size_t i)
{
	s->least[i] = UINT32_MAX;
	s->groups[i] = 0;
	for (uint32_t v = 0; v < c->field->values_nr; v++) {
		s->groups[i] += s->count[i][v] > 0;
		if (s->known[i][v] && s->count[i][v] < s->least[i])
			s->least[i] = s->count[i][v];
	}
}

static void count_value(struct scratch *s, const struct demand *d, size_t i, uint32_t node)
{
	int32_t v = d->constraint[i].field->column[node];

	if (v == NO_VALUE)
		return;
	s->count[i][v]++;
	if (s->only[i] == NO_VALUE)
		s->only[i] = v;
}

static void count_instance(const struct policy *p, struct scratch *s, const struct demand *d,
			   const struct node *n)
{
	for (size_t i = 0; i < d->constraints_nr; i++)
		if (!constraint_static(&d->constraint[i]))
			count_value(s, d, i, n->i);
	s->count[COUNTER_ZONE][p->cells[n->i].zone + 1]++;
	if (s->here[n->i] < HERE_MAX)
		s->here[n->i]++;
}

static int counter_clear(struct scratch *s, size_t i, uint32_t want)
{
	uint32_t cap = s->cap[i];

	if (array_grow(&s->count[i], &cap, want, sizeof(uint32_t)))
		return -ENOMEM;
	if (i < POLICY_CONSTRAINTS_MAX) {
		cap = s->cap[i];
		if (array_grow(&s->known[i], &cap, want, sizeof(bool)))
			return -ENOMEM;
		memset(s->known[i], 0, want * sizeof(bool));
		s->only[i] = NO_VALUE;
	}
	s->cap[i] = cap;
	memset(s->count[i], 0, want * sizeof(uint32_t));
	return 0;
}

static void know_groups(const struct policy *p, const struct demand *d, struct scratch *s, size_t i)
{
	const int32_t *column = d->constraint[i].field->column;

	for (uint32_t n = 0; n < p->nodes_nr; n++)
		if (column[n] != NO_VALUE && !p->cells[n].closed &&
		    (!d->selective || d->eligible[n / WORD] >> n % WORD & 1))
			s->known[i][column[n]] = true;
}

/* The demand's instances as they are, into counts that were used before or are all zero. */
int scratch_build(struct policy *p, struct demand *d, struct scratch *s)
{
	s->demand = NULL;
	if (eligible_refresh(p, d) ||
	    array_grow(&s->here, &s->here_cap, p->nodes_nr + 1, sizeof(uint16_t)) ||
	    counter_clear(s, COUNTER_ZONE, p->fields[FIELD_ZONE]->values_nr + 1))
		return -ENOMEM;
	memset(s->here, 0, p->nodes_nr * sizeof(uint16_t));
	for (size_t i = 0; i < d->constraints_nr; i++)
		if (!constraint_static(&d->constraint[i]) &&
		    counter_clear(s, i, d->constraint[i].field->values_nr + 1))
			return -ENOMEM;
	for (struct instance *in = d->first; in; in = in->next)
		count_instance(p, s, d, in->node);
	for (size_t i = 0; i < d->constraints_nr; i++)
		if (d->constraint[i].op == POLICY_GROUP_BY) {
			know_groups(p, d, s, i);
			group_totals(s, &d->constraint[i], i);
		}
	s->demand = d;
	s->version = p->version;
	return 0;
}

/* Make p->now the demand's counts. */
int scratch_use(struct policy *p, struct demand *d)
{
	if (d->index)
		return 0;
	p->now = &p->scratch;
	if (p->scratch.demand == d && p->scratch.version == p->version)
		return 0;
	return scratch_build(p, d, &p->scratch);
}

/* One more instance of the demand whose counts p->now are. */
void scratch_count(struct policy *p, struct demand *d, const struct node *n)
{
	count_instance(p, p->now, d, n);
	for (size_t i = 0; i < d->constraints_nr; i++)
		if (d->constraint[i].op == POLICY_GROUP_BY)
			group_totals(p->now, &d->constraint[i], i);
}

void scratch_free(struct scratch *s)
{
	for (size_t i = 0; i < COUNTERS; i++)
		free(s->count[i]);
	for (size_t i = 0; i < POLICY_CONSTRAINTS_MAX; i++)
		free(s->known[i]);
	free(s->here);
}
