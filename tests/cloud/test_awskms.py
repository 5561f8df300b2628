#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs all tests of the AWS KMS double, on one double as far as possible."""

import sys
import unittest

sys.dont_write_bytecode = True      # the source tree may be read-only

MODULES = ["test_sigv4", "test_operations", "test_mac_and_agreement",
           "test_orders", "test_boto3", "test_credentials"]


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(MODULES)


if __name__ == "__main__":
    unittest.main()
