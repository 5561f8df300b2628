#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs all tests of the Vault double, on one double as far as possible."""

import sys
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

MODULES = ["test_vault_transit", "test_vault_access", "test_vault_orders"]


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(MODULES)


if __name__ == "__main__":
    unittest.main()
