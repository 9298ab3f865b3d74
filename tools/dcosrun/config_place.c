// SPDX-License-Identifier: Apache-2.0
/* Where a process runs and what it sees of the machine: CPUs, nodes of memory, personality. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/personality.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "tools/dcosrun/config.h"

#define BITS	   (8 * sizeof(unsigned long))
#define NUMBER_MAX 8 /* characters of one number of a list */

static int parse_number(const char *text, size_t len, uint64_t *ret)
{
	char number[NUMBER_MAX] = "";

	if (!len || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	return parse_u64(number, 0, OCI_SET_MAX - 1, ret);
}

/* "3" or "0-3" */
static int parse_range(const char *text, size_t len, struct oci_set *set)
{
	const char *dash = memchr(text, '-', len);
	size_t head = dash ? (size_t)(dash - text) : len;
	uint64_t first = 0, last = 0;
	int err = parse_number(text, head, &first);

	last = first;
	if (!err && dash)
		err = parse_number(dash + 1, len - head - 1, &last);
	if (err || last < first)
		return -EINVAL;
	for (uint64_t i = first; i <= last; i++)
		set->bits[i / BITS] |= 1UL << (i % BITS);
	return 0;
}

int cf_set(struct config *c, const json_t *o, const char *key, struct oci_set *ret)
{
	struct oci_set set = {.given = true};
	char *text = NULL;
	int err = cf_str(c, o, key, &text);

	if (err || !text || !*text)
		return err;
	for (const char *p = text; *p && !err;) {
		size_t len = strcspn(p, ",");

		err = parse_range(p, len, &set);
		p += len;
		if (*p && !*++p)
			err = -EINVAL; /* a comma that nothing follows */
	}
	if (err)
		return cf_bad(c, key,
			      "\"%.64s\": allowed is a list such as 0-3,7 of numbers below %d",
			      text, OCI_SET_MAX);
	*ret = set;
	return 0;
}

int config_read_affinity(struct config *c, const json_t *process)
{
	json_t *v = NULL;
	int err = cf_member(c, process, "execCPUAffinity", JSON_OBJECT, &v);
	size_t was = cf_in(c, "execCPUAffinity", -1);

	if (!err)
		err = cf_set(c, v, "initial", &c->oci.process.exec_first);
	if (!err)
		err = cf_set(c, v, "final", &c->oci.process.exec_final);
	if (!err)
		cf_out(c, was);
	return err;
}

static int read_policy_flags(struct config *c, const json_t *v, int *ret)
{
	static const struct cf_word words[] = {
		{"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
		{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
		{"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
	};
	char **names = NULL;
	int err = cf_strings(c, v, "flags", &names);
	int64_t flag = 0;

	for (size_t i = 0; names && names[i] && !err; i++) {
		err = cf_word(c, "flags", names[i], words, ARRAY_SIZE(words), &flag);
		*ret |= (int)flag;
	}
	return err;
}

int config_read_mempolicy(struct config *c, const json_t *linux_)
{
	static const struct cf_word words[] = {
		{"MPOL_DEFAULT", MPOL_DEFAULT},	 {"MPOL_PREFERRED", MPOL_PREFERRED},
		{"MPOL_BIND", MPOL_BIND},	 {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
		{"MPOL_LOCAL", MPOL_LOCAL},	 {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
		{"MPOL_WEIGHTED_INTERLEAVE", 6}, /* since Linux 6.9 */
	};
	struct oci_mempolicy *p = &c->oci.mempolicy;
	int64_t mode = 0;
	char *name = NULL;
	json_t *v = NULL;
	int err = cf_member(c, linux_, "memoryPolicy", JSON_OBJECT, &v), flags = 0;
	size_t was = cf_in(c, "memoryPolicy", -1);

	if (!err && v)
		err = cf_str(c, v, "mode", &name);
	if (!err && v && !name)
		err = cf_missing(c, "mode");
	if (!err && name)
		err = cf_word(c, "mode", name, words, ARRAY_SIZE(words), &mode);
	if (!err)
		err = cf_set(c, v, "nodes", &p->nodes);
	if (!err)
		err = read_policy_flags(c, v, &flags);
	if (err)
		return err;
	cf_out(c, was);
	p->given = v != NULL;
	p->mode = (int)mode | flags;
	return 0;
}

/* The specification names no flags; those of the system call have the names that they have there. */
static int read_personality_flags(struct config *c, const json_t *v, unsigned long *ret)
{
	static const struct cf_word words[] = {
		{"ADDR_COMPAT_LAYOUT", ADDR_COMPAT_LAYOUT},
		{"ADDR_LIMIT_32BIT", ADDR_LIMIT_32BIT},
		{"ADDR_LIMIT_3GB", ADDR_LIMIT_3GB},
		{"ADDR_NO_RANDOMIZE", ADDR_NO_RANDOMIZE},
		{"FDPIC_FUNCPTRS", FDPIC_FUNCPTRS},
		{"MMAP_PAGE_ZERO", MMAP_PAGE_ZERO},
		{"READ_IMPLIES_EXEC", READ_IMPLIES_EXEC},
		{"SHORT_INODE", SHORT_INODE},
		{"STICKY_TIMEOUTS", STICKY_TIMEOUTS},
		{"UNAME26", UNAME26},
		{"WHOLE_SECONDS", WHOLE_SECONDS},
	};
	char **names = NULL;
	int err = cf_strings(c, v, "flags", &names);
	int64_t flag = 0;

	for (size_t i = 0; names && names[i] && !err; i++) {
		err = cf_word(c, "flags", names[i], words, ARRAY_SIZE(words), &flag);
		*ret |= (unsigned long)flag;
	}
	return err;
}

int config_read_personality(struct config *c, const json_t *linux_)
{
	static const struct cf_word words[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};
	char *name = NULL;
	json_t *v = NULL;
	int64_t domain = 0;
	unsigned long flags = 0;
	int err = cf_member(c, linux_, "personality", JSON_OBJECT, &v);
	size_t was = cf_in(c, "personality", -1);

	if (!err && v)
		err = cf_str(c, v, "domain", &name);
	if (!err && v && !name)
		err = cf_missing(c, "domain");
	if (!err && name)
		err = cf_word(c, "domain", name, words, ARRAY_SIZE(words), &domain);
	if (!err)
		err = read_personality_flags(c, v, &flags);
	if (err)
		return err;
	cf_out(c, was);
	c->oci.personality_set = v != NULL;
	c->oci.personality = (unsigned long)domain | flags;
	return 0;
}
