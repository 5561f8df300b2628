# SPDX-License-Identifier: Apache-2.0
"""The login methods by their types."""

from .aws_login import Aws
from .logins import AppRole, Cert, Jwt, Kubernetes, UserPass

METHODS = {each.kind: each
           for each in (AppRole, Aws, Cert, Jwt, Kubernetes, UserPass)}
