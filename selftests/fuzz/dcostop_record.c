// SPDX-License-Identifier: Apache-2.0
/*
 * Any file as a recording: refused with a sentence, or every snapshot of it can be asked for, and
 * what can be read goes through the model and becomes rows. An input that begins with a newline is
 * what comes behind a proper first line.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/dcostop/record.h"

#define HEAD	      "{\"dcostop\":1}"
#define SNAPSHOTS_MAX 64 /* that are read; more only take longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct top_model *m)
{
	const struct top_order order = {.by = M_CPU, .tree = true};
	struct top_rows rows = {};

	if (!model_rows(m, &order, &rows))
		rows_done(&rows);
}

static void play(struct recording *r)
{
	struct top_model m = {};

	model_apps(&m, record_apps(r));
	for (size_t i = 0; i < record_length(r) && i < SNAPSHOTS_MAX; i++) {
		json_t *snapshot = NULL;
		struct why why = {};

		if (record_read(r, i, &snapshot, &why)) {
			if (!why.text[0] || snapshot)
				abort();
			continue;
		}
		if (!model_read(&m, snapshot))
			show(&m);
		json_decref(snapshot);
	}
	model_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording *r = NULL;
	struct top_node node;
	struct why why = {};
	char path[32];

	if (fd < 0 || (size && data[0] == '\n' && write(fd, HEAD, strlen(HEAD)) < 0) ||
	    write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* it fits */
	if (!record_open(path, &r, &node, &why))
		play(r);
	else if (!why.text[0] || r)
		abort();
	(void)record_close(r);
	(void)close(fd);
	return 0;
}
