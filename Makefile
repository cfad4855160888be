# Everything here needs Go only. The race detector is on in CI, where there is a C compiler.
GO      ?= go
RACE    := $(if $(CI),-race,)

.PHONY: build quickstart test lint bench clean

build: ## bin/tinyv
	$(GO) build -trimpath -o bin/tinyv ./cmd/tinyv

quickstart: build ## the whole main job on the simulated world
	bin/tinyv run --config configs/quickstart.yaml --out runs/quickstart

test: ## all tests
	$(GO) test $(RACE) ./...

lint: ## formatting, vet, staticcheck, and the rules of the layout
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 -run '^TestLayout' .

bench: ## every benchmark; compare two runs with benchstat
	$(GO) test -run '^$$' -bench . -benchmem ./...

clean:
	rm -rf bin runs/quickstart
