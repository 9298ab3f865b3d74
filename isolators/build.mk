# SPDX-License-Identifier: Apache-2.0
# The seccomp profiles, each a row of an array in the program; installed as files, too.
seccomp-profiles := $(wildcard isolators/profiles/*.json)

$(O)/isolators/seccomp_builtin.h: $(seccomp-profiles) isolators/build.mk
	@mkdir -p $(@D)
	{ for p in $(seccomp-profiles); do \
		printf '/* made from %s */\n{"%s",\n' "$$p" "$$(basename "$$p" .json)"; \
		sed -e 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' "$$p"; \
		echo '},'; \
	  done; } > $@

$(O)/obj/isolators/seccomp_builtin.o $(O)/san/isolators/seccomp_builtin.o: \
	| $(O)/isolators/seccomp_builtin.h
