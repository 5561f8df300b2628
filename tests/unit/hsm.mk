# Keys in an HSM: SoftHSM, and a module of our own that fails on order.
hsm_help = tests/unit/hsm_help.c tests/unit/hsm_help.h tests/unit/test.h

unit_tests += tests/unit/test_hsm_softhsm
tests_unit_test_hsm_softhsm_SOURCES = tests/unit/test_hsm_softhsm.c $(hsm_help)
tests_unit_test_hsm_softhsm_CFLAGS = $(test_cflags)
tests_unit_test_hsm_softhsm_LDADD = $(test_libs) $(P11KIT_LIBS)

# -rpath: libtool makes a shared object of what is installed somewhere.
check_LTLIBRARIES += tests/unit/bad_hsm.la
tests_unit_bad_hsm_la_SOURCES = tests/unit/bad_hsm.c tests/unit/bad_hsm.h
tests_unit_bad_hsm_la_CFLAGS = $(AM_CFLAGS)
tests_unit_bad_hsm_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere
tests_unit_bad_hsm_la_LIBADD = $(CRYPTO_LIBS)
bad_hsm_help = tests/unit/bad_hsm.h tests/unit/bad_hsm_help.h $(hsm_help)

unit_tests += tests/unit/test_hsm_bad
tests_unit_test_hsm_bad_SOURCES = tests/unit/test_hsm_bad.c $(bad_hsm_help)
tests_unit_test_hsm_bad_CFLAGS = $(test_cflags)
tests_unit_test_hsm_bad_LDADD = $(test_libs) $(P11KIT_LIBS)
tests_unit_test_hsm_bad_DEPENDENCIES = libownkey.la tests/unit/bad_hsm.la

unit_tests += tests/unit/test_hsm_threads
tests_unit_test_hsm_threads_SOURCES = tests/unit/test_hsm_threads.c \
	$(bad_hsm_help) tests/unit/sanitizer.h
tests_unit_test_hsm_threads_CFLAGS = $(test_cflags)
tests_unit_test_hsm_threads_LDADD = $(test_libs) $(P11KIT_LIBS)
tests_unit_test_hsm_threads_DEPENDENCIES = libownkey.la tests/unit/bad_hsm.la

unit_tests += tests/unit/test_hsm_parts
tests_unit_test_hsm_parts_SOURCES = tests/unit/test_hsm_parts.c \
	tests/unit/test.h
tests_unit_test_hsm_parts_CFLAGS = $(test_cflags)
tests_unit_test_hsm_parts_LDADD = $(test_libs) $(P11KIT_LIBS)

memory_tests += tests/unit/test_hsm_memory
tests_unit_test_hsm_memory_SOURCES = tests/unit/test_hsm_memory.c \
	$(memory_scan) \
	$(bad_hsm_help)
tests_unit_test_hsm_memory_CFLAGS = $(test_cflags)
tests_unit_test_hsm_memory_LDADD = $(test_libs) $(P11KIT_LIBS)
tests_unit_test_hsm_memory_DEPENDENCIES = libownkey.la tests/unit/bad_hsm.la
