#!/usr/bin/env bash
# Installs what the tests need on a Debian machine and is not there yet. As root; does nothing where nothing is missing.
set -euo pipefail

missing=()
command -v openssl >/dev/null || missing+=(openssl)      # the second reader of every certificate and list
command -v setpriv >/dev/null || missing+=(util-linux)   # ends PostgreSQL with the process that started it
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "missing: ${missing[*]}; run deploy/debian-setup.sh as root" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
