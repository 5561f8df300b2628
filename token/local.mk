libownkey_la_SOURCES += token/datakey.h token/state.h token/token.h
