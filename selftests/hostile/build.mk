# SPDX-License-Identifier: Apache-2.0
# Shows that the tests of hostile tasks can fail: a build of its own, $(O)/weak, in which each
# defence of selftests/hostile/table can be left out. With T='NAME ...' only those. Not in make test.
weak-tests	:= $(sort $(shell awk '!/^\#/ && NF { print $$2 }' selftests/hostile/table))

.PHONY: prove-hostile
prove-hostile: all
	+$(Q)$(MAKE) --no-print-directory O=$(O)/weak CPPFLAGS='$(CPPFLAGS) -DDCOS_WEAKEN' all \
		$(addprefix $(O)/weak/selftests/root/,$(filter-out %.t,$(weak-tests)))
	$(prove-env) selftests/hostile/prove.sh $(T)
