# SPDX-License-Identifier: Apache-2.0
# Every bpf/NAME.bpf.c becomes $(O)/bpf/NAME.skel.h, included as "bpf/NAME.skel.h".
bpf-names	:= $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
bpf-skels	:= $(bpf-names:%=$(O)/bpf/%.skel.h)
BPF_CFLAGS	:= -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I. -I$(O)/bpf \
		   -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-declarations

$(O)/bpf/vmlinux.h:
	@mkdir -p $(@D)
	@[ -r /sys/kernel/btf/vmlinux ] || { echo 'no /sys/kernel/btf/vmlinux: this kernel has no BTF, build on one that has' >&2; exit 1; }
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > $@

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) $(O)/bpf/vmlinux.h
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $(@:.bpf.o=.raw.o) $<
	$(Q)$(BPFTOOL) gen object $@ $(@:.bpf.o=.raw.o)

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@
