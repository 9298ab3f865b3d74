# SPDX-License-Identifier: Apache-2.0
# What can be checked without running anything.
c-files		:= $(wildcard agent/*.[ch] agent/lib/*.[ch] bpf/*.[ch] isolators/*.[ch] \
		   cgroupfs/*.[ch] tools/*.[ch] tools/*/*.[ch] tools/*/*/*.[ch] selftests/*/*.[ch])
headers		:= $(filter-out bpf/% agent/lib/banned.h,$(filter %.h,$(c-files)))

.PHONY: check check-format check-headers check-includes check-clang check-size
check: check-format check-headers check-includes check-size

# versions of clang-format differ in details: the tree is in the form of one
format-version	:= 14

check-format:
	@clang-format --version | grep -q 'version $(format-version)\.' || \
		{ echo 'needs clang-format $(format-version)' >&2; exit 3; }
	@clang-format --dry-run -Werror $(c-files)

# each header compiles alone
check-headers: $(bpf-skels) $(O)/agent/agent_varlink.h
	@set -e; for h in $(headers); do \
		$(CC) $(CPPFLAGS_ALL) -std=gnu11 $(WARN) -Wno-unused-function -fsyntax-only -x c $$h; done

# the arrows of Documentation/architecture.rst between directories never turn back
check-includes:
	@selftests/check/includes.sh $(c-files)

check-size:
	@selftests/check/size.sh $(filter %.c,$(c-files))

# a whole second build, with clang
check-clang:
	+$(MAKE) --no-print-directory O=$(O)/clang CC=clang all
