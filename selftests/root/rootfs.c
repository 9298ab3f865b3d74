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
#include "selftests/harness/tree_rig.h"

#define RACE_STARTS 40

/* ---- the image ---- */

TEST(what_a_task_writes_does_not_touch_its_image, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	char text[512];

	tree_image(&rig);
	path = tree_in_image(&rig, "etc/motd");
	tree_write(path, "old\n");
	EXPECT_RUN(&rig,
		   "echo new > /etc/motd; cat /etc/motd; echo x > /made; rm /bin/rm && ls /made",
		   "new\n/made\n");
	EXPECT_STREQ(tree_read(path, text), "old\n");
	path = tree_in_image(&rig, "bin/rm");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW), 0);
	path = tree_in_image(&rig, "made");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, 0), -1);
	EXPECT_RUN(&rig, "cat /etc/motd", "old\n");
	ct_rig_end(&rig);
}

TEST(files_of_a_task_have_the_ids_of_its_range_on_disk, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	struct stat st;

	tree_image(&rig);
	ct_rig_sh(&rig, "touch /a /b; busybox chown 1000:1001 /b; busybox chmod 4755 /b");
	ASSERT_EQ(ct_rig_run(&rig), 0);
	path = tree_layers(&rig, "/upper/a");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, tree_on_host(0));
	EXPECT_EQ(st.st_gid, tree_on_host(0));
	path = tree_layers(&rig, "/upper/b");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, tree_on_host(1000));
	EXPECT_EQ(st.st_gid, tree_on_host(1001));
	ct_rig_end(&rig);
}

/* A setuid file in the layers would be a way up for the host's own users. */
TEST(only_root_of_the_host_reaches_the_layers, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;
	struct stat st;

	tree_image(&rig);
	ct_rig_sh(&rig, "true");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	path = tree_layers(&rig, "");
	ASSERT_EQ(lstat(path, &st), 0);
	EXPECT_EQ(st.st_uid, 0);
	EXPECT_EQ(st.st_mode & 07777, 0700);
	ct_rig_end(&rig);
}

TEST(owners_of_an_image_are_inside_what_they_are_on_disk, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	path = tree_in_image(&rig, "data");
	ASSERT_EQ(chown(path, 1000, 1001), 0);
	ASSERT_EQ(chown(rig.spec.root.path, 7, 8), 0);
	ASSERT_EQ(chmod(rig.spec.root.path, 0751), 0);
	EXPECT_RUN(&rig, "stat -c '%u %g' /bin/busybox /data; stat -c '%u %g %a' /",
		   "0 0\n1000 1001\n7 8 751\n");
	/* one that has no place in the range belongs to nobody, and to no neighbour's range */
	ASSERT_EQ(chown(path, tree_on_host(65536), tree_on_host(65536)), 0);
	EXPECT_RUN(&rig, "stat -c '%u %g' /data", "65534 65534\n");
	ct_rig_end(&rig);
}

TEST(a_read_only_image_is_the_directory_itself_and_refuses_writes, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	rig.spec.root.readonly = true;
	EXPECT_RUN(
		&rig, "touch /x 2>&1; touch /data/x 2>&1; stat -c '%u %g' /data; touch /dev/shm/x",
		"touch: /x: Read-only file system\ntouch: /data/x: Read-only file system\n0 0\n");
	ct_rig_sh(&rig, "true");
	ASSERT_EQ(ct_rig_create(&rig), 0);
	path = tree_layers(&rig, "");
	EXPECT_EQ(faccessat(AT_FDCWD, path, F_OK, 0), -1);
	ct_rig_end(&rig);
}

TEST(an_image_works_without_a_user_namespace, NEED_HOST, NEED_OVERLAY)
{
	struct ct_rig rig;

	tree_image(&rig);
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

	tree_image(&rig);
	dir = tree_dir("a,b:c\\d \n");
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

	tree_image(&rig);
	EXPECT_RUN(&rig, "grep -c ' / / .* overlay .*volatile' /proc/self/mountinfo", "1\n");
	ct_rig_end(&rig);
}

TEST(the_tree_of_the_host_is_gone_from_the_container, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
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

	tree_image(&rig);
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

	tree_image(&rig);
	victim = tree_victim();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *to[] = {"/data", "data", victim, "../../../../../../../../tmp"};
		const char *path = tree_in_image(&rig, names[i]);

		ASSERT_EQ(rmdir(path), 0);
		for (size_t k = 0; k < ARRAY_SIZE(to); k++) {
			ASSERT_EQ(symlink(to[k], path), 0);
			ct_rig_sh(&rig, "true");
			EXPECT_REFUSED(&rig, -ELOOP,
				       ct_rig_text("rootfs: mounting on %s: Too many", names[i]));
			ASSERT_EQ(unlink(path), 0);
		}
		tree_write(path, "a file\n");
		EXPECT_REFUSED(&rig, -ENOTDIR,
			       ct_rig_text("rootfs: mounting on %s: Not a dir", names[i]));
		ASSERT_EQ(unlink(path), 0);
		ASSERT_EQ(mkdir(path, 0755), 0);
	}
	EXPECT_EQ(tree_entries(victim), 0);
	EXPECT_RUN(&rig, "true", "");
	ct_rig_end(&rig);
}

TEST(directories_that_an_image_lacks_are_made, NEED_IMAGE)
{
	static const char *const names[] = {"proc", "dev", "sys"};
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path = tree_in_image(&rig, names[i]);
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

	tree_image(&rig);
	victim = tree_victim();
	source = tree_dir("source");
	tree_write(tree_in_dir("source/mark"), "mark\n");
	ASSERT_EQ(symlink(victim, tree_in_image(&rig, "absolute")), 0);
	ASSERT_EQ(symlink(ct_rig_text("../../../../../../../..%s", victim),
			  tree_in_image(&rig, "relative")),
		  0);
	tree_path(tree_in_image(&rig, victim + 1));
	tree_mount(&rig, source, "/absolute/one", false);
	tree_mount(&rig, source, "/relative/two", false);
	tree_mount(&rig, source, "/data/../../../../data/three", false);
	EXPECT_RUN(&rig,
		   ct_rig_text("cat %s/one/mark %s/two/mark /data/three/mark", victim, victim),
		   "mark\nmark\nmark\n");
	EXPECT_EQ(tree_entries(victim), 0);
	ct_rig_end(&rig);
}

TEST(a_dangling_link_is_no_mount_target, NEED_IMAGE)
{
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	path = tree_in_image(&rig, "gone");
	ASSERT_EQ(symlink("/no/such", path), 0);
	tree_mount(&rig, tree_dir("source"), "/gone", false);
	EXPECT_REFUSED(&rig, -ENOENT, "rootfs: mounting on /gone: No such file");
	ct_rig_end(&rig);
}

TEST(a_mount_led_into_proc_sys_or_cgroups_is_refused, NEED_IMAGE)
{
	static const char *const to[] = {"/proc", "/proc/sys", "/sys", "/sys/fs/cgroup"};
	struct ct_rig rig;
	const char *path;

	tree_image(&rig);
	path = tree_in_image(&rig, "link");
	tree_mount(&rig, tree_dir("source"), "/link", false);
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
	const char *victim = tree_victim(), *volume = tree_dir("volume");
	int built = 0, status;
	struct ct_rig rig;
	pid_t pid;

	tree_image(&rig);
	ASSERT_EQ(mkdir(tree_in_dir("volume/dir"), 0755), 0);
	ASSERT_EQ(symlink(victim, tree_in_dir("volume/link")), 0);
	tree_mount(&rig, volume, "/volume", false);
	tree_mount(&rig, tree_dir("source"), "/volume/dir/deep/er", false);
	pid = flipper(volume);
	ASSERT_TRUE(pid > 0);
	ct_rig_sh(&rig, "true");
	for (int i = 0; i < RACE_STARTS; i++) {
		built += !ct_rig_create(&rig);
		EXPECT_EQ(ct_destroy(rig.c), 0);
		rig.c = NULL;
		EXPECT_EQ(tree_entries(victim), 0);
	}
	EXPECT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_GT(built, 0);
	ct_rig_end(&rig);
}

/* ---- /dev, /proc, /sys ---- */

TEST(dev_has_what_programs_expect_and_nothing_of_the_host, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
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

	tree_image(&rig);
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

	tree_image(&rig);
	ASSERT_EQ(symlink("/etc/passwd", tree_in_image(&rig, "dev/null")), 0);
	for (char **p = rig.spec.masked_paths; *p; p++)
		list = ct_rig_text("%s%s /proc/1/root%s\n", list, *p, *p);
	tree_write(tree_in_image(&rig, "data/list"), list);
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

	tree_image(&rig);
	path = tree_in_image(&rig, "etc/secret");
	tree_write(path, "secret\n");
	path = tree_in_image(&rig, "data/inside");
	tree_write(path, "inside\n");
	path = tree_in_image(&rig, "etc/fixed");
	tree_write(path, "fixed\n");
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

	tree_image(&rig);
	path = tree_in_image(&rig, "etc/link");
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

	tree_image(&rig);
	tree_mount(&rig, tree_dir("dev"), "/dev", false);
	tree_write(tree_in_dir("dev/null"), "");
	EXPECT_REFUSED(&rig, -ENODEV, "paths: masking /proc/");
	ct_rig_end(&rig);
}

TEST(switches_of_the_kernel_cannot_be_written, NEED_IMAGE)
{
	struct ct_rig rig;

	tree_image(&rig);
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

	tree_image(&rig);
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
	tree_write(tree_in_dir("visible"), "to whom?\n"); /* in /tmp */
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
	tree_write("/mnt/state/secret", "secret\n");
	tree_write("/mnt/run/agent.sock", "socket\n");
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
	const char *work = tree_dir("work");
	struct ct_rig rig;
	struct stat st;

	ct_rig_begin(&rig);
	rig.spec.root.work = strdup(work);
	free(rig.spec.process.cwd);
	rig.spec.process.cwd = strdup(work);
	EXPECT_RUN(&rig, "echo x > made; cat made; ls -A ..", "x\nwork\n");
	ASSERT_EQ(stat(tree_in_dir("work/made"), &st), 0);
	EXPECT_EQ(st.st_uid, 0);
	ct_rig_end(&rig);
}

TEST(a_work_directory_that_is_a_link_is_refused, NEED_HOST)
{
	struct ct_rig rig;

	ct_rig_begin(&rig);
	ASSERT_EQ(symlink("/etc", tree_in_dir("link")), 0);
	rig.spec.root.work = strdup(tree_in_dir("link"));
	ct_rig_sh(&rig, "true");
	EXPECT_REFUSED(&rig, -ELOOP, "/link: Too many levels of symbolic links");
	ct_rig_end(&rig);
}
