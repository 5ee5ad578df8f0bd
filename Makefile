# make run      the page on 127.0.0.1:8501 (PORT= changes it); installs what is missing
# make class    the same for a room: local network, QR code
# make test     linter, types, unit tests, the page without and with a real Chromium
# make test-all everything, the whole zoo and export matrix included (hours)

PYTHON ?= python3
PORT ?= 8501
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run class test test-all lint browser screenshots

run: $(VENV)/.run
	@$(BIN)/python -m app --port $(PORT)

class: $(VENV)/.run
	@$(BIN)/python -m app --port $(PORT) --room

# A browser test starts a server of its own, so those run one after another; all others use every core.
test: lint browser
	$(BIN)/python -m pytest -n auto -m "not slow and not gpu and not browser"
	$(BIN)/python -m pytest -m "browser and not slow"

test-all: lint browser
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@test ! -x $(BIN)/hadolint || $(BIN)/hadolint Dockerfile

browser: $(VENV)/.test
	$(BIN)/python tests/browser/chromium.py

screenshots: browser
	$(BIN)/python docs/pictures.py

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is $$($(PYTHON) --version). Try: PYTHON=python3.12 make run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements.txt pyproject.toml
	$(PIP) install -q -r requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	$(PIP) install -q -r requirements-dev.txt
	@touch $@
