# SPDX-License-Identifier: Apache-2.0
# The policy core is an archive of its own: it links nothing but agent/lib.
policy-src	:= $(wildcard tools/allocator/policy/*.c)

# unit tests of it (selftests/unit/policy_*)
$(patsubst %.c,$(O)/%,$(wildcard selftests/unit/policy_*.c)): $(O)/selftests/unit/policy_%: \
		$(O)/san/selftests/unit/policy_%.o $(O)/san/libharness.a $(O)/san/libpolicy.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(LIBS_container) $(LIBS_lib) -lm
