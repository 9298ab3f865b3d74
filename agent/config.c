// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the configuration. libinih splits lines; what it would let pass in silence is refused here
 * before it sees the line: lines longer than its buffer, NUL bytes, unknown sections without a
 * key. Indented lines are ordinary lines, not continuations.
 */
#include "agent/config.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config_keys.h"
#include "agent/lib/cleanup.h"

#define KEYS_MAX 64 /* in all sections together */

/* One file while it is read. */
struct reading {
	struct config *c;
	const char *name; /* of the file */
	const char *text, *end;
	int line; /* the one that libinih works on */
	int err; /* of the first thing that went wrong, its sentence is in why */
	int err_line;
	struct why why;
	int seen[KEYS_MAX]; /* line on which a key was given in this file, 0: not yet */
};

static int reading_fail(struct reading *r, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The first failure ends the reading: the reader then says that the file is at its end. */
static int reading_fail(struct reading *r, int err, const char *fmt, ...)
{
	char sentence[WHY_MAX];
	va_list ap;

	if (r->err)
		return r->err;
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap); /* a cut sentence is still true */
	va_end(ap);
	r->err = err;
	r->err_line = r->line;
	return why_set(&r->why, err, "%s:%d: %s", r->name, r->line, sentence);
}

/* A value as it can be shown to a person: no control characters, not too long. */
static const char *shown(const char *value, char *buf, size_t size)
{
	size_t n = 0;

	for (; value[n] && n + 1 < size; n++)
		buf[n] = value[n] < ' ' || value[n] == 0x7f ? '?' : value[n];
	buf[n] = '\0';
	return buf;
}

static void check_section(struct reading *r, const char *name)
{
	struct rows sections = config_sections();
	char buf[CONFIG_SHOWN_MAX], hint[WHY_MAX / 2];

	if (!rows_find(&sections, name))
		(void)reading_fail(r, -EINVAL, "[%s] is not a section, %s",
				   shown(name, buf, sizeof(buf)),
				   rows_hint(&sections, name, hint, sizeof(hint)));
}

/* The section's name of a line "[name]", as libinih would take it. */
static void check_heading(struct reading *r, const char *line)
{
	char name[CONFIG_SHOWN_MAX];
	size_t n = strcspn(line + 1, "]");

	if (line[0] != '[' || !line[1 + n])
		return; /* no heading; libinih finds one without its "]" */
	if (n >= sizeof(name))
		n = sizeof(name) - 1;
	memcpy(name, line + 1, n);
	name[n] = '\0';
	check_section(r, name);
}

/* Gives libinih one line, as fgets(3) would, but never a part of one. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	const char *nl;
	size_t len;

	if (r->err || r->text == r->end)
		return NULL;
	r->line++;
	nl = memchr(r->text, '\n', (size_t)(r->end - r->text));
	len = (size_t)((nl ? nl : r->end) - r->text);
	if (memchr(r->text, '\0', len)) {
		(void)reading_fail(r, -EINVAL, "the line has a NUL byte, only text is allowed");
		return NULL;
	}
	if (len + 3 > (size_t)size) { /* "\r\n" and NUL */
		(void)reading_fail(r, -EINVAL, "the line has %zu bytes, allowed are at most %d",
				   len, size - 3);
		return NULL;
	}
	while (len && (*r->text == ' ' || *r->text == '\t')) {
		r->text++;
		len--;
	}
	memcpy(buf, r->text, len);
	buf[len] = '\0';
	r->text = nl ? nl + 1 : r->end;
	check_heading(r, buf);
	return r->err ? NULL : buf;
}

/* Index over all sections, for seen[]. */
static size_t key_index(const struct config_section *section, const struct row *key)
{
	struct rows sections = config_sections();
	size_t n = 0;

	for (size_t i = 0; i < sections.nr; i++) {
		const struct config_section *s = (const void *)rows_at(&sections, i);

		for (size_t j = 0; j < s->keys.nr; j++, n++)
			if (s == section && rows_at(&s->keys, j) == key && n < KEYS_MAX)
				return n;
	}
	abort(); /* KEYS_MAX is too small */
}

static int set_key(struct reading *r, const struct config_section *s, const char *name,
		   const char *value)
{
	const struct config_row *row = (const void *)rows_find(&s->keys, name);
	char buf[CONFIG_SHOWN_MAX], hint[WHY_MAX / 2];
	int err, *seen;

	if (!row)
		return reading_fail(r, -EINVAL, "%s: no such key in [%s], %s",
				    shown(name, buf, sizeof(buf)), s->doc.name,
				    rows_hint(&s->keys, name, hint, sizeof(hint)));
	seen = &r->seen[key_index(s, &row->doc)];
	if (*seen)
		return reading_fail(r, -EINVAL, "%s: given twice in this file, first on line %d",
				    name, *seen);
	*seen = r->line;
	err = row->parse(row, value, (char *)r->c + row->offset, hint);
	if (err == -ENOMEM)
		return reading_fail(r, -ENOMEM, "%s", name);
	if (err < 0)
		return reading_fail(r, -EINVAL, "%s: \"%s\" is not allowed, allowed is %s", name,
				    shown(value, buf, sizeof(buf)), hint);
	return 0;
}

/* libinih's callback: 1 go on, 0 the line is wrong. */
static int on_pair(void *userdata, const char *section, const char *name, const char *value)
{
	struct reading *r = userdata;
	struct rows sections = config_sections();
	const struct config_section *s;

	if (r->err)
		return 0;
	if (!*section) {
		char buf[CONFIG_SHOWN_MAX];

		(void)reading_fail(r, -EINVAL, "%s: before the first section, such as [agent]",
				   shown(name, buf, sizeof(buf)));
		return 0;
	}
	s = (const void *)rows_find(&sections, section);
	if (!s) {
		check_section(r, section);
		return 0;
	}
	return set_key(r, s, name, value ? value : "") == 0;
}

int config_apply(struct config *c, const char *name, const char *text, size_t len, struct why *why)
{
	struct reading r = {.c = c, .name = name, .text = text, .end = text + len};
	int line = ini_parse_stream(read_line, &r, on_pair, &r);

	if (line > 0 && (!r.err || line < r.err_line))
		return why_set(why, -EINVAL,
			       "%s:%d: neither \"[section]\" nor \"key = value\" nor a comment",
			       name, line);
	if (r.err == -ENOMEM || line < 0)
		return why_set(why, -ENOMEM, "%s", name);
	return r.err ? why_set(why, r.err, "%s", r.why.text) : 0;
}

static int set_default(struct config *c, const struct config_row *row)
{
	char hint[WHY_MAX / 2], host[HOST_NAME_MAX + 1] = "";
	const char *value = row->doc.dflt;
	int err;

	if (!value) { /* node */
		(void)gethostname(host, sizeof(host) - 1); /* "" then, and "localhost" */
		value = host;
	}
	err = row->parse(row, value, (char *)c + row->offset, hint);
	if (err == -EINVAL && !row->doc.dflt)
		err = row->parse(row, "localhost", (char *)c + row->offset, hint);
	if (err == -EINVAL)
		abort(); /* a default that the table itself forbids */
	return err;
}

int config_new(struct config **ret)
{
	cleanup_config struct config *c = calloc(1, sizeof(*c));
	struct rows sections = config_sections();

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < sections.nr; i++) {
		const struct config_section *s = (const void *)rows_at(&sections, i);

		for (size_t j = 0; j < s->keys.nr; j++) {
			int err = set_default(c, (const void *)rows_at(&s->keys, j));

			if (err < 0)
				return err;
		}
	}
	*ret = take_ptr(c);
	return 0;
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	free(c->state_dir);
	free(c->run_dir);
	free(c->socket);
	free(c->socket_group);
	free(c->read_group);
	free(c->node);
	free(c->cgroup_path);
	free(c->bpffs);
	free(c->pin_dir);
	free(c->seccomp);
	free(c->seccomp_dir);
	free(c);
	return NULL;
}

int config_check(const struct config *c, struct why *why)
{
	uint64_t end = c->userns_base + (uint64_t)c->userns_size * c->userns_count;

	if (end > UINT32_MAX)
		return why_set(
			why, -EINVAL,
			"[tasks] userns_base + userns_size * userns_count is %llu, allowed is "
			"at most %u",
			(unsigned long long)end, UINT32_MAX);
	if (!strcmp(c->state_dir, c->run_dir))
		return why_set(why, -EINVAL,
			       "[agent] state_dir and run_dir are both \"%s\", they must differ",
			       c->state_dir);
	return 0;
}

void config_keys_dump(FILE *f)
{
	struct rows sections = config_sections();

	for (size_t i = 0; i < sections.nr; i++) {
		const struct config_section *s = (const void *)rows_at(&sections, i);
		int n = fprintf(f, "Section [%s]\n", s->doc.name);

		while (--n > 0)
			(void)fputc('-', f);
		(void)fprintf(f, "\n%s\n\n", s->doc.help);
		rows_dump(&s->keys, "", f);
	}
}
