// SPDX-License-Identifier: Apache-2.0
/* Recordings as files, merged, and the profiles made from them. */
#include "tools/dcosaudit/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"
#include "tools/dcosaudit/generate.h"
#include "tools/dcosaudit/machine.h"
#include "tools/dcosaudit/profile.h"

static uint32_t native(void)
{
	return seccomp_arch_native();
}

static void call(struct recording *r, enum rec_part part, int nr, uint64_t count)
{
	rec_call(r, part, native(), nr)->count += count;
}

static struct recording sample(void)
{
	struct recording r = {
		.task = "web",
		.command = "/bin/web",
		.kernel = "6.12",
		.started_unix_us = 1700000000000000,
		.duration_us = 5000000,
		.runs = 1,
		.complete = true,
	};

	call(&r, REC_STARTUP, SYS_mprotect, 3);
	call(&r, REC_STARTUP, SYS_read, 1);
	call(&r, REC_RUNNING, SYS_read, UINT64_C(1) << 40);
	rec_error_add(rec_call(&r, REC_RUNNING, native(), SYS_read), EAGAIN, 7);
	call(&r, REC_RUNNING, SYS_socket, 5);
	rec_class_add(rec_call(&r, REC_RUNNING, native(), SYS_socket), 0, 2, 3);
	rec_class_add(rec_call(&r, REC_RUNNING, native(), SYS_socket), 0, 10, 2);
	call(&r, REC_RUNNING, SYS_clone, 2);
	rec_class_add(rec_call(&r, REC_RUNNING, native(), SYS_clone), 0, 0x3d0f00, 2);
	return r;
}

static void expect_same(const struct recording *a, const struct recording *b)
{
	json_t *ja = rec_to_json(a), *jb = rec_to_json(b);

	EXPECT_TRUE(json_equal(ja, jb));
	json_decref(ja);
	json_decref(jb);
}

TEST(a_recording_that_is_written_is_read_as_it_was)
{
	struct recording r = sample(), again = {};
	struct why why = {};
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/r.json", test_dir());
	ASSERT_EQ(rec_write(path, &r, &why), 0);
	ASSERT_EQ(rec_read(path, &again, &why), 0);
	expect_same(&r, &again);
	EXPECT_EQ(again.parts[REC_RUNNING].calls[0].count, UINT64_C(1) << 40);
	EXPECT_EQ(again.parts[REC_RUNNING].calls[0].errors[0].err, EAGAIN);
	rec_free(&r);
	rec_free(&again);
}

TEST(a_directory_that_is_not_there_is_named)
{
	struct recording r = sample();
	struct why why = {};

	EXPECT_EQ(rec_write("/nowhere/r.json", &r, &why), -ENOENT);
	EXPECT_STREQ(why.text, "/nowhere/r.json: No such file or directory");
	rec_free(&r);
}

TEST(merging_adds_counts_and_keeps_the_parts_apart)
{
	struct recording a = sample(), b = sample(), sum = {};
	const struct rec_call *c;

	call(&b, REC_RUNNING, SYS_write, 4);
	b.complete = false;
	ASSERT_EQ(rec_merge(&sum, &a), 0);
	expect_same(&sum, &a);
	ASSERT_EQ(rec_merge(&sum, &b), 0);
	EXPECT_EQ(sum.runs, 2);
	EXPECT_FALSE(sum.complete);
	EXPECT_EQ(sum.duration_us, 10000000);
	EXPECT_EQ(sum.parts[REC_STARTUP].nr, 2);
	EXPECT_EQ(sum.parts[REC_RUNNING].nr, 4);
	c = rec_call(&sum, REC_RUNNING, native(), SYS_socket);
	EXPECT_EQ(c->count, 10);
	EXPECT_EQ(c->classes_nr, 2);
	EXPECT_EQ(c->classes[0].count, 6);
	rec_free(&a);
	rec_free(&b);
	rec_free(&sum);
}

TEST(what_finds_no_room_is_counted)
{
	struct recording r = {};
	struct rec_call *c = rec_call(&r, REC_RUNNING, native(), SYS_ioctl);

	for (uint32_t i = 1; i <= REC_ERRORS_MAX + 3; i++)
		rec_error_add(c, i, 2);
	for (uint64_t i = 0; i < REC_CLASSES_MAX + 2; i++)
		rec_class_add(c, 1, i, 5);
	EXPECT_EQ(c->errors_lost, 6);
	EXPECT_EQ(c->classes_lost, 10);
	for (int i = 0; i < REC_CALLS_MAX - 1; i++)
		EXPECT_TRUE(rec_call(&r, REC_RUNNING, native(), 10000 + i));
	EXPECT_TRUE(!rec_call(&r, REC_RUNNING, native(), 99999));
	rec_free(&r);
}

TEST(a_file_that_is_no_recording_is_refused_with_its_place)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"{\"format\":\"x\"}",
		 "/format: must be \"dcosaudit-recording\": this is no recording"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":2}", "/version: must be 1"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1,\"tsak\":\"\"}",
		 ": unknown key \"tsak\""},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1}", "/startup: is missing"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1,\"startup\":{\"calls\":[]},"
		 "\"running\":"
		 "{\"calls\":[{\"arch\":\"pdp11\",\"name\":\"read\"}]}}",
		 "/running/calls/0/arch: \"pdp11\" is not executed by this machine"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1,\"startup\":{\"calls\":[{"
		 "\"arch\":"
		 "\"x86_64\",\"name\":\"read\",\"count\":-1}]},\"running\":{\"calls\":[]}}",
		 "/startup/calls/0/count: must be a whole number"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1,\"startup\":{\"calls\":[{"
		 "\"arch\":"
		 "\"x86_64\",\"name\":\"read\",\"errors\":{\"EWHAT\":1}}]},\"running\":{\"calls\":["
		 "]}}",
		 "/startup/calls/0/errors: \"EWHAT\" is no errno"},
		{"{\"format\":\"dcosaudit-recording\",\"version\":1,\"startup\":{\"calls\":[{"
		 "\"arch\":"
		 "\"x86_64\",\"name\":\"nope\"}]},\"running\":{\"calls\":[]}}",
		 "/startup/calls/0/name: must be a system call"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *j = json_loads(rows[i].text, 0, NULL);
		struct recording r = {};
		struct why why = {};

		ASSERT_TRUE(j);
		if (strstr(rows[i].text, "x86_64") && native() != SCMP_ARCH_X86_64) {
			json_decref(j);
			continue;
		}
		EXPECT_EQ(rec_from_json(j, &r, &why), -EINVAL);
		if (!strstr(why.text, rows[i].why))
			test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", rows[i].why,
				  why.text);
		json_decref(j);
	}
}

/* ---- profiles ---- */

static struct profile generate(const struct recording *r, struct generate_how how,
			       struct generate_notes *notes)
{
	json_t *doc = generate_profile(r, &how, notes);
	cleanup_free char *text = json_dumps(doc, 0);
	struct profile p = {};
	struct why why = {};

	json_decref(doc);
	if (!text || profile_load_text("generated", text, 0, &p, &why) < 0) {
		test_fail(__FILE__, __LINE__, "%s: %s", why.text, text ? text : "");
		test_abort();
	}
	return p;
}

static uint32_t verdict(const struct profile *p, int nr, uint64_t arg0)
{
	struct seccomp_data d = {.nr = nr, .arch = native(), .args = {arg0}};

	return cbpf_run(&sc_filter_info(p->filter)->prog, &d, NULL);
}

#define NOSYS (SECCOMP_RET_ERRNO | ENOSYS)

TEST(a_generated_profile_allows_what_was_recorded_and_nothing_else)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p = generate(&r, (struct generate_how){}, &notes);

	EXPECT_EQ(verdict(&p, SYS_read, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_mprotect, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_execve, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_exit_group, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_write, 0), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_bpf, 0), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_socket, 2), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_socket, 10), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_socket, 1), NOSYS);
	/* the kernel looks at 32 bits, so does the profile */
	EXPECT_EQ(verdict(&p, SYS_socket, UINT64_C(0x500000002)), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_socket, UINT64_C(0x500000028)), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_clone, 0x3d0f00), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_clone, 0x11), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_clone, 0x10000011), NOSYS);
	EXPECT_EQ(notes.calls, 4);
	EXPECT_EQ(notes.only_startup, 1);
	EXPECT_FALSE(notes.incomplete);
	profile_free(&p);
	rec_free(&r);
}

TEST(the_startup_part_can_be_left_out)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p = generate(&r, (struct generate_how){.no_startup = true}, &notes);

	EXPECT_EQ(verdict(&p, SYS_mprotect, 0), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_read, 0), SECCOMP_RET_ALLOW);
	profile_free(&p);
	rec_free(&r);
}

TEST(arguments_of_both_parts_are_allowed_in_one_element)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p;

	call(&r, REC_STARTUP, SYS_socket, 1);
	rec_class_add(rec_call(&r, REC_STARTUP, native(), SYS_socket), 0, 16, 1);
	p = generate(&r, (struct generate_how){}, &notes);
	EXPECT_EQ(verdict(&p, SYS_socket, 16), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_socket, 2), SECCOMP_RET_ALLOW);
	EXPECT_EQ(verdict(&p, SYS_socket, 1), NOSYS);
	profile_free(&p);
	p = generate(&r, (struct generate_how){.no_startup = true}, &notes);
	EXPECT_EQ(verdict(&p, SYS_socket, 16), NOSYS);
	profile_free(&p);
	p = generate(&r, (struct generate_how){.no_args = true}, &notes);
	EXPECT_EQ(verdict(&p, SYS_socket, 38), SECCOMP_RET_ALLOW);
	profile_free(&p);
	rec_free(&r);
}

TEST(calls_that_never_succeeded_are_left_out)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p;

	call(&r, REC_RUNNING, SYS_io_uring_setup, 2);
	rec_error_add(rec_call(&r, REC_RUNNING, native(), SYS_io_uring_setup), EPERM, 2);
	rec_call(&r, REC_RUNNING, native(), SYS_io_uring_setup)->denied = 2;
	call(&r, REC_RUNNING, SYS_rseq, 1);
	rec_error_add(rec_call(&r, REC_RUNNING, native(), SYS_rseq), ENOSYS, 1);
	call(&r, REC_RUNNING, SYS_access, 1);
	rec_error_add(rec_call(&r, REC_RUNNING, native(), SYS_access), ENOENT, 1);
	p = generate(&r, (struct generate_how){}, &notes);
	EXPECT_EQ(notes.refused, 2);
	EXPECT_EQ(verdict(&p, SYS_io_uring_setup, 0), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_rseq, 0), NOSYS);
	EXPECT_EQ(verdict(&p, SYS_access, 0), SECCOMP_RET_ALLOW);
	profile_free(&p);
	rec_free(&r);
}

TEST(too_many_values_make_a_call_allowed_and_are_told)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p;

	call(&r, REC_RUNNING, SYS_ioctl, 100);
	for (uint64_t i = 0; i < 40; i++)
		rec_class_add(rec_call(&r, REC_RUNNING, native(), SYS_ioctl), 1, 0x5400 + i, 1);
	p = generate(&r, (struct generate_how){}, &notes);
	EXPECT_EQ(notes.unfiltered, 1);
	EXPECT_EQ(verdict(&p, SYS_ioctl, 0), SECCOMP_RET_ALLOW);
	profile_free(&p);
	rec_free(&r);
}

TEST(a_recording_with_losses_is_told_to_be_incomplete)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p;

	r.parts[REC_STARTUP].lost = 1;
	p = generate(&r, (struct generate_how){}, &notes);
	EXPECT_TRUE(notes.incomplete);
	profile_free(&p);
	rec_free(&r);
}

TEST(the_default_action_can_be_chosen)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p = generate(&r, (struct generate_how){.dflt = "kill"}, &notes);

	EXPECT_EQ(verdict(&p, SYS_bpf, 0), SECCOMP_RET_KILL_PROCESS);
	profile_free(&p);
	p = generate(&r, (struct generate_how){.dflt = "log"}, &notes);
	EXPECT_EQ(verdict(&p, SYS_bpf, 0), SECCOMP_RET_LOG);
	profile_free(&p);
	rec_free(&r);
}

TEST(a_32_bit_call_lets_its_numbering_in)
{
	struct recording r = sample();
	struct generate_notes notes;
	struct profile p;
	struct seccomp_data d = {.nr = 3, .arch = SCMP_ARCH_X86};

	if (native() != SCMP_ARCH_X86_64)
		test_skip("x86_64 only");
	rec_call(&r, REC_RUNNING, SCMP_ARCH_X86, 3)->count = 1; /* read */
	p = generate(&r, (struct generate_how){}, &notes);
	EXPECT_EQ(cbpf_run(&sc_filter_info(p.filter)->prog, &d, NULL), SECCOMP_RET_ALLOW);
	d.nr = 4;
	EXPECT_EQ(cbpf_run(&sc_filter_info(p.filter)->prog, &d, NULL), NOSYS);
	profile_free(&p);
	rec_free(&r);
}
