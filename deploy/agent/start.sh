#!/bin/sh
# Starts the card agent from its own folder: ./start.sh, or ./start.sh --virtual for virtual cards.
set -eu
# One thread hangs for each reader that hangs; files and everything else need some, too.
export UV_THREADPOOL_SIZE="${UV_THREADPOOL_SIZE:-16}"
exec "${NODE:-node}" "$(dirname "$(readlink -f "$0")")/dist/services/card-agent/src/main.js" "$@"
