# One target folder and one set of features: every cargo command names the whole workspace. A
# command for one package (-p) would select other features of shared dependencies and compile
# them again.
PYTHON ?= python3
ARGS ?=
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
OUT ?= out
# Which commits `make lint-commits` looks at.
RANGE ?= origin/main..HEAD

CARGO_FLAGS := --workspace --locked
STEP := .ci/step
TOOLS := $(PYTHON) .ci/tools.py
SHELL_SCRIPTS := .ci/arm-check .ci/run .ci/step .ci/thread-check \
  $(addprefix .ci/hooks/,commit-msg pre-commit pre-push prepare-commit-msg setup)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo up test bdd bench bench-kernels gpu-check arm-check thread-check docs lint fmt ci tools clean \
  release debug check-demo check-dependencies lint-tree lint-hooks lint-rustfmt lint-proto \
  lint-shell lint-clippy lint-docs lint-message lint-commits hooks hooks-remove timing

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

lint: lint-tree lint-hooks lint-rustfmt lint-proto lint-shell lint-clippy lint-docs ## formatting, clippy, protobuf, shell, docs and repository checks

lint-tree:
	@$(STEP) tree $(PYTHON) .ci/check_tree.py

lint-hooks:
	@$(STEP) hooks $(PYTHON) .ci/hooks/test_hooks.py

lint-rustfmt:
	@$(STEP) rustfmt cargo fmt --all --check

lint-proto:
	@$(STEP) tools $(TOOLS) ci
	@$(STEP) buf-lint .tools/bin/buf lint messages/proto
	@$(STEP) buf-format .tools/bin/buf format --diff --exit-code messages/proto

lint-shell:
	@$(STEP) tools $(TOOLS) ci
	@$(STEP) shellcheck .tools/bin/shellcheck $(SHELL_SCRIPTS) $$(git ls-files '*.sh')

lint-clippy:
	@$(STEP) clippy cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
# The scenarios have `test = false`, which takes them out of --all-targets.
	@$(STEP) clippy-bdd cargo clippy $(CARGO_FLAGS) --test bdd -- -D warnings

lint-docs:
	@RUSTDOCFLAGS='-D warnings' $(STEP) rustdoc cargo doc $(CARGO_FLAGS) --no-deps

lint-message:
	@$(STEP) message $(PYTHON) .ci/hooks/message.py check "$(FILE)"

lint-commits: ## the messages of the commits in RANGE (origin/main..HEAD)
	@$(STEP) messages $(PYTHON) .ci/hooks/message.py range "$(RANGE)"

timing: ## a release build from nothing: its CPU seconds, and a report of each crate
	@rm -rf $(TARGET)/timing
	@$(STEP) timing bash -c 'time cargo build $(CARGO_FLAGS) --release --bins --timings \
	  --target-dir $(TARGET)/timing'

hooks: ## Git hooks: quick checks at a commit, make ci at a push
	@.ci/hooks/setup install

hooks-remove: ## takes the Git hooks away
	@.ci/hooks/setup remove

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
