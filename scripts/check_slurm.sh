#!/bin/bash
# A fine-tune through Slurm: submitted by tinyv, requeued from outside, warned of the end
# of its time, and each time resumed, on a cluster of this machine (slurm-local.sh).
#
#     scripts/check_slurm.sh VENV CONFIG RUN OUT
#
# VENV is a virtual environment with llamafactory; CONFIG has a train block of at least
# 40 steps with a checkpoint every 10; RUN holds the export to train on; OUT is made anew.
# If RUN holds a finished training by CONFIG, the one made here must equal it. The first
# thing that is not as it should be ends the check with exit code 1.
set -euo pipefail
[ $# -eq 4 ] || { echo "usage: $0 VENV CONFIG RUN OUT" >&2; exit 2; }
scripts=$(dirname "$(realpath "$0")")
venv=$(realpath "$1") config=$2 run=$(realpath "$3") out=$(realpath -m "$4")
tinyv=$scripts/../bin/tinyv
export PATH="$venv/bin:$PATH" OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false DISABLE_VERSION_CHECK=1

say() { printf '\n== %s\n' "$*"; }
fail() {
    echo "check_slurm: $*; the logs are in $cluster/log and $out/train" >&2
    exit 1
}

# soon WHAT COMMAND... waits until the command succeeds, ten minutes at most.
soon() {
    local what=$1 begun=$SECONDS
    shift
    until "$@"; do
        [ $((SECONDS - begun)) -lt 600 ] || fail "ten minutes, and still not: $what"
        sleep 0.2
    done
}

field() { scontrol show job -o "$job" | grep -o " $1=[^ ]*" | cut -d= -f2; }
state() { [ "$(field JobState)" = "$1" ]; }

# runs prints "FROM_STEP OUTCOME" of each launch of the trainer.
runs() { python -c 'import json, sys
for r in json.load(open(sys.argv[1]))["runs"]: print(r["from_step"], r["outcome"])' "$out/train/state.json"; }

# at STEP: the trainer has got so far. It fails if the job has ended.
at() {
    ! state COMPLETED && ! state FAILED || fail "the job ended before step $1 was seen: $(runs | tr '\n' ';')"
    local step
    step=$(grep -o '"current_steps": [0-9]*' "$out/train/checkpoint/trainer_log.jsonl" 2>/dev/null | tail -n 1 | tr -dc 0-9) || return 1
    [ "$step" -ge "$1" ]
}

running() {
    ! state FAILED || fail "job $job did not start: see slurmctld.log"
    state RUNNING
}

# again N: the job waits for its turn number N, and is given it. Slurm would make it wait
# two minutes; a few seconds it must, since its node takes no job that it just ended.
again() {
    soon "job $job waits to run again" state PENDING
    squeue --format '%i %j %T %r, from %S'
    [ "$(field Restarts)" = "$1" ] || fail "Slurm counts $(field Restarts) restarts, not $1"
    sleep 5
    scontrol update JobId="$job" StartTime=now
    soon "job $job runs again" running
}

cluster=$(mktemp -d /tmp/tinyv-slurm.XXXXXX) # munge's socket wants a short path that all can reach
trap '"$scripts/slurm-local.sh" stop "$cluster"' EXIT
say "a cluster of this machine"
"$scripts/slurm-local.sh" start "$cluster"
export SLURM_CONF=$cluster/slurm.conf

say "submit"
rm -rf "$out"
mkdir -p "$out"
cp -r "$run/export" "$out/export"
"$tinyv" train launch --config "$config" --out "$out" --slurm --print
job=$("$tinyv" train launch --config "$config" --out "$out" --slurm | sed -n 's/^submitted job \([0-9]*\):.*/\1/p')
[ -n "$job" ] || fail "tinyv names no job"
soon "job $job is at step 13" at 13
squeue
"$tinyv" train status --out "$out"

say "scontrol requeue $job in mid-run"
scontrol requeue "$job"
again 1

say "Slurm's warning that the time is up, in mid-run"
soon "job $job is at step 33" at 33
scancel --signal=USR1 --batch "$job"
again 2

say "to the end"
soon "job $job ends" state COMPLETED
scontrol show job "$job"
cat "$cluster/log/jobs.txt"
grep -E 'STEP|JOB|srun|going on|interrupted' "$out/train/slurm-$job.log" || true
"$tinyv" train status --out "$out"
runs
{
    read -r from outcome && [ "$from $outcome" = "0 interrupted" ] || fail "the first turn is '$from $outcome', not interrupted"
    read -r from outcome && [ "$from" -ge 10 ] && [ "$outcome" = interrupted ] || fail "the second turn is '$from $outcome', not interrupted after resuming"
    read -r from outcome && [ "$from" -ge 30 ] && [ "$outcome" = finished ] || fail "the third turn is '$from $outcome', not finished after resuming"
    ! read -r from outcome || fail "there is a turn too many: '$from $outcome'"
} < <(runs)
[ -s "$out/train/result/manifest.json" ] || fail "the result is not recorded"
left=$(grep -lzE '^TINYV_RUN=' /proc/[0-9]*/environ 2>/dev/null || true)
[ -z "$left" ] || fail "processes of a training are left: $left"
if [ -s "$run/train/result/manifest.json" ]; then
    python "$scripts/check_llamafactory.py" same "$run/train/checkpoint" "$out/train/checkpoint"
else
    echo "$run/train has no finished training to compare with"
fi
"$scripts/slurm-local.sh" stop "$cluster"
trap - EXIT
rm -rf "$cluster"
say "all as it should be"
