# SPDX-License-Identifier: Apache-2.0
# One make process for the whole tree; each directory adds a fragment, build.mk.
# Everything made lands in $(O), by default build/.
O		?= build
PREFIX		?= /usr
SYSCONFDIR	?= /etc
DESTDIR		?=
VERSION		:= 0.1.0

ifeq ($(origin CC),default)
CC		:= gcc
endif
CLANG		?= clang
BPFTOOL		?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PKG_CONFIG	?= pkg-config

# What a fresh Debian 12 or 13 machine needs, and the only list of it
# (Documentation/dependencies.rst says what each is for).
DEPS		:= gcc make libc6-dev pkg-config clang libclang-rt-dev llvm \
		   bpftool libbpf-dev libelf-dev zlib1g-dev libcap-dev libseccomp-dev \
		   libnl-3-dev libnl-route-3-dev libsystemd-dev libjansson-dev \
		   libinih-dev libsmartcols-dev libncurses-dev libmicrohttpd-dev nettle-dev libgnutls28-dev libsqlite3-dev python3-marathon \
		   libarchive-dev skopeo \
		   python3-docutils clang-format perl busybox-static tmux curl \
		   qemu-system-x86 e2fsprogs cpio kmod mmdebstrap zstd xz-utils \
		   debian-archive-keyring mount sqlite3 iproute2 nftables iperf3 podman \
		   cppcheck clang-tidy valgrind \
		   chromium chromium-driver

OPT		?= -O2 -g
WARN		:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
		   -Wmissing-prototypes -Wformat=2 -Wvla -Wno-missing-field-initializers
HARDEN		:= -fPIE -fstack-protector-strong -fstack-clash-protection \
		   -fcf-protection -D_FORTIFY_SOURCE=2
CPPFLAGS_ALL	:= -D_GNU_SOURCE -I. -I$(O) -isystem /usr/include/libnl3 -DDCOS_VERSION='"$(VERSION)"' \
		   -DDCOS_SYSCONFDIR='"$(SYSCONFDIR)"' -DDCOS_PREFIX='"$(PREFIX)"' \
		   -include agent/lib/banned.h
CFLAGS_ALL	:= -std=gnu11 $(OPT) $(WARN)
LDFLAGS_ALL	:= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
SAN		:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

LIBS_lib	:= -ljansson -lsystemd
LIBS_container	:= -lbpf -lelf -lz -lcap -lseccomp -lnl-route-3 -lnl-3
LIBS_agent	:= -linih

# make V=1 shows whole commands
Q		:= $(if $(V),,@)
say		= $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(2))

.DEFAULT_GOAL	:= all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps need-deps demo test clean help

PROGRAMS	:=
MAN_RST		:=

include $(wildcard */build.mk selftests/*/build.mk tools/*/build.mk)

include agent/install.mk selftests/test.mk

deps:
	@missing=$$(for p in $(DEPS); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	[ -z "$$missing" ] || { echo "installing:" $$missing; \
		{ apt-get update -q || true; } && \
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; }

# --- compiling: plain objects and, for the unit tests, sanitized ones; any may include a skeleton
$(O)/obj/%.o: %.c | $(bpf-skels)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS_ALL) $(HARDEN) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/san/%.o: %.c | $(bpf-skels)
	$(call say,CC-SAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CPPFLAGS) $(CFLAGS_ALL) -fPIE $(SAN) $(CFLAGS) -MMD -MP -c -o $@ $<

# $(call archive,NAME,SOURCES): libNAME.a in both flavours
define archive
$(O)/lib$(1).a: $(patsubst %.c,$(O)/obj/%.o,$(2))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
$(O)/san/lib$(1).a: $(patsubst %.c,$(O)/san/%.o,$(2))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef

# $(call program,NAME,SOURCES,ARCHIVES,LIBRARIES): bin/NAME
define program
PROGRAMS += $(O)/bin/$(1)
$(O)/bin/$(1): $(patsubst %.c,$(O)/obj/%.o,$(2)) $(patsubst %,$(O)/lib%.a,$(3))
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$(LDFLAGS) -o $$@ $$^ $(4)
endef

$(eval $(call archive,dcos,$(lib-src)))
$(eval $(call archive,policy,$(policy-src)))
$(eval $(call archive,container,$(container-src)))
$(eval $(call archive,agent,$(agent-src)))
$(foreach p,$(programs),$(eval $(call program,$(p),$($(p)-src),$($(p)-lib),$($(p)-libs))))

all: $(PROGRAMS)

clean:
	rm -rf $(O)

help:
	@echo 'all       programs into $$O/bin (O=$(O))'
	@echo 'deps      install what is missing from the distribution'
	@echo 'demo      run real containers, meter them, show them (root)'
	@echo 'demo-cluster  three nodes, an allocator, a service that grows and shrinks (root)'
	@echo 'test      every layer of tests (root)'
	@echo 'check     format, headers, includes'
	@echo 'check-analyze, check-valgrind, test-root-asan  static analysis, memcheck, sanitizers'
	@echo 'prove-hostile  tests of hostile tasks turn red without the defence (root)'
	@echo 'bench-crash, bench-faults, soak  long forms of crash.t, faults.t, soak.t (root)'
	@echo 'man       man pages into $$O/man'
	@echo 'install   with DESTDIR and PREFIX; uninstall takes it back'
	@echo 'clean     remove $$O'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
