# Everything a fresh machine needs is Python 3.11+, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SEEDS ?= 300
FROM ?= 0
SLOW := nights or properties or prefect or processes or simulation or vendor
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test fast explore simulate check tables bench sandbox ui lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "rapproche needs Python 3.11 or newer; try: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what requirements.lock names into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## a whole night against the local sandbox, as a Prefect flow run, and what came of it
	@$(BIN)/python -m sandbox.demo

ui: $(READY) ## the Prefect UI on the demo's runs
	@$(BIN)/python -m sandbox.demo --ui

sandbox: $(READY) ## the stand-in vendors, on loopback
	@$(BIN)/rapproche sandbox

# Rules first, then whole nights and commands, then nights with faults and kills, then the numbered
# properties, then Prefect.
test: $(READY) ## every test
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not ($(SLOW) or benchmark)"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "nights or processes"
	$(BIN)/python -m pytest -n 2 --dist worksteal -m simulation
	$(BIN)/python -m pytest -n 3 --dist worksteal -m properties --hypothesis-profile=thorough
	$(BIN)/python -m pytest -m prefect

fast: $(READY) ## the tests of rules alone, in a minute
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not ($(SLOW) or benchmark)"

explore: $(READY) ## the numbered properties with new examples, ten times as many
	$(BIN)/python -m pytest -n 2 --dist worksteal -m properties --hypothesis-profile=explore

simulate: $(READY) ## nights with faults and kills: SEEDS=N of them from FROM=N, or one: SEED=N
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --from $(FROM))

check: $(READY) ## lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python .ci/audit.py $(BIN)/pip-audit
	$(MAKE) test

bench: $(READY) ## speed and memory, printed and held to their limits
	$(BIN)/python -m pytest tests/benchmarks -m benchmark -s

tables: $(READY) ## docs/tables.md and docs/codes.md, from the schema's comments and the legend
	@$(BIN)/python -m store.tables
	@$(BIN)/python -m transforms.words.codes

lock: $(READY) ## resolves the dependencies anew into requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --upgrade --group dev pyproject.toml -o requirements.lock

clean: ## forgets the demo's data
	@$(PYTHON) -m sandbox.demo --clean
