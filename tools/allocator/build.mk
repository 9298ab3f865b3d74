# SPDX-License-Identifier: Apache-2.0
# The policy core is an archive of its own: it links nothing but agent/lib.
policy-src	:= $(wildcard tools/allocator/policy/*.c)

# unit tests of it (selftests/unit/policy_*)
$(patsubst %.c,$(O)/%,$(wildcard selftests/unit/policy_*.c)): $(O)/selftests/unit/policy_%: \
		$(O)/san/selftests/unit/policy_%.o $(O)/san/libharness.a $(O)/san/libpolicy.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(LIBS_container) $(LIBS_lib) -lm

$(O)/selftests/fuzz/policy: $(O)/fuzz/selftests/fuzz/policy.o $(policy-src:%.c=$(O)/fuzz/%.o) $(O)/fuzz/libdcos.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(LIBS_lib)

# scaling and its signals, without the rest of the allocator
scaling-tested	:= $(addprefix tools/allocator/,scaling.c scaling_rule.c signals.c)
$(O)/selftests/unit/scaling: $(O)/san/selftests/unit/scaling.o $(scaling-tested:%.c=$(O)/san/%.o) \
		$(O)/san/libharness.a $(O)/san/libpolicy.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(LIBS_container) $(LIBS_lib) -lm

allocator-nodes	:= $(addprefix tools/allocator/,node.c node_local.c node_remote.c nodes.c)

# the daemon without its nodes, and what it takes from other tools
allocator-src	:= $(filter-out $(allocator-nodes),$(wildcard tools/allocator/*.c)) \
		   $(wildcard tools/common/*.c)
LIBS_allocator	:= $(LIBS_lib) -lmicrohttpd -lsqlite3 -lm

# with emulated nodes, for tests; sanitized
allocator-emulated := $(O)/selftests/allocator-emulated
$(allocator-emulated): $(allocator-src:%.c=$(O)/san/%.o) $(O)/san/selftests/allocator/nodes_emulated.o \
		$(O)/san/libpolicy.a $(O)/san/libdcos.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -pie $(SAN) -o $@ $^ $(LIBS_allocator)

# with the agent of this machine and those that dial in
programs	+= dcos-allocator
dcos-allocator-src := $(allocator-src) $(allocator-nodes) $(wildcard tools/link/*.c)
dcos-allocator-lib := policy dcos
dcos-allocator-libs := $(LIBS_allocator) $(LIBS_tls)

# unit tests of it (selftests/unit/allocator_*): all but the main
$(patsubst %.c,$(O)/%,$(wildcard selftests/unit/allocator_*.c)): $(O)/selftests/unit/allocator_%: $(O)/san/selftests/unit/allocator_%.o \
		$(patsubst %.c,$(O)/san/%.o,$(filter-out %/main.c,$(allocator-src))) $(O)/san/selftests/allocator/nodes_emulated.o \
		$(O)/san/libharness.a $(O)/san/libpolicy.a $(O)/san/libdcos.a
	@mkdir -p $(@D)
	$(CC) -pie $(SAN) -o $@ $^ $(LIBS_container) $(LIBS_allocator)
