# Targets for people. `make test` installs what the tests need and passes them.
GO ?= go
BIN := bin/sekisho
BOX := bin/sekisho-box
FUZZTIME ?= 10m
GOFLAGS_STATIC := CGO_ENABLED=0

.PHONY: build test check race fuzz fuzz-short bench demo clean tools

build:
	$(GOFLAGS_STATIC) $(GO) build -trimpath -o $(BIN) ./cmd/sekisho
	$(GOFLAGS_STATIC) $(GO) build -trimpath -o $(BOX) ./cmd/sekisho-box

demo: build
	$(BIN) demo

# What a new machine lacks: gcc for the race detector.
tools:
	@command -v gcc >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev; }
	$(GO) mod download

check:
	@test -z "$$(gofmt -l cmd gateway sanitize quarantine audit configs)" || { gofmt -l cmd gateway sanitize quarantine audit configs; exit 1; }
	$(GO) vet ./...

# SQLite is C turned into Go; checking its pointers takes most of the time and
# finds nothing of ours.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0

test: tools check build
	$(GO) test $(RACE) -shuffle=on -timeout 15m ./...
	$(MAKE) fuzz-short

# Three minutes in all, another part of the targets each day.
fuzz-short:
	sh .ci/fuzz.sh rotate 180

# Ten minutes a target.
fuzz:
	sh .ci/fuzz.sh all $(FUZZTIME)

bench:
	$(GO) test -run '^$$' -bench . -benchtime 2s ./sanitize/... ./audit ./gateway/...

clean:
	rm -rf bin
