#!/bin/sh
# Prints the newest CPython >= 3.11 that really runs and can make an environment; one line of what to install otherwise.
# A name on PATH may be a shim without an interpreter behind it, so each candidate is tried by running it.
# `find_python.sh --all` prints every such interpreter, one of each version.

wanted='import sys, ssl, sqlite3, venv, ensurepip
ok = sys.implementation.name == "cpython" and sys.version_info >= (3, 11)
print("%d.%d" % sys.version_info[:2] if ok else "")'

found=''
for name in python3.15 python3.14 python3.13 python3.12 python3.11 python3; do
    for candidate in "$(command -v "$name" 2>/dev/null)" "$HOME"/.pyenv/versions/*/bin/"$name"; do
        [ -x "$candidate" ] || continue
        version=$("$candidate" -c "$wanted" 2>/dev/null) || continue
        [ -n "$version" ] || continue
        case " $found " in *" $version "*) continue ;; esac
        found="$found $version"
        "$candidate" -c 'import sys; print(sys.executable)'
        [ "$1" = --all ] || exit 0
    done
done
[ -n "$found" ] || {
    echo 'error: no Python >= 3.11 that runs and can make environments; install one, e.g. apt-get install python3 python3-venv python3-dev' >&2
    exit 1
}
