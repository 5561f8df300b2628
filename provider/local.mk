# The key file is token/'s; the provider and the tool read and write it.
libownkey_la_SOURCES += token/keyfile.c token/keyfile.h

EXTRA_DIST += doc/key-file.md
