integration_tests += \
	tests/integration/tool_aws.sh \
	tests/integration/tool_exit.sh \
	tests/integration/tool_flush.sh \
	tests/integration/tool_init.sh \
	tests/integration/tool_keys.sh \
	tests/integration/tool_many.sh \
	tests/integration/tool_rewrap.sh \
	tests/integration/tool_store.sh \
	tests/integration/tool_use.sh \
	tests/integration/tool_wrap.sh \
	tests/integration/tree.sh
EXTRA_DIST += tests/integration/tool_lib.sh

check_PROGRAMS += tests/integration/forked
tests_integration_forked_SOURCES = tests/integration/forked.c
tests_integration_forked_CFLAGS = $(AM_CFLAGS) $(P11KIT_CFLAGS) $(CRYPTO_CFLAGS)
tests_integration_forked_LDADD = $(CRYPTO_LIBS)
