// SPDX-License-Identifier: Apache-2.0
/*
 * Mounts of a container's spec: directories and files of the host, devices, tmpfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "selftests/harness/tree_rig.h"

/* ---- mounts of the spec ---- */

TEST(a_bound_directory_keeps_its_owners_and_can_be_written, NEED_IMAGE)
{
	const char *source = tree_dir("source");
	struct ct_rig rig;
	struct stat st;
	char text[512];

	tree_image(&rig);
	ASSERT_EQ(chown(source, 1000, 1000), 0);
	tree_mount(&rig, source, "/made/for/it", false);
	rig.spec.process.uid = rig.spec.process.gid = 1000;
	EXPECT_RUN(&rig, "cd /made/for/it; stat -c %u .; echo text > file; stat -c %u file",
		   "1000\n1000\n");
	EXPECT_STREQ(tree_read(tree_in_dir("source/file"), text), "text\n");
	ASSERT_EQ(lstat(tree_in_dir("source/file"), &st), 0);
	EXPECT_EQ(st.st_uid, 1000);
	ct_rig_end(&rig);
}

TEST(a_read_only_bind_refuses_writes_also_below_it, NEED_IMAGE)
{
	const char *source = tree_dir("source");
	struct ct_rig rig;

	tree_image(&rig);
	ASSERT_EQ(mkdir(tree_in_dir("source/below"), 0777), 0);
	ASSERT_EQ(mount("none", tree_in_dir("source/below"), "tmpfs", 0, "size=4096"), 0);
	tree_write(tree_in_dir("source/below/seen"), "seen\n");
	tree_mount(&rig, source, "/data", true);
	ct_rig_sh(&rig, "touch /data/x 2>&1; cat /data/below/seen; touch /data/below/x 2>&1");
	if (ct_rig_run(&rig) == -EINVAL) { /* tmpfs takes id maps since 6.3 */
		EXPECT_TRUE(strstr(rig.why.text, "can't be id-mapped"));
	} else {
		EXPECT_STREQ(rig.output, "touch: /data/x: Read-only file system\nseen\n"
					 "touch: /data/below/x: Read-only file system\n");
	}
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	ASSERT_EQ(umount(tree_in_dir("source/below")), 0);
	ct_rig_end(&rig);
}

TEST(a_bind_gives_neither_setuid_nor_devices, NEED_HOST, NEED_OVERLAY)
{
	struct ct_rig rig;

	tree_image(&rig);
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	rig.spec.process.no_new_privileges = false;
	ASSERT_TRUE(tree_dir("source"));
	ASSERT_EQ(mknod(tree_in_dir("source/null"), S_IFCHR | 0666, makedev(1, 3)), 0);
	tree_mount(&rig, tree_in_dir("source"), "/data", false);
	EXPECT_CODE(&rig,
		    "echo x > /data/null; grep -c ' /data .*nosuid.*nodev' /proc/self/mountinfo", 0,
		    "sh: can't create /data/null: Permission denied\n1\n");
	ct_rig_end(&rig);
}

TEST(a_device_node_of_the_image_is_dead, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	path = tree_in_image(&rig, "data/null");
	ASSERT_EQ(mknod(path, S_IFCHR | 0666, makedev(1, 3)), 0);
	EXPECT_CODE(&rig, "echo x > /data/null", 1,
		    "sh: can't create /data/null: Permission denied\n");
	rig.spec.root.readonly = true;
	EXPECT_CODE(&rig, "echo x > /data/null", 1,
		    "sh: can't create /data/null: Permission denied\n");
	ct_rig_end(&rig);
}

TEST(a_file_can_be_bound_over_a_file_and_over_nothing, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	tree_write(tree_in_dir("file"), "bound\n");
	path = tree_in_image(&rig, "etc/here");
	tree_write(path, "image\n");
	tree_mount(&rig, tree_in_dir("file"), "/etc/here", true);
	tree_mount(&rig, tree_in_dir("file"), "/etc/new/there", true);
	EXPECT_RUN(&rig, "cat /etc/here /etc/new/there", "bound\nbound\n");
	ct_rig_end(&rig);
}

TEST(a_device_can_be_bound_as_a_device, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, "/dev/full", "/dev/full2", false);
	EXPECT_RUN(&rig, "echo x 2>&1 > /dev/full2; stat -c '%t:%T' /dev/full2",
		   "sh: write error: No space left on device\n1:7\n");
	ct_rig_end(&rig);
}

TEST(a_source_that_has_become_a_link_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	ASSERT_EQ(symlink("/etc", tree_in_dir("link")), 0);
	tree_mount(&rig, tree_in_dir("link"), "/data", true);
	EXPECT_REFUSED(&rig, -ELOOP, "/link: Too many levels of symbolic links");
	ct_rig_end(&rig);
}

TEST(a_source_that_is_not_there_is_named, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, "/no/such/source", "/data", true);
	EXPECT_REFUSED(&rig, -ENOENT, "mounts: /no/such/source: No such file or directory");
	ct_rig_end(&rig);
}

TEST(a_target_below_a_file_is_named, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, tree_dir("source"), "/bin/busybox/x", true);
	EXPECT_REFUSED(&rig, -ENOTDIR, "rootfs: mounting on /bin/busybox/x: Not a directory");
	ct_rig_end(&rig);
}

TEST(a_directory_is_not_bound_over_a_file, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, tree_dir("source"), "/bin/busybox", true);
	EXPECT_REFUSED(&rig, -ENOTDIR, "rootfs: mounting on /bin/busybox: Not a directory");
	ct_rig_end(&rig);
}

TEST(a_tmpfs_has_the_size_that_was_asked_for, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, NULL, "/cache", false);
	tree_mount(&rig, NULL, "/fixed", true);
	rig.spec.mounts[0].tmpfs_bytes = 65536;
	EXPECT_CODE(&rig,
		    "stat -c %a /cache; busybox head -c 70000 /dev/zero 2> /dev/null > /cache/x; "
		    "stat -c %s /cache/x; touch /fixed/x",
		    1, "1777\n65536\ntouch: /fixed/x: Read-only file system\n");
	ct_rig_end(&rig);
}

TEST(more_mounts_than_there_are_places_are_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	for (int i = 0; i <= CT_MOUNTS_MAX; i++)
		tree_mount(&rig, NULL, "/cache", false);
	EXPECT_REFUSED(&rig, -E2BIG, "mounts: 65, at most 64");
	ct_rig_end(&rig);
}

TEST(mounts_of_a_container_are_not_seen_outside, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
	tree_mount(&rig, NULL, "/cache", false);
	ct_rig_sh(&rig, "busybox sleep 1000");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	ASSERT_EQ(ct_start(rig.c, &rig.why), 0);
	EXPECT_EQ(ct_rig_mounts(test_dir()), 0);
	ct_rig_end(&rig);
}

/* An agent that has not left the host's mounts: with systemd all of them are shared. */
TEST(shared_mounts_of_the_agent_get_none_of_a_container, NEED_HOST)
{
	struct ct_rig rig;
	int before;

	ct_rig_begin(&rig);
	ASSERT_EQ(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
	tree_mount(&rig, NULL, "/tmp/cache", false);
	before = ct_rig_mounts("/");
	ct_rig_sh(&rig, "exec sleep 1000");
	EXPECT_EQ(ct_rig_create(&rig), 0);
	EXPECT_STREQ(rig.why.text, "");
	EXPECT_EQ(ct_rig_mounts("/"), before);
	ct_rig_end(&rig);
}
