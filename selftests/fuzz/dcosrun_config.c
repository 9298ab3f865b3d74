// SPDX-License-Identifier: Apache-2.0
/* Any text as a config.json: refused with a sentence, or a specification that can be walked. */
#include "tools/dcosrun/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mounts(const struct ct_oci *oci)
{
	if (oci->mounts_nr > OCI_MOUNTS_MAX)
		abort();
	for (size_t i = 0; i < oci->mounts_nr; i++) {
		const struct oci_mount *m = &oci->mounts[i];

		if (m->destination[0] != '/' || (m->bind && !m->remount && m->source[0] != '/') ||
		    (!m->bind && !m->remount && !m->type))
			abort();
		for (const struct oci_option *o = m->options; o->key; o++)
			if (o->value && o->value[-1] != '=')
				abort();
	}
}

static void check_limits(const struct ct_oci *oci)
{
	for (size_t i = 0; i < oci->knobs.nr; i++)
		if (strchr(oci->knobs.items[i].key, '/') || !oci->knobs.items[i].value)
			abort();
	for (size_t i = 0; i < oci->rules_nr; i++)
		if (!strchr("abc", oci->rules[i].type))
			abort();
	for (size_t i = 0; i < oci->sysctl.nr; i++)
		if (oci->sysctl.items[i].key[0] == '/' || strstr(oci->sysctl.items[i].key, ".."))
			abort();
}

static void check(const struct config *c)
{
	const struct ct_process *p = &c->spec.process;

	if (!p->args[0] || p->cwd[0] != '/' || c->oci.rootfs[0] != '/')
		abort();
	check_mounts(&c->oci);
	check_limits(&c->oci);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c = {0};
	struct why why = {{0}};
	char *text = calloc(1, size + 1);
	json_t *doc;
	int err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	doc = config_text(text, size, "text", &why);
	free(text);
	err = doc ? config_parse(&c, doc, "/bundle", &why) : -1;

	if (err && !why.text[0])
		abort();
	if (!err) {
		check(&c);
		err = config_resources(&c,
				       json_object_get(json_object_get(doc, "linux"), "resources"));
		if (err && !why.text[0])
			abort();
	}
	config_free(&c);
	return 0;
}
