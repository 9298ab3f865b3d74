#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checks of the tree as tests: make check-*.
: "${DCOS_BUILD:?absolute path of the build directory}" "${DCOS_SRC:?of the sources}"
. "$DCOS_SRC/selftests/harness/tap.sh"
cd "$DCOS_SRC" || exit 1

check() { make --no-print-directory O="$DCOS_BUILD" "$@"; }

if clang-format --version | grep -q 'version 14\.'; then
	ok "the formatter has nothing to change" check check-format
else
	skip "the formatter has nothing to change" "needs clang-format 14"
fi
ok "every header compiles alone" check check-headers
ok "includes follow the arrows between directories" check check-includes
ok "no file, function or line is over the hard limits" check check-size
ok "the tree builds with clang without a warning" check -j2 check-clang
ok "the man pages are valid reStructuredText" check man
tap_done
