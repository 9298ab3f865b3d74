// SPDX-License-Identifier: Apache-2.0
/* Why a task is slow, see verdict.h. */
#include "tools/dcostop/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Nothing is known counts as nothing was there. */
static double known(double v)
{
	return isnan(v) ? 0 : v;
}

static void say(struct verdict *r, enum verdict_kind kind, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct verdict *r, enum verdict_kind kind, const char *word, const char *fmt, ...)
{
	va_list ap;

	r->kind = kind;
	(void)snprintf(r->word, sizeof(r->word), "%s", word); /* words are short */
	va_start(ap, fmt);
	(void)vsnprintf(r->numbers, sizeof(r->numbers), fmt, ap); /* cut numbers still tell */
	va_end(ap);
}

/* Of the time that its threads were runnable, the share in which they waited. */
static double cpu_share(const double *v)
{
	double wait = known(v[M_WAIT]), all = wait + known(v[M_CPU]);

	return all > 0 ? 100 * wait / all : 0;
}

/* Shares of time lost, in %, 0 below the threshold; the greatest wins. */
static void losses(const double *v, double *throttled, double *cpu, double *memory, double *disk)
{
	*cpu = *memory = *disk = 0;
	*throttled = fmax(known(v[M_THROTTLED]), known(v[M_THROTTLED_TIME]));
	if (*throttled < VERDICT_THROTTLED_PCT)
		*throttled = 0;
	if (known(v[M_WAIT]) >= VERDICT_CPU_MIN_PCT && cpu_share(v) >= VERDICT_CPU_SHARE_PCT)
		*cpu = cpu_share(v);
	if (known(v[M_MEMORY_SOME]) >= VERDICT_MEMORY_PCT)
		*memory = v[M_MEMORY_SOME];
	if (known(v[M_IO_SOME]) >= VERDICT_DISK_PCT)
		*disk = v[M_IO_SOME];
}

static double retransmit_share(const double *v)
{
	double sent = known(v[M_TX_PACKETS]);

	return sent > 0 ? 100 * known(v[M_RETRANSMITS]) / sent : 0;
}

static double denials(const double *v)
{
	return known(v[M_DEVICE_DENIED]) + known(v[M_BIND_DENIED]) + known(v[M_CONNECT_DENIED]);
}

static bool is_idle(const double *v)
{
	double bytes =
		known(v[M_DISK_READ]) + known(v[M_DISK_WRITE]) + known(v[M_RX]) + known(v[M_TX]);

	return known(v[M_CPU]) < VERDICT_IDLE_CPU_PCT && bytes < VERDICT_IDLE_BYTES;
}

/* The agent's history has only the time, an allocator only the share. */
static void say_throttled(const double *v, struct verdict *ret)
{
	if (isnan(v[M_THROTTLED]))
		say(ret, VERDICT_THROTTLED, "throttled", "%.0f ms/s", 10 * v[M_THROTTLED_TIME]);
	else if (isnan(v[M_THROTTLED_TIME]))
		say(ret, VERDICT_THROTTLED, "throttled", "%.0f %%", v[M_THROTTLED]);
	else
		say(ret, VERDICT_THROTTLED, "throttled", "%.0f %%, %.0f ms/s", v[M_THROTTLED],
		    10 * v[M_THROTTLED_TIME]);
}

static void judge_rest(const double *v, struct verdict *ret)
{
	if (known(v[M_RETRANSMITS]) >= VERDICT_RETRANSMITS_MIN &&
	    retransmit_share(v) >= VERDICT_RETRANSMITS_PCT)
		say(ret, VERDICT_RETRANSMITS, "retrans", "%.0f/s, %.1f %%", v[M_RETRANSMITS],
		    retransmit_share(v));
	else if (denials(v) > 0)
		say(ret, VERDICT_DENIED, "denied", "%.1f/s", denials(v));
	else if (is_idle(v))
		say(ret, VERDICT_IDLE, "idle", "%s", "");
	else
		say(ret, VERDICT_OK, "ok", "%s", "");
}

static void judge(const double *v, struct verdict *ret)
{
	double throttled, cpu, memory, disk, most;
	char p99[16];

	losses(v, &throttled, &cpu, &memory, &disk);
	most = fmax(fmax(throttled, cpu), fmax(memory, disk));
	if (!(most > 0)) {
		judge_rest(v, ret);
	} else if (most == throttled) {
		say_throttled(v, ret);
	} else if (most == cpu) {
		metric_text(UNIT_US, v[M_WAIT_P99], p99, sizeof(p99));
		say(ret, VERDICT_CPU, "cpu wait", "%.0f %%, p99 %s", cpu, p99);
	} else if (most == memory) {
		say(ret, VERDICT_MEMORY, "memory", "%.0f %%, %.0f majf/s", memory,
		    known(v[M_MAJ_FAULTS]));
	} else {
		metric_text(UNIT_US, v[M_DISK_P99], p99, sizeof(p99));
		say(ret, VERDICT_DISK, "disk wait", "%.0f %%, p99 %s", disk, p99);
	}
}

void verdict_of(const double *v, const char *exit, struct verdict *ret)
{
	char code[16];

	if (exit) {
		(void)snprintf(code, sizeof(code), "%s%s",
			       *exit >= '0' && *exit <= '9' ? "exit " : "",
			       exit); /* codes are short */
		say(ret, VERDICT_ENDED, code, "%s", "");
	} else if (isnan(v[M_CPU])) {
		say(ret, VERDICT_UNKNOWN, "-", "%s", "");
	} else {
		judge(v, ret);
	}
}
