#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs one test for prove: a program, or a script that ends in .t. Unit tests are run without
# privileges where setpriv(1) can drop them.
case $1 in
*/unit/*)
	[ "$(id -u)" != 0 ] || exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all -- "$@"
	;;
*.t) exec bash "$@" ;;
esac
exec "$@"
