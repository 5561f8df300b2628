unit_tests += tests/unit/test_lease
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c
tests_unit_test_lease_CFLAGS = $(test_cflags)
tests_unit_test_lease_LDADD = $(test_libs)

unit_tests += tests/unit/test_wrapped
tests_unit_test_wrapped_SOURCES = tests/unit/test_wrapped.c
tests_unit_test_wrapped_CFLAGS = $(test_cflags)
tests_unit_test_wrapped_LDADD = $(test_libs)

unit_tests += tests/unit/test_token
tests_unit_test_token_SOURCES = tests/unit/test_token.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_token_CFLAGS = $(test_cflags)
tests_unit_test_token_LDADD = $(test_libs)

memory_tests += tests/unit/test_memory
tests_unit_test_memory_SOURCES = tests/unit/test_memory.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_memory_CFLAGS = $(test_cflags)
tests_unit_test_memory_LDADD = $(test_libs)

unit_tests += tests/unit/test_flight
tests_unit_test_flight_SOURCES = tests/unit/test_flight.c
tests_unit_test_flight_CFLAGS = $(test_cflags)
tests_unit_test_flight_LDADD = $(test_libs)

unit_tests += tests/unit/test_worker
tests_unit_test_worker_SOURCES = tests/unit/test_worker.c
tests_unit_test_worker_CFLAGS = $(test_cflags)
tests_unit_test_worker_LDADD = $(test_libs)

unit_tests += tests/unit/test_oom
tests_unit_test_oom_SOURCES = tests/unit/test_oom.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_oom_CFLAGS = $(test_cflags)
tests_unit_test_oom_LDFLAGS = -Wl,--wrap=malloc -Wl,--wrap=calloc \
	-Wl,--wrap=realloc -Wl,--wrap=reallocarray -Wl,--wrap=strdup \
	-Wl,--wrap=strndup
tests_unit_test_oom_LDADD = $(test_libs)

unit_tests += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_log_CFLAGS = $(test_cflags)
tests_unit_test_log_LDADD = $(test_libs)

unit_tests += tests/unit/test_lease_fork
tests_unit_test_lease_fork_SOURCES = tests/unit/test_lease_fork.c
tests_unit_test_lease_fork_CFLAGS = $(test_cflags)
tests_unit_test_lease_fork_LDFLAGS = -Wl,--wrap=pthread_mutex_unlock
tests_unit_test_lease_fork_LDADD = $(test_libs)

unit_tests += tests/unit/test_token_rsa
tests_unit_test_token_rsa_SOURCES = tests/unit/test_token_rsa.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_token_rsa_CFLAGS = $(test_cflags)
tests_unit_test_token_rsa_LDADD = $(test_libs)

unit_tests += tests/unit/test_token_keys
tests_unit_test_token_keys_SOURCES = tests/unit/test_token_keys.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_token_keys_CFLAGS = $(test_cflags)
tests_unit_test_token_keys_LDADD = $(test_libs)

unit_tests += tests/unit/test_rewrap
tests_unit_test_rewrap_SOURCES = tests/unit/test_rewrap.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_rewrap_CFLAGS = $(test_cflags)
tests_unit_test_rewrap_LDADD = $(test_libs)

unit_tests += tests/unit/test_leases
tests_unit_test_leases_SOURCES = tests/unit/test_leases.c \
	tests/unit/fixture.c tests/unit/fixture.h \
	tests/unit/sanitizer.h
tests_unit_test_leases_CFLAGS = $(test_cflags)
tests_unit_test_leases_LDADD = $(test_libs)

unit_tests += tests/unit/test_limits
tests_unit_test_limits_SOURCES = tests/unit/test_limits.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_limits_CFLAGS = $(test_cflags)
tests_unit_test_limits_LDADD = $(test_libs)

unit_tests += tests/unit/test_flush
tests_unit_test_flush_SOURCES = tests/unit/test_flush.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_flush_CFLAGS = $(test_cflags)
tests_unit_test_flush_LDADD = $(test_libs)

memory_tests += tests/unit/test_hot_path
tests_unit_test_hot_path_SOURCES = tests/unit/test_hot_path.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_hot_path_CFLAGS = $(test_cflags)
tests_unit_test_hot_path_LDFLAGS = -Wl,--wrap=malloc -Wl,--wrap=calloc \
	-Wl,--wrap=realloc
tests_unit_test_hot_path_LDADD = $(test_libs)

unit_tests += tests/unit/test_fork_often
tests_unit_test_fork_often_SOURCES = tests/unit/test_fork_often.c \
	tests/unit/fixture.c tests/unit/fixture.h \
	tests/unit/sanitizer.h
tests_unit_test_fork_often_CFLAGS = $(test_cflags)
tests_unit_test_fork_often_LDADD = $(test_libs)

unit_tests += tests/unit/test_hook
tests_unit_test_hook_SOURCES = tests/unit/test_hook.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_hook_CFLAGS = $(test_cflags)
tests_unit_test_hook_LDADD = $(test_libs)

unit_tests += tests/unit/test_tree
tests_unit_test_tree_SOURCES = tests/unit/test_tree.c
tests_unit_test_tree_CFLAGS = $(test_cflags)
tests_unit_test_tree_LDADD = $(test_libs)

unit_tests += tests/unit/test_tree_fork
tests_unit_test_tree_fork_SOURCES = tests/unit/test_tree_fork.c \
	tests/unit/fixture.c tests/unit/fixture.h
tests_unit_test_tree_fork_CFLAGS = $(test_cflags)
tests_unit_test_tree_fork_LDADD = $(test_libs)
