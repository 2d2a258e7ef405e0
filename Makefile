# `make demo` shows the main job, `make test` proves it; both set up what they need on a bare Debian.

CARGO ?= cargo
COMPILER = 'cc=gcc libc6-dev'
SEEDS ?= 100000
FROM ?= 5000
TARGET ?= rule_file
SECONDS ?= 60
# What cargo-fuzz sets on nightly, less the sanitizer.
COVERED = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Clink-dead-code
TOOLS = openssl=openssl systemd-analyze=systemd ps=procps chromedriver='chromium chromium-driver'

.PHONY: help demo test simulate-faults fuzz lint check bench dist deny clean
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## play the three jobs and a kill -9 on a simulated CloudLink
	@tools/setup $(COMPILER)
	$(CARGO) build --release --quiet --bin switchhook
	@"$${CARGO_TARGET_DIR:-target}/release/switchhook" demo --config config

test: ## everything: format, lints, documentation, all tests
	@tools/setup $(COMPILER) $(TOOLS)
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --quiet --no-deps --document-private-items
	$(CARGO) test --quiet --lib --bins --tests

simulate-faults: ## SEEDS (100000) simulated runs with faults, FROM a seed on; the first 5,000 are in `make test`
	@tools/setup $(COMPILER)
	SEEDS=$(SEEDS) FROM=$(FROM) $(CARGO) test --release --quiet --lib trials::tests::many -- --ignored --nocapture

fuzz: ## feed TARGET (rule_file; all are in fuzz/fuzz_targets) with made-up input for SECONDS (60)
	@tools/setup $(COMPILER) c++=g++
	mkdir -p fuzz/corpus/$(TARGET)
	cd fuzz && RUSTFLAGS="$(COVERED)" $(CARGO) run --release --target $$(rustc --print host-tuple) --bin $(TARGET) -- \
		-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 corpus/$(TARGET)

lint: ## format and lints alone
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

check: ## look for mistakes in config/
	$(CARGO) run --quiet -- check --config config

bench: ## measure the rules, then the whole against a bare forwarder in one run
	@tools/setup $(COMPILER)
	$(CARGO) bench --bench rules
	$(CARGO) bench --bench gateway -- --client reqwest

dist: ## the binary that packages hold: optimized whole
	@tools/setup $(COMPILER)
	$(CARGO) build --profile dist --bin switchhook

deny: ## licences, banned crates and sources (needs cargo-deny)
	$(CARGO) deny check bans licenses sources

clean: ## remove what was built
	$(CARGO) clean
