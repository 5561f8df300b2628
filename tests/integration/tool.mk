integration_tests += \
	tests/integration/tool_aws.sh \
	tests/integration/tool_exit.sh \
	tests/integration/tool_flush.sh \
	tests/integration/tool_init.sh \
	tests/integration/tool_keys.sh \
	tests/integration/tool_rewrap.sh \
	tests/integration/tool_use.sh \
	tests/integration/tool_wrap.sh
EXTRA_DIST += tests/integration/tool_lib.sh
