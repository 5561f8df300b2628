# What a program at full rate sees when its key or the service goes away.
check_PROGRAMS += tests/load/lease_load
tests_load_lease_load_SOURCES = tests/load/lease_load.c
tests_load_lease_load_LDADD = $(CRYPTO_LIBS) -ldl -lpthread
TESTS += tests/load/leases.sh
EXTRA_DIST += tests/load/leases.sh tests/load/lease_run.py

# A hundred times, with the bound of doc/leases.md.
bench-leases: all tests/load/lease_load
	OWNKEY_SRCDIR='$(abs_top_srcdir)' OWNKEY_BUILDDIR='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/load/leases.sh --bound --all --repeat 100

.PHONY: bench-leases
