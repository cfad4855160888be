#!/usr/bin/env python3
"""Runs the published rule verifier and tinyv's on fresh random pairs and compares them.

    check_prime.py --tinyv BIN --golden prime-pairs.jsonl.gz [--pairs 20000] [--seed N] [--show 40]

Needs, in a virtual environment of its own:

    pip install --no-deps 'verl==0.3.*' 'sympy==1.13.1' 'mpmath==1.3.0' 'pylatexenc==2.10'

Half of the pairs are golden answers after one or two changes of their written form; the others are formulas
from a grammar, changed likewise or set against a formula that equals them by construction. Prints agreement,
every kind of disagreement with examples, and both speeds. Exit code 1 below 99.8% agreement or above 0.1%
false acceptances: the grammar is far harder on decimals than real answers are.
"""
import argparse
import glob
import gzip
import importlib.util
import json
import logging
import math
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings


def load_original():
    """Loads verl's prime_math alone: importing verl itself would need torch."""
    for path in sys.path:
        found = glob.glob(os.path.join(path, "verl/utils/reward_score/prime_math/__init__.py"))
        if found:
            spec = importlib.util.spec_from_file_location("prime_math", found[0], submodule_search_locations=[os.path.dirname(found[0])])
            module = importlib.util.module_from_spec(spec)
            sys.modules["prime_math"] = module
            spec.loader.exec_module(module)
            from prime_math import grader
            return module, grader
    sys.exit("verl is not installed; see the top of this file")


def judge(pair):
    """The original's verdict on an answer that is already extracted, and the seconds it took."""
    answer, truth = pair
    start = time.perf_counter()
    try:
        verdict = ORIGINAL.grade_answer(answer, truth)
        if not verdict:
            if "\\pi" in answer or "\\pi" in truth:
                verdict = any([GRADER.math_equal(answer, truth, timeout=True, pi=pi) for pi in (math.pi, 3.14)])
            else:
                verdict = GRADER.math_equal(answer, truth, timeout=True)
    except Exception:
        verdict = False
    return bool(verdict), time.perf_counter() - start


class Maker:
    """Makes random pairs."""

    def __init__(self, seed, truths):
        self.random = random.Random(seed)
        self.truths = [t for t in truths if len(t) < 200]

    def number(self):
        r = self.random
        k = r.random()
        if k < 0.65:
            return str(r.randint(0, 20))
        if k < 0.75:
            return str(r.randint(21, 2000))
        if k < 0.8:
            return f"{r.randint(0, 20)}.{r.randint(0, 99)}"
        return r.choice(["\\pi", "e", "i", f"\\frac{{{r.randint(1, 9)}}}{{{r.randint(2, 9)}}}", f"\\sqrt{{{r.randint(2, 30)}}}"])

    def formula(self, depth, letters):
        r = self.random
        if depth == 0 or r.random() < 0.2:
            return r.choice(letters) if r.random() < 0.5 else self.number()
        a, b = self.formula(depth - 1, letters), self.formula(depth - 1, letters)
        forms = [("{a}+{b}", 10), ("{a} + {b}", 10), ("{a}-{b}", 8), ("{a} - {b}", 7), ("{a}{b}", 3), ("{a} \\cdot {b}", 3), ("({a})({b})", 3),
                 ("{a} {b}", 3), ("{a}*{b}", 3), ("\\frac{{{a}}}{{{b}}}", 5), ("({a})/({b})", 4), ("\\dfrac{{{a}}}{{{b}}}", 3), ("{a}/{b}", 3),
                 ("({a})^" + str(r.randint(2, 4)), 6), ("{a}^" + str(r.randint(2, 4)), 4), ("({a})^{{{b}}}", 3), ("\\sqrt{{{a}}}", 4),
                 ("sqrt({a})", 3), ("\\sqrt[3]{{{a}}}", 3), ("\\ln{{{a}}}", 2), ("\\ln({a})", 2), ("\\sin {a}", 1), ("\\cos({a})", 1), ("\\log({a})", 1),
                 ("|{a}|", 1), ("({a})", 6)]
        return r.choices([f for f, _ in forms], [w for _, w in forms])[0].format(a=a, b=b)

    def rewritten(self, s):
        r = self.random
        changes = [
            (10, lambda: "(" + s + ")"),
            (5, lambda: "[" + s + "]"),
            (5, lambda: "$" + s + "$"),
            (5, lambda: s + ".0"),
            (10, lambda: s.replace("\\frac", "\\dfrac")),
            (5, lambda: s.replace(" ", "")),
            (5, lambda: s.replace("^", "**")),
            (5, lambda: s.replace("\\cdot", "*").replace("\\sqrt", "sqrt")),
            (10, lambda: re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r.choice([r"(\1)/(\2)", r"\1/\2", r"\\tfrac{\1}{\2}"]), s)),
            (10, lambda: "+".join(reversed(s.split("+", 1)))),
            (5, lambda: s.replace(",", r.choice([", ", ",", " and ", " or "]))),
            (5, lambda: s.replace("-", r.choice(["- ", " -", "+-"]))),
            (5, lambda: self.edited(s)),
            (5, lambda: s.upper() if r.random() < 0.5 else s.lower()),
            (5, lambda: self.scaled(s)),
            (5, lambda: r.choice(self.truths)),
        ]
        return r.choices([c for _, c in changes], [w for w, _ in changes])[0]()

    def edited(self, s):
        i = self.random.randint(0, len(s))
        return s[:i] + self.random.choice("0123456789xy+-.,()/^ ") + s[i + self.random.randint(0, 1):]

    def scaled(self, s):
        try:
            return str(float(s) * self.random.choice([1, 1.00005, 1.0002, 100, 0.01]))
        except ValueError:
            return s + self.random.choice(["%", "\\%", " cm", "^\\circ", " \\text{ cm}", " degrees", "."])

    def equivalent(self, depth, letters):
        a, b, c = self.formula(depth, letters), self.formula(depth, letters), self.number()
        return self.random.choice([
            (f"{a}+{b}", f"{b}+{a}"), (f"({a})({b})", f"({b})*({a})"), (f"({a}+{b})^2", f"({a})^2+2({a})({b})+({b})^2"), (f"2({a})-({a})", a),
            (f"({a}+{b})({a}-{b})", f"({a})^2-({b})^2"), (f"({a})/({b})", f"\\frac{{{a}}}{{{b}}}"), (f"({a}, {b})", f"({b}, {a})"),
            (f"({a}, {b})", f"( {a},{b} )"), (f"sqrt({a})*sqrt({a})", a), (f"\\frac{{{a}}}{{{c}}}+\\frac{{{b}}}{{{c}}}", f"\\frac{{{a}+{b}}}{{{c}}}"),
        ])

    def pair(self):
        r = self.random
        k = r.random()
        letters = r.choice([["x"], ["x", "y"], ["a", "b"], ["t"], ["2", "3"], ["5", "7"]])
        if k < 0.5:
            truth = r.choice(self.truths)
            answer = truth
            for _ in range(r.randint(1, 2)):
                answer = self.rewritten(answer)
            return answer, truth
        if k < 0.7:
            truth = self.formula(r.randint(1, 3), letters)
            answer = truth
            for _ in range(r.randint(1, 3)):
                answer = self.rewritten(answer)
            return answer, truth
        answer, truth = self.equivalent(r.randint(0, 2), letters)
        return (self.rewritten(answer) if r.random() < 0.2 else answer), truth


def ours(binary, pairs, cores=0):
    """tinyv's verdicts, and the seconds the whole command took; cores 0 is all."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = os.path.join(folder, "in.jsonl"), os.path.join(folder, "out.jsonl")
        with open(source, "w") as f:
            for answer, truth in pairs:
                f.write(json.dumps({"prediction": answer, "ground_truth": truth}) + "\n")
        start = time.perf_counter()
        environment = dict(os.environ, GOMAXPROCS=str(cores)) if cores else None
        subprocess.run([binary, "verify", "--verifier", "prime", "--in", source, "--out", out], check=True, env=environment)
        took = time.perf_counter() - start
        with open(out) as f:
            return [(row["correct"], row["reason"]) for row in map(json.loads, f)], took


def golden_speed(binary, pairs, seed):
    """Both verifiers on golden pairs, one after the other, each on one core."""
    sample = random.Random(seed).sample(pairs, min(3000, len(pairs)))
    seconds = sum(judge(pair)[1] for pair in sample)
    _, took = ours(binary, pairs * 5, cores=1)
    theirs, mine = len(sample) / seconds, 5 * len(pairs) / took
    print(f"golden pairs, one core: original {theirs:.0f} pairs/s ({len(sample)} pairs); tinyv verify {mine:.0f} pairs/s (five times {len(pairs)} pairs, JSON read and written, process start included): {mine / theirs:.0f} times")


def kind(answer, truth):
    text = answer + " " + truth
    if re.search(r"\^\{?-?\d+\.\d|\*\*-?\d+\.\d", text):
        return "decimal as exponent"
    if re.search(r"\d\.\d", text) or "\\pi" in text:
        return "rounding of decimals"
    if re.search(r"/\(?0\b|\{0\}", text):
        return "division by zero"
    return "other"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tinyv", required=True)
    p.add_argument("--golden", required=True)
    p.add_argument("--pairs", type=int, default=20000)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--show", type=int, default=40)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    a = p.parse_args()
    seed = a.seed if a.seed is not None else random.SystemRandom().randrange(1 << 32)

    with gzip.open(a.golden, "rt") as f:
        rows = [json.loads(line) for line in f]
    truths = [row["ground_truth"] for row in rows]
    golden_speed(a.tinyv, [(row["prediction"], row["ground_truth"]) for row in rows], seed)
    maker = Maker(seed, truths)
    pairs = [maker.pair() for _ in range(a.pairs)]
    with multiprocessing.Pool(a.jobs) as pool:
        theirs = pool.map(judge, pairs, chunksize=20)
    verdicts, took = ours(a.tinyv, pairs)

    accepts, rejects = [], []
    for (answer, truth), (want, _), (got, reason) in zip(pairs, theirs, verdicts):
        if got != want:
            (accepts if got else rejects).append((kind(answer, truth), answer, truth, reason))
    agreement = 1 - (len(accepts) + len(rejects)) / len(pairs)
    print(f"seed {seed}: {len(pairs)} pairs, the original accepts {sum(v for v, _ in theirs)}")
    print(f"agreement {100 * agreement:.3f}%; accepted here only: {len(accepts)}; rejected here only: {len(rejects)}")
    kinds = {}
    for name, rows in (("accepted", accepts), ("rejected", rejects)):
        for row in rows:
            kinds[name, row[0]] = kinds.get((name, row[0]), 0) + 1
    for (name, k), n in sorted(kinds.items()):
        print(f"  {name} here only, {k}: {n}")
    for name, rows in (("accepted", accepts), ("rejected", rejects)):
        for k, answer, truth, reason in rows[: a.show]:
            print(f"  {name} here only ({k}, {reason}): {answer!r} against {truth!r}")
    seconds = sum(s for _, s in theirs)
    print(f"original: {len(pairs) / seconds:.0f} pairs/s on one core; tinyv verify: {len(pairs) / took:.0f} pairs/s, process start included")
    if agreement < 0.998 or len(accepts) > 0.001 * len(pairs):
        sys.exit(1)


warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
ORIGINAL, GRADER = load_original()
if __name__ == "__main__":
    main()
