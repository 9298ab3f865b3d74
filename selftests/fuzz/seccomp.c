// SPDX-License-Identifier: Apache-2.0
/*
 * Any document as a seccomp profile: refused with one sentence that a terminal can show, or
 * compiled to a program whose every path ends in a verdict.
 */
#include "isolators/seccomp.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/harness/cbpf.h"

#define CALLS_TRIED 512
#define INPUT_MAX   8192 /* bytes; longer ones only take longer to compile */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const struct why *why)
{
	if (strncmp(why->text, "seccomp: ", 9) != 0)
		abort();
	for (const char *p = why->text; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

static void check_program(const struct sc_info *info)
{
	static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64};

	if (!info->prog.len || info->prog.len > BPF_MAXINSNS)
		abort();
	for (size_t a = 0; a < sizeof(arches) / sizeof(arches[0]); a++)
		for (int nr = -1; nr < CALLS_TRIED; nr++) {
			struct seccomp_data d = {.nr = nr, .arch = arches[a]};

			memset(d.args, nr & 0xff, sizeof(d.args));
			if (cbpf_run(&info->prog, &d) == CBPF_BAD)
				abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sc_filter *f = NULL;
	struct why why = {0};
	char *json;

	if (size > INPUT_MAX)
		return 0;
	json = malloc(size + 1);
	if (!json)
		return 0;
	memcpy(json, data, size);
	json[size] = '\0';
	if (sc_compile(json, size, &f, &why) < 0)
		check_refusal(&why);
	else
		check_program(sc_filter_info(f));
	sc_filter_unref(f);
	free(json);
	return 0;
}
