#!/usr/bin/env python3
"""Compares the tokens that the real tokenizers package finds in texts with those of internal/tokens.

    check_tokens.py [--tokenizer tokenizer.json] [--data ../shared/data] [--texts 20000] [--seed N] [--show 20]

Needs, in a virtual environment of its own:

    pip install 'tokenizers==0.23.*' && pip install --no-deps 'dashscope==2.*'

Without --tokenizer, a tokenizer.json is made of Qwen's vocabulary, which dashscope brings. Every tokenizer is
compared three times: as it is, and with the splits, merges and normalizers that files of Llama 3 and GPT-2
have. The texts are the real ones of --data, random hostile ones, and the characters that Python's Unicode
knows (of ideographs a sample) among neighbours that could join them, split from them or combine with them.
Characters that Python does not know are compared apart: differences there are shown, but are no failure,
since Go's Unicode is 15 and the real package's letters are of a later one. Run it in the repository. Prints
counts, differences, both speeds and how loose Bound is. Exit code 1 at any difference in what both know, or
at a count above its bound.
"""
import argparse
import base64
import glob
import gzip
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

import tokenizers

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = ["<tool_call>", "</tool_call>", "<|fim_prefix|>"]


def split(pattern):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]}


def variants(description):
    """The tokenizer.json as it is, and as files of two other families are written."""
    yield "as given", description
    llama = json.loads(json.dumps(description))
    llama.update(normalizer=None, pre_tokenizer=split(LLAMA))
    llama["model"]["ignore_merges"] = True
    yield "as Llama 3", llama
    gpt2 = json.loads(json.dumps(description))
    gpt2.update(normalizer=None, pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True})
    gpt2["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in gpt2["model"]["merges"]]
    for token in gpt2["added_tokens"]:
        token["normalized"] = not token["special"]
    yield "as GPT-2", gpt2


def byte_letters():
    """How a vocabulary writes bytes."""
    visible = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE]
    hidden = [b for b in range(256) if b not in visible]
    return {**{b: chr(b) for b in visible}, **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def added_tokens(first):
    return [{"id": first + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": content in CONTROLS}
            for i, content in enumerate(CONTROLS + ADDED)]


def qwen():
    """The description of Qwen's tokenizer: the file that dashscope brings ranks tokens, and has no merges."""
    spec = importlib.util.find_spec("dashscope")
    if spec is None:
        sys.exit("dashscope is not installed; see the top of this file")
    with open(os.path.join(os.path.dirname(spec.origin), "resources", "qwen.tiktoken"), "rb") as f:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, f)}
    letters = byte_letters()
    written = lambda token: "".join(letters[b] for b in token)
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            # The merge that makes a token joins the two parts that earlier merges leave of it.
            parts = [bytes([b]) for b in token]
            while len(parts) > 2:
                best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], rank))
                parts[best:best + 2] = [parts[best] + parts[best + 1]]
            merges.append([written(parts[0]), written(parts[1])])
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens(len(ranks)), "normalizer": {"type": "NFC"},
            "pre_tokenizer": split(QWEN), "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                      "byte_fallback": False, "ignore_merges": False, "vocab": {written(t): r for t, r in ranks.items()}, "merges": merges}}


def real_texts(folder):
    texts = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json*"))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
            rows = json.load(f) if path.endswith(".json") else map(json.loads, f)
            for row in rows:
                texts += strings(row)
    return texts


def strings(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [s for v in value for s in strings(v)] if isinstance(value, list) else []


class Maker:
    """Makes hostile texts."""

    def __init__(self, seed, tokens):
        self.random = random.Random(seed)
        self.tokens = tokens
        self.known = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs")]
        self.marks = [c for c in self.known if unicodedata.combining(c)]
        self.digits = [c for c in self.known if unicodedata.category(c)[0] == "N"]
        self.composing = [c for c in self.known if unicodedata.normalize("NFD", c) != c or unicodedata.normalize("NFC", c) != c]
        self.spaces = [c for c in self.known if c.isspace() or c in "\u200b\u200c\u200d\u2060\ufeff\u180e"]

    def piece(self):
        r = self.random
        some = lambda letters, most=4: "".join(r.choice(letters) for _ in range(r.randint(1, most)))
        return r.choice([
            lambda: some(self.known), lambda: some(self.marks, 40), lambda: some(self.digits, 6), lambda: some("0123456789", 9), lambda: some(self.spaces, 5),
            lambda: some(" \n\r\t", 7), lambda: " " * r.randint(1, 20), lambda: some("\x00\x01\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f\x85\xa0\xad", 3),
            lambda: r.choice("'’") + r.choice(["s", "S", "t", "re", "RE", "rE", "ve", "m", "ll", "lL", "d", "ſ", "x", "r", "l", "st", "lll"]),
            lambda: some("abcdefghijklmnopqrstuvwxyz", 12), lambda: some("ABCDEfgh", 6), lambda: unicodedata.normalize("NFD", some(self.composing, 3)),
            lambda: some(self.composing, 3), lambda: "👩‍👩‍👧‍👦" if r.random() < 0.5 else r.choice("👍✊") + "🏽\ufe0f\u200d",
            lambda: chr(r.randint(0xAC00, 0xD7A3)) + some("각ᆫ", 3), lambda: r.choice(self.tokens), lambda: r.choice(self.tokens)[: r.randint(1, 8)],
            lambda: some("<|im_startend>", 6), lambda: some("$\\{}^_&%#()[]=+-*/.,;:!?\"", 5),
            lambda: r.choice(["\\frac", "\\sqrt{", "\\boxed{", "$$", "\\[", "```", "Answer: True", "https://", "é", "中文字", "привет", "مرحبا", "हिन्दी"]),
            lambda: r.choice(self.known) * r.randint(2, 60),
        ])()

    def text(self):
        return "".join(self.piece() for _ in range(self.random.randint(1, 12)))

    def characters(self, wanted):
        """Every character that is wanted, among neighbours that could join it, split from it or combine with it."""
        few = lambda c: not 0x3400 <= ord(c) < 0xD800 and ord(c) < 0x20000 or self.random.random() < 0.05  # ideographs are alike
        chosen = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) != "Cs" and wanted(c) and few(c)]
        texts = [f"a{c}b {c}1{c} {c}{c}'{c}\n{c}\u0301\u0334{c}" for c in chosen]
        return ["".join(texts[i:i + 8]) for i in range(0, len(texts), 8)]


def ours(description, texts, folder):
    """What the Go package says of each text, and the seconds that Encode took."""
    paths = [os.path.join(folder, name) for name in ("tokenizer.json", "texts.jsonl", "ids.jsonl")]
    for path, rows in zip(paths, ([description], texts)):
        with open(path, "w") as f:
            f.writelines(json.dumps(row) + "\n" for row in rows)
    command = ["go", "test", "./internal/tokens", "-count=1", "-run", "^TestCompare$", "-v", "-args", "-tokenizer", paths[0], "-texts", paths[1], "-ids", paths[2]]
    done = subprocess.run(command, capture_output=True, text=True)
    took = re.search(r"Encode took ([0-9.]+) s", done.stdout)
    if done.returncode != 0 or took is None:
        sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    with open(paths[2]) as f:
        return [json.loads(line) for line in f], float(took[1])


def theirs(description, texts):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    real = tokenizers.Tokenizer.from_str(json.dumps(description))
    start = time.perf_counter()
    ids = [real.encode(text, add_special_tokens=False).ids for text in texts]
    return ids, time.perf_counter() - start


def compare(name, description, kinds, show):
    """Prints what differs and returns whether anything did that should not."""
    texts = [text for kind in kinds.values() for text in kind]
    want, seconds = theirs(description, texts)
    with tempfile.TemporaryDirectory() as folder:
        got, took = ours(description, texts, folder)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{name}: {len(texts)} texts, {size:.1f} MB; one core: tokenizers {size / seconds:.1f} MB/s, ours {size / took:.1f} MB/s")
    bad = len(got) != len(texts)
    rows = iter(zip(texts, want, got))
    for kind, members in kinds.items():
        differing, above, tokens, bounds, size = [], 0, 0, 0, 0
        for _ in members:
            text, ids, row = next(rows)
            if ids != (row["ids"] or []) or row["count"] != len(ids):
                differing.append((text, ids, row["ids"]))
            above += len(ids) > row["bound"]
            tokens, bounds, size = tokens + len(ids), bounds + row["bound"], size + len(text.encode())
        print(f"  {kind}: {len(members)} texts, {len(differing)} differ, {above} above their bound; Bound is {bounds / tokens:.2f} times the count, bytes {size / tokens:.2f}")
        for text, ids, mine in differing[:show]:
            print(f"    {text!r}: {ids}, ours {mine}")
        bad |= above > 0 or (len(differing) > 0 and kind != "newer characters")
    return bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tokenizer")
    p.add_argument("--data", default="../shared/data")
    p.add_argument("--texts", type=int, default=20000)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--show", type=int, default=20)
    a = p.parse_args()
    seed = a.seed if a.seed is not None else random.SystemRandom().randrange(1 << 32)
    if a.tokenizer:
        with open(a.tokenizer) as f:
            description = json.load(f)
    else:
        description = qwen()
    maker = Maker(seed, [token["content"] for token in description["added_tokens"]] or CONTROLS)
    kinds = {
        "real": real_texts(a.data),
        "hostile": [maker.text() for _ in range(a.texts)],
        "characters": maker.characters(lambda c: unicodedata.category(c) != "Cn"),
        "newer characters": maker.characters(lambda c: unicodedata.category(c) == "Cn" and ord(c) < 0x40000),
    }
    print(f"seed {seed}, tokenizers {tokenizers.__version__}, Python's Unicode {unicodedata.unidata_version}")
    if not all(kinds.values()):
        sys.exit(f"no texts below {a.data}")
    if any([compare(name, variant, kinds, a.show) for name, variant in variants(description)]):
        sys.exit(1)


if __name__ == "__main__":
    main()
