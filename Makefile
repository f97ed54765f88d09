# `make demo` and `make test` do all of their own set-up from a bare Python 3.11+.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: setup demo test test-paddle test-label-studio lint clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "kdsl needs Python 3.11, 3.12 or 3.13; none was found. Set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]' -c constraints.txt
	touch $@

demo: setup
	$(BIN)/kdsl demo --out demo

test: setup
	$(BIN)/python -m pytest -n auto --dist worksteal

# PaddleX pins numpy, PyYAML and OpenCV at versions that the other tests do not run on.
test-paddle:
	@test -n "$(PYTHON)" || { echo "kdsl needs Python 3.11, 3.12 or 3.13; none was found. Set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)-paddle
	$(VENV)-paddle/bin/python -m pip install --quiet --no-compile -e '.[paddle]' pytest hypothesis -c constraints-paddle.txt
	$(VENV)-paddle/bin/python -m pytest tests/evidence/test_ocr.py

# label-studio-ml pins Flask and Jinja2 at versions that kdsl does not run on; its app asks a server of the other environment.
test-label-studio: setup
	$(PYTHON) -m venv $(VENV)-label-studio
	$(VENV)-label-studio/bin/python -m pip install --quiet --no-compile label-studio-ml redis rq -c constraints-label-studio.txt
	KDSL_LABEL_STUDIO=$(VENV)-label-studio/bin/python $(BIN)/python -m pytest tests/corrections/test_label_studio_backend.py

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(VENV)-paddle $(VENV)-label-studio demo .pytest_cache .mypy_cache .ruff_cache
