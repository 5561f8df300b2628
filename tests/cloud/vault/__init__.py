# SPDX-License-Identifier: Apache-2.0
"""A double of HashiCorp Vault and OpenBao: transit, tokens, logins."""
