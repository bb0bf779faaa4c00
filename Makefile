VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Two processes, each with a PostgreSQL and a Redis of its own; an idle one takes tests of the other.
PARALLEL := --numprocesses 2 --dist worksteal
# Production settings for `check --deploy`, which connects to no server.
CHECKED := DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused HTTPS=1 EMAIL_HOST=unused \
	SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint format install browser bench axe lighthouse lock audit clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/installed ## run the shop with a drawn catalogue; Ctrl-C stops everything
	@$(BIN)/python -W ignore::RuntimeWarning -m demo

test: $(VENV)/installed-dev browser lint ## lint and run all tests
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(VENV)/installed-dev ## run the tests except for browser, fault and slow tests
	$(BIN)/python -m pytest $(PARALLEL) -m "not browser and not faults and not slow"

lint: $(VENV)/installed-dev ## check style, types, imports, migrations and deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djangofmt --check templates
	$(BIN)/deno fmt --check static
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(CHECKED) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/installed-dev ## format Python, templates, CSS and JavaScript
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djangofmt templates
	$(BIN)/deno fmt static

install: $(VENV)/installed ## create the virtual environment

browser: $(VENV)/installed-dev
	@./bin/install-browser

$(VENV)/installed: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

bench: $(VENV)/installed-bench ## run all benchmarks: CATALOGUE=folder-or-zip PHOTOS=zip IDS=file
	@: $(foreach name,CATALOGUE PHOTOS IDS,$(or $($(name)),$(error Set $(name); README.md says to what)))
	$(BIN)/python -W ignore bench/all.py "$(CATALOGUE)" "$(PHOTOS)" "$(IDS)" $(BENCH)

axe: $(VENV)/installed-dev browser ## accessibility of every page, at three widths, light and dark, in both languages
	AXE=all $(BIN)/python -m pytest tests/browser -k axe --timeout 1800

lighthouse: $(VENV)/installed-dev browser ## the scores of the demo's pages on a phone; needs the internet
	$(BIN)/python -W ignore bench/lighthouse.py

$(VENV)/installed-bench: requirements-bench.lock $(VENV)/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

lock: $(VENV)/installed-dev ## pin all packages with hashes, after a change of requirements*.txt
	for name in requirements requirements-dev requirements-bench; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --output-file $$name.lock $$name.txt || exit 1; \
	done

audit: $(VENV)/installed-dev ## list known vulnerabilities of the packages; needs internet access
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements-dev.lock

clean: ## delete the demo's data: database, pictures, caches
	rm -rf var
