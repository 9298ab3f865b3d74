// SPDX-License-Identifier: Apache-2.0
/*
 * How many arguments a system call takes, to leave out what stands in the other registers. By
 * name, the same for all numberings; what is not listed is shown with all six.
 * Source: include/linux/syscalls.h of the kernel.
 */
#include <stdio.h>
#include <string.h>

#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/refusal.h"

/* Names between blanks, by the number of arguments. */
static const char *const lists[] = {
	" sched_yield pause getpid fork vfork getuid getgid geteuid getegid getppid getpgrp setsid"
	" munlockall vhangup sync gettid restart_syscall inotify_init rt_sigreturn ",

	" close brk dup alarm exit uname shmdt fchdir chdir rmdir unlink umask times sysinfo "
	"getpgid"
	" getsid setfsuid setfsgid mlockall swapoff acct chroot time exit_group epoll_create"
	" io_destroy set_tid_address mq_unlink unshare eventfd userfaultfd memfd_secret syncfs "
	"epoll_create1"
	" inotify_init1 pipe setuid setgid personality fsync fdatasync uselib sched_getscheduler"
	" sched_get_priority_max sched_get_priority_min adjtimex timer_getoverrun timer_delete iopl"
	" stime pkey_free ",

	" stat fstat lstat access dup2 pipe2 nanosleep getitimer shutdown listen kill truncate"
	" ftruncate getcwd rename mkdir creat link symlink chmod fchmod gettimeofday getrlimit"
	" getrusage utime setpgid setreuid setregid getgroups setgroups capget capset rt_sigpending"
	" rt_sigsuspend sigaltstack statfs fstatfs ustat getpriority sched_setparam sched_getparam"
	" sched_rr_get_interval munlock mlock pivot_root arch_prctl setrlimit settimeofday umount2"
	" swapon sethostname setdomainname delete_module tkill io_setup clock_settime clock_gettime"
	" clock_getres timer_gettime utimes mq_notify inotify_rm_watch eventfd2 timerfd_create"
	" timerfd_gettime fanotify_init clock_adjtime setns memfd_create pkey_alloc fsopen"
	" landlock_restrict_self pidfd_open io_uring_setup process_mrelease clone3 flock "
	"removexattr lremovexattr"
	" fremovexattr msgget set_robust_list"
	" ioprio_get socketcall ",

	" read write open poll lseek mprotect ioctl readv writev mincore madvise shmget shmat "
	"shmctl"
	" setitimer socket connect accept bind getsockname getpeername semget semop sendmsg recvmsg"
	" execve fcntl getdents readlink chown fchown lchown syslog setresuid getresuid setresgid"
	" getresgid rt_sigqueueinfo setpriority sched_setscheduler mknod sysfs init_module"
	" ioperm readahead listxattr llistxattr flistxattr sched_setaffinity sched_getaffinity"
	" io_submit io_cancel getdents64 timer_create tgkill inotify_add_watch ioprio_set mkdirat"
	" futimesat unlinkat symlinkat faccessat fchmodat get_robust_list signalfd"
	" dup3 open_by_handle_at getcpu sched_setattr seccomp getrandom bpf membarrier"
	" mlock2 finit_module close_range pidfd_getfd fsmount fspick open_tree mseal "
	"landlock_create_ruleset"
	" set_mempolicy lookup_dcookie modify_ldt msync"
	" mq_getsetattr map_shadow_stack lsm_list_modules ",

	" rt_sigprocmask reboot mq_open pkey_mprotect pread64 pwrite64 sendfile socketpair wait4 "
	"msgsnd ptrace"
	" rt_sigtimedwait quotactl getxattr lgetxattr fgetxattr epoll_wait epoll_ctl"
	" fadvise64 timer_settime clock_nanosleep request_key migrate_pages openat"
	" mknodat newfstatat renameat readlinkat utimensat fallocate timerfd_settime accept4"
	" signalfd4 tee vmsplice sync_file_range set_mempolicy_home_node"
	" rt_tgsigqueueinfo prlimit64 sendmmsg semtimedop kexec_load sched_getattr"
	" faccessat2 openat2 pidfd_send_signal io_uring_register quotactl_fd landlock_add_rule"
	" cachestat fchmodat2 rt_sigaction statmount listmount lsm_get_self_attr lsm_set_self_attr"
	" semctl ",

	" select getsockopt setsockopt clone prctl msgrcv mount setxattr lsetxattr fsetxattr"
	" remap_file_pages mq_timedsend mq_timedreceive waitid add_key keyctl fchownat linkat"
	" ppoll perf_event_open recvmmsg fanotify_mark name_to_handle_at kcmp process_madvise"
	" execveat renameat2 preadv pwritev open_tree_attr fsconfig move_mount statx io_getevents"
	" mount_setattr futex_waitv get_mempolicy kexec_file_load mremap ",
};

int refusal_args(const char *call)
{
	char word[CALL_NAME_MAX + 2];

	(void)snprintf(word, sizeof(word), " %.*s ", CALL_NAME_MAX - 1, call); /* fits */
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strstr(lists[i], word))
			return (int)i;
	return CBPF_ARGS;
}
