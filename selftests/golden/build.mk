# SPDX-License-Identifier: Apache-2.0
# Golden tests: what the command line tools print and send, against an agent that plays canned
# replies; dcostop in a terminal of tmux. Unprivileged.
golden-tests	:= $(wildcard selftests/golden/*.t)
golden-programs	:= $(O)/selftests/golden/fake-agent $(O)/bin/dcosctl $(O)/bin/dcostop $(O)/bin/dcosaudit

$(O)/selftests/golden/fake-agent: $(O)/obj/selftests/golden/fake-agent.o $(O)/libdcos.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS_lib)

.PHONY: test-golden
test-golden: $(golden-programs)
	DCOS_BUILD=$(abspath $(O)) DCOS_SRC=$(CURDIR) prove --exec bash $(golden-tests)
