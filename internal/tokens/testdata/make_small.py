#!/usr/bin/env python3
"""Writes the small tokenizers of the tests and what the real package makes of some texts with them.

    make_small.py

Needs tokenizers, as check_tokens.py does; run it in the repository, whose docs are what the vocabulary is
trained on. Writes qwen.json, llama.json and gpt2.json (600 tokens each) and golden.jsonl beside itself.
"""
import glob
import json
import os
import re

import tokenizers
from check_tokens import QWEN, Maker, added_tokens, byte_letters, split, variants
from tokenizers import models, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = 120


def bound_pairs():
    """The pairs that Bound counts on: a vocabulary of a real model has them, so this one must."""
    with open(os.path.join(HERE, "..", "bound.go")) as f:
        listed = f.read().split("const letterPairs", 1)[1].split("\n\n", 1)[0]
    pairs = re.findall(r"\b[a-z]{2}\b", listed)
    return pairs + [" " + letter for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]


def trained():
    trainer = trainers.BpeTrainer(vocab_size=600 - len(added_tokens(0)), initial_alphabet=sorted(byte_letters().values()), show_progress=False)
    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(tokenizers.Regex(QWEN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    docs = [open(path).read() for path in sorted(glob.glob("docs/*.md")) + ["README.md"]]
    # Each pair as a word of its own, often enough to be merged first.
    model.train_from_iterator(docs + ["\n".join([pair] * 20000) for pair in bound_pairs()], trainer)
    description = json.loads(model.to_str())
    description.update(added_tokens=added_tokens(len(description["model"]["vocab"])), normalizer={"type": "NFC"}, pre_tokenizer=split(QWEN))
    return description


def main():
    names = dict(zip(("as given", "as Llama 3", "as GPT-2"), ("qwen", "llama", "gpt2")))
    with open(os.path.join(HERE, "golden.jsonl"), "w") as golden:
        for number, (variant, description) in enumerate(variants(trained())):
            name = names[variant]
            with open(os.path.join(HERE, name + ".json"), "w") as f:
                f.write(re.sub(r'\[\s*("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\s*\]', r"[\1, \2]", json.dumps(description, ensure_ascii=False, indent=1)) + "\n")
            real = tokenizers.Tokenizer.from_str(json.dumps(description))
            maker = Maker(number, [token["content"] for token in description["added_tokens"]])
            for text in [maker.text() for _ in range(TEXTS)]:
                golden.write(json.dumps({"tokenizer": name, "text": text, "ids": real.encode(text, add_special_tokens=False).ids}) + "\n")


if __name__ == "__main__":
    main()
