EXTRA_DIST += examples/quickstart.sh examples/setup.sh
