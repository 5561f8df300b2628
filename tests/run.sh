#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# All tests, from a bare machine: installs what is missing, builds under
# build/, runs every suite, and ends with the line
#     N passed, N failed, N skipped
# Fails when anything failed, or, run as root, was skipped.
#
#   sh tests/run.sh [--no-install] [SUITE...]
#
# Suites: main (everything, gcc), quickstart, clang, asan, tsan, valgrind, dist,
# lint.
set -u
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
. "$top/examples/setup.sh"

test_packages="libcmocka-dev python3-boto3 python3-venv clang
    libclang-rt-14-dev valgrind mandoc shellcheck p11-kit gnutls-bin
    openssh-client xz-utils softhsm2 openjdk-17-jre-headless libnss3-tools
    python3-pykcs11 libengine-pkcs11-openssl"

install=yes
suites=
for arg in "$@"; do
    case $arg in
    --no-install) install=no ;;
    -h | --help)
        sed -n '4,13s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    main | quickstart | clang | asan | tsan | valgrind | dist | lint)
        suites="$suites $arg"
        ;;
    *) die "tests/run.sh: unknown argument $arg" ;;
    esac
done
: "${suites:=lint main quickstart clang asan tsan valgrind dist}"

# shellcheck disable=SC2086 # lists of words
need_packages "$install" $build_packages $demo_packages $test_packages

passed=0
failed=0
skipped=0
jobs=$(nproc 2>/dev/null || echo 2)

# one NAME COMMAND...: a check that counts as one.
one() {
    name=$1
    shift
    if "$@" >"$top/build/log.$suite" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        say "FAILED: $suite: $name"
        tail -n 40 "$top/build/log.$suite" >&2
    fi
}

# count LOG: adds what automake's summary says.
count() {
    p=$(sed -n 's/^# PASS: *//p' "$1" | tail -n 1)
    f=$(sed -n 's/^# FAIL: *//p' "$1" | tail -n 1)
    e=$(sed -n 's/^# ERROR: *//p' "$1" | tail -n 1)
    s=$(sed -n 's/^# SKIP: *//p' "$1" | tail -n 1)
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0} + ${e:-0}))
    skipped=$((skipped + ${s:-0}))
    [ -n "$p" ]
}

# check_tree DIR TARGET: make, then a check target; failures are shown.
check_tree() {
    dir=$1
    log=$dir/check.log
    if ! make -C "$dir" -s -j "$jobs" >"$dir/make.log" 2>&1; then
        failed=$((failed + 1))
        say "FAILED: $suite: build"
        tail -n 40 "$dir/make.log" >&2
        return
    fi
    make -C "$dir" -j "$jobs" "$2" >"$log" 2>&1
    status=$?
    if ! count "$log" || [ "$status" -ne 0 ]; then
        [ "$status" -eq 0 ] || grep -E '^(FAIL|ERROR|SKIP)' "$log" >&2
        [ -n "$p" ] || failed=$((failed + 1))
        show_failures "$dir" "$log"
    fi
}

show_failures() {
    found=$(sed -n -E 's/^(FAIL|ERROR|SKIP): ([^ ]+).*/\2/p' "$2" | sort -u)
    for name in $found; do
        say "---- $suite: $name"
        tail -n 60 "$1/${name%.*}.log" >&2 2>/dev/null ||
            tail -n 60 "$1/$name.log" >&2
    done
    [ -n "$found" ] || tail -n 60 "$2" >&2
}

# tree NAME OPTION...: configures build/NAME.
tree() {
    dir=$top/build/$1
    shift
    if ! configure_tree "$top" "$dir" --enable-werror "$@" \
        >"$top/build/log.$suite" 2>&1; then
        failed=$((failed + 1))
        say "FAILED: $suite: configure"
        tail -n 40 "$top/build/log.$suite" >&2
        return 1
    fi
}

suite_main() {
    tree check CFLAGS='-O2 -g' && check_tree "$dir" check
}

suite_quickstart() {
    one quickstart sh "$top/examples/quickstart.sh" --no-install
}

suite_clang() {
    tree clang CC=clang CFLAGS='-O2 -g' && check_tree "$dir" check-unit
}

suite_asan() {
    tree asan --enable-sanitizers=address,undefined CFLAGS='-O1 -g' &&
        check_tree "$dir" check-unit
}

suite_tsan() {
    tree tsan --enable-sanitizers=thread CFLAGS='-O1 -g' &&
        check_tree "$dir" check-unit
}

suite_valgrind() {
    tree valgrind CFLAGS='-O1 -g' && check_tree "$dir" check-valgrind
}

suite_dist() {
    tree dist CFLAGS='-O2' || return
    one distcheck make -C "$dir" -j "$jobs" distcheck TESTS=tests/unit/test_base
}

suite_lint() {
    for page in "$top"/doc/*.[1-8]; do
        one "${page##*/}" mandoc -Tlint -Wwarning "$page"
    done
    one shellcheck sh -c 'cd "$1" && git ls-files -z "*.sh" .ci/run |
        xargs -0 shellcheck -x -S warning' sh "$top"
}

mkdir -p "$top/build"
for suite in $suites; do
    say "== $suite"
    start=$(date +%s)
    "suite_$suite"
    say "   $(($(date +%s) - start)) s; so far $passed passed, $failed failed," \
        "$skipped skipped"
done
# Some tests need root: only then must nothing be skipped.
allowed=0
[ "$(id -u)" -eq 0 ] || allowed=$skipped
[ "$skipped" -le "$allowed" ] ||
    say "Something was skipped that should have run."
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$skipped" -le "$allowed" ] && [ "$passed" -gt 0 ]
