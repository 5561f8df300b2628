libownkey_la_SOURCES += \
	base/bytes.c base/bytes.h \
	base/clock.c base/clock.h \
	base/context.c base/context.h \
	base/crc32c.c base/crc32c.h \
	base/encode.c base/encode.h \
	base/fork.c base/fork.h \
	base/libctx.c base/libctx.h \
	base/log.c base/log.h \
	base/log_budget.c base/log_budget.h \
	base/nearest.c base/nearest.h \
	base/options.c base/options.h \
	base/pkey.c base/pkey.h \
	base/process.c base/process.h \
	base/secret.c base/secret.h \
	base/secret_pages.c base/secret_pages.h \
	base/status.c base/status.h
