# SPDX-License-Identifier: Apache-2.0
# connections that leave the machine, tools/link/tls.c
LIBS_tls	:= -lgnutls
tools-common	:= $(wildcard tools/common/*.c)

programs	+= dcosctl
dcosctl-src	:= $(wildcard tools/dcosctl/*.c) $(tools-common)
dcosctl-lib	:= container dcos
dcosctl-libs	:= $(LIBS_lib) -lsmartcols -larchive -lnettle -lseccomp -lcap $(LIBS_tls)

programs	+= dcostop
dcostop-src	:= $(wildcard tools/dcostop/*.c) $(tools-common)
dcostop-lib	:= dcos
dcostop-libs	:= $(LIBS_lib) -lncursesw -lm

# it looks at what isolators/ compiles, so that it links the container library; tables as dcosctl's
programs	+= dcosaudit
dcosaudit-src	:= $(wildcard tools/dcosaudit/*.c) $(tools-common) tools/dcosctl/table.c
dcosaudit-lib	:= container dcos
dcosaudit-libs	:= $(LIBS_container) $(LIBS_lib) -lsmartcols -lnettle

# what unit tests of the tools (selftests/unit/dcostop_*, tools_*) link: all but the mains and the
# screen
tools-tested	:= $(tools-common) tools/dcosctl/spec.c \
		   $(filter-out %/main.c %/screen.c %/page.c %/keys.c %/live.c %/cluster.c %/replay.c %/loop.c,\
		   $(wildcard tools/dcostop/*.c))
# Static patterns: with implicit rules an object that is yet to be made makes way for the general
# rule of unit tests, which links none of this.
made-of		= $(patsubst %.c,$(O)/%,$(wildcard $(1)))
define tools-test
$$(call made-of,selftests/unit/$(1)_*.c): $$(O)/selftests/unit/$(1)_%: $$(O)/san/selftests/unit/$(1)_%.o \
		$$(tools-tested:%.c=$$(O)/san/%.o) $$(O)/san/libharness.a $$(O)/san/libdcos.a
	@mkdir -p $$(@D)
	$$(CC) -pie $$(SAN) -o $$@ $$^ $$(LIBS_container) $$(LIBS_lib) -lm
endef
$(eval $(call tools-test,dcostop))
$(eval $(call tools-test,tools))

$(call made-of,selftests/fuzz/dcostop_*.c): $(O)/selftests/fuzz/dcostop_%: $(O)/fuzz/selftests/fuzz/dcostop_%.o \
		$(tools-tested:%.c=$(O)/fuzz/%.o) $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(LIBS_container) $(LIBS_lib) -lm

# unit tests of dcosaudit (selftests/unit/audit_*): all of it but the main
audit-tested	:= $(filter-out %/main.c,$(dcosaudit-src))
$(call made-of,selftests/unit/audit_*.c): $(O)/selftests/unit/audit_%: $(O)/san/selftests/unit/audit_%.o $(audit-tested:%.c=$(O)/san/%.o) \
		$(O)/san/libharness.a $(O)/san/libcontainer.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(dcosaudit-libs)

# and its tests with the kernel
$(O)/selftests/root/audit_live: $(O)/obj/selftests/root/audit_live.o \
		$(audit-tested:%.c=$(O)/obj/%.o) $(O)/libharness.a $(O)/libcontainer.a $(O)/libdcos.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(dcosaudit-libs)

# and its fuzz targets
$(call made-of,selftests/fuzz/audit_*.c): $(O)/selftests/fuzz/audit_%: $(O)/fuzz/selftests/fuzz/audit_%.o $(audit-tested:%.c=$(O)/fuzz/%.o) \
		$(O)/fuzz/libcontainer.a $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(dcosaudit-libs)

# what unpacks layers, for its fuzz target
image-tested	:= tools/dcosctl/image_layer.c
$(call made-of,selftests/fuzz/image_*.c): $(O)/selftests/fuzz/image_%: $(O)/fuzz/selftests/fuzz/image_%.o $(image-tested:%.c=$(O)/fuzz/%.o) \
		$(O)/fuzz/libcontainer.a $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(dcosctl-libs)
