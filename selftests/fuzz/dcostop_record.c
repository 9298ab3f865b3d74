// SPDX-License-Identifier: Apache-2.0
/*
 * Any file as a recording: refused with a sentence, or every snapshot of it can be asked for, and
 * what can be read goes through the model and becomes rows. An input that begins with
 * a brace chooses fields and values of a proper recording by its bytes, since JSON is hard to guess.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "tools/dcostop/record.h"

#define HEAD	      "{\"dcostop\":1}\n"
#define BEGIN	      "{\"time_ns\":%d,\"snapshot\":{\"seq\":%d,\"time_ns\":%d,\"usages\":[{\"id\":\"a\""
#define CHOICES_MAX   512 /* so that time fits an int */
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

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

static void put_field(int fd, uint8_t key, uint8_t value)
{
	static const char *const others[] = {"state",		"exit",
					     "wait_hist_us",	"disk_hist_us",
					     "connect_hist_us", "rtt_hist_us",
					     "nr_periods",	"tcp_closed"};
	static const char *const values[] = {
		"0",
		"1",
		"1000000000",
		"9223372036854775807",
		"-1",
		"null",
		"1.5",
		"\"RUNNING\"",
		"[]",
		"[1,2,3]",
		"[9,9,9,9]",
		"[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
		"{\"code\":3}",
		"{\"signal\":9,\"oom\":true}",
		"{}",
		"[-1,null,\"x\"]",
	};
	size_t k = key % (TOP_METRICS + ARRAY_SIZE(others));

	if (dprintf(fd, ",\"%s\":%s",
		    k < TOP_METRICS ? top_metrics[k].key : others[k - TOP_METRICS],
		    values[value % ARRAY_SIZE(values)]) < 0)
		abort();
}

/* 0xff is the next task, 0xfe the next snapshot. */
static void put_chosen(int fd, const uint8_t *data, size_t size)
{
	int time = 1;

	put(fd, HEAD, strlen(HEAD));
	(void)dprintf(fd, BEGIN, time, time, time); /* else the recording is cut */
	for (size_t i = 0; i + 1 < size; i += 2) {
		if (data[i] == 0xff) {
			(void)dprintf(fd, "},{\"id\":\"%c.%u\"", 'a' + data[i + 1] % 3,
				      data[i + 1] / 9);
		} else if (data[i] == 0xfe) {
			time += 1 + data[i + 1] * 10000;
			put(fd, "}]}}\n", 5);
			(void)dprintf(fd, BEGIN, time, time, time);
		} else {
			put_field(fd, data[i], data[i + 1]);
		}
	}
	put(fd, "}]}}\n", 5);
}

static void put_input(int fd, const uint8_t *data, size_t size)
{
	if (size && data[0] == '{')
		put_chosen(fd, data + 1, size < CHOICES_MAX ? size - 1 : CHOICES_MAX);
	else
		put(fd, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording *r = NULL;
	struct top_node node;
	struct why why = {};
	char path[32];

	if (fd < 0)
		abort();
	put_input(fd, data, size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* it fits */
	if (!record_open(path, &r, &node, &why))
		play(r);
	else if (!why.text[0] || r)
		abort();
	(void)record_close(r);
	(void)close(fd);
	return 0;
}
