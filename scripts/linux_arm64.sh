#!/usr/bin/env bash
# Cross-compiles the native library for linux-arm64, runs its native tests under qemu-user, and makes the jar with the classifier
# linux-arm64. Needs Debian's crossbuild-essential-arm64, qemu-user and googletest; CI does not run it, for the emulation is slow.
#
#   scripts/linux_arm64.sh           library and tests
#   scripts/linux_arm64.sh --jar     the jar too
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

missing=()
command -v aarch64-linux-gnu-g++ >/dev/null || missing+=(crossbuild-essential-arm64)
command -v qemu-aarch64 >/dev/null || command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user)
[ -e /usr/src/googletest/CMakeLists.txt ] || missing+=(googletest)
if [ ${#missing[@]} != 0 ]; then
    echo "missing: ${missing[*]}. On Debian or Ubuntu install with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

build=build/linux-arm64
cmake --preset linux-arm64 >/dev/null
cmake --build $build -j "$(nproc)" --target coolsd coolsd_test coolsd_example coolsd_old_caller
seconds=$SECONDS
ctest --test-dir $build --output-on-failure -j "$(nproc)" -E '_NOT_BUILT$'
echo "tests: $((SECONDS - seconds)) s under qemu-user"
scripts/native_needs.sh $build/libcoolsd.so

if [ "${1:-}" = --jar ]; then
    mvn -q -B -DskipTests -pl java/core -am -Djavacpp.platform=linux-arm64 -Dnative.preset=linux-arm64 \
        -Dnative.compiler=aarch64-linux-gnu-g++ package
    ls java/core/target/*-linux-arm64.jar
fi
