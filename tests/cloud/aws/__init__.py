# SPDX-License-Identifier: Apache-2.0
"""A double of AWS KMS: the protocol, the keys, and orders to misbehave."""
