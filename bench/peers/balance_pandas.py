#!/usr/bin/env python3
"""Balance and export in pandas. peer.py says what the work is."""
import json
import os

import numpy as np
import pandas as pd

import peer


def hashed(frame, columns, seed):
    """A hash of some columns that another seed changes throughout."""
    key = f"{seed:016d}"[-16:]
    sums = [pd.util.hash_pandas_object(frame[c], index=False, hash_key=key).to_numpy() for c in columns]
    total = sums[0]
    for s in sums[1:]:
        total = total * np.uint64(0x9E3779B97F4A7C15) + s
    return total


def write_split(args, name, rows):
    value = ""
    for text, column in args.prompt:
        value = value + (text if column is None else rows[column])
    with open(os.path.join(args.out, name + ".jsonl"), "w", encoding="utf-8", buffering=1 << 20) as f:
        encode = json.JSONEncoder(ensure_ascii=False).encode
        for human, label in zip(value, rows["label"]):
            f.write('{"conversations":[{"from":"human","value":%s},{"from":"gpt","value":"%s"}]}\n' % (encode(human), label))


def main():
    args = peer.arguments()
    rows = pd.concat([pd.read_parquet(part, columns=peer.COLUMNS) for part in args.parts], ignore_index=True)
    counts = {"rows_in": len(rows)}
    rows = rows[rows["label"].notna()].astype({"label": bool})
    counts["unlabelled"] = counts["rows_in"] - len(rows)

    groups = rows.groupby(peer.KEY, sort=False)["label"]
    conflicting = groups.transform("min") != groups.transform("max")
    rows = rows[~conflicting]
    counts["conflicting"] = conflicting.sum()
    before = len(rows)
    rows = rows.drop_duplicates(peer.KEY)
    counts["duplicate"] = before - len(rows)
    counts["true"] = rows["label"].sum()
    counts["false"] = len(rows) - counts["true"]

    held_out = hashed(rows, ["question"], args.seed) % np.uint64(peer.EVAL_IN) == 0
    evaluation, train = rows[held_out], rows[~held_out]
    order = pd.Series(hashed(train, peer.KEY, args.seed + 1), index=train.index)
    smaller = min(train["label"].sum(), (~train["label"]).sum())
    chosen = [order[train["label"] == label].nsmallest(smaller).index for label in (True, False)]
    train = train.loc[chosen[0].union(chosen[1])]  # in the order of the input
    counts["train_true"], counts["train_false"], counts["eval"] = train["label"].sum(), (~train["label"]).sum(), len(evaluation)

    write_split(args, "train", train)
    write_split(args, "eval", evaluation)
    provenance = pd.concat([train.assign(split="train"), evaluation.assign(split="eval")])
    provenance.to_parquet(os.path.join(args.out, "provenance.parquet"), compression="zstd", index=False)
    peer.report(args, "pandas", pd.__version__, counts)


if __name__ == "__main__":
    main()
