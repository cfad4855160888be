#!/usr/bin/env python3
"""Puts tinyv balance + export and the same work in pandas, DuckDB and Polars to one pool, side by side.

    compare.py --pool DIR --tinyv bin/tinyv [--config FILE] [--rounds 3] [--peers pandas,duckdb,polars] [--work DIR]

DIR is a finished label stage, such as `tinyv sim pool` makes. The peers run in the Python that runs this
(pandas, pyarrow, duckdb, polars), each in a process of its own, in turn; the first of a round changes from
round to round. The best of all rounds is shown: wall seconds and CPU seconds of the whole process, start
included, and peak resident memory as the kernel counts it. tinyv's are its two commands: sums of seconds,
the larger memory.

Exit code 1 if counts differ that have to agree: rows read, and without a label. tinyv alone takes rows for
duplicates that are written differently (white space, dollar signs), so the rows left may differ from the peers' by those rows,
and the conflicts among them; more than that is an error too. Rules that differ, and whose counts therefore
may: tinyv balances its rows to evaluate on, and the peers do not; each tool has its own hash, so which questions are
held out differs. What tinyv does besides: it hashes its inputs and outputs (SHA-256), flushes
its files to disk, writes the balanced rows to disk before they are exported, and refuses rows that the
trainer would not take.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# The reasons for which tinyv balance drops rows, by the peers' names.
REASONS = {"undecided": "unlabelled", "disagreed": "unlabelled", "duplicate": "duplicate", "duplicate_normalised": "duplicate", "conflicting_labels": "duplicate"}
AGREE = ["rows_in", "unlabelled"]


def measured(command):
    """Runs a command; returns its standard output, wall and CPU seconds, and peak MiB."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            err.seek(0)
            sys.exit(f"compare: {' '.join(command)} ended with {process.returncode}:\n{err.read().decode()[-4000:]}")
        out.seek(0)
        return out.read().decode(), {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def run_peer(name, args, out):
    command = [sys.executable, os.path.join(HERE, f"balance_{name}.py"), "--pool", args.pool, "--template", args.template, "--out", out]
    text, used = measured(command)
    said = json.loads(text.splitlines()[-1])
    used["version"], used["rows_out"] = said["version"], said["train_true"] + said["train_false"] + said["eval"]
    lines = {split: count_rows(os.path.join(out, split + ".jsonl")) for split in ("train", "eval")}
    if lines != {"train": said["train_true"] + said["train_false"], "eval": said["eval"]} or said["train_true"] != said["train_false"]:
        sys.exit(f"compare: {name} says {said} and wrote {lines}")
    said["dropped"] = said["duplicate"] + said["conflicting"]
    return used, {count: said[count] for count in [*AGREE, "dropped"]}


def run_tinyv(args, out):
    version = subprocess.run([args.tinyv, "version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    used = {"version": version, "wall": 0, "cpu": 0, "mib": 0, "stages": []}
    for command in (["balance", "--in", args.pool], ["export"]):
        _, one = measured([args.tinyv, *command, "--config", args.config, "--out", out])
        used["wall"] += one["wall"]
        used["cpu"] += one["cpu"]
        used["mib"] = max(used["mib"], one["mib"])
        used["stages"].append(f"{command[0]} {one['wall']:.2f} s wall, {one['cpu']:.2f} s CPU, {one['mib']:.0f} MiB")
    balance, export = (manifest(os.path.join(out, stage)) for stage in ("balance", "export"))
    rows = balance["rows"]["annotations"]
    said = {"rows_in": rows["in"], "unlabelled": 0, "duplicate": 0, "normalised": rows.get("dropped", {}).get("duplicate_normalised", 0)}
    for reason, n in rows.get("dropped", {}).items():
        if reason in REASONS:
            said[REASONS[reason]] += n
        elif reason != "down_sampled":
            sys.exit(f"compare: tinyv balance dropped {n} rows as {reason}, which no peer does: {args.config} has to switch that off")
    said["dropped"] = said["duplicate"]
    normalised = said.pop("normalised")
    said = {count: said[count] for count in [*AGREE, "dropped"]} | {"normalised": normalised}
    lines = sum(count_rows(os.path.join(out, "export", f["path"])) for f in export["outputs"] if f["path"].endswith(".jsonl"))
    used["rows_out"] = export["rows"]["examples"]["out"]
    if lines != used["rows_out"]:
        sys.exit(f"compare: tinyv export says {used['rows_out']} rows and wrote {lines}")
    return used, said


def manifest(directory):
    with open(os.path.join(directory, "manifest.json"), encoding="utf-8") as f:
        return json.load(f)


def count_rows(path):
    """Counts lines, and reads the first as the sharegpt row that it has to be."""
    n = 0
    with open(path, "rb") as f:
        first = f.readline()
        if not first:
            return 0
        said = json.loads(first)["conversations"]
        if [m["from"] for m in said][-2:] != ["human", "gpt"] or said[-1]["value"] not in ("True", "False"):
            sys.exit(f"compare: {path} begins with no row of the kind: {first[:300]!r}")
        f.seek(0)
        while block := f.read(1 << 22):
            n += block.count(b"\n")
    return n


def table(best, rounds):
    ours = best["tinyv"]
    load = os.getloadavg()
    print(f"best of {rounds}; {os.cpu_count()} CPUs, load {load[0]:.1f} now")
    print(f"{'':8} {'version':>10} {'rows in':>9} {'rows out':>9} {'wall s':>8} {'rows/s':>9} {'cpu s':>8} {'MiB':>7}   wall   cpu   MiB  (tinyv = 1)")
    for name, b in sorted(best.items(), key=lambda item: item[1]["wall"]):
        print(f"{name:8} {b['version']:>10} {b['rows_in']:9} {b['rows_out']:9} {b['wall']:8.2f} {b['rows_in'] / b['wall']:9.0f} {b['cpu']:8.2f} {b['mib']:7.0f}"
              f" {b['wall'] / ours['wall']:6.2f} {b['cpu'] / ours['cpu']:5.2f} {b['mib'] / ours['mib']:5.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--tinyv", default="bin/tinyv")
    parser.add_argument("--config", default=os.path.join(HERE, "tinyv.yaml"), help="of tinyv balance and export")
    parser.add_argument("--template", default=os.path.join(HERE, "../../configs/prompts/train.txt"), help="the prompt that the config names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="pandas,duckdb,polars")
    parser.add_argument("--work", help="write below this directory, by default the system's temporary one; emptied after each run")
    args = parser.parse_args()
    names = ["tinyv"] + [name for name in args.peers.split(",") if name]

    best, counts = {}, {}
    for i in range(args.rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            out = tempfile.mkdtemp(prefix=f"{name}-", dir=args.work)
            try:
                used, said = run_tinyv(args, out) if name == "tinyv" else run_peer(name, args, out)
            finally:
                shutil.rmtree(out)
            print(f"round {i + 1}: {name} {used['wall']:.2f} s wall, {used['cpu']:.2f} s CPU, {used['mib']:.0f} MiB", *used.get("stages", []), sep="; ", file=sys.stderr)
            if counts.setdefault(name, said) != said:
                sys.exit(f"compare: {name} counted {said} in round {i + 1}, and {counts[name]} before")
            used["rows_in"] = said["rows_in"]
            before = best.setdefault(name, used)
            for figure in ("wall", "cpu", "mib"):
                before[figure] = min(before[figure], used[figure])
    table(best, args.rounds)
    ours = counts["tinyv"]
    # A row that is written differently can join two keys of the peers, and so make a conflict of them: then the
    # rows of both go, not one. Counted twice over, the normalised duplicates bound what may differ.
    wrong = [f"{name}: {said}" for name, said in counts.items()
             if any(said[c] != ours[c] for c in AGREE) or not 0 <= ours["dropped"] - said["dropped"] <= 2 * ours["normalised"]]
    if wrong:
        sys.exit("compare: counts differ from tinyv's: " + str(counts["tinyv"]) + "\n" + "\n".join(wrong))
    print("counts agree:", ", ".join(f"{count} {ours[count]}" for count in AGREE), "; dropped as duplicate or conflicting:", ", ".join(f"{name} {said['dropped']}" for name, said in counts.items()))


if __name__ == "__main__":
    main()
