#!/usr/bin/env python3
"""Balance and export in Polars, lazily and streaming. peer.py says what the work is."""
import os

import polars as pl

import peer


def main():
    args = peer.arguments()
    scan = pl.scan_parquet(args.parts).select(peer.COLUMNS)
    rest = [c for c in peer.COLUMNS if c not in peer.KEY and c != "label"]
    # One row for each key, held in memory once; all after it is streamed from there.
    keys = (
        scan.filter(pl.col("label").is_not_null())
        .group_by(peer.KEY)
        .agg(
            pl.len().alias("n"),
            pl.col("label").min(),
            (pl.col("label").min() != pl.col("label").max()).alias("conflicting"),
            pl.struct(rest).min_by(pl.struct("problem_id", "sample")).alias("first"),
        )
        .unnest("first")
        .with_columns((pl.col("question").hash(args.seed) % peer.EVAL_IN == 0).alias("held_out"))
        .collect(engine="streaming")
    )
    rows_in = scan.select(pl.len()).collect(engine="streaming").item()
    kept = keys.filter(~pl.col("conflicting"))
    labelled = keys["n"].sum()
    counts = {
        "rows_in": rows_in, "unlabelled": rows_in - labelled, "conflicting": labelled - kept["n"].sum(), "duplicate": kept["n"].sum() - len(kept),
        "true": kept["label"].sum(), "false": (~kept["label"]).sum(),
    }
    del keys
    evaluation, train = kept.filter(pl.col("held_out")), kept.filter(~pl.col("held_out"))
    smaller = min(train["label"].sum(), (~train["label"]).sum())
    order = pl.struct(peer.KEY).hash(args.seed + 1)
    train = train.filter(order.rank("ordinal").over("label") <= smaller)
    counts |= {"train_true": train["label"].sum(), "train_false": (~train["label"]).sum(), "eval": len(evaluation)}

    value = pl.concat_str([pl.lit(text) if column is None else pl.col(column) for text, column in args.prompt])
    reply = pl.when("label").then(pl.lit("True")).otherwise(pl.lit("False"))
    messages = pl.concat_list(
        pl.struct(pl.lit("human").alias("from"), value.alias("value")),
        pl.struct(pl.lit("gpt").alias("from"), reply.alias("value")),
    ).alias("conversations")
    splits = []
    for name, rows in (("train", train), ("eval", evaluation)):
        rows.lazy().select(messages).sink_ndjson(os.path.join(args.out, name + ".jsonl"))
        splits.append(rows.lazy().select(peer.COLUMNS).with_columns(pl.lit(name).alias("split")))
    pl.concat(splits).sink_parquet(os.path.join(args.out, "provenance.parquet"), compression="zstd")
    peer.report(args, "polars", pl.__version__, counts)


if __name__ == "__main__":
    main()
