/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make the root of an OCI bundle: bundle.c (the row), bundle_*.c. */
#ifndef DCOS_BUNDLE_H
#define DCOS_BUNDLE_H

#include "isolators/isolator.h"
#include "isolators/oci.h"

#define BUNDLE_BUILD_MODE 0755 /* of directories made for mounts */

#define BUNDLE_NEW (-1) /* made inside */
#define BUNDLE_OWN (-2) /* a bind whose source the child opens itself */

/* The places in iso->handed[] of what the parent hands to the child. */
struct bundle {
	int image; /* O_PATH descriptor of the root directory */
	int root; /* place of the root's mount */
	int join; /* place of a mount namespace that exists; -1: it is a new one */
	int *mounts; /* of binds; BUNDLE_NEW or BUNDLE_OWN */
};

/** bundle_mount - child: one mount of the configuration; its place in mounts[] is @i */
int bundle_mount(struct isolation *iso, const struct bundle *b, size_t i, int root);

/** bundle_nodes - child: device nodes and the links that every container has */
int bundle_nodes(struct isolation *iso, int root);

/** bundle_sysctl - child: linux.sysctl, over a procfs of its own */
int bundle_sysctl(struct isolation *iso);

/**
 * bundle_hooks - child: run the hooks of one stage, each until it ends
 * @stage: OCI_CREATE_CONTAINER or OCI_START_CONTAINER
 * Return: 0; -ECANCELED one of them failed, its path is iso->step_value; -errno.
 */
int bundle_hooks(struct isolation *iso, enum oci_hook_stage stage);

/** bundle_fail - child: keep what is being done for the sentence. Return: @err */
int bundle_fail(struct isolation *iso, const char *step, const char *value, int err);

/**
 * tree_copy - copy what is in a directory to another: tmpcopyup
 * @from, @to: descriptors of directories
 * Return: 0 or -errno of the first that failed.
 */
int tree_copy(int from, int to);

#endif
