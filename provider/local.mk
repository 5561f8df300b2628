EXTRA_DIST += doc/key-file.md
