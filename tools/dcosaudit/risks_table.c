// SPDX-License-Identifier: Apache-2.0
/*
 * Risky uses of system calls. A CVE stands here for a hole that was reached by this call, as its
 * public description says; it is fixed in current kernels. The list says where holes were found
 * before, not what is open now.
 */
#include "agent/lib/cleanup.h"
#include "tools/dcosaudit/risks.h"

#define ANY		       .mask = 0
#define INT		       UINT64_C(0xffffffff)
#define BIT_SET(a, bits, text) .arg = (a), .mask = (bits), .value = (bits), .use = (text)
#define IS(a, v, text)	       .arg = (a), .mask = INT, .value = (v), .use = (text)

#define G_USERNS  "user namespaces"
#define G_MOUNT	  "mounts"
#define G_BPF	  "programs and tracing in the kernel"
#define G_URING	  "io_uring"
#define G_MODULE  "modules and other kernels"
#define G_KEYS	  "keyrings"
#define G_PROCESS "other processes"
#define G_NS	  "other namespaces"
#define G_SOCKET  "socket families"
#define G_MEMORY  "memory"
#define G_FILES	  "files past the mounts"
#define G_TTY	  "terminals"
#define G_MACHINE "the machine"
#define G_OLD	  "old and rare"
#define G_CODE	  "running code"

#define WHY_USERNS                                                                                 \
	"gives every capability inside, and with them the kernel code behind capability checks"
#define CVE_USERNS "CVE-2022-0185, CVE-2022-0492, CVE-2023-32233, CVE-2024-1086"
#define WHY_NEWNS                                                                                  \
	"a new namespace of another kind: needs CAP_SYS_ADMIN, then changes what the runtime set " \
	"up"
#define WHY_MODULE "loads code into the kernel (needs CAP_SYS_MODULE)"
#define WHY_KEXEC  "replaces the kernel (needs CAP_SYS_BOOT)"
#define WHY_MOUNT  "file system code as input parser, and a way around masked and read-only paths"
#define WHY_PVM	   "reads or writes memory of other processes"
#define WHY_NUMA   "placement of memory, large code that few programs need"

/* personality with all bits set only asks: its risks are without the top bit. */
static const struct risk risks[] = {
	{"clone", BIT_SET(0, 0x10000000, "CLONE_NEWUSER"), 20, G_USERNS, WHY_USERNS, CVE_USERNS},
	{"unshare", BIT_SET(0, 0x10000000, "CLONE_NEWUSER"), 20, G_USERNS, WHY_USERNS, CVE_USERNS},
	{"clone3", ANY, .weight = 20, .group = G_USERNS,
	 .why = "its flags are behind a pointer, so that new user namespaces can't be filtered",
	 .cves = CVE_USERNS},
	{"setns", ANY, .weight = 10, .group = G_NS, .why = "enters namespaces of other containers"},
	{"clone", BIT_SET(0, 0x00020000, "CLONE_NEWNS"), 5, G_NS, WHY_NEWNS},
	{"clone", BIT_SET(0, 0x40000000, "CLONE_NEWNET"), 5, G_NS, WHY_NEWNS},
	{"unshare", BIT_SET(0, 0x00020000, "CLONE_NEWNS"), 5, G_NS, WHY_NEWNS, "CVE-2022-0492"},
	{"unshare", BIT_SET(0, 0x40000000, "CLONE_NEWNET"), 5, G_NS, WHY_NEWNS},
	{"unshare", BIT_SET(0, 0x02000000, "CLONE_NEWCGROUP"), 5, G_NS, WHY_NEWNS, "CVE-2022-0492"},

	{"mount", ANY, .weight = 20, .group = G_MOUNT, .why = WHY_MOUNT,
	 .cves = "CVE-2021-3493, CVE-2023-0386"},
	{"fsopen", ANY, .weight = 10, .group = G_MOUNT, .why = WHY_MOUNT, .cves = "CVE-2022-0185"},
	{"fsconfig", ANY, .weight = 10, .group = G_MOUNT, .why = WHY_MOUNT,
	 .cves = "CVE-2022-0185"},
	{"fsmount", ANY, .weight = 10, .group = G_MOUNT, .why = WHY_MOUNT},
	{"fspick", ANY, .weight = 5, .group = G_MOUNT, .why = WHY_MOUNT},
	{"move_mount", ANY, .weight = 10, .group = G_MOUNT, .why = WHY_MOUNT},
	{"open_tree", ANY, .weight = 5, .group = G_MOUNT, .why = WHY_MOUNT},
	{"open_tree_attr", ANY, .weight = 5, .group = G_MOUNT, .why = WHY_MOUNT},
	{"mount_setattr", ANY, .weight = 5, .group = G_MOUNT, .why = WHY_MOUNT},
	{"umount2", ANY, .weight = 5, .group = G_MOUNT, .why = "uncovers what a mount hides"},
	{"umount", ANY, .weight = 5, .group = G_MOUNT, .why = "uncovers what a mount hides"},
	{"pivot_root", ANY, .weight = 5, .group = G_MOUNT, .why = "changes the root of all"},

	{"bpf", ANY, .weight = 20, .group = G_BPF,
	 .why = "runs programs in the kernel, behind a verifier that had holes",
	 .cves = "CVE-2017-16995, CVE-2020-8835, CVE-2021-3490, CVE-2022-23222"},
	{"perf_event_open", ANY, .weight = 20, .group = G_BPF,
	 .why = "large, reachable without privileges on many hosts, sees the whole machine",
	 .cves = "CVE-2013-2094, CVE-2023-5717"},
	{"syslog", ANY, .weight = 5, .group = G_BPF,
	 .why = "the kernel's log is of the whole host and has addresses in it"},
	{"lookup_dcookie", ANY, .weight = 2, .group = G_BPF, .why = "profiling of the whole host"},

	{"io_uring_setup", ANY, .weight = 20, .group = G_URING,
	 .why = "large and young; what it does later is seen by no filter",
	 .cves = "CVE-2021-41073, CVE-2022-2602, CVE-2022-29582, CVE-2023-2598, CVE-2024-0582"},
	{"io_uring_enter", ANY, .weight = 5, .group = G_URING,
	 .why = "makes calls that no filter sees, on a ring that may be inherited"},
	{"io_uring_register", ANY, .weight = 5, .group = G_URING, .why = "as io_uring_enter",
	 .cves = "CVE-2023-2598"},

	{"init_module", ANY, .weight = 20, .group = G_MODULE, .why = WHY_MODULE},
	{"finit_module", ANY, .weight = 20, .group = G_MODULE, .why = WHY_MODULE},
	{"delete_module", ANY, .weight = 10, .group = G_MODULE, .why = WHY_MODULE},
	{"kexec_load", ANY, .weight = 20, .group = G_MODULE, .why = WHY_KEXEC},
	{"kexec_file_load", ANY, .weight = 20, .group = G_MODULE, .why = WHY_KEXEC},

	{"keyctl", ANY, .weight = 10, .group = G_KEYS,
	 .why = "keyrings are not divided by container", .cves = "CVE-2016-0728"},
	{"add_key", ANY, .weight = 10, .group = G_KEYS,
	 .why = "keyrings are not divided by container", .cves = "CVE-2017-15299"},
	{"request_key", ANY, .weight = 10, .group = G_KEYS,
	 .why = "starts a program outside the container to find a key"},

	{"ptrace", ANY, .weight = 10, .group = G_PROCESS,
	 .why = "takes over other processes of the same user; before 4.8 also calls past the "
		"filter",
	 .cves = "CVE-2014-4699, CVE-2019-13272"},
	{"process_vm_readv", ANY, .weight = 5, .group = G_PROCESS, .why = WHY_PVM},
	{"process_vm_writev", ANY, .weight = 5, .group = G_PROCESS, .why = WHY_PVM},
	{"process_madvise", ANY, .weight = 2, .group = G_PROCESS, .why = WHY_PVM},
	{"pidfd_getfd", ANY, .weight = 10, .group = G_PROCESS,
	 .why = "takes open files of other processes"},
	{"kcmp", ANY, .weight = 2, .group = G_PROCESS,
	 .why = "tells whether two processes share kernel objects, which is half an address"},

	{"userfaultfd", ANY, .weight = 10, .group = G_MEMORY,
	 .why = "holds the kernel at a page fault: races become easy to win",
	 .cves = "CVE-2018-18397"},
	{"mbind", ANY, .weight = 2, .group = G_MEMORY, .why = WHY_NUMA, .cves = "CVE-2017-7616"},
	{"set_mempolicy", ANY, .weight = 2, .group = G_MEMORY, .why = WHY_NUMA,
	 .cves = "CVE-2017-7616"},
	{"move_pages", ANY, .weight = 5, .group = G_MEMORY,
	 .why = "tells and changes where memory of other processes is", .cves = "CVE-2017-14140"},
	{"migrate_pages", ANY, .weight = 2, .group = G_MEMORY, .why = WHY_NUMA},
	{"vmsplice", ANY, .weight = 5, .group = G_MEMORY,
	 .why = "pages of a process in a pipe without a copy", .cves = "CVE-2008-0600"},
	{"splice", ANY, .weight = 2, .group = G_MEMORY,
	 .why = "pages of files in a pipe without a copy", .cves = "CVE-2022-0847"},
	{"remap_file_pages", ANY, .weight = 2, .group = G_MEMORY, .why = "deprecated since 3.16"},
	{"mremap", ANY, .weight = 2, .group = G_MEMORY, .why = "moves page tables",
	 .cves = "CVE-2018-18281"},
	{"madvise", ANY, .weight = 2, .group = G_MEMORY, .why = "drops and replaces pages in use",
	 .cves = "CVE-2016-5195"},

	{"socket", IS(0, 38, "AF_ALG"), 10, G_SOCKET,
	 "the kernel's cryptography as a socket; loads modules", "CVE-2019-8912"},
	{"socket", IS(0, 40, "AF_VSOCK"), 10, G_SOCKET, "talks to the hypervisor and to the host",
	 "CVE-2021-26708, CVE-2024-50264"},
	{"socket", IS(0, 17, "AF_PACKET"), 10, G_SOCKET, "raw frames (needs CAP_NET_RAW)",
	 "CVE-2016-8655, CVE-2017-7308, CVE-2020-14386"},
	{"socket", IS(0, 16, "AF_NETLINK"), 5, G_SOCKET, "the way to most of the network's set-up",
	 "CVE-2023-32233, CVE-2024-1086"},
	{"socket", IS(0, 30, "AF_TIPC"), 10, G_SOCKET, "rare; loads a module",
	 "CVE-2021-43267, CVE-2022-0435"},
	{"socket", IS(0, 21, "AF_RDS"), 10, G_SOCKET, "rare; loads a module", "CVE-2010-3904"},
	{"socket", IS(0, 29, "AF_CAN"), 10, G_SOCKET, "rare; loads a module", "CVE-2021-3609"},
	{"socket", IS(0, 31, "AF_BLUETOOTH"), 10, G_SOCKET, "loads drivers' code", "CVE-2021-3573"},
	{"socket", IS(0, 39, "AF_NFC"), 10, G_SOCKET, "loads drivers' code", "CVE-2021-23134"},
	{"socket", IS(0, 24, "AF_PPPOX"), 5, G_SOCKET, "rare; loads a module"},
	{"socket", IS(0, 15, "AF_KEY"), 5, G_SOCKET, "old interface of IPsec"},
	{"socket", IS(0, 44, "AF_XDP"), 5, G_SOCKET, "frames past the network stack"},
	{"socket", .family = 2, IS(1, 3, "AF_INET SOCK_RAW"), 5, G_SOCKET,
	 "packets of any kind (needs CAP_NET_RAW)"},
	{"socket", .family = 2, IS(1, 6, "AF_INET SOCK_DCCP"), 5, G_SOCKET, "rare; loads a module",
	 "CVE-2017-6074"},

	{"open_by_handle_at", ANY, .weight = 20, .group = G_FILES,
	 .why = "opens any file of a file system by number, mounts do not matter (needs "
		"CAP_DAC_READ_SEARCH)"},
	{"name_to_handle_at", ANY, .weight = 2, .group = G_FILES,
	 .why = "learns the numbers for open_by_handle_at"},
	{"fanotify_init", ANY, .weight = 5, .group = G_FILES,
	 .why = "sees what others open in the whole file system"},
	{"chroot", ANY, .weight = 2, .group = G_FILES, .why = "needs CAP_SYS_CHROOT"},
	{"mknod", ANY, .weight = 2, .group = G_FILES, .why = "device nodes (needs CAP_MKNOD)"},
	{"mknodat", ANY, .weight = 2, .group = G_FILES, .why = "device nodes (needs CAP_MKNOD)"},
	{"statmount", ANY, .weight = 2, .group = G_FILES, .why = "tells of mounts"},

	{"ioctl", IS(1, 0x5412, "TIOCSTI"), 10, G_TTY,
	 "types into a terminal that is shared with the outside", "CVE-2017-5226"},
	{"ioctl", IS(1, 0x541c, "TIOCLINUX"), 5, G_TTY,
	 "pastes into a virtual console that is shared with the outside", "CVE-2023-28100"},
	{"vhangup", ANY, .weight = 2, .group = G_TTY, .why = "hangs up the terminal"},

	{"reboot", ANY, .weight = 20, .group = G_MACHINE,
	 .why = "of the host, in its pid namespace"},
	{"swapon", ANY, .weight = 10, .group = G_MACHINE, .why = "swap of the host"},
	{"swapoff", ANY, .weight = 10, .group = G_MACHINE, .why = "swap of the host"},
	{"settimeofday", ANY, .weight = 10, .group = G_MACHINE, .why = "clock of the host"},
	{"clock_settime", ANY, .weight = 10, .group = G_MACHINE, .why = "clock of the host"},
	{"stime", ANY, .weight = 10, .group = G_MACHINE, .why = "clock of the host"},
	{"iopl", ANY, .weight = 20, .group = G_MACHINE,
	 .why = "ports of devices (needs CAP_SYS_RAWIO)"},
	{"ioperm", ANY, .weight = 20, .group = G_MACHINE,
	 .why = "ports of devices (needs CAP_SYS_RAWIO)"},
	{"acct", ANY, .weight = 5, .group = G_MACHINE, .why = "process accounting of the host"},
	{"quotactl", ANY, .weight = 5, .group = G_MACHINE, .why = "disk quotas of the host"},
	{"quotactl_fd", ANY, .weight = 5, .group = G_MACHINE, .why = "disk quotas of the host"},

	{"personality", .arg = 0, .mask = 0x80400000, .value = 0x00400000,
	 .use = "READ_IMPLIES_EXEC", 5, G_CODE, "all memory becomes executable"},
	{"personality", .arg = 0, .mask = 0x80040000, .value = 0x00040000,
	 .use = "ADDR_NO_RANDOMIZE", 2, G_CODE, "addresses become known"},
	{"memfd_create", ANY, .weight = 2, .group = G_CODE, .why = "programs that are in no file"},
	{"execveat", ANY, .weight = 2, .group = G_CODE, .why = "runs programs that have no path"},

	{"modify_ldt", ANY, .weight = 5, .group = G_OLD, .why = "segments of 16-bit programs",
	 .cves = "CVE-2017-17053"},
	{"uselib", ANY, .weight = 10, .group = G_OLD, .why = "libraries of the a.out time",
	 .cves = "CVE-2004-1235"},
	{"nfsservctl", ANY, .weight = 5, .group = G_OLD, .why = "gone since 3.1"},
	{"_sysctl", ANY, .weight = 2, .group = G_OLD, .why = "gone since 5.5"},
	{"sysfs", ANY, .weight = 2, .group = G_OLD, .why = "nothing needs it"},
	{"ustat", ANY, .weight = 2, .group = G_OLD, .why = "nothing needs it"},
	{"futex", .arg = 1, .mask = 0x7f, .value = 12, .use = "CMP_REQUEUE_PI", .weight = 2,
	 .group = G_OLD, .why = "an intricate part of futexes that few programs use",
	 .cves = "CVE-2014-3153"},
	{"waitid", ANY, .weight = 2, .group = G_OLD, .why = "writes to an address of the caller",
	 .cves = "CVE-2017-5123"},
};

const struct risk *risks_table(size_t *ret_nr)
{
	*ret_nr = ARRAY_SIZE(risks);
	return risks;
}
