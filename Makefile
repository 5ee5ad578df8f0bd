# make run      the page on 127.0.0.1:8501 (PORT= changes it); installs what is missing
# make class    the same for a room: local network, QR code
# make test     linter, types, unit tests, the page without and with a real Chromium
# make test-all everything, the whole zoo and export matrix included (hours)
# make site     the page without a server, a folder of plain files in site/; make site-serve looks at it here
# make packs    packs models for the page without a server; goes on where it stopped
# make docs     the documentation site into build/docs, in strict mode
# make chaos    five minutes of faults against the real server (SEED= chooses them)
# make lock     renews the locks after a pin changed; make audit asks for known vulnerabilities of what is locked

PYTHON ?= python3
PORT ?= 8501
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run class site site-serve packs test test-all lint browser chaos screenshots docs lock audit

run: $(VENV)/.run
	@$(BIN)/python -m app --port $(PORT)

class: $(VENV)/.run
	@$(BIN)/python -m app --port $(PORT) --room

# A browser test starts a server of its own, so those run one after another; all others use every core.
# One that failed on a busy machine is tried once more, and listed as tried twice.
test: lint browser
	$(BIN)/python -m pytest -n auto -m "not slow and not gpu and not browser"
	$(BIN)/python -m pytest --reruns 1 -rR -m "browser and not slow"

test-all: lint browser
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@test ! -x $(BIN)/hadolint || $(BIN)/hadolint Dockerfile

browser: $(VENV)/.test
	$(BIN)/python tests/browser/chromium.py

site: $(VENV)/.run
	@command -v npm >/dev/null || { echo "make site takes Pyodide and fonts from npm, which is not installed."; exit 1; }
	@$(BIN)/python -m static.build

site-serve: site
	@echo "http://127.0.0.1:$(PORT)/" && cd site && ../$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1

packs: $(VENV)/.run
	$(BIN)/python -m static.packs

chaos: $(VENV)/.test
	$(BIN)/python tests/chaos/chaos.py --seed $(or $(SEED),1)

screenshots: browser
	$(BIN)/python docs/pictures.py

docs: $(VENV)/.test
	$(BIN)/python -m docs.site.pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is $$($(PYTHON) --version). Try: PYTHON=python3.12 make run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The lock names every file that pip may take, by its hash; pip hashes no editable install, so ours is a step of its own.
UNLOCKED := "The locked files do not fit this Python or platform: installing the pinned versions, without hashes."

$(VENV)/.run: $(VENV)/.python requirements.txt requirements.lock pyproject.toml
	$(PIP) install -q --require-hashes -r requirements.lock \
		|| { echo $(UNLOCKED); $(PIP) install -q -r requirements.txt; }
	$(PIP) install -q --no-deps -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt requirements-dev.lock
	$(PIP) install -q --require-hashes -r requirements-dev.lock \
		|| { echo $(UNLOCKED); $(PIP) install -q -r requirements-dev.txt; }
	@touch $@

LOCK := $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: $(VENV)/.test
	grep -v '^-e ' requirements.txt | $(LOCK) - -o requirements.lock
	$(LOCK) requirements-dev.txt -c requirements.lock -o requirements-dev.lock

audit: $(VENV)/.test
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r requirements.lock
