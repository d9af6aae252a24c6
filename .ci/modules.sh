#!/bin/sh
# Puts the decoders for HEIC, AVIF and SVG into a directory, each as it was
# published. They are WebAssembly under licences of their own (LGPL-3.0,
# BSD-2-Clause, MPL-2.0; docs/adr/0016-pictures.md) and are used only if they
# are the files whose sums stand in sanitize/modules/modules.go.
#   modules.sh DIR
set -eu
dir=$1
mkdir -p "$dir"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
from() { # module@version, path in it, name here
	[ -e "$dir/$3" ] && return
	at=$(cd "$tmp" && GOFLAGS=-mod=mod go mod download -json "$1" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
	install -m 644 "$at/$2" "$dir/$3"
}
printf 'module modules\n' >"$tmp/go.mod"
from github.com/gen2brain/heic@v0.4.5 lib/heif.wasm.gz heif.wasm.gz
from github.com/gen2brain/avif@v0.4.4 lib/decode.wasm.gz avif.wasm.gz
if [ ! -e "$dir/resvg.wasm" ]; then
	(cd "$tmp" && npm pack --silent @resvg/resvg-wasm@2.6.2 >/dev/null && tar xzf resvg-resvg-wasm-2.6.2.tgz)
	install -m 644 "$tmp/package/index_bg.wasm" "$dir/resvg.wasm"
fi
