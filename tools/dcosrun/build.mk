# SPDX-License-Identifier: Apache-2.0
# the OCI runtime: the container library without the agent
programs	+= dcosrun
dcosrun-src	:= $(wildcard tools/dcosrun/*.c) $(tools-common)
dcosrun-lib	:= container dcos
dcosrun-libs	:= $(LIBS_container) $(LIBS_lib)
