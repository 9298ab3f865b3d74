// SPDX-License-Identifier: Apache-2.0
/*
 * Where the program begins, before the C library: a command that clones processes executes the
 * program again from a read-only mount of its own file (agent/seal.h), and what the library does
 * at a start need not be done for a process that is about to be replaced. Whatever fails here
 * is tried again, and reported, by seal_program(), which stays the one that decides.
 *
 * Nothing is relocated yet, there is no thread's memory and no guard of the stack: no call into
 * a library, no table of pointers. The linker takes this entry in a static program only, as a
 * dynamic loader would have run before it.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && !defined(DCOS_WEAKEN) /* which may ask for no seal */

#define OWN_PROGRAM "/proc/self/exe"
#define READ_ONLY   0x0001 /* ST_RDONLY of statvfs, in f_flags */

/**
 * dcosrun_entry_seal - execute the program again, sealed, if it makes processes and is not
 * @stack: as the kernel leaves it: the number of arguments, they, NULL, the environment, NULL
 *
 * Return: nothing, where it does return: the program goes on as if there were no such thing.
 */
void dcosrun_entry_seal(long *stack);

static long call(long nr, long a, const void *b, long c, const void *d, long e)
{
	register long r10 __asm__("r10") = (long)d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static bool is(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool clones(char **argv)
{
	for (; *argv; argv++)
		if (is(*argv, "run") || is(*argv, "create") || is(*argv, "exec"))
			return true;
	return false;
}

static bool is_readonly(int fd)
{
	struct statfs fs;

	return !call(SYS_fstatfs, fd, &fs, 0, NULL, 0) && fs.f_flags & READ_ONLY;
}

/* Return: a descriptor of it; < 0 */
static long readonly_mount(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	long fd = call(SYS_open_tree, AT_FDCWD, OWN_PROGRAM, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC,
		       NULL, 0);

	if (fd >= 0 && (call(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
			!is_readonly((int)fd))) {
		(void)call(SYS_close, fd, NULL, 0, NULL, 0); /* it is not needed */
		return -1;
	}
	return fd;
}

void dcosrun_entry_seal(long *stack)
{
	char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1;
	struct statfs fs;
	long fd;

	if (stack[0] < 1 || !clones(argv + 1) ||
	    call(SYS_statfs, (long)OWN_PROGRAM, &fs, 0, NULL, 0) || fs.f_flags & READ_ONLY)
		return;
	fd = readonly_mount();
	if (fd < 0)
		return;
	/* returns only to fail */
	(void)call(SYS_execveat, fd, "", (long)argv, env, AT_EMPTY_PATH);
	(void)call(SYS_close, fd, NULL, 0, NULL, 0); /* it was no use */
}

/* The ABI leaves the stack aligned to 16 bytes, and rdx for what _start registers. */
__asm__(".text\n"
	".globl dcosrun_entry\n"
	".hidden dcosrun_entry\n"
	".type dcosrun_entry, @function\n"
	"dcosrun_entry:\n"
	"	endbr64\n"
	"	mov %rsp, %rdi\n"
	"	mov %rdx, %rbx\n"
	"	xor %ebp, %ebp\n"
	"	call dcosrun_entry_seal\n"
	"	mov %rbx, %rdx\n"
	"	jmp _start\n"
	".size dcosrun_entry, . - dcosrun_entry\n");

#endif
