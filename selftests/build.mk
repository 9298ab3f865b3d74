# SPDX-License-Identifier: Apache-2.0
# unit tests: unprivileged, ASan + UBSan; root tests: the real kernel. Every
# selftests/unit/NAME.c and selftests/root/NAME.c is a program by itself.
unit-tests	:= $(patsubst selftests/unit/%.c,$(O)/selftests/unit/%,$(wildcard selftests/unit/*.c))
root-tests	:= $(patsubst selftests/root/%.c,$(O)/selftests/root/%,$(wildcard selftests/root/*.c))
harness-src	:= $(wildcard selftests/harness/*.c)
test-libs	:= $(LIBS_agent) $(LIBS_container) $(LIBS_lib)

# tests of agent/lib link nothing else, so they also show that it depends on nothing else
lib-tests	:= harness hist jsonbuf units log why varlink varlink_%
# $(call test-archives,NAME,DIRECTORY)
test-archives	= $(patsubst %,$2/lib%.a,$(if $(filter $(lib-tests),$1),dcos,agent container dcos))

# an archive: a program takes from it what it uses, and with that the libraries that it needs
$(O)/libharness.a: $(harness-src:%.c=$(O)/obj/%.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(O)/san/libharness.a: $(harness-src:%.c=$(O)/san/%.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

.SECONDEXPANSION:
$(O)/selftests/unit/%: $(O)/san/selftests/unit/%.o $(O)/san/libharness.a \
		$$(call test-archives,$$*,$(O)/san)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -pie $(SAN) -o $@ $^ $(test-libs)

$(O)/selftests/root/%: $(O)/obj/selftests/root/%.o $(O)/libharness.a \
		$$(call test-archives,$$*,$(O))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(test-libs)

.PHONY: test-unit
# with T=NAME one of them, T='NAME OTHER' some
test-unit: $(if $(T),$(T:%=$(O)/selftests/unit/%),$(unit-tests))
	prove -j2 --exec '' $^
