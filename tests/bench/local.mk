# Benchmarks: `make bench`. They compare, and assert nothing.
EXTRA_PROGRAMS = tests/bench/datakey
tests_bench_datakey_SOURCES = tests/bench/datakey.c
tests_bench_datakey_LDADD = libownkey.la
CLEANFILES += $(EXTRA_PROGRAMS)

bench: all tests/bench/datakey
	tests/bench/datakey
	$(SHELL) $(srcdir)/tests/bench/handshakes.sh .

EXTRA_DIST += tests/bench/handshakes.sh

.PHONY: bench
