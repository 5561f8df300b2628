# The PKCS#11 face. All but entry.c is in libownkey.la, for the tests.
libownkey_la_SOURCES += \
	pkcs11/aes.c pkcs11/aes.h \
	pkcs11/attributes.c pkcs11/attributes.h \
	pkcs11/builder.c pkcs11/builder.h \
	pkcs11/caller.c pkcs11/caller.h \
	pkcs11/cipher.c pkcs11/cipher.h \
	pkcs11/cipher_api.c \
	pkcs11/ck.h \
	pkcs11/convert.c pkcs11/convert.h \
	pkcs11/copy.c \
	pkcs11/create.c pkcs11/create.h \
	pkcs11/derive.c \
	pkcs11/digest.c \
	pkcs11/digestinfo.c \
	pkcs11/find.c \
	pkcs11/functions.c pkcs11/functions.h \
	pkcs11/held.c \
	pkcs11/hmac.c \
	pkcs11/import.c pkcs11/import.h \
	pkcs11/internal.h \
	pkcs11/key_create.c \
	pkcs11/key_template.c pkcs11/key_template.h \
	pkcs11/local_derive.c \
	pkcs11/local_key.c pkcs11/local_key.h \
	pkcs11/material.c \
	pkcs11/mechanism.c \
	pkcs11/module.c pkcs11/module.h \
	pkcs11/object.c \
	pkcs11/object_api.c \
	pkcs11/other_create.c \
	pkcs11/pair.c \
	pkcs11/refuse.c \
	pkcs11/rsa.c \
	pkcs11/rules.c \
	pkcs11/rv.c \
	pkcs11/secret_api.c \
	pkcs11/session.c \
	pkcs11/settings.c \
	pkcs11/sign.c \
	pkcs11/sign_api.c \
	pkcs11/signature.c pkcs11/signature.h \
	pkcs11/slot.c \
	pkcs11/stored.c pkcs11/stored_find.c \
	pkcs11/table.c pkcs11/table.h \
	pkcs11/template.c pkcs11/template.h \
	pkcs11/token_objects.c \
	pkcs11/unwrap.c \
	pkcs11/verify.c \
	pkcs11/wrap.c

pkcs11moduledir = $(libdir)/pkcs11
pkcs11module_LTLIBRARIES = ownkey-pkcs11.la
ownkey_pkcs11_la_SOURCES = pkcs11/entry.c
ownkey_pkcs11_la_LDFLAGS = $(module_ldflags) \
	-export-symbols $(srcdir)/pkcs11/pkcs11.sym
ownkey_pkcs11_la_LIBADD = libownkey.la
EXTRA_ownkey_pkcs11_la_DEPENDENCIES = pkcs11/pkcs11.sym
EXTRA_DIST += pkcs11/pkcs11.sym pkcs11/ownkey.module.in

ownkeyincludedir = $(includedir)/ownkey
ownkeyinclude_HEADERS = pkcs11/ownkey-pkcs11.h

# The directories are known only to make.
p11kitmoduledir = $(p11_kit_module_dir)
nodist_p11kitmodule_DATA = pkcs11/ownkey.module
CLEANFILES += pkcs11/ownkey.module
pkcs11/ownkey.module: pkcs11/ownkey.module.in Makefile
	$(AM_V_GEN)$(MKDIR_P) pkcs11 && \
	sed -e 's|@pkcs11moduledir[@]|$(pkcs11moduledir)|g' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	    $(srcdir)/pkcs11/ownkey.module.in > $@.tmp && mv $@.tmp $@

man_MANS += doc/ownkey-pkcs11.7
EXTRA_DIST += doc/ownkey-pkcs11.7
