// SPDX-License-Identifier: Apache-2.0
/* Whatever a task may have made in its layers goes, and nothing else does. */
#include "isolators/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/test.h"

#define DEEP 3000 /* of "d/": longer than PATH_MAX */

static int open_test_dir(void)
{
	int fd = open(test_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ASSERT_TRUE(fd >= 0);
	return fd;
}

static void make_file(int dirfd, const char *path)
{
	cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_TRUE(fd >= 0);
}

TEST(a_tree_deeper_than_any_path_is_removed)
{
	cleanup_close int dir = open_test_dir();
	cleanup_close int at = dup(dir);

	ASSERT_EQ(mkdirat(dir, "t", 0700), 0);
	for (int i = 0; i < DEEP; i++) {
		int next;

		ASSERT_EQ(mkdirat(at, i ? "d" : "t/d", 0700), 0);
		next = openat(at, i ? "d" : "t/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ASSERT_TRUE(next >= 0);
		make_file(next, "f");
		close_fd(&at);
		at = next;
	}
	EXPECT_EQ(layers_remove(dir, "t"), 0);
	EXPECT_EQ(faccessat(dir, "t", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

TEST(a_broad_tree_and_names_like_our_own_are_removed)
{
	cleanup_close int dir = open_test_dir();
	char path[64];

	ASSERT_EQ(mkdirat(dir, "t", 0700), 0);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "t/dcos.%d", i); /* all fit */
		ASSERT_EQ(mkdirat(dir, path, 0700), 0);
		for (int j = 0; j < 40; j++) {
			(void)snprintf(path, sizeof(path), "t/dcos.%d/dcos.%d", i, j);
			ASSERT_EQ(mkdirat(dir, path, 0700), 0);
			(void)snprintf(path, sizeof(path), "t/dcos.%d/dcos.%d/f", i, j);
			make_file(dir, path);
		}
	}
	EXPECT_EQ(layers_remove(dir, "t"), 0);
	EXPECT_EQ(faccessat(dir, "t", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

TEST(links_are_removed_and_what_they_lead_to_is_not)
{
	cleanup_close int dir = open_test_dir();

	ASSERT_EQ(mkdirat(dir, "keep", 0700), 0);
	make_file(dir, "keep/f");
	ASSERT_EQ(mkdirat(dir, "t", 0700), 0);
	ASSERT_EQ(mkdirat(dir, "t/d", 0700), 0);
	ASSERT_EQ(symlinkat("../keep", dir, "t/link"), 0);
	ASSERT_EQ(symlinkat("../../keep", dir, "t/d/link"), 0);
	EXPECT_EQ(layers_remove(dir, "t"), 0);
	EXPECT_EQ(faccessat(dir, "t", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	EXPECT_EQ(faccessat(dir, "keep/f", F_OK, 0), 0);
	ASSERT_EQ(symlinkat("keep", dir, "t"), 0);
	EXPECT_EQ(layers_remove(dir, "t"), -ENOTDIR); /* the directory itself is no link either */
	EXPECT_EQ(faccessat(dir, "keep/f", F_OK, 0), 0);
}

TEST(removing_what_is_not_there_is_no_error)
{
	cleanup_close int dir = open_test_dir();

	EXPECT_EQ(layers_remove(dir, "t"), 0);
}

TEST(new_layers_are_empty_private_and_look_like_the_image)
{
	cleanup_close int dir = open_test_dir();
	struct stat root = {.st_mode = S_IFDIR | 01751, .st_uid = getuid(), .st_gid = getgid()}, st;

	ASSERT_EQ(mkdirat(dir, "t", 0755), 0);
	make_file(dir, "t/stale");
	cleanup_close int fd = layers_make(dir, "t", &root, NULL);

	ASSERT_TRUE(fd >= 0);
	EXPECT_EQ(faccessat(fd, "stale", F_OK, 0), -1);
	ASSERT_EQ(fstat(fd, &st), 0);
	EXPECT_EQ(st.st_mode & 07777, 0700); /* a set-user-id file in it is nobody's on the host */
	ASSERT_EQ(fstatat(fd, "upper", &st, 0), 0);
	EXPECT_EQ(st.st_mode & 07777, 01751);
	EXPECT_EQ(st.st_uid, getuid());
	EXPECT_EQ(faccessat(fd, "work", F_OK, 0), 0);
}

TEST(owners_are_mapped_and_ids_outside_of_the_map_never_hit_another_range, NEED_ROOT)
{
	const struct ct_idmap map = {.host_base = 100000, .nr = 1000};
	struct stat root = {.st_mode = S_IFDIR | 0755, .st_uid = 7, .st_gid = 1000}, st;
	cleanup_close int dir = open_test_dir();
	cleanup_close int fd = layers_make(dir, "t", &root, &map);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(fstatat(fd, "upper", &st, 0), 0);
	EXPECT_EQ(st.st_uid, 100007);
	EXPECT_EQ(st.st_gid, 1000);
}
