#!/usr/bin/env bash
# Installs the library of the build $2 of the sources $1, moves it, and builds and runs the examples against it as somebody else
# would: found by CMake, and by pkg-config where there is one.
set -euo pipefail
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/a prefix"
prefix="$work/a prefix"

# What the build tree's own program prints is what the others have to print.
expected=$("$build/coolsd_example")

same() {
    [ "$2" = "$expected" ] || { echo "$1 printed '$2' in place of '$expected'" >&2; exit 1; }
}

cmake -S "$source/examples/c" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" >>"$work/log"
cmake --build "$work/cmake" >>"$work/log"
same "the program that CMake built" "$("$work/cmake/step")"
[ "$("$work/cmake/sample" | grep -c '^[0-7]$')" = 3 ] || { echo "the program in C++ did not print three tokens" >&2; exit 1; }

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name coolsd.pc)")
    # pkg-config escapes the space for the shell.
    eval "cc -std=c11 -o '$work/step' '$source/examples/c/step.c' $(pkg-config --cflags --libs coolsd)"
    same "the program that pkg-config built" \
        "$(LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$work/step")"
    version=$(sed -n 's/.*<revision>\(.*\)<\/revision>.*/\1/p' "$source/pom.xml")
    [ "$(pkg-config --modversion coolsd)" = "${version%-*}" ]
fi
