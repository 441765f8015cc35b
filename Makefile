# make run | test | soak | lint | format | bundle | clean    (PORT=7860 and ARGS=... go to the app)
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 7860
ARGS ?=
# A folder made by `make bundle` beside the clone, or named here, makes the installation offline.
WHEELS ?= wheels
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(if $(wildcard $(WHEELS)/*.whl),--no-index -f $(WHEELS))

.PHONY: run test soak lint format bundle clean

run: $(VENV)/.run
	$(BIN)/python app.py --port $(PORT) $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

# Twenty kills at random moments of an evaluation; some minutes on two cores.
soak: $(VENV)/.test
	$(BIN)/python -m tests.evaluation.soak --rounds 20

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bundle:
	$(PYTHON) -m pip download --dest $(WHEELS) -r requirements.txt -r tests/requirements.txt

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.test: tests/requirements.txt $(VENV)/.run
	$(PIP) -r tests/requirements.txt
	touch $@
