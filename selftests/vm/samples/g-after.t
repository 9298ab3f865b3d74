#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
echo "ok 1 - never run"
echo "1..1"
