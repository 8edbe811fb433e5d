# The doors of the project. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test build serve model bench lint

# Cargo reads CARGO_TARGET_DIR by itself; this is only to know where the program ends up.
TARGET := $(if $(CARGO_TARGET_DIR),$(abspath $(CARGO_TARGET_DIR)),$(CURDIR)/target)
TAMIZ := $(TARGET)/release/tamiz
# The matcher back end on Hyperscan is taken in where its library is installed.
FEATURES := $(shell pkg-config --exists libhs 2>/dev/null && echo --features hyperscan)

help: ## List these doors
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup:
	@./scripts/setup.sh

run: build ## Set up, build, scan the bundled examples, say what to try next
	@./scripts/try_examples.sh $(TAMIZ)

test: setup ## Set up, run the whole test suite
	cargo test --workspace --locked $(FEATURES)
	@if [ -n "$(FEATURES)" ]; then cargo test --locked --manifest-path engine/hyperscan/Cargo.toml --target-dir $(TARGET)/hyperscan; fi

build: setup ## Set up, build the release program (in CARGO_TARGET_DIR if that is set)
	cargo build --release --locked --bin tamiz $(FEATURES)
	@echo "built $(TAMIZ)"

serve: build ## Set up, build, serve gRPC on 127.0.0.1:50051 until Ctrl-C
	$(TAMIZ) serve

model: ## Fetch ONNX Runtime and put the encoder where tamiz finds it (by copies in ~/.local/share/tamiz)
	@./scripts/onnxruntime.sh
	@mkdir -p "$${XDG_DATA_HOME:-$$HOME/.local/share}/tamiz/models"
	@cp -r models/tamiz-mini-1 "$${XDG_DATA_HOME:-$$HOME/.local/share}/tamiz/models/"
	@echo "the encoder is installed: tamiz scan, eval and serve ask it from now on; --classify off leaves it out"

bench: setup ## Set up, run the benchmarks, print one table, draw target/bench.svg
	cargo bench --locked --bench stages
	@python3 scripts/bench_table.py $(TARGET)/criterion $(TARGET)/bench.svg

lint: setup ## Formatting, clippy, rule files, example corpus, documentation: no warnings
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path engine/hyperscan/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked $(FEATURES) -- -D warnings
	cargo run --quiet --locked --bin tamiz -- rules check
	python3 examples/make_expected.py --check
	python3 scripts/rule_docs.py --check
	python3 scripts/hard_negatives.py --check
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
