# SPDX-License-Identifier: Apache-2.0
"""What all service doubles share: see "The frame" in ../README.md."""
