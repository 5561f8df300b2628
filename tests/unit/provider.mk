unit_tests += tests/unit/test_provider_keyfile
tests_unit_test_provider_keyfile_SOURCES = \
	tests/unit/test_provider_keyfile.c tests/unit/test.h
tests_unit_test_provider_keyfile_CFLAGS = $(test_cflags)
tests_unit_test_provider_keyfile_LDADD = $(test_libs)

check_PROGRAMS += tests/integration/provider_helper
tests_integration_provider_helper_SOURCES = \
	tests/integration/provider_helper.c
tests_integration_provider_helper_LDADD = libownkey.la

provider_world = tests/unit/provider_world.c tests/unit/provider_world.h \
	tests/unit/test.h

unit_tests += tests/unit/test_provider_order
tests_unit_test_provider_order_SOURCES = \
	tests/unit/test_provider_order.c $(provider_world)
tests_unit_test_provider_order_CFLAGS = $(test_cflags)
tests_unit_test_provider_order_LDADD = $(test_libs) -lssl
EXTRA_tests_unit_test_provider_order_DEPENDENCIES = ownkey.la

unit_tests += tests/unit/test_provider
tests_unit_test_provider_SOURCES = \
	tests/unit/test_provider.c $(provider_world)
tests_unit_test_provider_CFLAGS = $(test_cflags)
tests_unit_test_provider_LDADD = $(test_libs) -lssl
EXTRA_tests_unit_test_provider_DEPENDENCIES = ownkey.la

unit_tests += tests/unit/test_provider_derive
tests_unit_test_provider_derive_SOURCES = \
	tests/unit/test_provider_derive.c $(provider_world)
tests_unit_test_provider_derive_CFLAGS = $(test_cflags)
tests_unit_test_provider_derive_LDADD = $(test_libs) -lssl
EXTRA_tests_unit_test_provider_derive_DEPENDENCIES = ownkey.la

memory_tests += tests/unit/test_provider_memory
tests_unit_test_provider_memory_SOURCES = tests/unit/test_provider_memory.c \
	$(memory_scan) $(provider_world)
tests_unit_test_provider_memory_CFLAGS = $(test_cflags)
tests_unit_test_provider_memory_LDADD = $(test_libs) -lssl
EXTRA_tests_unit_test_provider_memory_DEPENDENCIES = ownkey.la
