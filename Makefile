# make run: the broker with everything it needs, on embedded servers.
# make check: linters, types, layers and the checks of the project's own shape.
# make test: the quick tests, in a few minutes.
# make matrix: the slow tests, in parts, four at a time. Some parts alone: make matrix ONLY="soak kill"
#   kill    kill -9 after each step of each operation, once; servers that stop under load
#   attacks thirty requests at once: slow bodies, bytes replaced during confirms
#   walks   what pages tell people to do from start to end: restore, migrate, generate a client
#   inspection  the worker's rarer cases, the page's and reprocess' among them
#   buckets  the main job with incoming/ in a bucket of its own
#   chromium, firefox, webkit  the page in each browser engine
#   kotlin  the Kotlin client's build, its own tests, and its uploads to a real broker
#   artifacts  make dist twice; each package installed without the checkout, and an upload by each client
#   versitygw, ceph  the contract tests and the main job on further S3 servers
#   python3.12, python3.14  tests on other Pythons; 3.12 if the machine has it
#   swift   the Swift client's own tests, and uploads with it, if the machine has Swift 6
#   memory  memory of the processes after large uploads and large listings
#   fuzz    tests/fuzz with new examples, FUZZ_TIMES times as many as in make test
#   soak    40 seconds of load while servers are killed, on Python 3.13; longer: SOAK="--seconds 300"
# make python3.13: unit, contract and http tests on another Python; see below. The same for 3.11, 3.12 and 3.14.
# make dist: what a release publishes, from the last commit, in dist/; docs/releasing.md has all steps.
# make bench: the benchmarks, or some of them: make bench BENCH="--only ticket".
# Each target sets up .venv by itself.
PYTHON ?= python3
STAMP := .venv/.installed

# Tests start hundreds of processes, which would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test matrix bench check lock audit sbom dist clean

run: $(STAMP)
	@exec .venv/bin/broker dev

# Of each test one variant of database and S3 server; `make python3.13` runs the others.
# tests/chosen.py has the choices.
test: $(STAMP)
	.venv/bin/python -m pytest -m "not matrix" --choose one-variant --ignore tests/house

# The longest first. The soak needs the machine for itself: it measures, and kills what is slow to
# answer. What it leaves idle is for unit tests, which measure nothing.
ONLY ?= python3.14 walks kill artifacts fuzz ceph firefox attacks kotlin inspection memory buckets webkit chromium versitygw $(shell .ci/python --present 3.12 >/dev/null 2>&1 && echo python3.12) $(shell command -v swift >/dev/null && echo swift) soak
ALONE ?= soak
BESIDE ?= python3.12
FUZZ_TIMES ?= 1
SOAK ?= --seconds 40 --peak 6 --bucket-away 5 --ttl 8 --lease 10
.PHONY: kill attacks walks inspection buckets memory chromium firefox webkit versitygw ceph artifacts kotlin fuzz soak swift
matrix: $(STAMP)
	@exec .venv/bin/python -m tests.matrix --alone "$(ALONE)" --beside "$(BESIDE)" $(ONLY)

# TESTS: the files with tests of this part, if they are known.
TESTS ?=
kill: $(STAMP)
	@.ci/install test $@
	.venv/bin/python -m pytest --dist load -m "matrix(part='$@')" $(TESTS)

# File by file, because the tests of a file share what takes long to start.
walks: $(STAMP)
	@.ci/install test $@
	.venv/bin/python -m pytest -m "matrix(part='$@')" $(TESTS)

# One process: a second one would collect the tests, and start the servers and the browser, once more.
attacks buckets ceph chromium firefox inspection memory versitygw webkit: $(STAMP)
	@.ci/install test $@
	.venv/bin/python -m pytest -n 0 -m "matrix(part='$@')" $(TESTS)

# The tests run once, so optimising them would cost more than it saves.
kotlin: $(STAMP)
	@.ci/install test $@
	.ci/maven --file clients/kotlin clean verify -DargLine="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
	.venv/bin/python -m pytest -n 0 -m "matrix(part='$@')" $(or $(TESTS),tests/kotlin_client)

# One process, so that the packages are built once.
artifacts: $(STAMP)
	@.ci/install test kotlin $@
	.venv/bin/python -m pytest -n 0 -m "matrix(part='$@')" $(TESTS)

swift: $(STAMP)
	.venv/bin/python -m pytest -n 0 -m "matrix(part='$@')" tests/swift_client

fuzz: $(STAMP)
	FUZZ_TIMES=$(FUZZ_TIMES) .venv/bin/python -m pytest --dist load --timeout 7200 -rs tests/fuzz

soak: .venv-3.13/.installed
	.venv-3.13/bin/python -m tests.soak $(SOAK)

bench: $(STAMP)
	@exec .venv/bin/python -m benchmarks $(BENCH)

check: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/typos
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m pytest -n 0 tests/house "tests/contract/test_database.py::test_models_and_migrations_agree[sqlite]"

$(STAMP): requirements-dev.txt setup.cfg pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12"; exit 1; }
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "No venv module: apt-get install python3-venv"; exit 1; }
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@# setuptools warns of what an editable installation is, which is what is wanted here.
	PYTHONWARNINGS='ignore:Editable installation' .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . -e clients/python
	@touch $@

# Each other Python has an environment of its own, from the same lock.
PYTHONS := 3.11 3.12 3.13 3.14
python%: TESTED := tests/http tests/contract tests/unit
# Between two that run more.
python3.12: TESTED := tests/unit
# What `make test` leaves out, and each function of the tests on this Python too.
python3.13: TESTED += --choose other-variants --choose each-function
python3.13: other-variants
python3.14: TESTED += --choose each-function
# What `make test` leaves out of the other tests.
other-variants: .venv-3.13/.installed
	.venv-3.13/bin/python -m pytest -m "not matrix" --choose other-variants $(foreach folder,http contract unit house,--ignore tests/$(folder))
.PHONY: other-variants $(PYTHONS:%=python%)
$(PYTHONS:%=python%): python%: .venv-%/.installed
	.venv-$*/bin/python -m pytest -m "not matrix" $(TESTED)

UV := .venv/bin/uv --quiet
.venv-%/.installed: requirements-dev.txt setup.cfg pyproject.toml clients/python/pyproject.toml | $(STAMP)
	python=$$(.ci/python $*) && $(UV) venv --clear --python "$$python" .venv-$*
	$(UV) pip install --python .venv-$* --require-hashes -r requirements-dev.txt
	$(UV) pip install --python .venv-$* --no-deps --no-build-isolation --offline -e . -e clients/python
	@touch $@

# Writes the locks from setup.cfg.
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock: $(STAMP)
	$(COMPILE) setup.cfg -o requirements.txt
	$(COMPILE) --extra local --extra gunicorn --extra worker --extra heic --extra dev --constraint requirements.txt setup.cfg -o requirements-dev.txt
	$(COMPILE) --extra worker --extra heic --extra minio --constraint requirements-dev.txt setup.cfg -o requirements-worker.txt
	$(COMPILE) --extra gunicorn --constraint requirements-dev.txt setup.cfg -o requirements-gunicorn.txt
	echo 'setuptools>=77' | $(COMPILE) --constraint requirements-dev.txt - -o requirements-build.txt

# Known vulnerabilities in what the locks name; --strict, because a package that nobody could
# look up is not a clean one. Another service: make audit AUDIT_SERVICE=osv,
# with a mirror of it in PIP_AUDIT_OSV_URL.
LOCKS := requirements.txt requirements-gunicorn.txt requirements-worker.txt requirements-build.txt requirements-dev.txt
AUDIT_SERVICE ?= pypi
audit: $(STAMP)
	@for lock in $(LOCKS); do echo "$$lock"; .venv/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --vulnerability-service $(AUDIT_SERVICE) -r $$lock || exit 1; done
	@for lock in $$(git ls-files '*package-lock.json'); do echo "$$lock"; (cd $$(dirname $$lock) && npm audit --package-lock-only) || exit 1; done

# What the two images are made of, as CycloneDX: from the locks, so the same lock gives the same bytes.
sbom: $(STAMP)
	@.ci/sbom .

# From the last commit, so that the same commit gives the same bytes.
dist: $(STAMP)
	@.ci/dist

clean:
	rm -rf dist central central.zip .venv .venv-* .pythons .matrix .broker .soak benchmarks/.peers benchmarks/companion/node_modules benchmarks/sharp/node_modules benchmarks/field/uppy/node_modules
