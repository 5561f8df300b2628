EXTRA_DIST += doc/awskms.md doc/localkms.md

man_MANS += doc/ownkey.1 doc/ownkey.conf.5
EXTRA_DIST += doc/ownkey.1 doc/ownkey.conf.5
