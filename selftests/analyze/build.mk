# SPDX-License-Identifier: Apache-2.0
# What tools find in the product without knowing what it is for; Documentation/analysis.rst says why
# findings are left out. A file is looked at again when it, or with gcc a header of it, has changed.
analyze-src	:= $(wildcard agent/*.c agent/lib/*.c isolators/*.c cgroupfs/*.c \
		   tools/*/*.c tools/*/*/*.c)
generated-h	:= $(O)/agent/agent_varlink.h $(O)/isolators/seccomp_builtin.h
analyze-flags	= $(CPPFLAGS_ALL) $(CPPFLAGS) -std=gnu11 -Wno-unused-function

.PHONY: check-analyze analyze-gcc analyze-tidy analyze-cppcheck
check-analyze: analyze-gcc analyze-tidy analyze-cppcheck

# Without optimisation, which takes variables away and calls them uninitialised. A line for each
# finding, "FILE FUNCTION WARNING".
$(O)/analyze/gcc/%.found: %.c selftests/analyze/found.awk | $(bpf-skels) $(generated-h)
	$(call say,ANALYZE,$<)
	@mkdir -p $(@D)
	$(Q)LC_ALL=C gcc $(analyze-flags) -O0 -fanalyzer -fdiagnostics-path-format=none \
		-fdiagnostics-color=never -MMD -MP -MT $@ -MF $(@:.found=.d) -c -o $(@:.found=.o) $< 2> $(@:.found=.log)
	$(Q)awk -v file=$< -f selftests/analyze/found.awk $(@:.found=.log) > $@

# clang-tidy names no function: "FILE CHECK"
$(O)/analyze/tidy/%.found: %.c selftests/analyze/clang-tidy | $(bpf-skels) $(generated-h)
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet --config-file=selftests/analyze/clang-tidy $< -- $(analyze-flags) \
		> $(@:.found=.log) 2> $(@:.found=.err)
	$(Q)awk -v file=$< -f selftests/analyze/found.awk $(@:.found=.log) > $@

analyze-found := $(analyze-src:%.c=$(O)/analyze/gcc/%.found)
analyze-gcc: $(analyze-found)
	@selftests/analyze/known.sh $(O)/analyze/gcc $(analyze-found)
tidy-found := $(analyze-src:%.c=$(O)/analyze/tidy/%.found)
analyze-tidy: $(tidy-found)
	@selftests/analyze/known.sh $(O)/analyze/tidy $(tidy-found)

analyze-cppcheck: $(bpf-skels) $(generated-h)
	@mkdir -p $(O)/analyze/cppcheck
	$(Q)cppcheck --quiet --inline-suppr --error-exitcode=1 --std=c11 --library=gnu \
		--library=selftests/analyze/cppcheck.cfg -j$(shell nproc) \
		--enable=warning,performance,portability --cppcheck-build-dir=$(O)/analyze/cppcheck \
		--suppressions-list=selftests/analyze/cppcheck -D_GNU_SOURCE -D__linux__ -I. -I$(O) \
		-DDCOS_VERSION='"$(VERSION)"' -DDCOS_SYSCONFDIR='""' -DDCOS_PREFIX='""' $(analyze-src)

# Unit tests once more, without sanitizers, under valgrind: what they leave open or unreachable. Not
# those that are slow for the amount of what they compute, and not varlink_hostile, which takes away
# descriptors that valgrind counts otherwise.
valgrind-not	:= %_scale %_random audit_machine varlink_hostile
valgrind-names	= $(or $(T),$(filter-out $(valgrind-not),$(notdir $(unit-tests))))
.PHONY: check-valgrind valgrind-programs
valgrind-programs: $(addprefix $(O)/selftests/unit/,$(valgrind-names))
check-valgrind:
	+@$(MAKE) --no-print-directory O=$(O)/valgrind SAN= valgrind-programs
	DCOS_TEST_LIMIT_S=300 prove -j2 --timer --exec selftests/analyze/valgrind.sh $(addprefix $(O)/valgrind/selftests/unit/,$(valgrind-names))

# Root tests with the agent, the tools and themselves under ASan and UBSan. What tests themselves do not
# give back is theirs; stacks through libc, which has no frame pointers, take the slow way.
.PHONY: test-root-asan
test-root-asan: export LSAN_OPTIONS = suppressions=$(CURDIR)/selftests/analyze/lsan.supp:print_suppressions=0
test-root-asan: export ASAN_OPTIONS = fast_unwind_on_malloc=0
test-root-asan:
	+@$(MAKE) --no-print-directory O=$(O)/asan OPT='-O1 -g $(SAN)' HARDEN=-fPIE \
		LDFLAGS_ALL='-pie $(SAN)' test-root $(if $(T),T='$(T)')
