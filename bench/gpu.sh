#!/usr/bin/env bash
# On a machine with a GPU and nvcc: builds, runs the conformance suite on the GPU, compute-sanitizer and the kernel
# benchmark, and writes bench/results/gpu-NAME.md. Figures of a GPU come from here and from nowhere else.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
cd "$home"
fail() { echo "gpu.sh: $*" >&2; exit 1; }
command -v nvcc >/dev/null || fail "nvcc is not on the PATH"
command -v nvidia-smi >/dev/null || fail "there is no nvidia-smi: no driver"
name=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1) || fail "nvidia-smi finds no GPU"
result=bench/results/gpu-$(echo "$name" | tr 'A-Z ' 'a-z-').md

cmake --preset release
cmake --build build/release -j "$(nproc)" --target coolsd
nvcc -std=c++17 -O2 -arch=native -Inative/include bench/gpu/verify_bench.cu -o build/release/verify_bench \
    -Lbuild/release -lcoolsd -Xlinker -rpath -Xlinker "$home/build/release"

conformance="not run: no Maven"
if command -v mvn >/dev/null; then
    mvn -q -B test -pl java/core -Dtest=ConformanceTest -Dcoolsd.test.backend=cuda -Dcoolsd.test.share=0.2 \
        -Dsurefire.failIfNoSpecifiedTests=false | tee build/release/conformance.txt
    conformance=$(grep 'cases lie within' build/release/conformance.txt)
fi
engine="not run: no Maven"
if command -v mvn >/dev/null; then
    engine=$(COOLSD_MAVEN='-P gpu' ./coolsd generate --device cuda --output build/release/gpu.png 2>&1 | tail -1) || engine="failed: $engine"
fi
sanitizer="not run: no compute-sanitizer"
if command -v compute-sanitizer >/dev/null; then
    sanitizer=
    for tool in memcheck racecheck synccheck initcheck; do
        sanitizer+="$tool: $(compute-sanitizer --tool $tool build/release/verify_bench 2>&1 | tail -1)"$'\n'
    done
fi
{
    echo "# $name"
    echo
    nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.memory --format=csv | sed 's/^/    /'
    echo
    echo "Written by bench/gpu.sh at commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)."
    echo
    echo "Conformance against the float64 reference:"
    echo
    echo "$conformance" | sed 's/^/    /'
    echo
    echo "The engine, its models and the verifier on the GPU (\`./coolsd generate --device cuda\`):"
    echo
    echo "$engine" | sed 's/^/    /'
    echo
    echo "compute-sanitizer:"
    echo
    echo "$sanitizer" | sed 's/^/    /'
    echo
    build/release/verify_bench
} >"$result"
echo "gpu.sh: wrote $result"
