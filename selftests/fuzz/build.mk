# SPDX-License-Identifier: Apache-2.0
# Every selftests/fuzz/NAME.c with an LLVMFuzzerTestOneInput() is a libFuzzer program, linked with
# the same archives as a unit test of that name; selftests/fuzz/NAME.dict, if there, has its words.
# What it finds to be new input is kept below $(O)/fuzz/corpus and tried first the next time.
# for each in make fuzz-smoke; the tests take some seconds
FUZZ_SECONDS	?= 60
fuzz-names	:= $(patsubst selftests/fuzz/%.c,%,$(wildcard selftests/fuzz/*.c))
fuzz-programs	:= $(fuzz-names:%=$(O)/selftests/fuzz/%)
fuzz-tests	:= selftests/fuzz/smoke.t
FUZZ_SAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

generated	:= $(O)/agent/agent_varlink.h $(O)/isolators/seccomp_builtin.h

$(O)/fuzz/%.o: %.c | $(bpf-skels) $(generated)
	$(call say,CC-FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS_ALL) $(CPPFLAGS) -std=gnu11 -O1 -g $(WARN) \
		$(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

# $(call fuzz-archive,NAME,SOURCES)
define fuzz-archive
$(O)/fuzz/lib$(1).a: $(patsubst %.c,$(O)/fuzz/%.o,$(2))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(eval $(call fuzz-archive,dcos,$(lib-src)))
$(eval $(call fuzz-archive,container,$(container-src)))
$(eval $(call fuzz-archive,agent,$(agent-src)))

# selftests/build.mk turned second expansion on
$(O)/selftests/fuzz/%: $(O)/fuzz/selftests/fuzz/%.o $$(call test-archives,$$*,$(O)/fuzz)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(test-libs)

.PHONY: fuzz-smoke
# with T=NAME one of them; FUZZ_SECONDS each
fuzz-smoke: $(if $(T),$(T:%=$(O)/selftests/fuzz/%),$(fuzz-programs))
	DCOS_BUILD=$(abspath $(O)) FUZZ_SECONDS=$(FUZZ_SECONDS) selftests/fuzz/smoke.t $(^F)
