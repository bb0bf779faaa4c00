VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DATA := ../shared/data
CATALOGUE ?= $(DATA)/fashion-products.zip
PHOTOS ?= $(DATA)/wardrobe-photos.zip
# The settings of production, for servers that nobody connects to.
CHECKED := DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused HTTPS=1 EMAIL_HOST=unused \
	SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP
IDS ?= $(DATA)/validation-ids.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint format install browser bench clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/installed ## the whole shop with a drawn catalogue; Ctrl-C stops everything
	@$(BIN)/python -W ignore::RuntimeWarning -m demo

test: $(VENV)/installed-dev browser lint ## everything that must hold
	$(BIN)/python -m pytest

test-fast: $(VENV)/installed-dev ## the tests without browser and fault tests
	$(BIN)/python -m pytest -m "not browser and not faults"

lint: $(VENV)/installed-dev ## style, types, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djangofmt --check templates
	$(BIN)/deno fmt --check static
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(CHECKED) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/installed-dev ## Python, templates, CSS and JavaScript, in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djangofmt templates
	$(BIN)/deno fmt static

install: $(VENV)/installed ## the virtual environment

browser: $(VENV)/installed-dev
	@./bin/install-browser

$(VENV)/installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

bench: $(VENV)/installed-bench ## measure everything: CATALOGUE=folder-or-zip PHOTOS=zip IDS=file
	$(BIN)/python -W ignore bench/all.py "$(CATALOGUE)" "$(PHOTOS)" "$(IDS)" $(BENCH)

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	touch $@

clean: ## forget the demo: database, pictures, caches
	rm -rf var
