# make demo: everything from nothing to an alert. make test: every test. The logic is in the command `spikewatch`; `make help` lists all.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SLOWEST := --durations=20 --durations-min=3
# Every worker and every service that a test starts would compile all it imports anew: half of its start.
unexport PYTHONDONTWRITEBYTECODE
MEMBERS := packages/contracts packages/chassis services/ingest services/enrichment services/alerts services/directory cli

.PHONY: help setup demo test test-unit test-integration check format proto generated lock up explore fuzz bench bench-peers clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

$(VENV)/installed: requirements/lock.txt requirements/installer.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Spikewatch needs Python 3.11 or newer; this is %s. Name another: make PYTHON=python3.12 …" % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment here; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.txt
	@echo "Installing what requirements/lock.txt names, each file checked against its hash"
	@UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --require-hashes --python $(BIN)/python -r requirements/lock.txt
	@UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

setup: $(VENV)/installed  ## install everything into .venv

demo: setup  ## a stack, a simulated county with a spike, its alert, contacts and trace (FEED=calls.csv replays a 911/CAD file, KEEP=1 leaves it running)
	@$(BIN)/spikewatch demo $(if $(FEED),--feed "$(FEED)") $(if $(KEEP),--keep) $(if $(SPEED),--speed $(SPEED))

test: setup check test-unit test-integration  ## every check and every test, on a real Kafka and a real MongoDB

test-unit: setup  ## the tests of each package and service
	$(BIN)/pytest -m "not integration" -n 2 $(SLOWEST) packages services cli tests/deploy tests/docs tests/fuzz

test-integration: setup  ## the tests across services, on real servers
	$(BIN)/pytest -m integration --timeout 900 -n 3 --dist loadfile --no-loadscope-reorder $(SLOWEST)

check: setup  ## lint, types, import boundaries, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy packages/*/src services/*/src cli/src
	$(BIN)/lint-imports
	$(BIN)/buf lint proto
	$(BIN)/buf format --diff --exit-code proto

format: setup  ## format the code
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .
	$(BIN)/buf format --write proto

proto: setup  ## generate the gRPC stubs again
	$(BIN)/python packages/contracts/generate_stubs.py

generated: setup  ## write schemas, AsyncAPI, the topic page and the Strimzi resources again
	$(BIN)/python -m spikewatch.contracts

lock: setup  ## resolve the locked requirements again
	UV_SYSTEM_CERTS=1 $(BIN)/python requirements/compile.py

up: setup  ## run the local stack until Ctrl-C
	@$(BIN)/spikewatch up

explore: setup  ## the property tests on TIMES=20 times as many inputs, drawn anew
	SPIKEWATCH_TEST_EXPLORE=$(or $(TIMES),20) $(BIN)/pytest -m "not integration" --timeout 7200 -n 2 $(SLOWEST) packages services cli tests/fuzz

fuzz: setup  ## 100,000 mutated inputs of every feed format
	$(BIN)/python tests/fuzz/run.py --inputs 100000

bench: setup  ## measure throughput, latency and memory
	$(BIN)/python benchmarks/pipeline.py

bench-peers: setup  ## our geocoder beside PostGIS tiger, Nominatim and others on the same strings (PEERS="--all --install"; see benchmarks/peers)
	@$(BIN)/python -m benchmarks.peers $(PEERS)

clean:  ## remove the virtual environment and the local stack's folder
	rm -rf $(VENV) .spikewatch
