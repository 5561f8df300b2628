EXTRA_DIST += doc/localkms.md
