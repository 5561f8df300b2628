libownkey_la_SOURCES += \
	token/datakey.c token/datakey.h \
	token/datakey_derive.c \
	token/datakey_oaep.c \
	token/datakey_parts.h \
	token/datakey_wrap.c \
	token/flight.c token/flight.h \
	token/internal.h \
	token/key.c \
	token/key_open.c \
	token/keyfile.c token/keyfile.h \
	token/lease.c token/lease.h \
	token/log.c \
	token/resolve.c \
	token/rewrap.c token/rewrap.h \
	token/signature.c \
	token/state.c token/state.h \
	token/sweeper.c token/sweeper.h \
	token/token.c token/token.h \
	token/wrapped.c token/wrapped.h
