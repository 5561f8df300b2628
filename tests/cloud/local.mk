# SPDX-License-Identifier: Apache-2.0
# Service doubles and their own tests (run by integration/cloud_awskms.sh).
EXTRA_DIST += \
	tests/cloud/README.md \
	tests/cloud/aws/__init__.py \
	tests/cloud/aws/auth.py \
	tests/cloud/aws/call.py \
	tests/cloud/aws/control.py \
	tests/cloud/aws/counters.py \
	tests/cloud/aws/crypto_ops.py \
	tests/cloud/aws/errors.py \
	tests/cloud/aws/keys.py \
	tests/cloud/aws/lies.py \
	tests/cloud/aws/manage_ops.py \
	tests/cloud/aws/material.py \
	tests/cloud/aws/orders.py \
	tests/cloud/aws/server.py \
	tests/cloud/aws/service.py \
	tests/cloud/aws/shapes.py \
	tests/cloud/aws/sigv4.py \
	tests/cloud/aws/specs.py \
	tests/cloud/aws/tls.py \
	tests/cloud/awskms.py \
	tests/cloud/ctl.py \
	tests/cloud/harness.py \
	tests/cloud/test_awskms.py \
	tests/cloud/test_boto3.py \
	tests/cloud/test_operations.py \
	tests/cloud/test_orders.py \
	tests/cloud/test_sigv4.py \
	tests/vectors/README.md \
	tests/vectors/sigv4.json
