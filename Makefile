# The verbs of this house. Each installs what it lacks (see tools/setup.sh), says so, and works the second
# time without the network.
#   make run     the all-in-one with demonstration data on http://localhost:8080
#   make test    everything that can fail
#   make build   target/release/diemcau
#   make bench   the performance figures (docs/performance.md says what ONLY, REPEAT, REALTIME and SOAK do)
#   make demo-cascade  a province, two clusters and 78 simulated sites on this machine, with the map of nodes
#   make simulate-nation  the tree of nodes for a whole country: loads, start-up, recovery (docs/sizing.md)
#   make fuzz    every parser of the media plane against made-up input (FUZZ=60 seconds each; needs nightly Rust)
#   make check   formatting, lints, types, licences
#   make fmt     formats the sources
#   make types   writes the web's types from the protocol crate
#   make clean   removes what was built

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
CARGO ?= cargo
DATA ?= data
SOAK ?= 60
FUZZ ?= 60
export CARGO_TERM_COLOR ?= auto

.PHONY: demo-cascade run test build bench simulate-nation fuzz check fmt types clean setup setup-test web web-test cargo-test browser-test

# The development profile: it is ready in less than half the time of the release profile, and one meeting
# of a demonstration does not need more. README.md has the figures.
run: setup web
	$(CARGO) build --locked --bin diemcau
	@DIEMCAU_BINARY="$${CARGO_TARGET_DIR:-target}/debug/diemcau" tools/diemcau serve --demo --data $(DATA)

demo-cascade: setup web
	$(CARGO) build --locked --bin diemcau --example sites
	@DIEMCAU_BINARY="$${CARGO_TARGET_DIR:-target}/debug/diemcau" \
	  DIEMCAU_SITES="$${CARGO_TARGET_DIR:-target}/debug/examples/sites" tools/demo-cascade.sh

build: setup web
	$(CARGO) build --locked --release --bin diemcau
	@if [ -n "$${CARGO_TARGET_DIR:-}" ]; then mkdir -p target/release && cp "$$CARGO_TARGET_DIR/release/diemcau" target/release/diemcau; fi
	@echo "== target/release/diemcau is ready; tools/diemcau starts it"

test: setup-test web web-test cargo-test browser-test
	@echo "== Everything passed"

web-test:
	@echo "== The page's types and unit tests"
	cd web && npm run --silent check
	cd web && npm run --silent size

cargo-test:
	@echo "== The crates and the binary"
	$(CARGO) test --locked

browser-test:
	@echo "== Real browsers on the real binary"
	# The same selection as cargo-test: another one would build half of the packages again.
	$(CARGO) test --locked --no-run
	DIEMCAU_BINARY="$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug/diemcau" node tests/browser/run.mjs

bench: setup web
	SOAK=$(SOAK) $(CARGO) bench --locked --bench load

simulate-nation:
	$(CARGO) test --locked --test nation

fuzz:
	sfu/fuzz/run.sh $(FUZZ)

check: setup web
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	cd web && npm run --silent check
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --log-level error check bans licenses sources; \
	  if $(CARGO) deny --log-level error fetch db; then $(CARGO) deny check advisories; \
	  else echo "== the advisory database cannot be reached from here: advisories were NOT checked"; fi; \
	else echo "== cargo-deny is not installed: licences and advisories were NOT checked (cargo install cargo-deny)"; fi
	$(CARGO) test --locked --test e2e tidy

fmt:
	$(CARGO) fmt --all

types:
	DIEMCAU_WRITE_TYPES=1 $(CARGO) test --locked -p protocol
	cd web && node schemas.mjs

setup:
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

web:
	@tools/web.sh

clean:
	$(CARGO) clean
	rm -rf web/dist web/node_modules tests/browser/node_modules tests/browser/.media tests/browser/out
