# SPDX-License-Identifier: Apache-2.0
# the OCI runtime: the container library without the agent
programs	+= dcosrun
dcosrun-src	:= $(wildcard tools/dcosrun/*.c) tools/common/options.c
dcosrun-lib	:= container dcos
dcosrun-libs	:= $(LIBS_container) -ljansson $(shell $(PKG_CONFIG) --static --libs libelf 2> /dev/null)

# Each command is a process: without a dynamic loader it starts in a third of the time. Who has no
# static libraries says DCOSRUN_STATIC=; sanitizers, which cannot be static, override LDFLAGS_ALL.
DCOSRUN_STATIC	?= y
comma		:= ,
dcosrun-entry	:= $(if $(filter x86_64,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))),$(if $(findstring WEAKEN,$(CPPFLAGS)),,-Wl$(comma)-e$(comma)dcosrun_entry))
ifneq ($(DCOSRUN_STATIC),)
$(O)/bin/dcosrun: LDFLAGS_ALL := -static-pie -Wl,-z,relro,-z,now $(dcosrun-entry)
endif
# it runs before there is anything that these need
$(O)/obj/tools/dcosrun/entry.o: HARDEN := -fPIE -fcf-protection -fno-stack-protector -ffreestanding

# its fuzz target: the reader of config.json
dcosrun-read	:= $(wildcard tools/dcosrun/config*.c)
$(O)/selftests/fuzz/dcosrun_config: $(O)/selftests/fuzz/%: $(O)/fuzz/selftests/fuzz/%.o \
		$(dcosrun-read:%.c=$(O)/fuzz/%.o) $(O)/fuzz/libcontainer.a $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(dcosrun-libs)
