# SPDX-License-Identifier: Apache-2.0
tools-common	:= $(wildcard tools/common/*.c)

programs	+= dcosctl
dcosctl-src	:= $(wildcard tools/dcosctl/*.c) $(tools-common)
dcosctl-lib	:= dcos
dcosctl-libs	:= $(LIBS_lib) -lsmartcols

programs	+= dcostop
dcostop-src	:= $(wildcard tools/dcostop/*.c) $(tools-common)
dcostop-lib	:= dcos
dcostop-libs	:= $(LIBS_lib) -lncursesw -lm

# what unit tests of the tools (selftests/unit/dcostop_*, tools_*) link: all but the mains and the
# screen
tools-tested	:= $(tools-common) tools/dcosctl/spec.c \
		   $(filter-out %/main.c %/screen.c,$(wildcard tools/dcostop/*.c))
define tools-test
$$(O)/selftests/unit/$(1)_%: $$(O)/san/selftests/unit/$(1)_%.o \
		$$(tools-tested:%.c=$$(O)/san/%.o) $$(O)/san/libharness.a $$(O)/san/libdcos.a
	@mkdir -p $$(@D)
	$$(CC) -pie $$(SAN) -o $$@ $$^ $$(LIBS_container) $$(LIBS_lib) -lm
endef
$(eval $(call tools-test,dcostop))
$(eval $(call tools-test,tools))
