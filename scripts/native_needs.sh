#!/usr/bin/env bash
# What the native library $1 needs of a system: other libraries, and the oldest glibc with all of the symbols that it uses.
# With a second argument fails if that is a newer glibc than this.
set -euo pipefail
library=$1
objdump=objdump
case $("$objdump" -f "$library" 2>/dev/null) in *x86-64* | *aarch64*) ;; *) objdump=aarch64-linux-gnu-objdump ;; esac
echo "libraries: $("$objdump" -p "$library" | sed -n 's/^ *NEEDED *//p' | tr '\n' ' ')"
glibc=$("$objdump" -T "$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
glibc=${glibc#GLIBC_}
echo "glibc: $glibc, for $("$objdump" -T "$library" | sed -n "s/.*(\?GLIBC_$glibc)\? *//p" | sort -u | tr '\n' ' ')"
if [ $# -gt 1 ] && [ "$(printf '%s\n' "$glibc" "$2" | sort -V | tail -n 1)" != "$2" ]; then
    echo "$library needs glibc $glibc, more than $2" >&2
    exit 1
fi
