# Every cargo command names the whole workspace, so that all of them share one target folder and one
# set of features. A command for one package (-p) would select other features of shared dependencies
# and compile them again.
PYTHON ?= python3
ARGS ?=
# How long `make fuzz` stays with each parser.
FUZZ_SECONDS ?= 60
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
OUT ?= out
# Which commits `make lint-commits` looks at.
RANGE ?= origin/main..HEAD
# How long `make verify` tries each parser.

CARGO_FLAGS := --workspace --locked
STEP := .ci/step
TOOLS := $(PYTHON) .ci/tools.py
SHELL_SCRIPTS := .ci/arm-check .ci/run .ci/step .ci/thread-check \
  $(addprefix .ci/hooks/,commit-msg pre-commit pre-push prepare-commit-msg setup)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo up test fuzz bdd chaos verify bench bench-kernels gpu-check arm-check thread-check docs lint fmt ci tools clean \
  release debug check-demo check-dependencies lint-tree lint-hooks lint-rustfmt lint-proto \
  lint-shell lint-clippy lint-docs lint-message lint-commits hooks hooks-remove timing

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: release ## run photographs through filter chains; print a table, write pictures to out/
	@$(STEP) demo $(TARGET)/release/ocelli demo --out $(OUT) --photos .tools/photos $(ARGS)

up: release ## run the system on 127.0.0.1:8000 (HTTP) and 127.0.0.1:4222 (NATS) until Ctrl-C
	@exec $(TARGET)/release/ocelli up --hints $(ARGS)

test: debug ## run all tests that need no GPU, except the behaviour scenarios
	@$(STEP) tests cargo test $(CARGO_FLAGS) --tests
	@$(STEP) doc-tests cargo test $(CARGO_FLAGS) --doc
	@$(STEP) opencv-parity cat $(TARGET)/parity/colour.txt $(TARGET)/parity/blur.txt \
	  $(TARGET)/parity/edges.txt $(TARGET)/parity/sharpen.txt $(TARGET)/parity/morphology.txt \
	  $(TARGET)/parity/geometry.txt $(TARGET)/parity/effect.txt $(TARGET)/parity/privacy.txt \
	  $(TARGET)/parity/tensor.txt

fuzz: ## feed mutated input to every parser, for FUZZ_SECONDS=60 each
# One parser at a time: what takes long must not take long because of another.
	@OCELLI_FUZZ_SECONDS=$(FUZZ_SECONDS) $(STEP) fuzz cargo test $(CARGO_FLAGS) --test fuzz \
	  -- --nocapture --test-threads=1
	@OCELLI_FUZZ_SECONDS=$(FUZZ_SECONDS) $(STEP) fuzz-inside cargo test $(CARGO_FLAGS) --lib fuzz:: \
	  -- --nocapture --test-threads=1

bdd: release debug ## run the behaviour scenarios against the whole system; reports in target/bdd/
	@OCELLI_BIN=$(TARGET)/release/ocelli $(STEP) scenarios cargo test $(CARGO_FLAGS) --test bdd

chaos: release debug ## attack the system at full length; figures in target/bench/promises.json
	@OCELLI_BIN=$(TARGET)/release/ocelli $(STEP) chaos cargo test $(CARGO_FLAGS) --test bdd -- \
	  --tags '@promise'

verify: chaos fuzz ## run chaos, the long forms of tests, and the fuzzers
	@OCELLI_LONG=1 $(STEP) long cargo test $(CARGO_FLAGS) --test every_filter --test interrupt \
	  --test effort --test peak

bench: ## measure Ocelli beside its yardsticks; results in target/bench/
	@$(STEP) tools $(TOOLS) test
	@$(STEP) benchmarks cargo bench $(CARGO_FLAGS) --bench '*'

bench-kernels: ## measure every filter beside OpenCV; results in target/bench/kernels.json
	@$(STEP) tools $(TOOLS) test
	@$(STEP) benchmarks cargo bench $(CARGO_FLAGS) --bench kernels -- $(ARGS)

docs: ## write docs/reference/filters.md and its pictures from the filters' definitions
	@$(STEP) tools $(TOOLS) test
	@OCELLI_UPDATE_DOCS=1 $(STEP) pages cargo test $(CARGO_FLAGS) --test filters_page --test docs

gpu-check: ## compare all operations on the GPU with the CPU; figures in target/bench/gpu.json
	@OCELLI_REQUIRE_GPU=1 $(STEP) gpu-parity cargo test $(CARGO_FLAGS) --test gpu -- --nocapture
	@OCELLI_REQUIRE_GPU=1 $(STEP) gpu-bench cargo bench $(CARGO_FLAGS) --bench gpu

arm-check: ## lint and test the kernels on 64-bit Arm, under QEMU on other machines
	@$(STEP) tools $(TOOLS) test
	@.ci/arm-check

thread-check: ## test the kernels' worker pool under Miri; needs a nightly toolchain with Miri
	@.ci/thread-check

lint: lint-tree lint-hooks lint-rustfmt lint-proto lint-shell lint-clippy lint-docs ## check formatting, clippy, protobuf, shell, docs and the tree

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
# The scenarios have `test = false`, which excludes them from --all-targets.
	@$(STEP) clippy-bdd cargo clippy $(CARGO_FLAGS) --test bdd -- -D warnings

lint-docs:
	@RUSTDOCFLAGS='-D warnings' $(STEP) rustdoc cargo doc $(CARGO_FLAGS) --no-deps

lint-message:
	@$(STEP) message $(PYTHON) .ci/hooks/message.py check "$(FILE)"

lint-commits: ## check the messages of the commits in RANGE (origin/main..HEAD)
	@$(STEP) messages $(PYTHON) .ci/hooks/message.py range "$(RANGE)"

timing: ## build for release from nothing; print the CPU seconds, report each crate
	@rm -rf $(TARGET)/timing
	@$(STEP) timing bash -c 'time cargo build $(CARGO_FLAGS) --release --bins --timings \
	  --target-dir $(TARGET)/timing'

hooks: ## install Git hooks: quick checks at a commit, make ci at a push
	@.ci/hooks/setup install

hooks-remove: ## remove the Git hooks
	@.ci/hooks/setup remove

fmt: ## format Rust and protobuf files
	@$(TOOLS) ci
	@cargo fmt --all
	@.tools/bin/buf format --write messages/proto

ci: lint test bdd demo check-demo check-dependencies ## run everything that must pass before a change lands

tools: ## download the pinned tools into .tools/
	@$(TOOLS) ci

clean: ## remove everything that was built, but not .tools/
	cargo clean
	rm -rf $(OUT)

# --bins keeps test-only dependencies and their features out of the program that users run.
release:
	@$(STEP) tools $(TOOLS) demo
	@$(STEP) build cargo build $(CARGO_FLAGS) --release --bins

# Builds everything at once, including the benchmarks, so that they are known to compile.
debug:
	@$(STEP) tools $(TOOLS) test
	@$(STEP) build cargo build $(CARGO_FLAGS) --all-targets

check-demo:
	@$(STEP) demo-pictures $(PYTHON) .ci/check_demo.py $(OUT)

check-dependencies:
	@if command -v cargo-deny >/dev/null; then \
	  $(STEP) cargo-deny cargo deny --locked check bans licenses sources; \
	else \
	  echo "cargo-deny: NOT RUN, because it is not installed (cargo install --locked cargo-deny);" \
	    "hosted CI runs it"; \
	fi
