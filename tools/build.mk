# SPDX-License-Identifier: Apache-2.0
tools-common	:= $(wildcard tools/common/*.c)

programs	+= dcosctl
dcosctl-src	:= $(wildcard tools/dcosctl/*.c) $(tools-common)
dcosctl-lib	:= dcos
dcosctl-libs	:= $(LIBS_lib) -lsmartcols

programs	+= dcostop
dcostop-src	:= $(wildcard tools/dcostop/*.c) $(tools-common)
dcostop-lib	:= dcos
dcostop-libs	:= $(LIBS_lib) -lncursesw -lm
