# make run: everything on embedded defaults. make test: all tests. make bench: the benchmarks, or
# some of them: make bench BENCH="--only ticket". Each sets up .venv by itself.
PYTHON ?= python3
STAMP := .venv/.installed

.PHONY: run test bench check lock clean

run: $(STAMP)
	@exec .venv/bin/broker dev

test: $(STAMP)
	.venv/bin/python -m pytest

bench: $(STAMP)
	@exec .venv/bin/python -m benchmarks $(BENCH)

check: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m pytest -n 0 tests/house "tests/contract/test_database.py::test_models_and_migrations_agree[sqlite]"

$(STAMP): requirements-dev.txt setup.cfg pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12"; exit 1; }
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "No venv module: apt-get install python3-venv"; exit 1; }
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . -e clients/python
	@touch $@

# Writes the locks from setup.cfg; needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" setup.cfg -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --extra dev --constraint requirements.txt setup.cfg -o requirements-dev.txt

clean:
	rm -rf .venv .broker benchmarks/.peers benchmarks/companion/node_modules
