unit_tests += tests/unit/test_tool
tests_unit_test_tool_SOURCES = tests/unit/test_tool.c tests/unit/test.h \
	tool/exit.c tool/files.c tool/hint.c tool/report.c
tests_unit_test_tool_CFLAGS = $(test_cflags)
tests_unit_test_tool_LDADD = $(test_libs) $(CJSON_LIBS)
