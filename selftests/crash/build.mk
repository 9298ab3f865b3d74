# SPDX-License-Identifier: Apache-2.0
# The agent with its crash points: the sources that have any are compiled once more, all others
# come out of the archives.
crash-src	:= $(shell grep -l CRASH_POINT agent/*.c isolators/*.c cgroupfs/*.c) selftests/crash/crash.c
crash-agent	:= $(O)/crash/bin/dcos-agent

$(O)/crash/obj/%.o: %.c | $(bpf-skels)
	$(call say,CC-CRASH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS) -DDCOS_CRASH_POINTS $(CFLAGS_ALL) $(HARDEN) $(CFLAGS) \
		-MMD -MP -c -o $@ $<

$(O)/crash/obj/agent/api.o: | $(O)/agent/agent_varlink.h

$(crash-agent): $(crash-src:%.c=$(O)/crash/obj/%.o) $(O)/libagent.a $(O)/libcontainer.a $(O)/libdcos.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS_agent) $(LIBS_container) $(LIBS_lib)

# lets one system call of a program fail
inject		:= $(O)/crash/bin/inject
$(inject): $(O)/obj/selftests/crash/inject.o $(O)/libdcos.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^

# whole sweeps, of which the tests take a sample; minutes each (root)
crash-run	= DCOS_BUILD=$(abspath $(O)) DCOS_SRC=$(CURDIR) bash selftests/root/$1.t
.PHONY: bench-crash bench-faults soak
bench-crash: all $(crash-agent)
	CRASH_ROUNDS=$(or $(ROUNDS),500) $(call crash-run,crash)

bench-faults: all $(inject)
	FAULTS_STEP=1 FAULTS_START_STEP=$(or $(STEP),61) $(call crash-run,faults)

soak: all
	SOAK_SECONDS=$(or $(SOAK_SECONDS),3600) SOAK_TASKS=$(or $(SOAK_TASKS),200) \
		SOAK_RESTART=$(or $(SOAK_RESTART),20) $(call crash-run,soak)
