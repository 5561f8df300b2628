# SPDX-License-Identifier: Apache-2.0
"""The double of Google Cloud KMS and of what gives tokens for it."""
