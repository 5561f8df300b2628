unit_tests += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/test.h
tests_unit_test_base_CFLAGS = $(test_cflags)
tests_unit_test_base_LDADD = $(test_libs)

unit_tests += tests/unit/test_process
tests_unit_test_process_SOURCES = tests/unit/test_process.c tests/unit/test.h
tests_unit_test_process_CFLAGS = $(test_cflags)
tests_unit_test_process_LDADD = $(test_libs)

unit_tests += tests/unit/test_fork
tests_unit_test_fork_SOURCES = tests/unit/test_fork.c tests/unit/test.h
tests_unit_test_fork_CFLAGS = $(test_cflags)
tests_unit_test_fork_LDADD = $(test_libs)

unit_tests += tests/unit/test_secret
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_CFLAGS = $(test_cflags)
tests_unit_test_secret_LDADD = $(test_libs)
