# SPDX-License-Identifier: Apache-2.0
# Service doubles and their own tests (run by integration/cloud_*.sh).
EXTRA_DIST += \
	tests/cloud/README.md \
	tests/cloud/aws/__init__.py \
	tests/cloud/aws/auth.py \
	tests/cloud/aws/call.py \
	tests/cloud/aws/commands.py \
	tests/cloud/aws/control.py \
	tests/cloud/aws/crypto_ops.py \
	tests/cloud/aws/errors.py \
	tests/cloud/aws/keys.py \
	tests/cloud/aws/lies.py \
	tests/cloud/aws/manage_ops.py \
	tests/cloud/aws/material.py \
	tests/cloud/aws/service.py \
	tests/cloud/aws/shapes.py \
	tests/cloud/aws/sigv4.py \
	tests/cloud/aws/specs.py \
	tests/cloud/awskms.py \
	tests/cloud/clients.sh \
	tests/cloud/ctl.py \
	tests/cloud/frame/__init__.py \
	tests/cloud/frame/commands.py \
	tests/cloud/frame/control.py \
	tests/cloud/frame/counters.py \
	tests/cloud/frame/errors.py \
	tests/cloud/frame/lies.py \
	tests/cloud/frame/orders.py \
	tests/cloud/frame/process.py \
	tests/cloud/frame/server.py \
	tests/cloud/frame/service.py \
	tests/cloud/frame/testing.py \
	tests/cloud/frame/tls.py \
	tests/cloud/harness.py \
	tests/cloud/requirements.txt \
	tests/cloud/test_awskms.py \
	tests/cloud/test_boto3.py \
	tests/cloud/test_frame.py \
	tests/cloud/test_operations.py \
	tests/cloud/test_orders.py \
	tests/cloud/test_sigv4.py \
	tests/vectors/README.md \
	tests/vectors/sigv4.json
