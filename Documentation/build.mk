# SPDX-License-Identifier: Apache-2.0
man-rst		:= $(wildcard Documentation/man/*.rst)
man-pages	:= $(man-rst:Documentation/man/%.rst=$(O)/man/%)

$(O)/man/%: Documentation/man/%.rst
	@mkdir -p $(@D)
	$(call say,MAN,$<)
	$(Q)rst2man --strict $< $@

.PHONY: man
man: $(man-pages)
