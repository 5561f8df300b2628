unit_tests += tests/unit/test_conf tests/unit/test_conf_file
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/test.h
tests_unit_test_conf_CFLAGS = $(test_cflags)
tests_unit_test_conf_LDADD = $(test_libs)

tests_unit_test_conf_file_SOURCES = tests/unit/test_conf_file.c \
	tests/unit/test.h
tests_unit_test_conf_file_CFLAGS = $(test_cflags)
tests_unit_test_conf_file_LDADD = $(test_libs)
