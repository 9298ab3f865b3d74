# SPDX-License-Identifier: Apache-2.0
programs	+= dcos-exporter
dcos-exporter-src := $(wildcard tools/exporter/*.c) tools/link/link.c $(wildcard tools/common/*.c)
dcos-exporter-lib := dcos
dcos-exporter-libs := $(LIBS_lib) -lmicrohttpd

# unit tests of it (selftests/unit/exporter_*) link all but the main
exporter-tested	:= $(wildcard tools/common/*.c) \
		   tools/link/link.c $(filter-out %/main.c,$(wildcard tools/exporter/*.c))
# static: a rule without objects yet would lose against the one for all unit tests
$(patsubst %.c,$(O)/%,$(wildcard selftests/unit/exporter_*.c)): $(O)/selftests/unit/exporter_%: \
		$(O)/san/selftests/unit/exporter_%.o \
		$(exporter-tested:%.c=$(O)/san/%.o) $(O)/san/libharness.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(LIBS_container) $(LIBS_lib) -lmicrohttpd

$(O)/selftests/fuzz/exporter: $(O)/fuzz/selftests/fuzz/exporter.o \
		$(exporter-tested:%.c=$(O)/fuzz/%.o) $(O)/fuzz/libdcos.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(LIBS_lib) -lmicrohttpd
