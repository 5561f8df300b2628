# Unit tests speak TAP, so that each test function counts; scripts count as one.
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/unit.sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' CMOCKA_MESSAGE_OUTPUT=TAP \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh .py
SH_LOG_COMPILER = $(SHELL)
PY_LOG_COMPILER = /usr/bin/python3
AM_TESTS_ENVIRONMENT = \
	OWNKEY_SRCDIR='$(abs_top_srcdir)'; export OWNKEY_SRCDIR; \
	OWNKEY_BUILDDIR='$(abs_top_builddir)'; export OWNKEY_BUILDDIR; \
	OWNKEY_SANITIZERS='$(OWNKEY_SANITIZERS)'; export OWNKEY_SANITIZERS; \
	TSAN_OPTIONS="die_after_fork=0 $$TSAN_OPTIONS"; export TSAN_OPTIONS;

# A unit test links the convenience library and cmocka.
test_libs = libownkey.la $(CMOCKA_LIBS)
test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
unit_tests =
# These look at the process as a whole, at its memory and its calls of the
# kernel: sanitizers and valgrind add too much of their own.
memory_tests =
# Too slow for valgrind: ten minutes and more.
slow_tests = tests/unit/test_provider_order
# The same, and against programs that it has much to say about (SoftHSM), or
# with real time in them. The sanitizers run them.
slow_tests += tests/unit/test_aws_sources tests/unit/test_aws_trouble \
	tests/unit/test_awskms_replicas tests/unit/test_azurekms \
	tests/unit/test_azurekms_credentials tests/unit/test_gcpkms \
	tests/unit/test_gcpkms_credentials tests/unit/test_gcpkms_errors \
	tests/unit/test_hashivault tests/unit/test_hashivault_auth \
	tests/unit/test_hashivault_keys tests/unit/test_hashivault_threads \
	tests/unit/test_fork_often tests/unit/test_hook tests/unit/test_hsm_bad \
	tests/unit/test_hsm_softhsm tests/unit/test_hsm_threads \
	tests/unit/test_leases tests/unit/test_pkcs11_crowd \
	tests/unit/test_process \
	tests/unit/test_refresh_many tests/unit/test_revocation \
	tests/unit/test_store_file

include tests/unit/base.mk
include tests/unit/conf.mk
include tests/unit/kms.mk
include tests/unit/gcp.mk
include tests/unit/vault.mk
include tests/unit/hsm.mk
include tests/unit/store.mk
include tests/unit/token.mk
include tests/unit/pkcs11.mk
include tests/unit/provider.mk
include tests/unit/tool.mk
include tests/cloud/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/integration/local.mk
include tests/load/local.mk

if !SANITIZED
unit_tests += $(memory_tests)
endif
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

# The unit tests alone: what the sanitizer builds run, where the programs of
# the scripts (nginx, pkcs11-tool) are not built with a sanitizer.
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'

# The unit tests under valgrind, also in the children that they fork.
VALGRIND = valgrind --quiet --error-exitcode=1 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite \
	--suppressions=$(top_srcdir)/tests/valgrind.supp
check-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(filter-out $(memory_tests) $(slow_tests),$(unit_tests))' \
		LOG_COMPILER='$(LOG_COMPILER) $(SHELL) $(top_builddir)/libtool --mode=execute $(VALGRIND)'

.PHONY: check-unit check-valgrind
EXTRA_DIST += tests/run.sh tests/unit.sh tests/valgrind.supp
