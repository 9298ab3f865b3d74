// SPDX-License-Identifier: Apache-2.0
/* Reads and compiles profiles, see profile.h. The parser and the compiler are the agent's own. */
#include "tools/dcosaudit/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/slurp.h"
#include "tools/dcosaudit/calls.h"

static int read_stdin(char **ret, size_t *ret_len)
{
	cleanup_free char *buf = malloc(SC_JSON_MAX + 2);
	size_t len;

	if (!buf)
		return -ENOMEM;
	len = fread(buf, 1, SC_JSON_MAX + 1, stdin);
	if (ferror(stdin))
		return -EIO;
	if (len > SC_JSON_MAX)
		return -EFBIG;
	buf[len] = '\0';
	*ret = take_ptr(buf);
	*ret_len = len;
	return 0;
}

static int read_text(const char *name, char **ret, size_t *ret_len)
{
	const char *builtin = strchr(name, '/') ? NULL : sc_builtin(name);

	if (builtin) {
		*ret = strdup(builtin);
		*ret_len = strlen(builtin);
		return *ret ? 0 : -ENOMEM;
	}
	if (!strcmp(name, "-"))
		return read_stdin(ret, ret_len);
	return slurp_at(AT_FDCWD, name, 0, SC_JSON_MAX, ret, ret_len);
}

static int read_failed(const char *name, int err, struct why *why)
{
	if (err == -EFBIG)
		return why_set(why, -EINVAL, "%s: has more than %u bytes, which no profile needs",
			       name, SC_JSON_MAX);
	if (err == -EINVAL)
		return why_set(why, err, "%s: must be a file, \"-\" or the name of a profile",
			       name);
	return why_set(why, err, "%s", name);
}

static int profile_set(const char *name, char *text, size_t len, struct profile *ret,
		       struct why *why)
{
	char *copy = strdup(name);

	if (!copy || !text) {
		free(copy);
		free(text);
		return why_set(why, -ENOMEM, "%s", name);
	}
	*ret = (struct profile){.name = copy, .text = text, .len = len};
	return 0;
}

int profile_text(const char *name, struct profile *ret, struct why *why)
{
	char *text = NULL;
	size_t len = 0;
	int err = read_text(name, &text, &len);

	return err ? read_failed(name, err, why) : profile_set(name, text, len, ret, why);
}

int profile_parse(struct profile *p, struct why *why)
{
	json_error_t where;
	const char *nul = memchr(p->text, '\0', p->len);

	if (nul)
		return why_set(why, -EINVAL, "%s: byte %zu is a NUL, which no JSON text has",
			       p->name, (size_t)(nul - p->text) + 1);
	p->doc = json_loadb(p->text, p->len, JSON_REJECT_DUPLICATES, &where);
	if (!p->doc)
		return why_set(why, -EINVAL, "%s:%d:%d: no JSON: %s", p->name,
			       where.line < 1 ? 1 : where.line, where.column < 1 ? 1 : where.column,
			       where.text);
	if (pos_index_new(p->text, p->len, &p->places) < 0)
		return why_set(why, -ENOMEM, "%s", p->name);
	return 0;
}

const char *profile_pointer(const char *sentence, char *buf, size_t size)
{
	const char *prefix = "seccomp: ";
	size_t len;

	if (!strncmp(sentence, prefix, strlen(prefix)))
		sentence += strlen(prefix);
	len = *sentence == '/' ? strcspn(sentence, ": ") : 0;
	(void)snprintf(buf, size, "%.*s", (int)len, sentence); /* cut: the nearest is found */
	sentence += len;
	return sentence + strspn(sentence, ": ");
}

int profile_compile(struct profile *p, uint64_t caps, struct why *why)
{
	char pointer[WHY_MAX];
	struct why cause = {};
	struct position at;
	const char *text;
	int err = sc_profile_parse(p->text, caps, &p->parsed, &cause);

	p->caps = caps;
	if (!err)
		err = sc_compile(p->text, caps, &p->filter, &cause);
	if (!err)
		return 0;
	text = profile_pointer(cause.text, pointer, sizeof(pointer));
	at = pos_find(p->places, pointer);
	return why_set(why, -EINVAL, "%s:%u:%u: %s%s%s", p->name, at.line, at.column, pointer,
		       *pointer ? ": " : "", text);
}

static int finish(struct profile *p, uint64_t caps, struct profile *ret, struct why *why)
{
	int err = profile_parse(p, why);

	if (!err)
		err = profile_compile(p, caps, why);
	if (err) {
		profile_free(p);
		return err;
	}
	*ret = *p;
	return 0;
}

int profile_load(const char *name, uint64_t caps, struct profile *ret, struct why *why)
{
	struct profile p = {};
	int err = profile_text(name, &p, why);

	return err ? err : finish(&p, caps, ret, why);
}

int profile_load_text(const char *name, const char *text, uint64_t caps, struct profile *ret,
		      struct why *why)
{
	struct profile p = {};
	int err = profile_set(name, strdup(text), strlen(text), &p, why);

	return err ? err : finish(&p, caps, ret, why);
}

/* "SCMP_ARCH_X86_64" of this machine, or of what else it executes. */
static bool arch_is_ours(const char *name)
{
	uint32_t ours[4] = {seccomp_arch_native()};
	const char *prefix = "SCMP_ARCH_";

	arch_siblings(ours + 1);
	for (size_t i = 0; ours[i]; i++)
		if (!strncmp(name, prefix, strlen(prefix)) &&
		    !strcasecmp(name + strlen(prefix), arch_name(ours[i])))
			return true;
	return false;
}

const char *profile_foreign(const struct profile *p)
{
	const char *keys[] = {"architectures", "archMap"}, *found = NULL;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const json_t *v;
		size_t i;

		json_array_foreach (json_object_get(p->doc, keys[k]), i, v) {
			const char *name = json_string_value(
				json_is_object(v) ? json_object_get(v, "architecture") : v);

			if (name && arch_is_ours(name))
				return NULL;
			found = name ? name : found;
		}
	}
	return found;
}

void profile_free(struct profile *p)
{
	free(p->name);
	free(p->text);
	json_decref(p->doc);
	(void)pos_index_free(p->places); /* always NULL */
	sc_profile_free(&p->parsed);
	(void)sc_filter_unref(p->filter); /* always NULL */
	*p = (struct profile){};
}
