store_help = tests/unit/store_help.c tests/unit/store_help.h \
	tests/unit/fixture.c tests/unit/fixture.h tests/unit/test.h

unit_tests += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_help)
tests_unit_test_store_CFLAGS = $(test_cflags)
tests_unit_test_store_LDADD = $(test_libs) $(SQLITE_LIBS)

unit_tests += tests/unit/test_store_file
tests_unit_test_store_file_SOURCES = tests/unit/test_store_file.c \
	tests/unit/sanitizer.h $(store_help)
tests_unit_test_store_file_CFLAGS = $(test_cflags)
tests_unit_test_store_file_LDFLAGS = -Wl,--wrap=access
tests_unit_test_store_file_LDADD = $(test_libs) $(SQLITE_LIBS)

unit_tests += tests/unit/test_attributes
tests_unit_test_attributes_SOURCES = tests/unit/test_attributes.c \
	tests/unit/test.h
tests_unit_test_attributes_CFLAGS = $(test_cflags)
tests_unit_test_attributes_LDADD = $(test_libs)
