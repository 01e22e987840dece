# Thin: every recipe calls Python. Everything that is made lies in .local/.

PYTHON ?= python3
export PYTHONPATH := $(CURDIR)/setup
ENVIRONMENT := $(PYTHON) -m environment
VENV_PYTHON := .local/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help odoo demo pictures test trouble adoption oca-tests lint bench stop clean

help:  ## Show this help
	@echo "SaperX VoIP for Odoo 19. Targets:"
	@awk -F ':.*## *' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: ODOO_PATH (use this Odoo 19), HTTP_PORT, PYTEST_ARGS, PYTHON, NAMES (of pictures)."

odoo:  ## Build Odoo 19, OCA contract and a private PostgreSQL in .local/
	@$(ENVIRONMENT) odoo

demo:  ## Show the whole path, from contract to invoice; CHECK=1 verifies it and stops
	@$(ENVIRONMENT) odoo
	@$(VENV_PYTHON) -m demo $(if $(CHECK),--check)

pictures:  ## Take the documentation's pictures from the running demo
	@$(VENV_PYTHON) -m demo.pictures $(NAMES)

test:  ## Run all tests (PYTEST_ARGS="-k name" chooses among those of tests/)
	@$(ENVIRONMENT) test

trouble:  ## Import a month of a million calls through trouble, kills and restarts
	@$(ENVIRONMENT) trouble

adoption:  ## Adopt five thousand circuits, match and charge a month of their calls
	@$(ENVIRONMENT) adoption

oca-tests:  ## Run OCA's own contract suites with this addon installed
	@$(ENVIRONMENT) oca-tests

lint:  ## Check the code with ruff, pylint-odoo and OCA's hooks
	@$(ENVIRONMENT) lint

bench:  ## Measure the speed and write .local/bench.json
	@$(ENVIRONMENT) test-tools
	@$(VENV_PYTHON) -m tests.performance

stop:  ## Stop what runs here: the demo's Odoo and sandbox, and PostgreSQL
	@test ! -x $(VENV_PYTHON) || $(VENV_PYTHON) -m demo --stop
	@if [ -x $(VENV_PYTHON) ]; then $(VENV_PYTHON) -m demo --stop; fi
	@$(ENVIRONMENT) stop

clean: stop  ## Stop everything and remove .local/
	@if [ -x $(VENV_PYTHON) ]; then $(VENV_PYTHON) -m demo --stop; fi
	@$(ENVIRONMENT) clean
