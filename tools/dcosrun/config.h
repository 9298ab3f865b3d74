/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A config.json of the OCI runtime specification as a struct ct_spec with a struct ct_oci. Keys
 * that the specification does not know are ignored, as it demands; values that are wrong, and
 * wishes that this runtime does not fulfil, are errors that name the key.
 * Source: runtime-spec config.md, config-linux.md, schema/.
 */
#ifndef DCOS_DCOSRUN_CONFIG_H
#define DCOS_DCOSRUN_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "isolators/oci.h"
#include "isolators/spec.h"

#define CONFIG_BYTES_MAX (16U << 20) /* of a config.json */
#define CONFIG_ITEMS_MAX 65536 /* of one array */
#define CONFIG_PLACE_MAX 256 /* bytes of the place in a message, longer ones are cut */
#define CONFIG_HOOKS_MAX 64 /* of one stage */

#define SYSTEMD_PARTS 3 /* "slice:prefix:name" */

/* Hooks that dcosrun itself runs, and those of ct_oci.inside[]. */
enum config_hooks {
	HOOKS_PRESTART,
	HOOKS_CREATE_RUNTIME,
	HOOKS_CREATE_CONTAINER,
	HOOKS_START_CONTAINER,
	HOOKS_POSTSTART,
	HOOKS_POSTSTOP,
	HOOKS_NR
};

struct config {
	json_t *doc; /* strings below are borrowed from it */
	char *text; /* that it was read from, numbers as in @doc; NULL: only @doc is there */
	struct ct_spec spec; /* never given to ct_spec_free(): its parts belong to @memory */
	struct ct_oci oci;
	struct oci_hooks hooks[HOOKS_NR];
	json_t *annotations; /* an object, or NULL; borrowed */
	const char *cgroups_path; /* NULL: not said */
	const char *bundle; /* absolute */
	bool strict_caps; /* of version 1.0: a capability that does not exist is an error */
	struct config_block *memory; /* all that was allocated */
	struct why *why;
	char place[CONFIG_PLACE_MAX]; /* where the reader is: "linux.resources" */
	size_t place_len;
	void (*warn)(const char *text); /* gets what is left out, one sentence each */
};

/**
 * config_load - read bundle/config.json, or another file
 * @bundle: absolute path, kept
 * @file: NULL: "config.json" in it
 * @c: zeroed but for .warn; config_free(), also after a failure
 * Return: 0; -EINVAL; -errno of the file.
 */
int config_load(struct config *c, const char *bundle, const char *file, struct why *why);

/**
 * config_text - a document of such a configuration; @name of it for the sentence
 * @text: NUL-terminated
 * Numbers up to 2^64 - 1 are kept by their bits. Return: NULL: @why is set
 */
json_t *config_text(const char *text, size_t len, const char *name, struct why *why);

/** config_parse - the same from a document, whose reference is taken over */
int config_parse(struct config *c, json_t *doc, const char *bundle, struct why *why);

/** config_process - a process alone, as exec gets it, into a configuration that is loaded */
int config_process(struct config *c, json_t *process);

/** config_resources - linux.resources alone, as update gets it: c->oci.knobs and rules are new */
int config_resources(struct config *c, json_t *resources);

/** config_free - free what it holds, not @c */
void config_free(struct config *c);

/* For config_*.c: */

/** cf_alloc - zeroed memory that belongs to the configuration; NULL: why is set */
void *cf_alloc(struct config *c, size_t nr, size_t size);

/** cf_text - a text that belongs to the configuration; NULL: why is set */
char *cf_text(struct config *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cf_bad - "PLACE.KEY: ..."; @key "" is the place itself. Return: -EINVAL */
int cf_bad(struct config *c, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** cf_in - go down to a key; @index -1, or of an element. Return: what cf_out() wants */
size_t cf_in(struct config *c, const char *key, ssize_t index);
void cf_out(struct config *c, size_t was);

/* Members of an object; absent ones leave @ret alone. Return: 0 or -EINVAL with the sentence. */
int cf_str(struct config *c, const json_t *o, const char *key, char **ret);
int cf_bool(struct config *c, const json_t *o, const char *key, bool *ret);
int cf_int(struct config *c, const json_t *o, const char *key, int64_t min, int64_t max,
	   int64_t *ret);
int cf_u32(struct config *c, const json_t *o, const char *key, uint32_t *ret);
int cf_member(struct config *c, const json_t *o, const char *key, json_type type, json_t **ret);
int cf_strings(struct config *c, const json_t *o, const char *key, char ***ret);
int cf_pairs(struct config *c, const json_t *o, const char *key, size_t max, struct oci_pairs *ret);
bool cf_has(const json_t *o, const char *key);

/* A word of a configuration, and what it stands for. */
struct cf_word {
	const char *name;
	int64_t value;
};

/** cf_word - one of those that are allowed. Return: 0 or -EINVAL */
int cf_word(struct config *c, const char *key, const char *name, const struct cf_word *words,
	    size_t nr, int64_t *ret);

/** cf_set - "0-3,7"; absent leaves @ret alone, "" is none. Return: 0 or -EINVAL */
int cf_set(struct config *c, const json_t *o, const char *key, struct oci_set *ret);

/** cf_missing - a key that must be there. Return: -EINVAL */
int cf_missing(struct config *c, const char *key);

/** cf_refuse - keys whose wish nobody here fulfils, ended by NULL: -EINVAL if one is there */
int cf_refuse(struct config *c, const json_t *o, const char *const *keys);

/** config_read_env - process.env, each name once, with a HOME */
int config_read_env(struct config *c, const json_t *process);

/** cf_each - read the elements of an array into equal structs */
int cf_each(struct config *c, const json_t *o, const char *key, size_t max, size_t size,
	    int (*read)(struct config *c, const json_t *v, void *item), void **ret, size_t *ret_nr);

int config_read_process(struct config *c, const json_t *process);
int config_read_personality(struct config *c, const json_t *linux_);
int config_read_mempolicy(struct config *c, const json_t *linux_);
int config_read_affinity(struct config *c, const json_t *process);
int config_read_mounts(struct config *c, const json_t *doc);
int config_read_hooks(struct config *c, const json_t *doc);
int config_read_linux(struct config *c, const json_t *linux_);
int config_read_maps(struct config *c, const json_t *o, const char *key, struct oci_maps *ret);
int config_read_resources(struct config *c, const json_t *resources);
int config_read_seccomp(struct config *c, const json_t *seccomp);

/** config_propagation - "rslave" to MS_SLAVE and claims that it is for those below. -EINVAL */
int config_propagation(const char *word, uint64_t *ret, bool *ret_below);

/** config_knob - one more file of the cgroup */
int config_knob(struct config *c, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** config_mount_words - words of mount options, for "features". @f gets each */
void config_mount_words(void (*f)(const char *word, void *ctx), void *ctx);

#endif
