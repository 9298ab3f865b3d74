/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scaling of one app by what its tasks use: the rule in the app's definition, the signals of its
 * tasks, and each decision with the numbers that led to it. No clock and no I/O: the caller passes
 * reports and time, and acts.
 */
#ifndef DCOS_SCALING_H
#define DCOS_SCALING_H

#include "tools/allocator/policy/autoscale.h"
#include "tools/allocator/signals.h"

struct why;

#define SCALING_METRICS_MAX 8 /* signals of one rule */
#define SCALING_HISTORY_MAX 64 /* decisions of one app that are kept */

struct scaling;

/** struct scaling_now - the app as it is: instances wanted, and the request of each */
struct scaling_now {
	uint32_t instances;
	struct signals_request request;
};

/**
 * scaling_check - is this a rule
 * @doc: the object "autoscale" of an app
 * @why: gets the first key that is wrong, and what is allowed
 * Return: 0; -EINVAL.
 */
int scaling_check(const json_t *doc, struct why *why);

/**
 * scaling_new - the scaling of one app
 * @doc: as scaling_check() took it
 */
int scaling_new(const json_t *doc, struct scaling **ret, struct why *why);
struct scaling *scaling_free(struct scaling *s);

/**
 * scaling_rule - another rule for the app; what was learnt stays
 * Return: 0; -EINVAL (all is as it was).
 */
int scaling_rule(struct scaling *s, const json_t *doc, struct why *why);

/** scaling_signals - where reports of the app's tasks go: signals_report(), signals_gone() */
struct signals *scaling_signals(struct scaling *s);

/**
 * scaling_decide - what the app should be; once a second
 * @now_ms: of the clock of the reports; @time_ms: for people, as it stands in the history
 * @ret: equal to @now where nothing is to change
 *
 * Up when any signal asks for it, to the highest count that one asks for; down only when no signal
 * objects. Who acts calls scaling_changed().
 * Return: 0; -ENOMEM the decision could not be kept for scaling_history() (@ret holds).
 */
int scaling_decide(struct scaling *s, const struct scaling_now *now, uint64_t now_ms,
		   uint64_t time_ms, struct scaling_now *ret);

/** scaling_changed - the app was changed, by this or by a person: cool-downs begin */
void scaling_changed(struct scaling *s, const struct scaling_now *from,
		     const struct scaling_now *to, uint64_t now_ms);

/**
 * scaling_history - why was it scaled, and why not: decisions, newest last
 * One for each time that what is decided, or why not, changed:
 * {time, from, to, metrics: [{signal, verdict, value, target, asks, text}]}, and {cpus, memory} with
 * the same of quotas.
 * Return: borrowed.
 */
const json_t *scaling_history(const struct scaling *s);

#endif
