#!/usr/bin/env python3
"""Balance and export in DuckDB. peer.py says what the work is."""
import os

import duckdb

import peer


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def main():
    args = peer.arguments()
    db = duckdb.connect()
    db.execute("SET temp_directory = ?", [os.path.join(args.out, "spill")])
    db.execute("SET enable_progress_bar = false")
    parts = "[" + ", ".join(map(quoted, args.parts)) + "]"
    value = " || ".join(column or quoted(text) for text, column in args.prompt)
    seed = int(args.seed)

    # One row for each key. Its other columns are those of the row that comes first by problem and sample.
    db.execute(f"""
        CREATE TEMP TABLE keys AS
        SELECT question, ground_truth, answer, bool_and(label) AS label, count(*) AS n, bool_and(label) <> bool_or(label) AS conflicting,
               arg_min({{problem_id: problem_id, source: source, sample: sample, origin: origin}}, (problem_id, sample)) AS first,
               hash({seed}, question) % {peer.EVAL_IN} = 0 AS held_out
        FROM read_parquet({parts}) WHERE label IS NOT NULL
        GROUP BY question, ground_truth, answer""")
    rows_in, = db.execute(f"SELECT count(*) FROM read_parquet({parts})").fetchone()
    labelled, conflicting, duplicate, n_true, n_false = db.execute("""
        SELECT sum(n), coalesce(sum(n) FILTER (conflicting), 0), coalesce(sum(n - 1) FILTER (NOT conflicting), 0),
               count(*) FILTER (NOT conflicting AND label), count(*) FILTER (NOT conflicting AND NOT label)
        FROM keys""").fetchone()
    smaller, = db.execute("""
        SELECT least(count(*) FILTER (label), count(*) FILTER (NOT label))
        FROM keys WHERE NOT conflicting AND NOT held_out""").fetchone()

    db.execute(f"""
        CREATE TEMP TABLE chosen AS
        SELECT * FROM keys WHERE NOT conflicting AND NOT held_out
        QUALIFY row_number() OVER (PARTITION BY label ORDER BY hash({seed + 1}, question, ground_truth, answer)) <= {smaller}
        UNION ALL
        SELECT * FROM keys WHERE NOT conflicting AND held_out""")
    for name, held_out in (("train", "NOT held_out"), ("eval", "held_out")):
        db.execute(f"""
            COPY (SELECT [{{'from': 'human', 'value': {value}}}, {{'from': 'gpt', 'value': CASE WHEN label THEN 'True' ELSE 'False' END}}] AS conversations
                  FROM chosen WHERE {held_out})
            TO {quoted(os.path.join(args.out, name + ".jsonl"))} (FORMAT json)""")
    db.execute(f"""
        COPY (SELECT first.problem_id, first.source, question, ground_truth, first.sample, answer, label, first.origin, split
              FROM (SELECT *, 'train' AS split FROM chosen WHERE NOT held_out UNION ALL SELECT *, 'eval' AS split FROM chosen WHERE held_out))
        TO {quoted(os.path.join(args.out, "provenance.parquet"))} (FORMAT parquet, COMPRESSION zstd)""")
    train_true, train_false, evaluation = db.execute("""
        SELECT count(*) FILTER (NOT held_out AND label), count(*) FILTER (NOT held_out AND NOT label), count(*) FILTER (held_out)
        FROM chosen""").fetchone()
    peer.report(args, "duckdb", duckdb.__version__, {
        "rows_in": rows_in, "unlabelled": rows_in - labelled, "duplicate": duplicate, "conflicting": conflicting, "true": n_true, "false": n_false,
        "train_true": train_true, "train_false": train_false, "eval": evaluation,
    })


if __name__ == "__main__":
    main()
