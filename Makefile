# Targets for people. `make test` installs what the tests need and passes them.
GO ?= go
BIN := bin/sekisho
BOX := bin/sekisho-box
FUZZTIME ?= 10m
GOFLAGS_STATIC := CGO_ENABLED=0

.PHONY: deb modules build test soak check race fuzz fuzz-short bench bench-quick bench-tools demo clean tools

build:
	$(GOFLAGS_STATIC) $(GO) build -trimpath -o $(BIN) ./cmd/sekisho
	$(GOFLAGS_STATIC) $(GO) build -trimpath -o $(BOX) ./cmd/sekisho-box

demo: build
	$(BIN) demo

# What a new machine lacks: gcc for the race detector, and the mail programs
# that the gateway is tested with. None of them is left running.
tools:
	@command -v gcc >/dev/null && command -v postfix >/dev/null && command -v swaks >/dev/null && perl -MNet::SSLeay -e 1 2>/dev/null || { \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends gcc libc6-dev postfix swaks libnet-ssleay-perl; }
	@command -v convert >/dev/null && command -v cwebp >/dev/null && command -v tiffcp >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends imagemagick webp libtiff-tools; } # makers of pictures
	@test -d /usr/share/fonts/opentype/ipafont-mincho && test -d /usr/share/fonts/opentype/ipafont-gothic || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends fonts-ipafont-mincho fonts-ipafont-gothic; } # for PDF without embedded fonts
	@command -v heif-enc >/dev/null && test -d /usr/share/fonts/opentype/ipafont-gothic && { command -v npm >/dev/null || test -e bin/modules/resvg.wasm; } || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libheif-examples fonts-ipafont-gothic npm; }
	@$(MAKE) --no-print-directory modules
	@command -v qpdf >/dev/null && command -v pdftotext >/dev/null && command -v mutool >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends qpdf poppler-utils mupdf-tools; } # readers of PDF
	@command -v rsyslogd >/dev/null && ls /usr/lib/*/rsyslog/lmnsd_ossl.so >/dev/null 2>&1 || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends rsyslog rsyslog-openssl; } # a syslog server
	@test -x /lib/systemd/systemd && command -v adduser >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends systemd adduser; } # what the package is installed on
	$(GO) mod download

# The decoders for HEIC, AVIF and SVG, which are not part of sekisho (ADR 0016).
modules:
	sh .ci/modules.sh bin/modules

check:
	@test -z "$$(gofmt -l cmd gateway sanitize quarantine audit configs)" || { gofmt -l cmd gateway sanitize quarantine audit configs; exit 1; }
	$(GO) vet ./...

# SQLite is C turned into Go; checking its pointers takes most of the time and
# finds nothing of ours.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0

test: tools check build
	$(GO) test $(RACE) -shuffle=on -timeout 15m ./...
	$(MAKE) fuzz-short

# The long runs: 500 kills and some 10,000 mails between real mail servers.
SOAK ?= 500
soak: tools
	SEKISHO_SOAK=$(SOAK) $(GO) test -v -count=1 -timeout 6h ./gateway/realtest ./gateway/faulttest ./gateway/store/sqlite ./sanitize/image ./sanitize/pdfread

# Three minutes in all, another part of the targets each day.
fuzz-short:
	sh .ci/fuzz.sh rotate 180

# Ten minutes a target.
fuzz:
	sh .ci/fuzz.sh all $(FUZZTIME)

bench: bench-tools
	$(GO) test -run '^$$' -bench . -benchtime 2s ./sanitize/... ./audit ./gateway/store/... ./gateway/intake ./gateway/deliver
	$(GO) test -run '^$$' -bench Peers -benchtime 1x -timeout 60m ./gateway/benchtest

# Sekisho alone with small mails: half a minute, for those who make it faster.
bench-quick:
	BENCH=quick BENCH_REPEATS=3 $(GO) test -run '^$$' -bench Peers -benchtime 1x ./gateway/benchtest

# What sekisho is measured beside.
bench-tools:
	@command -v postfix >/dev/null && command -v amavisd >/dev/null || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postfix amavisd-new; }

# The Debian package, in bin/.
deb:
	sh .ci/deb.sh bin

clean:
	rm -rf bin
