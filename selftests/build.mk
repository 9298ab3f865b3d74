# SPDX-License-Identifier: Apache-2.0
# unit tests: unprivileged, ASan + UBSan; root tests: the real kernel.
unit-tests	:= $(patsubst selftests/unit/%.c,$(O)/selftests/unit/%,$(wildcard selftests/unit/*.c))
root-tests	:= $(patsubst selftests/root/%.c,$(O)/selftests/root/%,$(wildcard selftests/root/*.c))
harness-src	:= $(wildcard selftests/harness/*.c)
test-libs	:= $(LIBS_agent) $(LIBS_container) $(LIBS_lib)

$(O)/selftests/unit/%: $(O)/san/selftests/unit/%.o $(harness-src:%.c=$(O)/san/%.o) \
		$(O)/san/libagent.a $(O)/san/libcontainer.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(test-libs)

$(O)/selftests/root/%: $(O)/obj/selftests/root/%.o $(harness-src:%.c=$(O)/obj/%.o) \
		$(O)/libagent.a $(O)/libcontainer.a $(O)/libdcos.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(test-libs)
