#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
echo "1..0 # SKIP nothing to do"
