# What a newcomer needs:  make demo   make test
SWIFT_FLAGS := --explicit-target-dependency-import-check error
# No test imports with @testable; without this, testing would rebuild all that building has made.
TEST_FLAGS := -c release --disable-testable-imports $(SWIFT_FLAGS)
# The tests of processes and sockets have deadlines, which would not hold beside those that keep the machine computing.
LIVE := ZeroMQTransportTests|DashboardTests|LiveTests\.|SitesTests|FiguresTests|HostedClientTests
# Each starts processes of its own: beside twenty others none would get the processor in time.
FEW := --experimental-maximum-parallelization-width 4
# Clients on trial, each with deadlines of its own; beside the tests above there would be too many at a time.
TRIALS := ClientCheckTests
# Those that take minutes; 'make test-clients' runs them.
LONG_TRIALS := PlantedFaultTests|aWorkerPasses
# These force the kernels of the whole process, so each has one of its own.
FORCED := PortableBitsTests|GoldenLogTests
# Fails where no test ran, and in CI (IMPROMPTU_REQUIRE_ALL=1) where one was skipped.
RUN_TESTS := python3 Tests/House/run_tests.py
PYTHON := IMPROMPTU_PYTHON=$(CURDIR)/.venv/bin/python
SOURCES := Package.swift Sources Tests
BINARY := .build/release/impromptu

.PHONY: demo demo-text test test-in-processes-of-their-own test-what-is-deployed test-python test-clients test-sites \
	test-slurm fuzz sanitize build setup setup-test setup-text setup-slurm format lint bench chaos dist test-dist \
	test-deploy test-network wheel golden-logs docs docc pictures commands

# The Python package's types, also with the standard library of the oldest and the newest Python (to the oldest, numpy's own
# types are Any), and its tests, also live and as a wheel. Last, the scripts that make the backbone.
define CHECK_PYTHON
cd Sources/Python && $(CURDIR)/.venv/bin/mypy --cache-dir $(CURDIR)/.build-python/mypy
cd Sources/Python && $(CURDIR)/.venv/bin/mypy --cache-dir $(CURDIR)/.build-python/mypy --python-version 3.10 \
	--no-warn-return-any
cd Sources/Python && $(CURDIR)/.venv/bin/mypy --cache-dir $(CURDIR)/.build-python/mypy --python-version 3.13
IMPROMPTU_BINARY=$(CURDIR)/$(BINARY) IMPROMPTU_WHEELS=$(CURDIR)/.build-python/dist:$(CURDIR)/.venv/wheelhouse \
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=Sources/Python .venv/bin/python -m pytest -q Sources/Python \
	--ignore Sources/Python/tests/torch
IMPROMPTU_BINARY=$(CURDIR)/$(BINARY) IMPROMPTU_WHEELS=$(CURDIR)/.build-python/dist:$(CURDIR)/.venv/wheelhouse \
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=Sources/Python \
	.venv-torch/bin/python -m pytest -q Sources/Python/tests/torch
PYTHONDONTWRITEBYTECODE=1 .venv-torch/bin/python -m pytest -q -p no:cacheprovider Tests/Backbone
endef

# Every warning is an error: a broken link, a broken anchor, a page that no menu has.
BUILD_SITE := .venv/bin/sphinx-build -q -W --keep-going -n -b html -d .build-docs/read -c docs/site docs .build-docs/site

docs: setup-test  ## Builds the documents' site, in .build-docs/site.
	$(BUILD_SITE)

docc: build  ## Makes pages of the Swift modules' public declarations, in .build-docs/swift.
	docs/site/docc .build-docs/swift

pictures: setup-test build  ## Makes the README's pictures again, from a run of the demo; what it prints has the figures.
	docs/images/make.py $(BINARY)

commands: build  ## Makes docs/command-reference.md again, from the program.
	Deploy/dist/commands.py $(BINARY) --page docs/command-reference.md

demo: setup build  ## Sets up, builds, and runs twenty clients on this machine.
	$(BINARY) demo

demo-text: setup-text build  ## The same with a language model: twenty branches of a bank, and their customers' questions.
	Deploy/demo-text/run $(BINARY)

test: setup-test wheel  ## Sets up and runs all tests, numbers in release mode, and checks what is deployed.
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --skip '$(LIVE)|$(TRIALS)|$(FORCED)'
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --skip-build $(FEW) --filter '$(LIVE)'
	$(MAKE) --jobs=2 --output-sync=target test-in-processes-of-their-own test-what-is-deployed

# These two wait more than they compute, so they run side by side.
test-in-processes-of-their-own:
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --skip-build $(FEW) --filter '$(TRIALS)' --skip '$(LONG_TRIALS)'
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --skip-build --filter PortableBitsTests
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --skip-build --filter GoldenLogTests

test-what-is-deployed:
	$(CHECK_PYTHON)
	Deploy/systemd/verify
	Deploy/kubernetes/verify $(BINARY)
	Deploy/container/verify
	Deploy/monitoring/verify.py
	Deploy/dist/commands.py $(BINARY) --page docs/command-reference.md --check
	Tests/Deploy/behind_nginx.py $(BINARY) .venv/bin/nginx
	$(BUILD_SITE)

test-clients: setup-test  ## Puts clients on trial: the worker, the Python package, and one with a planted fault for each rule.
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --filter '$(TRIALS)'

test-sites: setup-test  ## Runs the rehearsal with four hospitals, and the other tests of sites with images of their own.
	$(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) --filter SitesTests

wheel: setup-test  ## Builds the Python package as a wheel, in .build-python/dist.
	rm -rf .build-python && mkdir -p .build-python && cp -r Sources/Python .build-python/source
	.venv/bin/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation \
		-w .build-python/dist .build-python/source

test-python: wheel build  ## Checks the types of the Python package and tests it, also live and as a wheel.
	$(CHECK_PYTHON)

test-network: setup-test build  ## Runs a federation across four hosts of a bad network (namespaces of this machine; needs root).
	python3 Tests/Network/across_hosts.py $(BINARY)

dist:  ## Builds the release, whose program needs no Swift: a tarball and a Debian package.
	Deploy/setup --dist
	Deploy/dist/build
	Deploy/dist/deb

test-dist: setup-test dist  ## Tries tarball and package in a root without Swift, made by debootstrap (needs root).
	lintian --fail-on error .build-dist/impromptu_*.deb
	Deploy/dist/test .build-dist/impromptu-*.tar.gz .build-dist/impromptu_*.deb

test-deploy: setup-test dist  ## Runs a federation by the package's units on a booted systemd, and in containers (needs root).
	Deploy/setup --deploy
	Tests/Deploy/on_systemd.py .build-dist/impromptu_*.deb
	.venv/bin/python Tests/Deploy/in_containers.py .build-dist/impromptu-*.tar.gz

chaos: setup  ## Kills a live federation's processes at random: make chaos KILLS=1000.
	IMPROMPTU_CHAOS_KILLS=$(or $(KILLS),100) swift test $(TEST_FLAGS) --filter LiveChaosTests

golden-logs: setup-test  ## Records the golden logs again, after AggregationAlgorithm.version was raised.
	IMPROMPTU_RECORD_GOLDEN_LOGS=1 swift test $(TEST_FLAGS) --filter GoldenLogTests

fuzz: setup  ## Tries hostile bytes on everything that reads any: make fuzz SECONDS=600, for each target.
	Tests/Fuzz/fuzz $(or $(SECONDS),600)

test-slurm: setup-slurm build  ## Runs a federation on a real Slurm of four nodes on this machine; needs root.
	python3 Tests/Slurm/federation_on_slurm.py $(BINARY)

# XCTest's own main leaks a few bytes when it exits, so leaks are not looked for.
SANITIZERS := --sanitize=address -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined

SANITIZED := PromptTuningTests,PromptAggregationTests,DatasetsTests,SafetensorsTests,PromptWireTests

sanitize: setup-test  ## Runs the tests of kernels, tuning, files and wire under the address and undefined-behaviour sanitizers.
	IMPROMPTU_ONLY=$(SANITIZED) ASAN_OPTIONS=detect_leaks=0 $(PYTHON) $(RUN_TESTS) swift test $(TEST_FLAGS) \
		--scratch-path .build-sanitized $(SANITIZERS)

build:
	swift build -c release --product impromptu $(SWIFT_FLAGS)

setup:
	Deploy/setup

setup-test:
	Deploy/setup --test

setup-text:
	Deploy/setup --text

setup-slurm:
	Deploy/setup --slurm

format:  ## Formats every Swift file in place.
	swift format format --in-place --recursive --parallel $(SOURCES)

lint:  ## Checks format, generated code, which target may import what, and the scripts.
	swift format lint --strict --recursive --parallel $(SOURCES)
	Proto/generate.sh --verify
	python3 Tests/tidy.py
	python3 -m unittest discover -s Tests/House
	python3 -m unittest discover -s Tests/Benchmarks
	python3 Tests/House/planted_imports.py --compiler
	shellcheck .ci/run Proto/generate.sh Tests/Fuzz/fuzz Deploy/setup Deploy/*/verify Deploy/container/take-place \
		Deploy/dist/build Deploy/dist/deb Deploy/dist/test Deploy/dist/debian/p* Deploy/slurm/test-cluster \
		Deploy/slurm/*.sbatch Deploy/demo-text/run docs/site/docc docs/backbone/run

bench: setup build  ## Runs all benchmarks and writes docs/benchmarks.md; PEERS=PYTHON has PyTorch for the comparisons.
	Tests/Benchmarks/suite.py --program $(BINARY) $(if $(PEERS),--peers $(PEERS))
