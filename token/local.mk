libownkey_la_SOURCES += \
	token/attributes.c token/attributes.h \
	token/background.c token/background.h \
	token/datakey.c token/datakey.h \
	token/datakey_derive.c \
	token/datakey_many.c \
	token/datakey_oaep.c \
	token/datakey_parts.h \
	token/datakey_tree.c \
	token/datakey_use.c \
	token/datakey_wrap.c \
	token/flight.c token/flight.h \
	token/flush.c token/flush.h \
	token/gate.c \
	token/gcm_count.c token/gcm_count.h \
	token/hook.c token/hook.h \
	token/internal.h \
	token/kdf.c token/kdf.h \
	token/key.c \
	token/key_open.c \
	token/keyfile.c token/keyfile.h \
	token/lease.c token/lease.h token/lease_parts.h token/lease_watch.c \
	token/log.c \
	token/probe.c token/probe.h \
	token/resolve.c \
	token/rewrap.c token/rewrap.h \
	token/sealed.c token/sealed.h \
	token/signature.c \
	token/sqlite_file.c token/sqlite_file.h \
	token/sqlite_open.c token/sqlite_open.h \
	token/state.c token/state.h \
	token/store.c token/store.h token/store_keys.c token/store_parts.h \
	token/store_rows.h token/store_sqlite.c \
	token/store_schema.c token/store_schema.h \
	token/store_seal.c token/store_seal.h \
	token/token.c token/token.h \
	token/token_tree.c \
	token/tree.c token/tree.h token/tree_parts.h \
	token/tree_process.c token/tree_region.c \
	token/worker.c token/worker.h \
	token/wrapped.c token/wrapped.h
libownkey_la_LIBADD += $(SQLITE_LIBS)
