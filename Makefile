# Needs git, make and Python 3.11 or newer. uv.lock lists the packages from PyPI.
.PHONY: run test test-all test-wide simulate lint types migrate schema bench compare web pictures audit sync sync-run browser clients
.DEFAULT_GOAL := run

export UV_PROJECT_ENVIRONMENT := .venv
# Use the system's certificates, so that a company's own certificate authority is trusted.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
# Compile each module once: a server and its tests start many processes.
unexport PYTHONDONTWRITEBYTECODE
TOOLS := .data/tools
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(TOOLS)/bin/uv)
BIN := .venv/bin
# Tests often wait for other processes: on two cores, two workers leave a third of the CPU idle.
JOBS ?= 3

# 启动 / Start everything. KUCUN_PORT=8001 selects another port.
run: sync-run
	@exec $(BIN)/kucun serve --with-parent $(ARGS)

test: sync browser clients
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(WIDE) $(ARGS)

# Everything: tests marked `widened` send every value and run all examples.
test-all: WIDE = --all
test-all: test

# Only what test-all adds to test.
test-wide: WIDE = --all -m widened
test-wide: test

# 10,000 simulated days of counting while selling, with planted differences.
simulate: sync
	@SIMULATION_RUNS=$(or $(RUNS),10000) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/simulation $(ARGS)

lint: sync
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

types: sync
	$(BIN)/pyright --pythonpath $(BIN)/python

migrate: sync-run
	@$(BIN)/kucun migrate

audit: sync-run
	@$(BIN)/kucun audit

schema: sync-run
	@$(BIN)/kucun schema > schema.graphql.new && mv schema.graphql.new schema.graphql

bench: sync
	@$(UV) sync --frozen --inexact --all-groups
	@$(BIN)/python -m bench $(ARGS)

# Print a table of Kucun beside Vendure, measured in one run. Needs node and npm.
compare: sync
	@$(UV) sync --frozen --inexact --all-groups
	@$(BIN)/python -m bench.compare

# Render the exports of a running demo to docs/images. Needs LibreOffice and poppler.
pictures: sync
	@$(BIN)/python -m bench.report_pictures

# Rebuild the committed GraphiQL. Only this target needs node.
web:
	cd web && npm ci && npm run build

# Quiet, but for the first time: then uv shows what it fetches.
FIRST := $(if $(wildcard .venv/bin),,yes)
SYNC = $(if $(FIRST),echo "正在安装依赖包到 .venv，首次约需一分钟 / Installing packages into .venv; \
this takes about a minute the first time" &&) \
	$(UV) sync --frozen --inexact $(if $(FIRST),,--quiet)

sync: | $(UV)
	@$(SYNC)

sync-run: | $(UV)
	@$(SYNC) --no-dev

# pip refuses to change a system Python, so install into a folder. Without pip, use a venv's pip.
$(TOOLS)/bin/uv:
	@echo "正在安装 uv 到 $(TOOLS) / Installing uv into $(TOOLS)"
	@mkdir -p $(TOOLS)
	@python3 -m pip install --quiet --target $(TOOLS) uv 2>$(TOOLS)/log \
	  || { python3 -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet uv; } 2>>$(TOOLS)/log \
	  || { cat $(TOOLS)/log; echo "无法安装 uv：请先安装 python3-pip 或 python3-venv。"; \
	       echo "Cannot install uv: install python3-pip or python3-venv first, or uv itself."; \
	       exit 1; } >&2

# The tests use GraphiQL in a real browser.
browser:
	@command -v chromium >/dev/null || .ci/browser

# The tests run JavaScript clients from npm if node is installed.
clients:
	@cd tests/clients && if command -v npm >/dev/null \
	  && ! cmp -s package-lock.json node_modules/installed; then \
	  npm ci --silent && cp package-lock.json node_modules/installed; fi
