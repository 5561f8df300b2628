# Benchmarks: `make bench`. They compare, and assert nothing.
EXTRA_PROGRAMS = tests/bench/datakey tests/bench/refresh tests/bench/sealed
tests_bench_datakey_SOURCES = tests/bench/datakey.c
tests_bench_datakey_LDADD = libownkey.la
tests_bench_refresh_SOURCES = tests/bench/refresh.c
tests_bench_refresh_LDADD = libownkey.la
tests_bench_sealed_SOURCES = tests/bench/sealed.c
tests_bench_sealed_CFLAGS = $(AM_CFLAGS) $(P11KIT_CFLAGS)
CLEANFILES += $(EXTRA_PROGRAMS)

bench: all tests/bench/datakey tests/bench/refresh tests/bench/sealed \
		tests/integration/forked tests/integration/provider_helper
	tests/bench/datakey
	tests/bench/refresh
	$(SHELL) $(srcdir)/tests/bench/handshakes.sh .
	$(SHELL) $(srcdir)/tests/bench/connections.sh .
	$(SHELL) $(srcdir)/tests/bench/sealed.sh .

EXTRA_DIST += tests/bench/connections.sh tests/bench/handshakes.sh \
	tests/bench/sealed.sh

.PHONY: bench
