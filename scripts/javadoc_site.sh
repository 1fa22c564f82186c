#!/usr/bin/env bash
# The Javadoc of the published modules as one site in docs/api, with the glossary of docs/method.md as its first page: ./coolsd javadoc.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
log=$PWD/build/javadoc.log
mkdir -p build

# The table of the glossary as HTML.
{
    echo "<!DOCTYPE html><html><body>"
    echo "<p>Relaxed speculative decoding for autoregressive image models. Start with {@link org.coolsd.Verifier} for an engine that speculates already,"
    echo "with {@link org.coolsd.decode.Decoder} for one that only has a forward pass, with {@link org.coolsd.images.ImagePipeline} for images.</p>"
    echo "<h1>Glossary</h1><table><caption>The words of docs/method.md</caption><tr><th>Word</th><th>Meaning</th></tr>"
    awk '/^## / {inside = ($0 == "## Glossary")}
         inside && /^\| / && !/^\| Word / {
             line = $0; gsub(/&/, "\\&amp;", line); gsub(/</, "\\&lt;", line)
             sub(/^\| /, "<tr><td>", line); sub(/ \| /, "</td><td>", line); sub(/ \|$/, "</td></tr>", line)
             print line
         }' docs/method.md
    echo "</table></body></html>"
} >build/overview.html

echo "coolsd: making docs/api, which takes a minute or two; log: $log" >&2
# Jlama's classes are of a later Java than the one that reads the others; its Javadoc is in its own jar.
mvn -B -DskipTests -Dspotless.check.skip=true -pl '!bench,!java/adapters/jlama' javadoc:aggregate -Doverview="$PWD/build/overview.html" >"$log" 2>&1 </dev/null || {
    grep -m 3 ERROR "$log" >&2 || true
    echo "coolsd: Javadoc failed, see $log" >&2
    exit 1
}
rm -rf docs/api
cp -r target/reports/apidocs docs/api
echo "docs/api/index.html"
