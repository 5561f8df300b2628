#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs all tests of the Azure double, on one double as far as possible."""

import sys
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

MODULES = ["test_azure_keys", "test_azure_login", "test_azure_access",
           "test_azure_identity"]


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(MODULES)


if __name__ == "__main__":
    unittest.main()
