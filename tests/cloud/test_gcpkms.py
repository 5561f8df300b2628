#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs all tests of the Google Cloud double."""

import sys
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

MODULES = ["test_gcp_vectors", "test_gcp_crypto", "test_gcp_manage",
           "test_gcp_auth", "test_gcp_federation", "test_gcp_orders"]


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(MODULES)


if __name__ == "__main__":
    unittest.main()
