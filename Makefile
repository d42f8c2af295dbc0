# Two commands matter: `make demo` and `make test`. Each sets up what it needs from python3 alone.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench lock clean

demo: .venv/runtime
	$(BIN)/han2x demo

test: .venv/dev
	scripts/test

check: .venv/dev
	scripts/check

bench: .venv/dev
	$(BIN)/python -m bench

lock: .venv/dev
	scripts/lock

clean:
	rm -rf .venv .venv-bench build dist

.venv/runtime: requirements/runtime.txt pyproject.toml
	scripts/setup runtime "$(PYTHON)"

.venv/dev: requirements/dev.txt pyproject.toml
	scripts/setup dev "$(PYTHON)"
