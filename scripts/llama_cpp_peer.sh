#!/usr/bin/env bash
# Runs llama.cpp's Java binding (de.kherud:llama 4.2.0) with and without a draft model, for docs/comparison.md. The numbers of
# tasks in the native log fall where drafts are used; they are not passes one for one. Takes the binding from Maven Central, nothing else.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/llama-cpp-peer/models.py" "$work"
mvn -q -B dependency:copy -Dartifact=de.kherud:llama:4.2.0 -DoutputDirectory="$work"
for models in "$work/target.gguf" "$work/target.gguf $work/draft.gguf"; do
    echo "== ${models//$work\//}"
    # shellcheck disable=SC2086 # one argument or two
    java -cp "$work/llama-4.2.0.jar" "$here/llama-cpp-peer/Peer.java" $models >"$work/log" 2>&1 || { tail -n 5 "$work/log"; exit 1; }
    grep -a -o 'PEER text .*\|task [0-9]* | processing task' "$work/log"
done
