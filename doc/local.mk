EXTRA_DIST += doc/localkms.md

man_MANS += doc/ownkey.1 doc/ownkey.conf.5
EXTRA_DIST += doc/ownkey.1 doc/ownkey.conf.5
