/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters: a profile in the JSON of the OCI runtime specification (Docker's additions
 * included) is compiled by libseccomp once, kept, and installed as the last act before execve.
 * Source: seccomp(2); runtime-spec config-linux.md, "Seccomp"; Docker's seccomp profile format.
 */
#ifndef DCOS_SECCOMP_H
#define DCOS_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"

#define SC_JSON_MAX	 (1U << 20) /* bytes of a profile */
#define SC_RULES_MAX	 4096 /* elements of "syscalls" */
#define SC_NAMES_MAX	 1024 /* names of one element */
#define SC_CALLS_MAX	 16384 /* names of all elements together */
#define SC_ARGS_MAX	 64 /* comparisons of one element */
#define SC_COMPARED_MAX	 128 /* names with comparisons: compiling takes more than the square of it */
#define SC_CACHE_FILTERS 32 /* compiled filters kept */
#define SC_CACHE_BYTES	 (4U << 20) /* of the texts of these */
#define SC_UNKNOWN_TEXT	 256 /* bytes of the list of unknown names, longer ones are cut */
#define SC_LISTENER_MAX	 108 /* bytes of listenerPath, an address of a socket */
#define SC_METADATA_MAX	 1024 /* bytes of listenerMetadata */
#define SC_STATE_MAX	 65536 /* bytes of what a supervisor is told */
#define SC_VOID_TEXT	 192 /* bytes, longer ones are cut */

struct sc_filter; /* compiled; counted references; never changed */
struct sc_cache;

/* What a person may want to know of a filter. */
struct sc_info {
	struct sock_fprog prog; /* the program; belongs to the filter */
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
	uint64_t caps_used; /* capabilities whose presence the profile asks for */
	unsigned int
		unknown_nr; /* names that libseccomp does not know: they get the default action */
	unsigned int undenied_nr; /* of these, would have been denied but the default allows */
	char unknown[SC_UNKNOWN_TEXT]; /* "foo, bar", of both */
	unsigned int void_nr; /* elements of one name that another element makes void */
	char void_text[SC_VOID_TEXT]; /* a sentence on the first of these */
	bool listener; /* a supervisor is needed to answer calls, or one is named */
	bool notifies; /* calls are left to it */
	char listener_path[SC_LISTENER_MAX]; /* where it is, "" not said */
	char metadata[SC_METADATA_MAX]; /* for it */
	bool socketcall_hole; /* 32-bit programs can avoid comparisons of socket(2) and its like */
};

/**
 * sc_compile - a profile's text to a program for the kernel
 * @json: OCI or Docker seccomp profile, NUL-terminated, at most SC_JSON_MAX bytes
 * @caps: capabilities of the container (Docker's includes.caps and excludes.caps), bit n is n
 * @ret: owned by the caller, sc_filter_unref()
 * @why: on failure one sentence with the place in the document as in RFC 6901, the value and
 *       what is allowed, e.g. "seccomp: /syscalls/3/action="FOO": allowed are ..."
 *
 * Takes milliseconds. No privilege is needed and nothing is installed.
 * Return: 0; -EINVAL the profile; -E2BIG more than BPF_MAXINSNS instructions; -ENOMEM; other
 * -errno of libseccomp. @ret is untouched unless 0.
 */
int sc_compile(const char *json, uint64_t caps, struct sc_filter **ret, struct why *why);

/** sc_filter_info - look at a filter; valid as long as the filter */
const struct sc_info *sc_filter_info(const struct sc_filter *f);

/** sc_filter_ref - one more reference; returns @f */
struct sc_filter *sc_filter_ref(struct sc_filter *f);

/** sc_filter_unref - give a reference back, NULL is allowed. Return: NULL */
struct sc_filter *sc_filter_unref(struct sc_filter *f);

/**
 * sc_load - install a filter in the calling thread, for good
 * @f: needs no_new_privs or CAP_SYS_ADMIN in the user namespace
 * Async-signal-safe: one seccomp(2).
 * Return: 0 or -errno.
 */
int sc_load(const struct sc_filter *f);

/**
 * sc_cache_new - an empty cache of compiled filters
 * @dir: absolute path of a directory, made if its parent is there, in which compiled filters are
 *       kept for other processes; NULL: in memory only, also where it can't be had
 * Holds at most SC_CACHE_FILTERS filters and SC_CACHE_BYTES of text; the least recently used goes.
 * Return: NULL without memory.
 */
struct sc_cache *sc_cache_new(const char *dir);

/** sc_cache_free - NULL is allowed; filters that others hold stay alive. Return: NULL */
struct sc_cache *sc_cache_free(struct sc_cache *c);

/**
 * sc_cache_get - sc_compile() unless the same has been compiled before
 * @c: NULL compiles always
 * The same means: the same text, and the same answers to the capabilities it asks for.
 */
int sc_cache_get(struct sc_cache *c, const char *json, uint64_t caps, struct sc_filter **ret,
		 struct why *why);

/** sc_cache_compiled - how many filters were compiled so far; the other calls were hits */
uint64_t sc_cache_compiled(const struct sc_cache *c);

/**
 * sc_builtin - the text of a profile that is part of this program
 * @name: "default", "strict", "web"
 * Return: JSON, or NULL: no such profile.
 */
const char *sc_builtin(const char *name);

#endif
