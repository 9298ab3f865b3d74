# SPDX-License-Identifier: Apache-2.0
# the OCI runtime: the container library without the agent
programs	+= dcosrun
dcosrun-src	:= $(wildcard tools/dcosrun/*.c) $(tools-common)
dcosrun-lib	:= container dcos
dcosrun-libs	:= $(LIBS_container) $(LIBS_lib)

# its fuzz target: the reader of config.json
dcosrun-read	:= $(wildcard tools/dcosrun/config*.c)
$(O)/selftests/fuzz/dcosrun_config: $(O)/selftests/fuzz/%: $(O)/fuzz/selftests/fuzz/%.o \
		$(dcosrun-read:%.c=$(O)/fuzz/%.o) $(O)/fuzz/libcontainer.a $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(dcosrun-libs)
