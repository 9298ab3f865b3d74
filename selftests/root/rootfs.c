// SPDX-License-Identifier: Apache-2.0
/*
 * What a task sees as its file system, seen from inside by the shell of a small image and from
 * outside by what stays on the host: the image, the layers, the directories that are bound.
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
#include "selftests/harness/ct_rig.h"
#include "selftests/harness/test.h"

#define NEED_HOST   NEED_ROOT | NEED_CGROUP2 | NEED_BPF
#define NEED_IMAGE  NEED_HOST | NEED_OVERLAY | NEED_USERNS | NEED_IDMAP
#define RACE_STARTS 40

/* The id of the container's @id as the host has it */
static uint32_t on_host(uint32_t id)
{
	return CT_RIG_ID_BASE + id;
}

static void rig_image(struct ct_rig *rig)
{
	ct_rig_begin(rig);
	(void)ct_rig_image(rig); /* its path is in the spec */
	ct_rig_sh(rig, "true");
}

static const char *in_dir(const char *name)
{
	return ct_rig_text("%s/%s", test_dir(), name);
}

static const char *in_image(const struct ct_rig *rig, const char *name)
{
	return ct_rig_text("%s/%s", rig->spec.root.path, name);
}

static const char *layers_of(const struct ct_rig *rig, const char *name)
{
	return ct_rig_text("%s/rootfs/t%s", rig->state, name);
}

/* A directory that a task could write to if it reached it: nothing but its root keeps it away. */
static const char *make_victim(void)
{
	const char *path = in_dir("victim");

	if (chmod(test_dir(), 0755) || mkdir(path, 0777) || chmod(path, 0777))
		test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return path;
}

static const char *make_dir(const char *name)
{
	const char *path = in_dir(name);

	if (mkdir(path, 0755))
		test_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return path;
}

/* A directory and all that lead to it */
static void make_path(const char *path)
{
	char *copy = ct_rig_text("%s", path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(copy, 0755); /* the last one tells */
		*p = '/';
	}
	ASSERT_EQ(mkdir(copy, 0755), 0);
}

static void write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static const char *read_file(const char *path, char buf[static 512])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, 511);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static int entries(const char *path)
{
	cleanup_closedir DIR *d = opendir(path);
	int nr = 0;

	ASSERT_TRUE(d);
	while (readdir(d))
		nr++;
	return nr - 2;
}

static void add_mount(struct ct_rig *rig, const char *source, const char *destination,
		      bool readonly)
{
	struct ct_spec *spec = &rig->spec;
	struct ct_mount *m;

	spec->mounts = reallocarray(spec->mounts, spec->mounts_nr + 1, sizeof(*m));
	ASSERT_TRUE(spec->mounts);
	m = &spec->mounts[spec->mounts_nr++];
	*m = (struct ct_mount){
		.source = source ? strdup(source) : NULL,
		.destination = strdup(destination),
		.readonly = readonly,
		.tmpfs = !source,
		.tmpfs_bytes = CT_UNSET,
	};
	ASSERT_TRUE(m->destination);
}

/* ---- the image ---- */

TEST(what_a_task_writes_does_not_touch_its_image, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	char text[512];

	rig_image(&rig);
	path = in_image(&rig, "etc/motd");
	write_file(path, "old\n");
	EXPECT_RUN(&rig,
		   "echo new > /etc/motd; cat /etc/motd; echo x > /made; rm /bin/rm && ls /made",
		   "new\n/made\n");
	EXPECT_STREQ(read_file(path, text), "old\n");
	path = in_image(&rig, "bin/rm");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW), 0);
	path = in_image(&rig, "made");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, 0), -1);
	EXPECT_RUN(&rig, "cat /etc/motd", "old\n");
	ct_rig_end(&rig);
}

TEST(files_of_a_task_have_the_ids_of_its_range_on_disk, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	struct stat st;

	rig_image(&rig);
	ct_rig_sh(&rig, "touch /a /b; busybox chown 1000:1001 /b; busybox chmod 4755 /b");
	ASSERT_EQ(ct_rig_run(&rig), 0);
	path = layers_of(&rig, "/upper/a");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, on_host(0));
	EXPECT_EQ(st.st_gid, on_host(0));
	path = layers_of(&rig, "/upper/b");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, on_host(1000));
	EXPECT_EQ(st.st_gid, on_host(1001));
	ct_rig_end(&rig);
}

/* A setuid file in the layers would be a way up for the host's own users. */
TEST(only_root_of_the_host_reaches_the_layers, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	struct stat st;

	rig_image(&rig);
	ct_rig_sh(&rig, "true");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	path = layers_of(&rig, "");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, 0);
	EXPECT_EQ(st.st_mode & 07777, 0700);
	ct_rig_end(&rig);
}

TEST(owners_of_an_image_are_inside_what_they_are_on_disk, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	path = in_image(&rig, "data");
	ASSERT_EQ(chown(path, 1000, 1001), 0);
	ASSERT_EQ(chown(rig.spec.root.path, 7, 8), 0);
	ASSERT_EQ(chmod(rig.spec.root.path, 0751), 0);
	EXPECT_RUN(&rig, "stat -c '%u %g' /bin/busybox /data; stat -c '%u %g %a' /",
		   "0 0\n1000 1001\n7 8 751\n");
	/* one that has no place in the range belongs to nobody, and to no neighbour's range */
	ASSERT_EQ(chown(path, on_host(65536), on_host(65536)), 0);
	EXPECT_RUN(&rig, "stat -c '%u %g' /data", "65534 65534\n");
	ct_rig_end(&rig);
}

TEST(a_read_only_image_is_the_directory_itself_and_refuses_writes, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	rig.spec.root.readonly = true;
	EXPECT_RUN(
		&rig, "touch /x 2>&1; touch /data/x 2>&1; stat -c '%u %g' /data; touch /dev/shm/x",
		"touch: /x: Read-only file system\ntouch: /data/x: Read-only file system\n0 0\n");
	ct_rig_sh(&rig, "true");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	path = layers_of(&rig, "");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, 0), -1);
	ct_rig_end(&rig);
}

TEST(an_image_works_without_a_user_namespace, NEED_HOST, NEED_OVERLAY)
{
	struct ct_rig rig;

	rig_image(&rig);
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	EXPECT_RUN(&rig, "touch /x && stat -c '%u' /x /bin/busybox && ls /dev/pts /proc/self/fd/0",
		   "0\n0\n/proc/self/fd/0\n\n/dev/pts:\nptmx\n");
	rig.spec.root.readonly = true;
	EXPECT_CODE(&rig, "touch /x", 1, NULL);
	ct_rig_end(&rig);
}

/* overlayfs gives a meaning to these in its options, and takes at most 255 bytes of each. */
TEST(an_image_may_have_any_path, NEED_IMAGE)
{
	const char *dir;
	struct ct_rig rig;
	char *path;

	rig_image(&rig);
	dir = make_dir("a,b:c\\d \n");
	for (int i = 0; i < 2; i++) {
		dir = ct_rig_text("%s/%0200d", dir, i);
		ASSERT_EQ(mkdir(dir, 0700), 0);
	}
	path = ct_rig_text("%s/image", dir);
	ASSERT_EQ(rename(rig.spec.root.path, path), 0);
	free(rig.spec.root.path);
	rig.spec.root.path = path;
	EXPECT_RUN(&rig, "touch /made && ls /made", "/made\n");
	ct_rig_end(&rig);
}

TEST(what_a_task_wrote_is_never_synced_to_disk, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig, "grep -c ' / / .* overlay .*volatile' /proc/self/mountinfo", "1\n");
	ct_rig_end(&rig);
}

TEST(the_tree_of_the_host_is_gone_from_the_container, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	/* each line is a mount; with the old root there would be one of the host's root */
	EXPECT_RUN(
		&rig,
		"grep -vc -e ' /dev' -e ' /proc' -e ' /sys' /proc/self/mountinfo; "
		"grep -c dcos-test /proc/self/mountinfo; ls -d /../../..; ls /proc/1/root/bin/sh",
		"1\n0\n/../../..\n/proc/1/root/bin/sh\n");
	ct_rig_end(&rig);
}

TEST(a_tree_deeper_than_any_path_is_removed_with_its_task, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	/* from the bottom up, so that no path of the shell is long */
	EXPECT_RUN(&rig,
		   "cd /data; n=$(busybox printf '%0250d' 7); mkdir $n; i=1; "
		   "while [ $i -lt 40 ]; do mkdir up; busybox mv $n up/; busybox mv up $n; "
		   "i=$((i+1)); done; echo $i",
		   "40\n");
	ct_rig_end(&rig);
}

/* ---- hostile images ---- */

/* /proc, /dev and /sys that lead elsewhere: CVE-2019-16884, CVE-2019-19921, CVE-2026-41579 */
TEST(an_image_whose_proc_dev_or_sys_is_a_link_is_refused, NEED_IMAGE)
{
	static const char *const names[] = {"proc", "dev", "sys"};
	const char *victim;
	struct ct_rig rig;

	rig_image(&rig);
	victim = make_victim();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *to[] = {"/data", "data", victim, "../../../../../../../../tmp"};
		const char *path = in_image(&rig, names[i]);

		ASSERT_EQ(rmdir(path), 0);
		for (size_t k = 0; k < ARRAY_SIZE(to); k++) {
			ASSERT_EQ(symlink(to[k], path), 0);
			ct_rig_sh(&rig, "true");
			EXPECT_REFUSED(&rig, -ELOOP,
				       ct_rig_text("rootfs: mounting on %s: Too many", names[i]));
			ASSERT_EQ(unlink(path), 0);
		}
		write_file(path, "a file\n");
		EXPECT_REFUSED(&rig, -ENOTDIR,
			       ct_rig_text("rootfs: mounting on %s: Not a dir", names[i]));
		ASSERT_EQ(unlink(path), 0);
		ASSERT_EQ(mkdir(path, 0755), 0);
	}
	EXPECT_EQ(entries(victim), 0);
	EXPECT_RUN(&rig, "true", "");
	ct_rig_end(&rig);
}

TEST(directories_that_an_image_lacks_are_made, NEED_IMAGE)
{
	static const char *const names[] = {"proc", "dev", "sys"};
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path = in_image(&rig, names[i]);
		ASSERT_EQ(rmdir(path), 0);
	}
	EXPECT_RUN(&rig, "ls -d /proc/1 /dev/null /sys/kernel",
		   "/dev/null\n/proc/1\n/sys/kernel\n");
	/* and where nothing can be made, that is said */
	rig.spec.root.readonly = true;
	EXPECT_REFUSED(&rig, -EROFS, "rootfs: mounting on proc: Read-only file system");
	ct_rig_end(&rig);
}

/* The target's links lead on inside, whatever they look like: CVE-2021-30465, CVE-2024-45310 */
TEST(a_mount_target_with_links_stays_inside_the_root, NEED_IMAGE)
{
	const char *victim, *source;
	struct ct_rig rig;

	rig_image(&rig);
	victim = make_victim();
	source = make_dir("source");
	write_file(in_dir("source/mark"), "mark\n");
	ASSERT_EQ(symlink(victim, in_image(&rig, "absolute")), 0);
	ASSERT_EQ(symlink(ct_rig_text("../../../../../../../..%s", victim),
			  in_image(&rig, "relative")),
		  0);
	make_path(in_image(&rig, victim + 1));
	add_mount(&rig, source, "/absolute/one", false);
	add_mount(&rig, source, "/relative/two", false);
	add_mount(&rig, source, "/data/../../../../data/three", false);
	EXPECT_RUN(&rig,
		   ct_rig_text("cat %s/one/mark %s/two/mark /data/three/mark", victim, victim),
		   "mark\nmark\nmark\n");
	EXPECT_EQ(entries(victim), 0);
	ct_rig_end(&rig);
}

TEST(a_dangling_link_is_no_mount_target, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	path = in_image(&rig, "gone");
	ASSERT_EQ(symlink("/no/such", path), 0);
	add_mount(&rig, make_dir("source"), "/gone", false);
	EXPECT_REFUSED(&rig, -ENOENT, "rootfs: mounting on /gone: No such file");
	ct_rig_end(&rig);
}

TEST(a_mount_led_into_proc_sys_or_cgroups_is_refused, NEED_IMAGE)
{
	static const char *const to[] = {"/proc", "/proc/sys", "/sys", "/sys/fs/cgroup"};
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	path = in_image(&rig, "link");
	add_mount(&rig, make_dir("source"), "/link", false);
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		ASSERT_EQ(symlink(to[i], path), 0);
		EXPECT_REFUSED(&rig, -EPERM, "rootfs: mounting on /link: Operation not permitted");
		ASSERT_EQ(unlink(path), 0);
	}
	ct_rig_end(&rig);
}

/* Exchanges a directory and a link out of a volume until it is killed. */
static pid_t flipper(const char *volume)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail */
	if (chdir(volume))
		_exit(1);
	for (;;)
		if (renameat2(AT_FDCWD, "dir", AT_FDCWD, "link", RENAME_EXCHANGE))
			_exit(1);
}

TEST(a_target_that_turns_into_a_link_meanwhile_stays_inside, NEED_IMAGE)
{
	const char *victim = make_victim(), *volume = make_dir("volume");
	int built = 0, status;
	struct ct_rig rig;
	pid_t pid;

	rig_image(&rig);
	ASSERT_EQ(mkdir(in_dir("volume/dir"), 0755), 0);
	ASSERT_EQ(symlink(victim, in_dir("volume/link")), 0);
	add_mount(&rig, volume, "/volume", false);
	add_mount(&rig, make_dir("source"), "/volume/dir/deep/er", false);
	pid = flipper(volume);
	ASSERT_TRUE(pid > 0);
	ct_rig_sh(&rig, "true");
	for (int i = 0; i < RACE_STARTS; i++) {
		built += !ct_rig_create(&rig);
		EXPECT_EQ(ct_destroy(rig.c), 0);
		rig.c = NULL;
		EXPECT_EQ(entries(victim), 0);
	}
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_GT(built, 0);
	ct_rig_end(&rig);
}

/* ---- mounts of the spec ---- */

TEST(a_bound_directory_keeps_its_owners_and_can_be_written, NEED_IMAGE)
{
	const char *source = make_dir("source");
	struct ct_rig rig;
	struct stat st;
	char text[512];

	rig_image(&rig);
	ASSERT_EQ(chown(source, 1000, 1000), 0);
	add_mount(&rig, source, "/made/for/it", false);
	rig.spec.process.uid = rig.spec.process.gid = 1000;
	EXPECT_RUN(&rig, "cd /made/for/it; stat -c %u .; echo text > file; stat -c %u file",
		   "1000\n1000\n");
	EXPECT_STREQ(read_file(in_dir("source/file"), text), "text\n");
	ASSERT_EQ(lstat(in_dir("source/file"), &st), 0);
	EXPECT_EQ(st.st_uid, 1000);
	ct_rig_end(&rig);
}

TEST(a_read_only_bind_refuses_writes_also_below_it, NEED_IMAGE)
{
	const char *source = make_dir("source");
	struct ct_rig rig;

	rig_image(&rig);
	ASSERT_EQ(mkdir(in_dir("source/below"), 0777), 0);
	ASSERT_EQ(mount("none", in_dir("source/below"), "tmpfs", 0, "size=4096"), 0);
	write_file(in_dir("source/below/seen"), "seen\n");
	add_mount(&rig, source, "/data", true);
	ct_rig_sh(&rig, "touch /data/x 2>&1; cat /data/below/seen; touch /data/below/x 2>&1");
	if (ct_rig_run(&rig) == -EINVAL) { /* tmpfs takes id maps since 6.3 */
		EXPECT_TRUE(strstr(rig.why.text, "can't be id-mapped"));
	} else {
		EXPECT_STREQ(rig.output, "touch: /data/x: Read-only file system\nseen\n"
					 "touch: /data/below/x: Read-only file system\n");
	}
	EXPECT_EQ(ct_destroy(rig.c), 0);
	rig.c = NULL;
	ASSERT_EQ(umount(in_dir("source/below")), 0);
	ct_rig_end(&rig);
}

TEST(a_bind_gives_neither_setuid_nor_devices, NEED_HOST, NEED_OVERLAY)
{
	struct ct_rig rig;

	rig_image(&rig);
	rig.spec.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	rig.spec.process.no_new_privileges = false;
	ASSERT_TRUE(make_dir("source"));
	ASSERT_EQ(mknod(in_dir("source/null"), S_IFCHR | 0666, makedev(1, 3)), 0);
	add_mount(&rig, in_dir("source"), "/data", false);
	EXPECT_CODE(&rig,
		    "echo x > /data/null; grep -c ' /data .*nosuid.*nodev' /proc/self/mountinfo", 0,
		    "sh: can't create /data/null: Permission denied\n1\n");
	ct_rig_end(&rig);
}

TEST(a_device_node_of_the_image_is_dead, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	rig_image(&rig);
	path = in_image(&rig, "data/null");
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

	rig_image(&rig);
	write_file(in_dir("file"), "bound\n");
	path = in_image(&rig, "etc/here");
	write_file(path, "image\n");
	add_mount(&rig, in_dir("file"), "/etc/here", true);
	add_mount(&rig, in_dir("file"), "/etc/new/there", true);
	EXPECT_RUN(&rig, "cat /etc/here /etc/new/there", "bound\nbound\n");
	ct_rig_end(&rig);
}

TEST(a_device_can_be_bound_as_a_device, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, "/dev/full", "/dev/full2", false);
	EXPECT_RUN(&rig, "echo x 2>&1 > /dev/full2; stat -c '%t:%T' /dev/full2",
		   "sh: write error: No space left on device\n1:7\n");
	ct_rig_end(&rig);
}

TEST(a_source_that_has_become_a_link_is_refused, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	ASSERT_EQ(symlink("/etc", in_dir("link")), 0);
	add_mount(&rig, in_dir("link"), "/data", true);
	EXPECT_REFUSED(&rig, -ELOOP, "/link: Too many levels of symbolic links");
	ct_rig_end(&rig);
}

TEST(a_source_that_is_not_there_is_named, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, "/no/such/source", "/data", true);
	EXPECT_REFUSED(&rig, -ENOENT, "mounts: /no/such/source: No such file or directory");
	ct_rig_end(&rig);
}

TEST(a_target_below_a_file_is_named, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, make_dir("source"), "/bin/busybox/x", true);
	EXPECT_REFUSED(&rig, -ENOTDIR, "rootfs: mounting on /bin/busybox/x: Not a directory");
	ct_rig_end(&rig);
}

TEST(a_directory_is_not_bound_over_a_file, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, make_dir("source"), "/bin/busybox", true);
	EXPECT_REFUSED(&rig, -ENOTDIR, "rootfs: mounting on /bin/busybox: Not a directory");
	ct_rig_end(&rig);
}

TEST(a_tmpfs_has_the_size_that_was_asked_for, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, NULL, "/cache", false);
	add_mount(&rig, NULL, "/fixed", true);
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

	rig_image(&rig);
	for (int i = 0; i <= CT_MOUNTS_MAX; i++)
		add_mount(&rig, NULL, "/cache", false);
	EXPECT_REFUSED(&rig, -E2BIG, "mounts: 65, at most 64");
	ct_rig_end(&rig);
}

TEST(mounts_of_a_container_are_not_seen_outside, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, NULL, "/cache", false);
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
	add_mount(&rig, NULL, "/tmp/cache", false);
	before = ct_rig_mounts("/");
	ct_rig_sh(&rig, "exec sleep 1000");
	EXPECT_EQ(ct_rig_create(&rig), 0);
	EXPECT_STREQ(rig.why.text, "");
	EXPECT_EQ(ct_rig_mounts("/"), before);
	ct_rig_end(&rig);
}

/* ---- /dev, /proc, /sys ---- */

TEST(dev_has_what_programs_expect_and_nothing_of_the_host, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(
		&rig, "echo $(ls /dev)",
		"fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero\n");
	EXPECT_RUN(&rig, "cd /dev; stat -c '%n %t:%T' null zero full random urandom tty",
		   "null 1:3\nzero 1:5\nfull 1:7\nrandom 1:8\nurandom 1:9\ntty 5:0\n");
	EXPECT_RUN(&rig,
		   "echo gone > /dev/null; busybox head -c 4 /dev/urandom | busybox wc -c; "
		   "echo x > /dev/shm/x; cat /dev/shm/x",
		   "4\nx\n");
	ct_rig_end(&rig);
}

TEST(a_terminal_of_the_container_is_its_own, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	/* opening the multiplexer makes terminal 0 of a new instance, whatever the host has */
	EXPECT_RUN(&rig, "exec 5<>/dev/ptmx; echo $(ls /dev/pts)", "0 ptmx\n");
	ct_rig_end(&rig);
}

/* Whatever the image has at /dev/null does not come to cover anything: CVE-2025-31133 */
TEST(masked_files_are_empty_and_masked_directories_too, NEED_IMAGE)
{
	static const char command[] =
		"for p in $(cat /data/list); do "
		"  if [ -d $p ]; then ls $p 2>/dev/null | grep -q . && echo $p;"
		"  elif [ -e $p ]; then [ \"$(busybox head -c 9 $p)\" = '' ] || echo $p; fi; "
		"done; [ -e /proc/kcore ] && stat -c %t:%T /proc/kcore; true";
	struct ct_rig rig;
	char *list = ct_rig_text("%s", "");

	rig_image(&rig);
	ASSERT_EQ(symlink("/etc/passwd", in_image(&rig, "dev/null")), 0);
	for (char **p = rig.spec.masked_paths; *p; p++)
		list = ct_rig_text("%s%s /proc/1/root%s\n", list, *p, *p);
	write_file(in_image(&rig, "data/list"), list);
	EXPECT_RUN(&rig, command, access("/proc/kcore", F_OK) ? "" : "1:3\n");
	ct_rig_end(&rig);
}

TEST(masked_and_read_only_paths_of_the_spec_hold, NEED_IMAGE)
{
	static char secret[] = "/etc/secret", dir[] = "/data", fixed[] = "/etc/fixed",
		    absent[] = "/no/such/path";
	char *masked[] = {secret, dir, absent, NULL}, *readonly[] = {fixed, absent, NULL};
	char **old_masked, **old_readonly;
	const char *path;
	struct ct_rig rig;

	rig_image(&rig);
	path = in_image(&rig, "etc/secret");
	write_file(path, "secret\n");
	path = in_image(&rig, "data/inside");
	write_file(path, "inside\n");
	path = in_image(&rig, "etc/fixed");
	write_file(path, "fixed\n");
	old_masked = rig.spec.masked_paths;
	old_readonly = rig.spec.readonly_paths;
	rig.spec.masked_paths = masked;
	rig.spec.readonly_paths = readonly;
	EXPECT_RUN(&rig,
		   "cat /etc/secret; ls /data/inside 2>&1; cat /etc/fixed; "
		   "(echo x > /etc/fixed) 2>&1; touch /data/x 2>&1; touch /etc/x && echo made",
		   NULL);
	EXPECT_STREQ(rig.output, "ls: /data/inside: No such file or directory\nfixed\n"
				 "sh: can't create /etc/fixed: Read-only file system\n"
				 "touch: /data/x: Read-only file system\nmade\n");
	rig.spec.masked_paths = old_masked;
	rig.spec.readonly_paths = old_readonly;
	ct_rig_end(&rig);
}

TEST(a_mask_that_a_link_leads_away_is_refused, NEED_IMAGE)
{
	static char linked[] = "/etc/link/secret";
	char *masked[] = {linked, NULL}, **old;
	const char *path;
	struct ct_rig rig;

	rig_image(&rig);
	path = in_image(&rig, "etc/link");
	ASSERT_EQ(symlink("/data", path), 0);
	old = rig.spec.masked_paths;
	rig.spec.masked_paths = masked;
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -ELOOP, "paths: masking /etc/link/secret: Too many levels");
	rig.spec.masked_paths = old;
	ct_rig_end(&rig);
}

/* A file that the task can write would show all that is masked. */
TEST(nothing_but_the_null_device_covers_a_masked_file, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	add_mount(&rig, make_dir("dev"), "/dev", false);
	write_file(in_dir("dev/null"), "");
	EXPECT_REFUSED(&rig, -ENODEV, "paths: masking /proc/");
	ct_rig_end(&rig);
}

TEST(switches_of_the_kernel_cannot_be_written, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig,
		   "for f in /proc/sys/kernel/hostname /proc/1/root/proc/sys/kernel/core_pattern "
		   "/proc/sysrq-trigger /sys/kernel/mm/ksm/run /sys/fs/cgroup/cgroup.procs; do "
		   "[ ! -e $f ] || (echo 0 > $f) 2>&1; done | "
		   "grep -v -e 'Read-only file system' -e 'Permission denied'; true",
		   "");
	EXPECT_RUN(&rig, "(echo x > /proc/sys/kernel/hostname) 2>&1; true",
		   "sh: can't create /proc/sys/kernel/hostname: Read-only file system\n");
	ct_rig_end(&rig);
}

TEST(sys_and_the_cgroup_are_read_only, NEED_IMAGE)
{
	struct ct_rig rig;

	rig_image(&rig);
	EXPECT_RUN(&rig,
		   "mkdir /sys/fs/cgroup/x 2>&1; mkdir /sys/x 2>&1; "
		   "grep -c ' /sys/fs/cgroup ro,.* cgroup2 ' /proc/self/mountinfo; "
		   "ls /sys/fs/cgroup/cgroup.procs; ls /sys/fs/cgroup/t 2>/dev/null; "
		   "cat /sys/fs/cgroup/cgroup.procs | busybox head -n 1",
		   "mkdir: can't create directory '/sys/fs/cgroup/x': Read-only file system\n"
		   "mkdir: can't create directory '/sys/x': Read-only file system\n"
		   "1\n/sys/fs/cgroup/cgroup.procs\n1\n");
	ct_rig_end(&rig);
}

/* ---- the host's tree ---- */

TEST(the_tree_of_the_host_can_only_be_read, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	EXPECT_CODE(&rig,
		    "for d in / /etc /usr /var /root /home /srv /opt /boot; do "
		    "[ ! -d $d ] || (: > $d/dcos-probe) 2>/dev/null && [ -e $d/dcos-probe ] && "
		    "echo $d; done; exit 3",
		    3, "");
	ct_rig_end(&rig);
}

TEST(a_mount_below_the_tree_of_the_host_is_read_only_too, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ASSERT_EQ(mount("none", "/mnt", "tmpfs", 0, NULL), 0); /* private to this test */
	EXPECT_CODE(&rig, "ls -d /mnt; (: > /mnt/x) 2>/dev/null || exit 3", 3, "/mnt\n");
	ct_rig_end(&rig);
}

TEST(temporary_directories_are_private, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	write_file(in_dir("visible"), "to whom?\n"); /* in /tmp */
	EXPECT_RUN(&rig,
		   "ls -A /tmp /run | grep -v : ; for d in /tmp /var/tmp /run; do "
		   "echo x > $d/x && cat $d/x; done; stat -c %a /tmp",
		   NULL);
	EXPECT_TRUE(strstr(rig.output, "x\nx\nx\n1777\n"));
	EXPECT_FALSE(strstr(rig.output, "dcos-test"));
	EXPECT_EQ(access("/tmp/x", F_OK), -1);
	EXPECT_EQ(access("/run/x", F_OK), -1);
	ct_rig_end(&rig);
}

/* Where neither /tmp nor /run covers them; root without a user namespace may read anything. */
TEST(files_of_the_agent_are_hidden_from_tasks_in_the_tree_of_the_host, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ASSERT_EQ(mount("none", "/mnt", "tmpfs", 0, NULL), 0); /* private to this test */
	ASSERT_EQ(mkdir("/mnt/state", 0755), 0);
	ASSERT_EQ(mkdir("/mnt/run", 0755), 0);
	ASSERT_EQ(symlink("state", "/mnt/other"), 0);
	write_file("/mnt/state/secret", "secret\n");
	write_file("/mnt/run/agent.sock", "socket\n");
	rig.host.state_dir = "/mnt/state";
	rig.host.run_dir = "/mnt/run";
	EXPECT_RUN(&rig,
		   "ls -A /mnt/state /mnt/run /mnt/other/; cat /mnt/state/secret 2>/dev/null; "
		   "(: > /mnt/state/x) 2>/dev/null; ls /mnt",
		   "/mnt/other/:\n\n/mnt/run:\n\n/mnt/state:\nother\nrun\nstate\n");
	ct_rig_end(&rig);
}

TEST(a_work_directory_is_writable_where_it_is, NEED_HOST)
{
	const char *work = make_dir("work");
	struct ct_rig rig;
	struct stat st;

	ct_rig_begin(&rig);
	rig.spec.root.work = strdup(work);
	free(rig.spec.process.cwd);
	rig.spec.process.cwd = strdup(work);
	EXPECT_RUN(&rig, "echo x > made; cat made; ls -A ..", "x\nwork\n");
	ASSERT_EQ(stat(in_dir("work/made"), &st), 0);
	EXPECT_EQ(st.st_uid, 0);
	ct_rig_end(&rig);
}

TEST(a_work_directory_that_is_a_link_is_refused, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ASSERT_EQ(symlink("/etc", in_dir("link")), 0);
	rig.spec.root.work = strdup(in_dir("link"));
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -ELOOP, "/link: Too many levels of symbolic links");
	ct_rig_end(&rig);
}
