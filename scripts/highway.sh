#!/usr/bin/env bash
# Puts the source of Highway 1.0.3 into the folder $1: from the archive $2, or from the first place that has it, Debian's mirror
# as apt knows it or Highway's own releases. CMake runs this where the folder is missing. The archive's hash is checked.
set -euo pipefail
folder=$1
hash=566fc77315878473d9a6bd815f7de78c73734acdcb745c3dde8579560ac5440e

mkdir -p "$(dirname -- "$folder")"
new=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$new"' EXIT
archive=$new/archive.tar.gz

# Whether the archive is there and is the right one.
right() {
    [ "$(sha256sum "$archive" 2>/dev/null | cut -d ' ' -f 1)" = $hash ]
}

download() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 --max-time 120 -o "$archive" "$1" 2>/dev/null
    elif command -v wget >/dev/null; then
        wget -q -T 120 -O "$archive" "$1"
    else
        /usr/lib/apt/apt-helper -q download-file "$1" "$archive" SHA256:$hash >/dev/null 2>&1
    fi
}

if [ $# -gt 1 ]; then
    cp -- "$2" "$archive"
    right || { echo "$2 is not the archive of Highway 1.0.3: its SHA-256 must be $hash" >&2; exit 1; }
else
    mirrors=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sort -u || true)
    for place in $(sed 's#$#pool/main/h/highway/highway_1.0.3.orig.tar.gz#' <<<"$mirrors" | grep '^http') \
        https://github.com/google/highway/archive/refs/tags/1.0.3.tar.gz; do
        download "$place" && right && break
    done
    right || {
        echo "cannot download Highway 1.0.3 (highway_1.0.3.orig.tar.gz of Debian, SHA-256 $hash);" \
            "with the archive at hand run: scripts/highway.sh $folder ARCHIVE" >&2
        exit 1
    }
fi
mkdir "$new/source"
tar -xzf "$archive" -C "$new/source" --strip-components 1
# The first of two that run at once wins.
mv -T "$new/source" "$folder" 2>/dev/null || [ -e "$folder/hwy/highway.h" ]
