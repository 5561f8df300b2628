# SPDX-License-Identifier: Apache-2.0
"""Azure Key Vault, Managed HSM, and who issues tokens for them.

Not called azure: the service's own client libraries are in a package of
that name, and tests drive the double with them.
"""
