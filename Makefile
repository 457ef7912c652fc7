# One target folder and one set of features: every cargo command names the whole workspace. A
# command for one package (-p) would select other features of shared dependencies and compile
# them again.
PYTHON ?= python3
ARGS ?=
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
OUT ?= out

CARGO_FLAGS := --workspace --locked
STEP := .ci/step
TOOLS := $(PYTHON) .ci/tools.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo up test bdd bench bench-kernels gpu-check arm-check thread-check docs lint fmt ci tools clean \
  release debug check-demo check-dependencies

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: release ## real photographs through filter chains; a table, and pictures in out/
	@$(STEP) demo $(TARGET)/release/ocelli demo --out $(OUT) --photos .tools/photos $(ARGS)

up: release ## the system on 127.0.0.1:8000 (HTTP) and 127.0.0.1:4222 (NATS) until Ctrl-C
	@exec $(TARGET)/release/ocelli up --hints $(ARGS)

test: debug ## all tests that need no GPU, except the behaviour scenarios
	@$(STEP) tests cargo test $(CARGO_FLAGS) --tests
	@$(STEP) doc-tests cargo test $(CARGO_FLAGS) --doc
	@$(STEP) opencv-parity cat $(TARGET)/parity/colour.txt $(TARGET)/parity/blur.txt \
	  $(TARGET)/parity/edges.txt $(TARGET)/parity/sharpen.txt $(TARGET)/parity/morphology.txt \
	  $(TARGET)/parity/geometry.txt $(TARGET)/parity/effect.txt $(TARGET)/parity/privacy.txt \
	  $(TARGET)/parity/tensor.txt

bdd: release debug ## behaviour scenarios against the whole system; reports in target/bdd/
	@OCELLI_BIN=$(TARGET)/release/ocelli $(STEP) scenarios cargo test $(CARGO_FLAGS) --test bdd

bench: ## ours against the yardsticks; results in target/bench/
	@$(STEP) tools $(TOOLS) test
	@$(STEP) benchmarks cargo bench $(CARGO_FLAGS) --bench '*'

bench-kernels: ## every filter against OpenCV; results in target/bench/kernels.json
	@$(STEP) tools $(TOOLS) test
	@$(STEP) benchmarks cargo bench $(CARGO_FLAGS) --bench kernels -- $(ARGS)

docs: ## writes docs/reference/filters.md and its pictures from the filters' definitions
	@$(STEP) tools $(TOOLS) test
	@OCELLI_UPDATE_DOCS=1 $(STEP) filters-page cargo test $(CARGO_FLAGS) --test filters_page

gpu-check: ## all operations on the GPU against the CPU, and figures in target/bench/gpu.json
	@OCELLI_REQUIRE_GPU=1 $(STEP) gpu-parity cargo test $(CARGO_FLAGS) --test gpu -- --nocapture
	@OCELLI_REQUIRE_GPU=1 $(STEP) gpu-bench cargo bench $(CARGO_FLAGS) --bench gpu

arm-check: ## the kernels' lints and tests on 64-bit Arm, under QEMU if this machine is none
	@$(STEP) tools $(TOOLS) test
	@.ci/arm-check

thread-check: ## the kernels' worker pool under Miri; needs a nightly toolchain with Miri
	@.ci/thread-check

lint: ## formatting, clippy, protobuf, shell, docs and repository checks
	@$(STEP) tools $(TOOLS) ci
	@$(STEP) tree $(PYTHON) .ci/check_tree.py
	@$(STEP) rustfmt cargo fmt --all --check
	@$(STEP) buf-lint .tools/bin/buf lint messages/proto
	@$(STEP) buf-format .tools/bin/buf format --diff --exit-code messages/proto
	@$(STEP) shellcheck .tools/bin/shellcheck \
	  .ci/arm-check .ci/run .ci/step .ci/thread-check $$(git ls-files '*.sh')
	@$(STEP) clippy cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
# The scenarios have `test = false`, which takes them out of --all-targets.
	@$(STEP) clippy-bdd cargo clippy $(CARGO_FLAGS) --test bdd -- -D warnings
	@RUSTDOCFLAGS='-D warnings' $(STEP) rustdoc cargo doc $(CARGO_FLAGS) --no-deps

fmt: ## formats Rust and protobuf files
	@$(TOOLS) ci
	@cargo fmt --all
	@.tools/bin/buf format --write messages/proto

ci: lint test bdd demo check-demo check-dependencies ## what must pass before a change lands

tools: ## fetches the pinned tools into .tools/
	@$(TOOLS) ci

clean: ## removes what was built (not .tools/)
	cargo clean
	rm -rf $(OUT)

# --bins leaves test-only dependencies and their features out of what users run.
release:
	@$(STEP) tools $(TOOLS) demo
	@$(STEP) build cargo build $(CARGO_FLAGS) --release --bins

# Everything at once, benchmarks included, so that they are known to compile.
debug:
	@$(STEP) tools $(TOOLS) test
	@$(STEP) build cargo build $(CARGO_FLAGS) --all-targets

check-demo:
	@$(STEP) demo-pictures $(PYTHON) .ci/check_demo.py $(OUT)

check-dependencies:
	@if command -v cargo-deny >/dev/null; then \
	  $(STEP) cargo-deny cargo deny --locked check bans licenses sources; \
	else \
	  echo "cargo-deny: NOT RUN here, it is not installed (cargo install --locked cargo-deny);" \
	    "hosted CI requires it"; \
	fi
