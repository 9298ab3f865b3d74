# SPDX-License-Identifier: Apache-2.0

programs	+= dcos-uplink
dcos-uplink-src	:= $(wildcard tools/uplink/*.c) $(wildcard tools/link/*.c) $(wildcard tools/common/*.c)
dcos-uplink-lib	:= dcos
dcos-uplink-libs := $(LIBS_lib) $(LIBS_tls)
