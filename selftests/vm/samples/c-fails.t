#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
echo "ok 1 - before"
echo "not ok 2 - wrong"
echo "# got: 1"
echo "1..2"
exit 1
