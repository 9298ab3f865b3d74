# SPDX-License-Identifier: Apache-2.0
# make test: every layer in one run of prove, in this order. Packages that are missing are
# installed first. make test-run leaves that out.
check-tests	:= selftests/check/tree.t selftests/check/units.t
vm-tests	:= selftests/vm/all.t
root-scripts	:= $(wildcard selftests/root/*.t)
prove-env	= DCOS_BUILD=$(abspath $(O)) DCOS_SRC=$(CURDIR) DCOS_VERSION=$(VERSION)
PROVE_FLAGS	?=

# one job a CPU unless the caller has said how many
jobs		= $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: test test-run test-root test-vm demo demo-cluster
test: deps
	+@$(MAKE) --no-print-directory $(jobs) test-run

test-programs	= all $(crash-agent) $(inject) $(unit-tests) $(fuzz-programs) $(root-tests) $(golden-programs) $(allocator-emulated)
test-run: $(test-programs)
	$(prove-env) prove --timer --failures --comments $(PROVE_FLAGS) --exec selftests/exec.sh $(unit-tests) \
		$(fuzz-tests) $(check-tests) $(golden-tests) $(root-tests) $(root-scripts) $(vm-tests)

# layers and single tests for people: make test-root T=container
test-root: all $(crash-agent) $(inject) $(root-tests) $(allocator-emulated)
	$(prove-env) prove -v --exec selftests/exec.sh \
		$(if $(T),$(wildcard $(T:%=selftests/root/%.t)) $(filter $(T:%=$(O)/selftests/root/%),$(root-tests)),$(root-tests) $(root-scripts))

test-vm: $(test-programs)
	$(prove-env) prove -v --exec selftests/exec.sh $(if $(T),$(T:%=selftests/vm/%.t),$(vm-tests))

demo demo-cluster: deps
	+@$(MAKE) --no-print-directory $(jobs) all
	@$(prove-env) selftests/$@.sh
