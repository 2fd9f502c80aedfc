# All commands for developers; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
PORT ?= 8000
BENCH ?= local
export PYTHON
export RC2_HOME ?= $(CURDIR)/.rc2
export PATH := $(CURDIR)/.venv/bin:$(PATH)
BIN := .venv/bin
R_PACKAGE := images/r-compute/rc2
R_SOURCES := $(shell find $(R_PACKAGE) -type f)
STRICT := --strict-markers --strict-config
IMAGES = $(or $(RC2_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rc2hub)/images/images.env
OIDC_PROVIDER := tests/fixtures/oidc-provider
PANELS := $(wildcard labextension/*.json labextension/src/* labextension/src/*/* labextension/style/*)

.PHONY: help setup fmt lint test examples cluster cluster-build cluster-down import test-cluster bench up clean reference images dist
.DEFAULT_GOAL := help

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready .venv/ready-dev ## install everything to run and to test Rc² (Debian, Ubuntu; root or sudo)

up: .venv/ready ## start Rc² on this machine and print login links (PORT=8000); stop it with Ctrl-C
	@exec $(BIN)/rc2hub up --port $(PORT)

fmt: .venv/ready-dev ## format the code
	@$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format --quiet .
	@npm run --silent format --prefix labextension

lint: .venv/ready-dev ## check format, style, types, import rules and shell scripts
	$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	npm run --silent lint --prefix labextension
	shellcheck scripts/system-packages scripts/quietly scripts/images scripts/image-base scripts/image-build scripts/hadoop-server scripts/hadoop-s3a scripts/hive-metastore images/*/entrypoint images/spark/hdfs images/spark/hive-metastore .ci/run

test: .venv/ready-dev build/R-checked ## run all tests that need no cluster
	npm run --silent test --prefix labextension
	$(BIN)/pytest

examples: .venv/ready-dev ## run all examples on the real services, print their results, and keep the pages in build/examples
	$(BIN)/pytest --override-ini addopts="$(STRICT) --quiet" tests/e2e/test_examples.py tests/local/test_hive.py
	@cat build/examples/results.txt

ifdef KUBECONFIG_RC2_TEST
cluster cluster-build cluster-down import:
	@echo "The tests use the cluster of KUBECONFIG_RC2_TEST; this command does not change it."
else
# Before the tests, as an import takes minutes while other tests use the disk, and tests have limits of time.
import: cluster images
	@scripts/quietly "Importing the images into the nodes" xargs --arg-file=<(cut --delimiter== --fields=2 $(IMAGES)) \
	  --max-args=1 tests/cluster/machine/cluster import

cluster-build: .venv/ready-dev ## build the programs of that cluster and of its tests in the cache
	@scripts/quietly "Checking Debian packages for the cluster" scripts/system-packages cluster
	@tests/cluster/machine/cluster build
	@scripts/quietly "Building the programs of the tests" $(BIN)/python -m tests.cluster.helm.programs

cluster: ## start a Kubernetes cluster of two nodes on this machine, for tests (root; some minutes the first time)
	@scripts/quietly "Checking Debian packages for the cluster" scripts/system-packages cluster
	@tests/cluster/machine/cluster up

cluster-down: ## stop that cluster and remove all its files
	@tests/cluster/machine/cluster down
endif

test-cluster: .venv/ready-dev cluster-build cluster images import ## run the tests that need Kubernetes (set KUBECONFIG_RC2_TEST to use another cluster)
	$(BIN)/pytest --override-ini addopts="$(STRICT) --numprocesses 3 --dist loadfile --durations 25 --durations-min 20" -m "not alone" tests/cluster
	$(BIN)/pytest --override-ini addopts="$(STRICT)" -m alone tests/cluster

bench: .venv/ready-dev ## measure Rc² against JupyterHub's spawner and write build/bench.json (BENCH=local)
	$(BIN)/python -m tests.bench.$(BENCH)

images: ## build the container images in the cache (Debian; root)
	@scripts/quietly "Checking Debian packages for the images" scripts/system-packages cluster
	@scripts/images

reference: .venv/ready-dev ## write config/REFERENCE.md from the code, and the help of the R package into build/reference-r
	@$(BIN)/python scripts/reference.py > config/REFERENCE.md
	@scripts/quietly "Writing build/reference-r" Rscript scripts/r_reference.R $(R_PACKAGE) build/reference-r

dist: .venv/ready-dev ## build the wheel, and the R package as a source package, into dist
	@rm -rf dist && mkdir dist && cp spark-requirements.txt dist
	@scripts/quietly "Building the wheel" $(BIN)/python -m build --wheel --outdir dist
	@cd dist && ../scripts/quietly "Building the R package" R CMD build ../$(R_PACKAGE)

clean: ## remove homes, database, hub state, .venv, build and dist
	rm -rf $(RC2_HOME) .venv build dist labextension/build labextension/lib labextension/node_modules rc2hub/compute/labextensions

# Left out are the checks of CRAN's list of packages and of the clock, which need the internet, of the PDF manual, which needs
# LaTeX, and of HTML by tidy and V8; R CMD build has run the vignettes. All else has to pass without a note.
build/R-checked: $(R_SOURCES) .venv/ready-dev
	@mkdir -p build
	@cd build && rm -f rc2_*.tar.gz && ../scripts/quietly "Checking the R package" bash -c 'R CMD build ../$(R_PACKAGE) && \
	  _R_CHECK_CRAN_INCOMING_=false _R_CHECK_SYSTEM_CLOCK_=false _R_CHECK_RD_VALIDATE_RD2HTML_=false \
	  _R_CHECK_RD_MATH_RENDERING_=false R CMD check --as-cran --no-manual --no-vignettes rc2_*.tar.gz && \
	  tail -n 1 rc2.Rcheck/00check.log | grep -x "Status: OK"'
	@touch $@

.venv/python: setup.cfg pyproject.toml constraints.txt debian-packages.txt r-packages.txt
	@scripts/quietly "Checking Debian packages" scripts/system-packages run
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@scripts/quietly "Installing Python packages" $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local]'
	@touch $@

# The same versions as in the image, from its lock file.
.venv/http-proxy/ready: images/proxy/package.json images/proxy/package-lock.json | .venv/python
	@mkdir -p $(@D) && cp $^ $(@D)
	@scripts/quietly "Installing JupyterHub's proxy" npm ci --prefix $(@D) --ignore-scripts --omit=dev --no-fund --no-audit
	@ln --symbolic --force ../http-proxy/node_modules/.bin/configurable-http-proxy $(BIN)/
	@touch $@

labextension/node_modules/ready: labextension/package.json labextension/package-lock.json | .venv/python
	@scripts/quietly "Installing what builds the panels of JupyterLab" npm ci --prefix labextension --ignore-scripts --no-fund --no-audit
	@touch $@

.venv/panels: labextension/node_modules/ready $(PANELS)
	@scripts/quietly "Building the panels of JupyterLab" npm run build --prefix labextension
	@touch $@

.venv/lab-files: labextension/lab-files.mjs .venv/python .venv/panels
	@scripts/quietly "Compressing the files of JupyterLab" node $< .venv/share/rc2/lab .venv/share/jupyter rc2hub/compute/labextensions
	@touch $@

.venv/r: .venv/python $(R_SOURCES)
	@mkdir -p .venv/lib/R/library
	@scripts/quietly "Installing the R package" R CMD INSTALL --library=.venv/lib/R/library $(R_PACKAGE)
	@scripts/quietly "Installing the R kernel" R --slave -e 'IRkernel::installspec(prefix = "$(CURDIR)/.venv")'
	@touch $@

.venv/spark/ready: spark-requirements.txt scripts/spark_archive.py rc2hub/gateways/java_command.py rc2hub/gateways/java.args \
		$(wildcard rc2hub/gateways/in_spark/*.py) | .venv/python
	@test -x .venv/spark/bin/python || $(PYTHON) -m venv .venv/spark
	@scripts/quietly "Installing Spark" .venv/spark/bin/pip install --quiet --require-hashes --requirement spark-requirements.txt
	@scripts/quietly "Preparing Spark for fast starts" $(BIN)/python scripts/spark_archive.py
	@touch $@

.venv/s3a: scripts/hadoop-s3a .venv/spark/ready
	@scripts/quietly "Installing Spark's client of S3" scripts/hadoop-s3a .venv/spark/s3a
	@touch $@

.venv/hadoop/ready: scripts/hadoop-server | .venv/python
	@scripts/quietly "Installing HDFS" scripts/hadoop-server .venv/hadoop/servers.jar
	@touch $@

.venv/hive/ready: scripts/hive-metastore | .venv/python
	@scripts/quietly "Installing Hive's metastore" scripts/hive-metastore .venv/hive/metastore
	@touch $@

.venv/ready: .venv/python .venv/http-proxy/ready .venv/lab-files .venv/r .venv/s3a .venv/hadoop/ready .venv/hive/ready
	@touch $@

.venv/oidc-provider/ready: $(OIDC_PROVIDER)/package.json $(OIDC_PROVIDER)/package-lock.json | .venv/http-proxy/ready
	@mkdir -p $(@D) && cp $^ $(@D)
	@scripts/quietly "Installing the OpenID provider for the tests" npm ci --prefix $(@D) --no-fund --no-audit
	@touch $@

.venv/ready-dev: .venv/ready .venv/oidc-provider/ready
	@scripts/quietly "Checking Debian packages for the tests" scripts/system-packages test
	@scripts/quietly "Installing Python packages for the tests" $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,kubernetes,dev]'
	@touch $@
