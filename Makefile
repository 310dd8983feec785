# Every target brings up what it needs itself: an engine, base images, the virtual environment of the tests.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up down score practice adopt exercise check hint test test-all test-unit mutate measure soak lint audit hooks docs site links sources bootstrap clean clone
MAKEFLAGS += --no-print-directory
# The pages are UTF-8, whatever the locale is.
export PYTHONUTF8 := 1

FOLDERS := $(patsubst %/compose.yaml,%,$(sort $(wildcard step-*/compose.yaml extra-*/compose.yaml final/compose.yaml)))
FOLDER := $(or $(STEP),final)
PORT ?= 8000
WORKERS ?= 5

# One folder; only mutate takes several.
ifneq ($(filter-out $(FOLDERS),$(FOLDER))$(if $(filter mutate,$(MAKECMDGOALS)),,$(word 2,$(FOLDER))),)
$(error There is no folder STEP=$(STEP); choose one of: $(FOLDERS))
endif

ifneq ($(ENGINE),$(filter forky,$(ENGINE)))
$(error There is no engine ENGINE=$(ENGINE); choose forky, or leave it out to use the one that answers)
endif

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'STEP=step-3-basic  one folder (make up: $(FOLDER))'
	@echo 'PORT=9000          the port on this machine (make up, make site SERVE=1: 8000)'
	@echo 'K=non-root         only tests whose names match this pytest -k expression (make test, test-all, test-unit)'
	@echo 'WORKERS=2          so many tests at a time (make test, test-all, mutate: $(WORKERS))'
	@echo 'N=3                the number of an exercise (make exercise without it: the list)'
	@echo 'BEFORE=v1.0 AFTER=HEAD  two folders, or two commits of PROJECT (make score)'
	@echo 'COMPOSE= SERVICE= HOST= PAGE=/ SLOW=/report ENV_FILE=  what make score has to know of a project, if it cannot see it'
	@echo 'FORMAT=json|markdown|html|sarif|badge  REQUIRE="non-root" ONLY= SKIP=  how make score says it, what must hold, what is asked (make practice: ONLY=)'
	@echo 'APP=shop:app MANAGER=uv  what make adopt starts, and who keeps the packages, if it cannot see that'
	@echo 'FORCE=1 ADD=0 TRY=0  replace files that are there, add no package, try nothing (make adopt)'
	@echo 'K= AGAIN=1 SAMPLE=10 SEED=47  which mutants: names that match, also those with a result, so many by chance (make mutate)'
	@echo 'OSV_URL=           where a service answers as api.osv.dev does (make audit: PyPI is asked)'
	@echo 'ENGINE=forky       the Docker of Debian forky beside your own (make test, on Debian or Ubuntu as root)'

up: ## build a folder, start it, and show what curl gets
	@PORT='$(PORT)' bootstrap/up.sh $(FOLDER)

down: ## stop a folder and remove its containers
	@cd $(FOLDER) && docker compose down

# Only what is given: the tool knows its defaults. From the environment, so that a path may have any character; some
# shells have a HOST of their own there.
score: .venv/ready ## ask the practices about a project: PROJECT=../shop; what got better or worse: BEFORE= AFTER=
	@[ -n "$$PROJECT$$BEFORE" ] || { echo 'make: which project? For example: make score PROJECT=../shop' >&2; exit 2; }
	@bootstrap/engine.sh
	@PYTHONPATH=tests .venv/bin/python -m score.command $${PROJECT:+--project "$$PROJECT"} \
		$${BEFORE:+--before "$$BEFORE"} $${AFTER:+--after "$$AFTER"} $${COMPOSE:+--compose "$$COMPOSE"} \
		$${SERVICE:+--service "$$SERVICE"} $(if $(filter command,$(origin HOST)),--host "$$HOST") \
		$${PAGE:+--page "$$PAGE"} $${SLOW:+--slow "$$SLOW"} $${ENV_FILE:+--env-file "$$ENV_FILE"} \
		$${FORMAT:+--format "$$FORMAT"} $${REQUIRE:+--require "$$REQUIRE"} $${ONLY:+--only "$$ONLY"} $${SKIP:+--skip "$$SKIP"}

practice: .venv/ready ## ask one practice of every folder (or of STEP=), listed or not, and say where it belongs: ONLY=non-root
	@[ -n "$$ONLY" ] || { echo 'make: which practice? For example: make practice ONLY=non-root' >&2; exit 2; }
	@bootstrap/engine.sh && bootstrap/bases.sh $(or $(STEP),$(FOLDERS))
	@PYTHONPATH=tests .venv/bin/python -m tools.practice "$$ONLY" $(if $(STEP),--step $(STEP))

adopt: .venv/ready ## put final's files into a project, and try and mend them there: PROJECT=../shop
	@[ -n "$$PROJECT" ] || { echo 'make: which project? For example: make adopt PROJECT=../shop' >&2; exit 2; }
	@bootstrap/engine.sh && bootstrap/bases.sh final
	@PYTHONPATH=tests .venv/bin/python -m adopt.command --project "$$PROJECT" $${APP:+--app "$$APP"} \
		$${MANAGER:+--manager "$$MANAGER"} $${FORCE:+--force "$$FORCE"} $${TRY:+--try "$$TRY"} $${ADD:+--add "$$ADD"}

exercise: .venv/ready ## list the exercises; N=3 lays one out: a folder with one thing broken
	@cd tests && ../.venv/bin/python -m tools.exercises exercise '$(N)' $(if $(FORCE),--force)

check: .venv/ready ## say whether exercise N=3 is repaired, or what is still seen
	@cd tests && ../.venv/bin/python -m tools.exercises check '$(N)'

hint: .venv/ready ## say what to look for in exercise N=3; MORE=1 names the article, too
	@cd tests && ../.venv/bin/python -m tools.exercises hint '$(N)' $(if $(MORE),--more)

test: ## run the tests: every folder, every practice, in minutes; all about one folder with STEP=, about one thing with K=
test-all: ## run all tests, in more than an hour: what else was ever claimed or found
ifeq ($(ENGINE),forky)
test test-all: .venv/ready
	@bootstrap/forky.sh docker $(MAKE) $@ ENGINE=
else
# What a test of a folder or of one thing needs is brought up when it is needed.
test: .venv/ready
	@bootstrap/engine.sh
	@$(if $(STEP)$(K),,bootstrap/bases.sh $(FOLDERS))
	@$(PYTEST)
test-all: bootstrap .venv/ready .venv-checkov/ready
	@$(PYTEST) --thorough
endif
PYTEST = .venv/bin/pytest -n $(WORKERS) $(if $(STEP),--step=$(STEP)) $(if $(K),-k '$(K)')

test-unit: .venv/ready ## run the tests that need no engine, in seconds
	@.venv/bin/pytest tests/unit tests/claims/unit tests/score/unit tests/adopt/unit tests/website/unit tests/lab/unit --thorough -n auto $(if $(K),-k '$(K)')

mutate: bootstrap .venv/ready ## change one thing after the other in STEP="final step-1-kiss" (or all), and see who notices
	@cd tests && ../.venv/bin/python -m lab.mutate --steps '$(STEP)' $(if $(K),--only '$(K)') $(if $(AGAIN),--again) \
		$(if $(SAMPLE),--sample $(SAMPLE) --seed '$(SEED)') --workers $(WORKERS)

measure: bootstrap .venv/ready ## measure builds, starts and sizes (3 rounds), into assets/measurements.json
	@cd tests && ../.venv/bin/python -m lab.measure $(if $(STEP),--step=$(STEP))
	@$(if $(filter-out final,$(STEP)),,cd tests && ../.venv/bin/python -m lab.acceptance)

soak: bootstrap .venv/ready ## put every server under load for two minutes and more, into assets/measurements.json
	@cd tests && ../.venv/bin/python -m lab.soak

lint: clone .venv/ready ## check code, Dockerfiles, lock files and articles with every hook of .pre-commit-config.yaml
	@.ci/dockerfile-check # says so if it can check nothing
	@.venv/bin/pre-commit run --all-files --show-diff-on-failure

audit: .venv/ready .venv-audit/ready ## ask for known vulnerabilities of every version that a lock pins
	@PYTHONPATH=tests .venv/bin/python -m lab.audit $${OSV_URL:+--osv-url "$$OSV_URL"}

hooks: clone .venv/ready ## let Git run the same checks before each commit
	@.venv/bin/pre-commit install

docs: .venv/ready ## write the generated parts of the articles anew
	@cd tests && ../.venv/bin/python -m website.figures
	@.venv/bin/cog -r -I tests $(DOCUMENTS)

site: .venv/ready tests/website/node_modules/ready ## build the articles as a site with search, below _site; SERVE=1 shows it on this machine
	@PYTHONPATH=tests .venv/bin/python -m website.site $(if $(SERVE),--serve '$(PORT)')

links: .venv/ready ## list the links that lead out of the repository, and where they stand
	@cd tests && ../.venv/bin/python -m website.links

sources: .venv/ready ## remember what the articles cite each source for: once you have opened those that changed
	@cd tests && ../.venv/bin/python -m website.facts

bootstrap: ## make sure that an engine runs and the base images are there
	@bootstrap/engine.sh && bootstrap/bases.sh

clean: ## remove the folders' containers, volumes and images, the virtual environment and the site; exercises/ stays
	@for folder in $(FOLDERS) $(wildcard exercises/*); do (cd $$folder && docker compose down --volumes --rmi local); done
	@rm -rf .venv .venv-audit .venv-kubernetes .venv-checkov tests/website/node_modules _site
	@[ ! -e /var/cache/dockerizing-python ] || rm -rf /var/cache/dockerizing-python

# pre-commit asks Git for the files.
clone:
	@test -e .git || { echo 'make: lint and hooks need a clone: in a download without .git, Git knows no files' >&2; exit 1; }

# Compared by content: the export hook of `make lint` writes the file anew, mostly with the same words.
.venv/ready: requirements.txt
.venv-audit/ready: tests/audit/requirements.txt
.venv-kubernetes/ready: tests/kubernetes/requirements.txt
.venv-checkov/ready: tests/lab/checkov/requirements.txt
%/ready:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: the tests need Python 3.11 or newer")'
	@cmp -s $< $@ || { python3 -m venv $(@D) && \
		$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<; }
	@cp $< $@

# What a browser draws the site's drawings with, and what its test asks.
tests/website/node_modules/ready: tests/website/package-lock.json
	@command -v npm >/dev/null || { echo 'make: the site needs npm, for its drawings: https://nodejs.org' >&2; exit 1; }
	@cmp -s $< $@ || npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --silent
	@cp $< $@

# The front page comes last: it says how long the others take to read.
DOCUMENTS = tests/README.md $(wildcard tests/lab/*.md) $(wildcard $(FOLDERS:%=%/README.md) reference-*/README.md) assets/README.md README.md
