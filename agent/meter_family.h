/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object of BPF programs of the meter: loaded, attached and pinned as a whole, and refused as
 * a whole but for its optional programs. Only for agent/meter*.c.
 *
 * To add a family: write bpf/NAME.bpf.c with #include "bpf/meter_maps.h" (its maps are those of
 * the first family), give it a value in enum meter_family, and a row in meter_families.c that lists
 * what is attached for good and which maps of its own must outlive the agent. All other programs
 * of the object are loaded, and run by whoever asks for family_prog_fd() or family_iter().
 */
#ifndef DCOS_METER_FAMILY_H
#define DCOS_METER_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/lib/why.h"
#include "agent/meter.h"

#define FAMILY_HOOKS_MAX 16
#define PIN_PATH_MAX	 256

struct bpf_map;
struct bpf_object;
struct bpf_program;

/*
 * A program that is attached for good, by a pinned link. What it is attached to stands in its
 * section: an event of the kernel, or, for programs of cgroups, the agent's own subtree.
 */
struct family_hook {
	const char *pin; /* the pin's name; no other hook or map of any family has it, no dots */
	const char *prog; /* of the program, NULL ends the list */
};

/* A map of the family's own that is pinned. */
struct family_map {
	const char *name; /* and the pin's; NULL ends the list */
	bool per_cpu; /* slot * ncpu + cpu: its size is set before load */
};

/* A program that is left out where the kernel refuses it. */
struct family_optional {
	const char *prog; /* NULL ends the list */
	const char *gives; /* what is missing then, for doctor */
};

/* Row of meter_families[]; NULL lists are empty. */
struct family_spec {
	const char *name; /* in messages and doctor, one word */
	const char *gives; /* what is counted by it, for doctor */
	const void *(*elf)(size_t *ret_size); /* NAME_bpf__elf_bytes of its skeleton */
	const struct family_hook *hooks; /* attached in this order */
	const struct family_map *maps;
	const struct family_optional *optional;
	bool needs_cgroup; /* has programs of cgroups */
};

extern const struct family_spec meter_families[METER_FAMILIES];

/* What all families of a meter are opened with. */
struct family_env {
	const char *dir; /* the pins of this ABI */
	uint32_t ncpu; /* possible CPUs */
	int cgroup_fd; /* of the agent's own subtree, -1 none */
	const struct family *base; /* the first family: what it pins is shared; NULL for itself */
};

struct family {
	const struct family_spec *spec;
	struct bpf_object *obj;
	int links[FAMILY_HOOKS_MAX]; /* held, so that an unmounted bpffs does not end the meter */
	struct why lacks; /* the first optional program that is missing, and why */
};

/**
 * family_open - load with the pinned maps, or with fresh ones, and attach
 * @env: its members must live until the return, base as long as the family
 * @why: on failure which event, map or pin
 * Pins that are incomplete or unfit are replaced, but not if the kernel refuses the object anyhow.
 * Return: 0 or -errno.
 */
int family_open(const struct family_spec *spec, const struct family_env *env, struct family **ret,
		struct why *why);

/** family_close - close all descriptors; the pins stay. NULL is allowed */
void family_close(struct family *f);

/** family_map_fd - a map of the object, shared or its own; -ENOENT: there is no such map */
int family_map_fd(const struct family *f, const char *name);

/** family_prog_fd - a loaded program; -EOPNOTSUPP: the kernel refused it */
int family_prog_fd(const struct family *f, const char *name);

/**
 * family_iter - get an iterator ready
 * @name: a program of type iter/...
 * @cgroup_fd: where to begin, for iter/cgroup; -1 for all others
 * Return: a descriptor for family_iterate(), owned by the caller; -EOPNOTSUPP as above.
 */
int family_iter(const struct family *f, const char *name, int cgroup_fd);

/** family_iterate - run the program of an iterator that prints nothing over all there is */
int family_iterate(int iter_fd);

/* between meter_family.c and meter_link.c */

/**
 * family_attach - attach what is not attached yet, or not by this build
 * A new link is there before the old one goes, so that nothing is missed.
 */
int family_attach(struct family *f, const struct family_env *env, struct why *why);

/** family_object - an object ready to load, its maps bound to the pins if @pinned */
int family_object(const struct family_spec *spec, const struct family_env *env, bool pinned,
		  struct bpf_object **ret);

/**
 * family_refused - ask the kernel for one program alone, without pins
 * @name: NULL: for the maps
 * Return: 0 or the kernel's answer, with @why.
 */
int family_refused(const struct family_spec *spec, const struct family_env *env, const char *name,
		   struct why *why);

/** family_event - the section of a program as people know it, e.g. sched_switch */
const char *family_event(const struct bpf_program *prog);

#endif
