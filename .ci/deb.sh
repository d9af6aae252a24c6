#!/bin/sh
# Builds the Debian package with dpkg-deb alone: .ci/deb.sh OUTDIR [VERSION].
# The programs are static, so the package depends on what its scripts call only.
set -eu
cd "$(dirname "$0")/.."
out=${1:?usage: deb.sh OUTDIR [VERSION]}
version=${2:-0.0~$(date -u +%Y%m%d)}
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$out"
umask 022
chmod 0755 "$root" # it is the root directory in the package

build() {
	CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$root/$2" "./cmd/$1"
}
build sekisho usr/bin/sekisho
build sekisho-box usr/libexec/sekisho/sekisho-box
install -d -m 0755 "$root/usr/lib/systemd/system" "$root/usr/share/doc/sekisho" "$root/DEBIAN"
install -d -m 0750 "$root/etc/sekisho"
sed 's|/usr/local/bin|/usr/bin|g' configs/sekisho.service >"$root/usr/lib/systemd/system/sekisho.service"
install -m 0644 docs/ja/*.md "$root/usr/share/doc/sekisho/"
install -d -m 0755 "$root/usr/share/doc/sekisho/examples"
install -m 0644 configs/sekisho.yaml configs/policy.yaml configs/recipients.txt configs/alerts.yaml "$root/usr/share/doc/sekisho/examples/"
# The decoders that "make modules" fetched go along as they are: files of their
# own, under licences of their own, which anybody can replace (ADR 0016).
install -d -m 0755 "$root/usr/lib/sekisho/modules"
for file in bin/modules/*.wasm bin/modules/*.wasm.gz; do
	[ -f "$file" ] || continue
	install -m 0644 "$file" "$root/usr/lib/sekisho/modules/"
	install -m 0644 configs/debian/decoders.txt "$root/usr/share/doc/sekisho/decoders.txt"
done
# What is linked in is under licences that ask for their text to come with it.
licences() {
	cat "$(go env GOROOT)/LICENSE"
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/sekisho ./cmd/sekisho-box | sort -u | while read -r module of dir; do
		for file in "$dir"/LICENSE* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$file" ] || continue
			printf '\n%s\n%s %s: %s\n\n' ---- "$module" "$of" "${file##*/}"
			cat "$file"
		done
	done
}
licences >"$root/usr/share/doc/sekisho/copyright"
printf 'sekisho (%s) unstable; urgency=medium\n\n  * Built from source.\n\n -- sekisho <postmaster@localhost>  %s\n' "$version" \
	"$(date -u -R -d "@${SOURCE_DATE_EPOCH:-1767225600}")" | gzip -9n >"$root/usr/share/doc/sekisho/changelog.gz"
chmod 0644 "$root/usr/share/doc/sekisho/copyright" "$root/usr/share/doc/sekisho/changelog.gz" "$root/usr/lib/systemd/system/sekisho.service"

size=$(du -sk "$root" | cut -f1)
cat >"$root/DEBIAN/control" <<EOF
Package: sekisho
Version: $version
Architecture: $arch
Section: mail
Priority: optional
Maintainer: sekisho <postmaster@localhost>
Installed-Size: $size
Depends: adduser
Recommends: systemd, ca-certificates, fonts-ipafont-mincho, fonts-ipafont-gothic
Suggests: libreoffice-core-nogui
Description: mail and file sanitization gateway
 Rebuilds mail and attachments on their way from an Internet zone to an
 LGWAN zone, and holds what it cannot rebuild. Every decision is recorded in
 a log that proves that it was not edited.
EOF
for script in postinst prerm postrm; do
	install -m 0755 "configs/debian/$script" "$root/DEBIAN/$script"
done
# In the order of names and with one time, so that equal input gives an equal package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600} dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" --build "$root" "$out/sekisho_${version}_$arch.deb" >/dev/null
echo "$out/sekisho_${version}_$arch.deb"
