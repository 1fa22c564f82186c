#!/usr/bin/env bash
# Prints the table of docs/ptxas.md from what ptxas said in a build: ptxas_table.sh [build/release/ptxas.log].
# With --check it compares the table with the committed one instead, and fails on any spill or stack frame.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
check=false
if [ "${1:-}" = --check ]; then check=true; shift; fi
log=${1:-$home/build/release/ptxas.log}
[ -e "$log" ] || { echo "ptxas_table: there is no $log; build with nvcc first" >&2; exit 1; }
table=$(awk '
    /Compiling entry function/ {
        match($0, /_ZN6coolsd[0-9]+[a-z_]+E/); name = substr($0, RSTART, RLENGTH)
        sub(/_ZN6coolsd[0-9]+/, "", name); sub(/E$/, "", name)
        match($0, /sm_[0-9]+/); arch = substr($0, RSTART + 3, RLENGTH - 3)
    }
    /bytes stack frame/ { stack = $1; spills = $5 + $9 }
    /Used [0-9]+ registers/ { printf "%s %d %d %d %d\n", name, arch, $5, stack, spills }
' "$log" | sort -k1,1 -k2,2n | awk '
    BEGIN { print "| kernel | architecture | registers | stack frame | spills |"; print "|---|---|---:|---:|---:|" }
    { printf "| %s | sm_%d | %d | %d | %d |\n", $1, $2, $3, $4, $5 }')
if ! $check; then
    echo "$table"
    exit
fi
if [ "$(grep -c '| sm_' <<<"$table")" != 18 ]; then
    echo "ptxas_table: expected three kernels on six architectures, found:" >&2
    echo "$table" >&2
    exit 1
fi
if grep '| sm_' <<<"$table" | grep -v '| 0 | 0 |$' >&2; then
    echo "ptxas_table: the rows above have a stack frame or spills" >&2
    exit 1
fi
diff <(grep '^|' "$home/docs/ptxas.md") <(echo "$table") >&2 || {
    echo "ptxas_table: docs/ptxas.md is out of date; see the difference above (< committed, > this build)" >&2
    exit 1
}
echo "ptxas_table: docs/ptxas.md is what this build gives"
