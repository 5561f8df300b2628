unit_tests += tests/unit/test_lease
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c
tests_unit_test_lease_CFLAGS = $(test_cflags)
tests_unit_test_lease_LDADD = $(test_libs)

unit_tests += tests/unit/test_wrapped
tests_unit_test_wrapped_SOURCES = tests/unit/test_wrapped.c
tests_unit_test_wrapped_CFLAGS = $(test_cflags)
tests_unit_test_wrapped_LDADD = $(test_libs)
