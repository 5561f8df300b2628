store_help = tests/unit/store_help.c tests/unit/store_help.h \
	tests/unit/fixture.c tests/unit/fixture.h tests/unit/test.h

unit_tests += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_help)
tests_unit_test_store_CFLAGS = $(test_cflags)
tests_unit_test_store_LDADD = $(test_libs) $(SQLITE_LIBS)
