# Everything here needs Go only. The race detector is on in CI, where there is a C compiler.
GO      ?= go
# Lint comes first there, and vets more than go test would, without all packages once
# more as the race detector has them.
RACE    := $(if $(CI),-race -vet=off,)
# With it a program sleeps for a second when it ends, and the tests start hundreds.
export GORACE := atexit_sleep_ms=10 $(GORACE)

.PHONY: build quickstart test lint bench bench-stores memory soak fuzz check-prime check-client check-tokens check-balance check-readers check-llamafactory check-slurm clean

build: ## bin/tinyv
	$(GO) build -trimpath -o bin/tinyv ./cmd/tinyv

quickstart: build ## the whole main job on the simulated world
	bin/tinyv run --config configs/quickstart.yaml --out runs/quickstart

test: ## all tests
	$(GO) test $(RACE) -timeout 20m ./...

lint: ## formatting, vet, staticcheck, and the rules of the layout
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 -run '^TestLayout' .

bench: ## every benchmark; compare two runs with benchstat
	$(GO) test -run '^$$' -bench . -benchmem ./...

BENCH_DIR ?= $(or $(TMPDIR),/tmp)
bench-stores: ## the journal and the stores it could have been made of, same work, side by side; 2 GB below BENCH_DIR
	cd bench/stores && $(GO) build -o ../../bin/bench-stores . && ../../bin/bench-stores -dir $(BENCH_DIR)

memory: ## peak memory of tinyv verify's stream at ten thousand and ten million rows
	$(GO) test ./verify/protocol -run '^$$' -bench Stream -benchtime 1x -rows 10000000 -timeout 1h

CALLS ?= 200000
KILLS ?= 50
soak: ## long trials of the client and the journal: a soak, kills, at random and at every call that changes a file, a full disk (needs root to mount one), a server that goes away; and 2,000 calls in flight
	$(GO) test ./internal/soak -count=1 -v -parallel 1 -timeout 2h -args -calls $(CALLS) -kills $(KILLS) -places 0 -latency 100ms -gone 1m
	$(GO) test ./internal/soak -run '^$$' -bench InFlight -benchtime 120000x

FUZZTIME ?= 10m
fuzz: ## every fuzz target, one after the other
	$(GO) list ./... | while read package; do \
		for target in $$($(GO) test $$package -list '^Fuzz' | grep '^Fuzz'); do \
			echo "$$package $$target"; $(GO) test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; done; done

# Python from here on: comparisons with the real peers, in virtual environments of
# their own. Nothing above needs it.
SHARED ?= ../shared
check-prime: build ## the published verifier and ours on fresh random pairs; SEED=n repeats a run
	python3 -m venv .venv/prime
	.venv/prime/bin/pip install --quiet --no-deps 'verl==0.3.*' 'sympy==1.13.1' 'mpmath==1.3.0' 'pylatexenc==2.10'
	.venv/prime/bin/python verify/prime/testdata/check_prime.py --tinyv bin/tinyv --golden $(SHARED)/golden/prime-pairs.jsonl.gz $(if $(SEED),--seed $(SEED))

check-client: build ## our client and Python's openai client with 2,000 threads at one simulated server; CALLS=n
	python3 -m venv .venv/client
	.venv/client/bin/pip install --quiet 'openai==2.*'
	CALLS=$(if $(filter 200000,$(CALLS)),20000,$(CALLS)) internal/soak/testdata/check_client.sh

check-tokens: ## tokens of texts by the real tokenizers package and by ours; SEED=n repeats a run
	python3 -m venv .venv/tokens
	.venv/tokens/bin/pip install --quiet 'tokenizers==0.23.*'
	.venv/tokens/bin/pip install --quiet --no-deps 'dashscope==2.*'
	.venv/tokens/bin/python internal/tokens/testdata/check_tokens.py --data $(SHARED)/data $(if $(SEED),--seed $(SEED))

ROWS ?= 1000000
check-balance: build ## balance and export beside pandas, DuckDB and Polars on one simulated pool; ROWS=n
	python3 -m venv .venv/peers
	.venv/peers/bin/pip install --quiet 'pandas==3.*' 'pyarrow==26.*' 'duckdb==2.*' 'polars==2.*'
	bin/tinyv sim pool --rows $(ROWS) --seed 1 --out runs/pool-$(ROWS)
	.venv/peers/bin/python bench/peers/compare.py --tinyv bin/tinyv --pool runs/pool-$(ROWS)

EXPORT ?= runs/readers/export
check-readers: build ## every target of an export, loaded by the programs that read it (7 GB of packages); EXPORT=DIR for one of yours
	python3 -m venv .venv/readers
	.venv/readers/bin/pip install --quiet 'llamafactory==0.9.5' 'torch==2.6.0' 'torchvision==0.21.0' 'torchaudio==2.6.0' 'duckdb==2.0.0' 'polars==2.1.0' 'ray==2.60.0' 'tensordict==0.10.0'
	.venv/readers/bin/pip install --quiet --no-deps 'verl==0.9.1'
	$(if $(filter runs/readers/export,$(EXPORT)),bin/tinyv run --config scripts/readers.yaml --out runs/readers)
	.venv/readers/bin/python internal/llamafactory/testdata/check_loader.py internal/llamafactory/testdata/cases.json
	.venv/readers/bin/python scripts/check_readers.py $(EXPORT) $(if $(wildcard $(SHARED)/data/bigmath-rl.parquet),--reference $(SHARED)/data/bigmath-rl.parquet)

check-llamafactory: build ## a tiny model on CPU through the real LLaMA-Factory: train, interrupt, resume, serve, measure, ablate (7 GB of packages); LLAMAFACTORY=VERSION
	python3 -m venv .venv/llamafactory
	.venv/llamafactory/bin/pip install --quiet -r scripts/llamafactory/requirements-$(or $(LLAMAFACTORY),0.9.5).txt
	scripts/check_llamafactory.sh .venv/llamafactory $(SHARED)/data/hardverify-math-even.json

check-slurm: check-llamafactory ## its training once more, through Slurm on one node of this machine: submitted, requeued, resumed (Debian's slurm-wlm and munge; root installs them)
	scripts/check_slurm.sh .venv/llamafactory scripts/llamafactory/run.yaml runs/check-llamafactory/run runs/check-slurm

clean:
	rm -rf bin runs/quickstart
