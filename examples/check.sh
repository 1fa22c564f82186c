#!/usr/bin/env bash
# Builds and runs examples/java as somebody else would: outside the checkout, with the artifacts of the Maven repository $1 (what
# ./coolsd publish-local made), from the class path and from the module path, under every Java from 17 on that is found. Nothing may
# be said on standard error.
#
#   --fresh   with an empty home folder: Maven downloads its plugins and JavaCPP again, as it does for somebody new
set -euo pipefail
unset CDPATH
here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P)
fresh=
if [ "${1:-}" = --fresh ]; then
    fresh=yes
    shift
fi
[ $# = 1 ] && [ -d "$1/org/coolsd" ] || { echo "usage: examples/check.sh [--fresh] REPOSITORY, made by ./coolsd publish-local REPOSITORY" >&2; exit 2; }
repository=$(cd -- "$1" && pwd -P)
version=$(sed -n 's/.*<revision>\(.*\)<\/revision>.*/\1/p' "$here/../pom.xml")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/java" "$work/project"
mkdir -p "$work/home/.m2"
cat >"$work/settings.xml" <<END
<settings>
  <profiles>
    <profile>
      <id>coolsd</id>
      <repositories><repository><id>coolsd</id><url>file://$repository</url></repository></repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>coolsd</activeProfile></activeProfiles>
</settings>
END

# What this user's Maven has downloaded before, seen through links; what it says about coolsd is not.
local=$work/repository
mkdir -p "$local/org"
if [ -z "$fresh" ]; then
    own=$(sed -n 's:.*<localRepository>\(.*\)</localRepository>.*:\1:p' "${HOME:-/nonexistent}/.m2/settings.xml" 2>/dev/null || true)
    own=${own:-${HOME:-/nonexistent}/.m2/repository}
    for folder in "$own"/* "$own"/org/*; do
        case $folder in
            "$own/org" | "$own/org/coolsd") ;;
            "$own"/org/*) [ ! -d "$folder" ] || ln -s "$folder" "$local/org/" ;;
            *) [ ! -d "$folder" ] || ln -s "$folder" "$local/" ;;
        esac
    done
fi

seconds=$SECONDS
HOME=$work/home mvn -B -q -s "$work/settings.xml" "-Duser.home=$work/home" "-Dmaven.repo.local=$local" \
    "-Dcoolsd.version=$version" -f "$work/project" package
echo "examples/java: built in $((SECONDS - seconds)) s against coolsd $version"

run() {
    local what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null || { cat "$work/out" "$work/err" >&2; echo "examples/java: $what failed" >&2; exit 1; }
    [ ! -s "$work/err" ] || { cat "$work/err" >&2; echo "examples/java: $what wrote to standard error" >&2; exit 1; }
    if [ -z "${expected:-}" ]; then
        expected=$(cat "$work/out")
        case $expected in
            "drafted "[0-7]", accepted "[01]" of 1"$'\n'"token "[0-7]*) ;;
            *) echo "examples/java: $what printed '$expected'" >&2; exit 1 ;;
        esac
    fi
    [ "$(cat "$work/out")" = "$expected" ] || { cat "$work/out" >&2; echo "examples/java: $what printed something else" >&2; exit 1; }
    echo "examples/java: $what"
}

cd "$work"
seen=
for java in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] || continue
    java=$(readlink -f "$java")
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$(dirname "$java")/../release" 2>/dev/null || true)
    case " $seen " in *" $java "*) continue ;; esac
    seen+=" $java"
    [ "${major:-0}" -ge 17 ] || continue
    options=("-Djava.io.tmpdir=$work" "-Dorg.bytedeco.javacpp.cachedir=$work/cache-$major")
    # What no manifest can say: that JavaCPP may use sun.misc.Unsafe, of which Java 24 and later warn.
    [ "$major" -lt 23 ] || options+=(--sun-misc-unsafe-memory-access=allow)
    run "Java $major, class path" "$java" "${options[@]}" -jar project/target/tokens.jar
    # Modules are named on the command line, that of the native library too; no manifest speaks for them.
    run "Java $major, module path" "$java" "${options[@]}" --enable-native-access=org.bytedeco.javacpp,org.coolsd \
        --add-modules org.coolsd.linux.x86_64 \
        -p project/target/tokens.jar:project/target/lib -m com.example.tokens/com.example.Tokens
done
