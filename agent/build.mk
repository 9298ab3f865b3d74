# SPDX-License-Identifier: Apache-2.0
lib-src		:= $(wildcard agent/lib/*.c)

# the container library: what an OCI runtime command line can use without the daemon
container-own	:= agent/container.c agent/launch.c agent/child.c agent/exec.c agent/strays.c \
		   agent/procfs.c agent/seal.c
container-src	:= $(filter $(wildcard agent/*.c),$(container-own)) \
		   $(wildcard cgroupfs/*.c) $(wildcard isolators/*.c)

agent-src	:= $(filter-out $(container-own) agent/main.c agent/keeper.c,$(wildcard agent/*.c))

programs	+= dcos-agent dcos-keeper
dcos-agent-src	:= agent/main.c
dcos-agent-lib	:= agent container dcos
dcos-agent-libs	:= $(LIBS_agent) $(LIBS_container) $(LIBS_lib)
dcos-keeper-src	:= agent/keeper.c
dcos-keeper-lib	:= container dcos
dcos-keeper-libs := $(LIBS_lib)

# the interface's text as a string of the agent
$(O)/agent/agent_varlink.h: agent/io.dcos.Agent.varlink
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q){ echo '/* made from $< */'; echo 'static const char agent_varlink[] ='; \
	  sed -e 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } > $@

$(O)/obj/agent/api.o $(O)/san/agent/api.o: | $(O)/agent/agent_varlink.h
