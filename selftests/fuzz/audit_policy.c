// SPDX-License-Identifier: Apache-2.0
/* Any document as a policy: refused with a sentence, or a verdict on tasks good and bad. */
#include "tools/dcosaudit/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *texts(const char *a, const char *b)
{
	return json_pack("[s, s]", a, b);
}

static void hold_against(const json_t *policy, struct facts *f)
{
	struct policy_verdict *v = calloc(1, sizeof(*v));

	policy_check(policy, f, v);
	if (!v->role && !v->nr) /* a task without a role never passes */
		abort();
	if (v->nr > POLICY_BROKEN_MAX || (v->left_out && v->nr < POLICY_BROKEN_MAX))
		abort();
	for (size_t i = 0; i < v->nr; i++)
		if (!v->broken[i].rule || !*v->broken[i].text)
			abort();
	free(v);
}

static void check_tasks(const json_t *policy)
{
	struct facts good = {.id = strdup("web-1"),
			     .profile = strdup("web"),
			     .seccomp = 2,
			     .no_new_privs = true,
			     .uid = 100000};
	struct facts bad = {.id = strdup("bad"),
			    .profile = strdup("unconfined"),
			    .caps_effective = UINT64_MAX,
			    .caps_bounding = UINT64_MAX};

	memset(good.own_ns, true, sizeof(good.own_ns));
	good.labels = json_pack("{s:s}", "role", "web");
	bad.labels = json_object();
	bad.writable = json_pack("[{s:s, s:s, s:s}]", "path", "/", "type", "ext4", "source", "sda");
	bad.devices = texts("/dev/kvm", "c 1:1 rw");
	bad.ports = texts("tcp/80", "udp/53");
	hold_against(policy, &good);
	hold_against(policy, &bad);
	facts_free(&good);
	facts_free(&bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *policy = NULL;
	struct why why = {};

	if (policy_parse((const char *)data, size, "fuzz", &policy, &why) == 0)
		check_tasks(policy);
	else if (!*why.text)
		abort();
	json_decref(policy);
	return 0;
}
