"""What the peers share: their arguments, the prompt, and the line that they print.

Every peer does the same work on a finished label stage, as its own tool does it best:

- reads annotations-*.parquet, the columns COLUMNS of it;
- drops rows without a label; of rows with the same question, ground truth and answer keeps one, and none
  where their labels differ;
- holds out 5% of the questions by a hash of the question;
- cuts the larger class of the others down to the smaller, by a hash of seed and row;
- writes train.jsonl and eval.jsonl, sharegpt rows of the filled-in prompt, and provenance.parquet (zstd), in
  the same order, train before eval;
- prints one JSON line of counts, seconds and peak memory.
"""
import argparse
import glob
import json
import os
import re
import resource
import time

COLUMNS = ["problem_id", "source", "question", "ground_truth", "sample", "answer", "label", "origin"]
KEY = ["question", "ground_truth", "answer"]
EVAL_IN = 20  # one question in so many is held out


def arguments():
    parser = argparse.ArgumentParser(description="one peer of tinyv balance and export; compare.py runs it")
    parser.add_argument("--pool", required=True, help="directory of the label stage")
    parser.add_argument("--template", required=True, help="file with the training prompt")
    parser.add_argument("--out", required=True, help="empty directory")
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    args.parts = sorted(glob.glob(os.path.join(args.pool, "annotations-*.parquet")))
    if not args.parts:
        parser.error(f"no annotations-*.parquet in {args.pool}")
    with open(args.template, encoding="utf-8") as f:
        args.prompt = prompt(f.read().strip())
    args.begun = time.monotonic()
    return args


PLACEHOLDERS = {"{{QUESTION}}": "question", "{{GROUND_TRUTH_ANSWER}}": "ground_truth", "{{MODEL_ANSWER}}": "answer"}


def prompt(template):
    """Cuts a template into (text, None) and (None, column), so that a placeholder in an answer stays text."""
    pieces = re.split("(" + "|".join(map(re.escape, PLACEHOLDERS)) + ")", template)
    return [(None, PLACEHOLDERS[p]) if p in PLACEHOLDERS else (p, None) for p in pieces if p]


def report(args, tool, version, counts):
    """Prints what was done. counts: rows_in, unlabelled, duplicate, conflicting, true, false (rows left after
    these), train_true, train_false, eval."""
    print(json.dumps({
        "tool": tool, "version": version, **{name: int(n) for name, n in counts.items()},
        "seconds": round(time.monotonic() - args.begun, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }))
