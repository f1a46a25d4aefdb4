#!/usr/bin/env bash
# Installs what the tests and `npm run stack` need on a Debian machine and is not there yet. As root; does nothing where
# nothing is missing. Nothing of it is started as a service, now or at the next boot: the stack starts its own servers.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
"$(dirname "$0")/tools/install.sh" || true # says what is missing; the tests of the deployment say it again

# A Java of 17 or later, by the first number of: openjdk version "17.0.15" 2025-04-15
java_is_new_enough() {
  local major
  major=$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1)
  [ -n "$major" ] && [ "$major" -ge 17 ]
}

missing=()
command -v openssl >/dev/null || missing+=(openssl)           # the second reader of every certificate and list
command -v setpriv >/dev/null || missing+=(util-linux)        # ends a server with the process that started it
command -v redis-server >/dev/null || missing+=(redis-server) # jobs of the distributed profile
command -v nginx >/dev/null || missing+=(nginx-light)         # its edge
command -v kcat >/dev/null || missing+=(kcat)                 # a second reader of Kafka's topics
java_is_new_enough || missing+=(openjdk-17-jre-headless)      # Kafka
command -v mvn >/dev/null || missing+=(maven)                 # fetches Kafka's jars
command -v pcscd >/dev/null || missing+=(pcscd libccid)       # card readers; libccid drives those at a USB port
[ -e /usr/lib/pcsc/drivers/serial/libifdvpcd.so ] || missing+=(vsmartcard-vpcd) # readers for virtual cards
command -v opensc-tool >/dev/null || missing+=(opensc)        # a second reader of every card
command -v yubico-piv-tool >/dev/null || missing+=(yubico-piv-tool) # and a third
command -v pdftotext >/dev/null || missing+=(poppler-utils)   # a second reader of the printed forms
command -v qpdf >/dev/null || missing+=(qpdf)                 # a third, of their structure
command -v zbarimg >/dev/null || missing+=(zbar-tools)        # and one of their bar codes
command -v chromium >/dev/null || missing+=(chromium)         # the pages, as people use them
[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing+=(fonts-noto-cjk) # and their characters
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "missing: ${missing[*]}; run deploy/debian-setup.sh as root" >&2
  exit 1
fi

# Debian starts what it installs, on ports 6379 and 80, unless this file says no (101).
policy=/usr/sbin/policy-rc.d
kept=$policy.kaika-kept
restore() {
  rm -f "$policy"
  if [ -e "$kept" ]; then mv "$kept" "$policy"; fi
}
trap restore EXIT
if [ -e "$policy" ]; then mv "$policy" "$kept"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

apt-get update -qq -o Acquire::Retries=3
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 "${missing[@]}"

for package in "${missing[@]}"; do
  case "$package" in
    redis-server) service=redis-server ;;
    nginx-light) service=nginx ;;
    pcscd) service=pcscd.socket ;;
    *) continue ;;
  esac
  if command -v systemctl >/dev/null; then systemctl disable --quiet "$service" || true; fi
done
