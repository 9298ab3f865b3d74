// SPDX-License-Identifier: Apache-2.0
/* What all commands of dcosaudit share, see audit.h. */
#include "tools/dcosaudit/audit.h"

#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "isolators/credentials.h"
#include "isolators/spec.h"
#include "tools/common/text.h"
#include "tools/dcosaudit/calls.h"
#include "tools/dcosaudit/profile.h"

#define SENTENCE_MAX 2048 /* bytes, longer ones are cut */
#define CAPS_MAX     64 /* names in --caps */

static void say(const char *prefix, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void say(const char *prefix, const char *fmt, va_list ap)
{
	char text[SENTENCE_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut sentence is still a sentence */
	/* what was printed belongs before; a failing stdout is seen when it is closed */
	(void)fflush(stdout);
	(void)fprintf(stderr, "dcosaudit: %s", prefix);
	text_print(stderr, text);
	(void)fputc('\n', stderr); /* nowhere to complain about stderr */
}

int audit_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	return AUDIT_FAILED;
}

int audit_usage(const struct audit *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "Try: dcosaudit %s%s--help\n", a->command ? a->command->name : "",
		      a->command ? " " : ""); /* nowhere to complain about stderr */
	return AUDIT_USAGE;
}

void audit_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

int audit_print_json(json_t *j)
{
	if (!j)
		return audit_fail("out of memory, or a text that is not UTF-8");
	/* errors of stdout are seen when it is closed */
	(void)json_dumpf(j, stdout, isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);
	(void)putchar('\n');
	json_decref(j);
	return 0;
}

static int caps_default(uint64_t *ret)
{
	struct ct_spec spec;

	if (ct_spec_defaults(&spec) < 0)
		return audit_fail("out of memory");
	*ret = spec.process.capabilities;
	ct_spec_free(&spec);
	return 0;
}

int audit_caps(const struct audit *a, const char *text, uint64_t *ret)
{
	cleanup_free char *copy = text ? strdup(text) : NULL;
	char *names[CAPS_MAX + 1] = {}, *next = copy;
	const char *bad = NULL;
	size_t nr = 0;

	if (!text)
		return caps_default(ret);
	if (!copy)
		return audit_fail("out of memory");
	if (!strcmp(text, "all") || !strcmp(text, "none")) {
		*ret = *text == 'a' ? caps_known() : 0;
		return 0;
	}
	for (char *name; nr < CAPS_MAX && (name = strsep(&next, ","));)
		names[nr++] = name;
	if (next)
		return audit_usage(a, "--caps: more than %d names", CAPS_MAX);
	if (caps_from_names(names, ret, &bad) < 0)
		return audit_usage(a, "--caps: \"%s\" is no capability; also \"all\", \"none\"",
				   bad);
	return 0;
}

void audit_warn_foreign(const struct profile *p)
{
	const char *foreign = profile_foreign(p);

	if (foreign)
		audit_warn(
			"%s: lists %s and no architecture of this machine; what is said is of %s",
			p->name, foreign, arch_name(seccomp_arch_native()));
}
