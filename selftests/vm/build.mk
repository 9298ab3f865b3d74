# SPDX-License-Identifier: Apache-2.0
# The VM layer for people; its tests are run by selftests/test.mk.
KERNEL		?= 6.12

.PHONY: vm-shell vm-fetch
vm-shell: all $(root-tests)
	@DCOS_BUILD=$(abspath $(O)) DCOS_SRC=$(CURDIR) selftests/vm/shell.sh $(KERNEL)

# what the layer downloads, for a machine that goes off line later
vm-fetch:
	@set -e; for k in 6.1 6.12 new; do selftests/vm/kernels.sh $$k; done
	@selftests/vm/systemd-base.sh
