#!/bin/bash
# The fine-tune and the evaluation with the real LLaMA-Factory, on CPU and without a
# model hub: a tiny Qwen2 is trained on a simulated export, stopped and resumed, served,
# measured, and put through an ablation. Run by `make check-llamafactory`.
#
#   check_llamafactory.sh VENV BENCHMARK [STEP...]
#
# VENV is a virtual environment with llamafactory and torch; BENCHMARK a file in the
# layout of HardVerify-Math. Steps are run in order, all of them by default; one that is
# run alone finds what the earlier ones left in runs/check-llamafactory. The
# first thing that is not as it should be ends the check with exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(realpath "$1") benchmark=$2
shift 2

export PATH="$venv/bin:$PATH" OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false CHECK_LLAMAFACTORY_ID=$$
configs=scripts/llamafactory
work=runs/check-llamafactory # the configs name it
tinyv=bin/tinyv
tool() { "$venv/bin/python" scripts/check_llamafactory.py "$@"; }

say() { printf '\n== %s\n' "$*"; }
fail() { echo "check_llamafactory: $*" >&2; exit 1; }

# exits CODE COMMAND...: runs a command that is to end with an exit code.
exits() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || fail "exit code $got, not $want: $*"
}

# refuses WORDS COMMAND...: runs a command that is to fail with these words.
refuses() {
	local words=$1 got=0 log=$work/refused.log
	shift
	"$@" >"$log" 2>&1 || got=$?
	[ "$got" = 1 ] || { cat "$log"; fail "exit code $got, not 1: $*"; }
	grep -qiE "$words" "$log" || { cat "$log"; fail "it does not say '$words': $*"; }
	grep -iE -m3 "$words" "$log" | cut -c1-400
}

# nothing_left fails if a process of a training or a server of this check still runs.
nothing_left() {
	local left
	left=$(grep -lzx "CHECK_LLAMAFACTORY_ID=$$" /proc/[0-9]*/environ 2>/dev/null | xargs -r grep -lzE '^TINYV_(RUN|SERVE)=' 2>/dev/null || true)
	[ -z "$left" ] || fail "processes of a training or a server are left: $left"
}

plan() { "$tinyv" train plan --config "$configs/$1.yaml" --in "$work/run/export" --out "$work/$2"; }

step_run() {
	say "a tiny model without weights, and the main job on the simulated world"
	rm -rf "$work"
	mkdir -p "$work"
	cp "$benchmark" "$work/hardverify-math.json"
	tool model "$work/model" README.md docs/*.md configs/prompts/*.txt
	"$tinyv" run --config "$configs/run.yaml" --out "$work/run"
}

step_train() {
	say "the fine-tune in one go: the curve to compare with"
	"$tinyv" train preflight --out "$work/run"
	"$tinyv" train launch --out "$work/run"
	tool curve "$work/run/train/checkpoint"
	for f in manifest.json record.json loss.jsonl loss.svg loss.png; do
		[ -s "$work/run/train/result/$f" ] || fail "$work/run/train/result/$f is missing"
	done
	grep -q '"loss_curve"' "$work/run/train/manifest.json" || fail "$work/run/train/manifest.json does not tell of the training"
	"$tinyv" train status --out "$work/run"
	say "launched again: finished, and left alone"
	"$tinyv" train launch --out "$work/run"
	tool same "$work/run/train/checkpoint" "$work/run/train/checkpoint"
}

step_interrupt() {
	say "SIGINT in the middle, and resume"
	plan run interrupted
	log=$work/interrupted/train/checkpoint/trainer_log.jsonl
	exits 130 tool when "$log" 23 INT "$tinyv" train launch --out "$work/interrupted"
	"$tinyv" train status --out "$work/interrupted"
	"$tinyv" train resume --out "$work/interrupted"
	tool same "$work/run/train/checkpoint" "$work/interrupted/train/checkpoint"

	say "kill -9 of everything in the middle, the last checkpoint cut short, and resume"
	plan run killed
	output=$work/killed/train/checkpoint
	exits 137 tool when "$output/trainer_log.jsonl" 33 KILL "$tinyv" train launch --out "$work/killed"
	truncate -s 1000 "$output/checkpoint-30/optimizer.pt"
	"$tinyv" train status --out "$work/killed"
	refuses 'train resume' "$tinyv" train launch --out "$work/killed"
	"$tinyv" train resume --out "$work/killed"
	tool same "$work/run/train/checkpoint" "$output"
	nothing_left
}

step_two() {
	say "two processes (gloo): in one go, and killed and resumed"
	plan two-processes two
	"$tinyv" train launch --out "$work/two"
	grep -m2 'world size: 2' "$work/two/train/train.log"
	tool curve "$work/two/train/checkpoint"
	plan two-processes two-killed
	output=$work/two-killed/train/checkpoint
	exits 137 tool when "$output/trainer_log.jsonl" 13 KILL "$tinyv" train launch --out "$work/two-killed"
	"$tinyv" train resume --out "$work/two-killed"
	tool same "$work/two/train/checkpoint" "$output"

	say "SIGINT with two processes leaves none, and resume"
	plan two-processes two-interrupted
	output=$work/two-interrupted/train/checkpoint
	exits 130 tool when "$output/trainer_log.jsonl" 13 INT "$tinyv" train launch --out "$work/two-interrupted"
	"$tinyv" train resume --out "$work/two-interrupted"
	tool same "$work/two/train/checkpoint" "$output"
	nothing_left
}

evaluate() { "$tinyv" eval --config "$configs/run.yaml" "$@"; }

step_eval() {
	say "the checkpoint behind llamafactory-cli api, on the benchmark and on the run's own eval split"
	local serve=(--verifier tiny --serve llamafactory --checkpoint "$work/run/train/checkpoint")
	evaluate "${serve[@]}" --bench "$work/hardverify-math.json" --out "$work/eval/tiny"
	tool replies "$work/eval/tiny"
	evaluate "${serve[@]}" --bench "$work/run/balance" --split eval --out "$work/eval/tiny-own"
	tool replies "$work/eval/tiny-own"

	say "the published rule verifier on the same"
	evaluate --verifier prime --bench "$work/hardverify-math.json" --out "$work/eval/prime"
	evaluate --verifier prime --bench "$work/run/balance" --split eval --out "$work/eval/prime-own"
	"$tinyv" eval compare --a "$work/eval/prime" --b "$work/eval/tiny"
	"$tinyv" eval compare --a "$work/eval/prime-own" --b "$work/eval/tiny-own"
	say "a finished evaluation starts no server"
	rm "$work/eval/tiny.server.log"
	evaluate "${serve[@]}" --bench "$work/hardverify-math.json" --out "$work/eval/tiny"
	[ ! -e "$work/eval/tiny.server.log" ] || fail "a server was started for nothing"

	for d in tiny tiny-own prime prime-own; do
		for f in manifest.json eval.json report.html report.md; do
			[ -s "$work/eval/$d/$f" ] || fail "$work/eval/$d/$f is missing"
		done
	done
	nothing_left
}

step_rendering() {
	say "what the trainer learned is what serving renders"
	tool rendering "$work/run/train/train.log" "$work/run/export" "$work/run/train/checkpoint" "$work/eval/tiny-own"
}

step_ablate() {
	say "an ablation of two ratios and two seeds"
	local ablate=("$tinyv" ablate --config "$configs/ablation.yaml" --in "$work/run/label" --out "$work/ablation")
	"${ablate[@]}" --dry-run
	"${ablate[@]}"
	tool ablation "$work/ablation"
	nothing_left

	say "the same again does nothing"
	touch "$work/before"
	"${ablate[@]}"
	changed=$(find "$work/ablation" -newer "$work/before" -type f \( -name '*.safetensors' -o -name 'verdicts-*' -o -name '*.log' \))
	[ -z "$changed" ] || fail "the second run made again: $changed"

	say "with another learning rate no cell is taken for done"
	sed "s#\.\./\.\./#$PWD/#; s#system: system#system: $PWD/$configs/system#; s#learning_rate: .*#learning_rate: 1.0e-03#" "$configs/ablation.yaml" >"$work/another.yaml"
	refuses 'learning_rate' "$tinyv" ablate --config "$work/another.yaml" --in "$work/run/label" --out "$work/ablation"
}

step_bad() {
	say "no llamafactory-cli on PATH"
	plan run bad-path
	refuses 'llamafactory-cli' env PATH=/usr/bin:/bin "$tinyv" train launch --out "$work/bad-path"

	say "a key that LLaMA-Factory does not know"
	sed -e "s#\.\./\.\./#$PWD/#; s#system: system#system: $PWD/$configs/system#; s#^train:#train:\n  extra: {learning_rat: 1}#" "$configs/two-processes.yaml" >"$work/bad-key.yaml"
	refuses 'learning_rat' "$tinyv" train plan --config "$work/bad-key.yaml" --in "$work/run/export" --out "$work/bad-key"

	say "a dataset with one class"
	rm -rf "$work/one-class"
	tool one-class "$work/run/export" "$work/one-class"
	"$tinyv" train plan --config "$configs/run.yaml" --in "$work/one-class" --out "$work/bad-class"
	refuses 'one_class' "$tinyv" train launch --out "$work/bad-class"

	say "a checkpoint without tokenizer"
	rm -rf "$work/no-tokenizer"
	cp -r "$work/run/train/checkpoint" "$work/no-tokenizer"
	rm "$work"/no-tokenizer/tokenizer*
	refuses 'tokenizer' evaluate --verifier tiny --serve llamafactory --checkpoint "$work/no-tokenizer" --bench "$work/hardverify-math.json" --out "$work/eval/bad"

	say "an API that dies in the middle of an evaluation, and the same command again"
	rm -rf "$work/eval/orphan"
	local orphan=("$tinyv" eval --config "$configs/run.yaml" --verifier tiny --serve llamafactory --checkpoint "$work/run/train/checkpoint" --bench "$work/hardverify-math.json" --out "$work/eval/orphan")
	exits 1 tool orphan "$work/eval/orphan" 50 "${orphan[@]}"
	[ ! -e "$work/eval/orphan/eval.json" ] || fail "figures of a part were written"
	"${orphan[@]}"
	tool same-eval "$work/eval/tiny" "$work/eval/orphan"
	nothing_left

	say "kill -9 in the middle of an evaluation takes its server along, and the same command goes on"
	rm -rf "$work/eval/killed"
	local killed=("${orphan[@]:0:${#orphan[@]}-1}" "$work/eval/killed")
	tool killed "$work/eval/killed" 50 "${killed[@]}"
	"${killed[@]}"
	tool same-eval "$work/eval/tiny" "$work/eval/killed"
	nothing_left
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(run train interrupt two eval rendering ablate bad)
for s in "${steps[@]}"; do
	declare -F "step_$s" >/dev/null || fail "there is no step $s"
	"step_$s"
done
say "all as it should be"
