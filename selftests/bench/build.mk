# SPDX-License-Identifier: Apache-2.0
# Benchmarks print tables of ratios; they are no tests. `make bench` runs all of them (root).
.PHONY: bench bench-meter bench-load bench-quota bench-governor bench-netquota bench-node bench-audit bench-policy bench-launch bench-breach bench-allocator
bench: bench-meter bench-load bench-quota bench-governor bench-netquota bench-node bench-audit bench-policy bench-launch bench-breach bench-allocator

$(O)/selftests/bench/%: $(O)/obj/selftests/bench/%.o $(O)/libharness.a $(O)/libagent.a \
		$(O)/libcontainer.a $(O)/libdcos.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_agent) $(LIBS_container) $(LIBS_lib)

bench-meter: $(addprefix $(O)/selftests/bench/,meter disk net snapshot)
	$(O)/selftests/bench/meter
	$(O)/selftests/bench/disk
	$(O)/selftests/bench/net
	$(O)/selftests/bench/snapshot

# wrk is the only thing that make deps does not install
bench-load: $(O)/selftests/bench/load $(O)/bin/dcos-exporter
	$< $(O)/bin/dcos-exporter

bench-quota: $(O)/selftests/bench/quota
	$<

# kills whoever governs at random, and bounds what stays frozen
bench-governor: $(O)/selftests/root/governor
	GOVERNOR_KILLS=$(or $(KILLS),100) $(prove-env) $<

bench-netquota: all
	$(prove-env) selftests/bench/netquota.sh

bench-node: all
	$(prove-env) selftests/bench/node.sh

bench-audit: all
	$(prove-env) selftests/bench/audit.sh

$(O)/selftests/bench/policy: $(O)/obj/selftests/bench/policy.o $(O)/libpolicy.a $(O)/libdcos.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^

# needs no root
bench-policy: $(O)/selftests/bench/policy
	$<

# beside crun and runc where these are installed
bench-launch: all $(O)/selftests/bench/launch $(O)/selftests/bench/tasks
	$(prove-env) selftests/bench/launch.sh
	$(prove-env) selftests/bench/tasks.sh
	$(prove-env) TMPDIR=/dev/shm selftests/bench/tasks.sh

# needs no root, and as many descriptors as nodes
bench-allocator: all $(O)/selftests/bench/agents
	$(prove-env) selftests/bench/allocator.sh

bench-breach: all
	$(prove-env) selftests/bench/breach.sh
