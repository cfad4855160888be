"""Runs the data loader of LLaMA-Factory on the cases of cases.json and compares
what it keeps, drops and fails on with what this package's test expects.

    python check_loader.py cases.json

The interpreter is one with llamafactory 0.9.5 or 0.9.2 installed. No model is needed: the
tokenizer is one of single bytes. It ends with status 1 if a case differs.
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import os
import sys
import tempfile
from types import SimpleNamespace

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp(), DISABLE_VERSION_CHECK="1")

import datasets
from llamafactory.data.loader import get_dataset
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams.data_args import DataArguments
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

datasets.disable_progress_bars()
datasets.logging.set_verbosity(datasets.logging.CRITICAL)
logging.disable(logging.CRITICAL)


def byte_tokenizer():
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    t = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    return PreTrainedTokenizerFast(tokenizer_object=t, eos_token="<|im_end|>", pad_token="<|endoftext|>", additional_special_tokens=special)


def load(case, directory):
    """Returns what the loader keeps of a case: (prompt, reply) of each row."""
    entry = dict(case["entry"])
    if "file_name" not in entry and "no_file_name" not in case:
        entry["file_name"] = "d.jsonl"
    files = dict(case.get("files", {}))
    if "rows" in case:
        rows = case["rows"]
        if "repeat" in case:
            rows = [{"pad": "x" * 20_000, **rows[0]}] * case["repeat"] + rows[1:]
        files["d.jsonl"] = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text.encode("latin-1" if case.get("latin1") else "utf-8"))
    with open(os.path.join(directory, "dataset_info.json"), "w", encoding="utf-8") as f:
        json.dump({"d": entry}, f)

    data_args = DataArguments(dataset="d", dataset_dir=directory, template=case.get("template", "qwen"), cutoff_len=4096, overwrite_cache=True)
    model_args = SimpleNamespace(cache_dir=None, hf_hub_token=None, ms_hub_token=None, om_hub_token=None, trust_remote_code=False)
    training_args = SimpleNamespace(
        main_process_first=lambda **_: contextlib.nullcontext(), seed=1, local_process_index=0, should_log=True,
        should_save=False, dataloader_num_workers=0, predict_with_generate=False, do_predict=False,
    )
    tokenizer = byte_tokenizer()
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    stage = "rm" if entry.get("ranking") else "sft"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        kept = get_dataset(template, model_args, data_args, training_args, stage, tokenizer)["train_dataset"]
    out = []
    for row in kept:
        ids, labels = (row["input_ids"], row["labels"]) if stage == "sft" else (row["chosen_input_ids"], row["chosen_labels"])
        reply = tokenizer.decode([x for x in labels if x != -100])
        out.append((tokenizer.decode(ids)[: -len(reply)], reply))
    return out


def expected(case):
    """Returns the number of rows that the test expects to be kept; None if it expects a failure."""
    problems = case.get("problems", [])
    if any(p["effect"] == "fails" for p in problems):
        return None
    dropped = {p["row"] for p in problems if p["effect"] == "drops"}
    return case["count"] - len(dropped)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        cases = json.load(f)
    old = importlib.metadata.version("llamafactory") == "0.9.2"
    differ = checked = 0
    for case in cases:
        if case.get("version") or any(p["effect"] == "unchecked" for p in case.get("problems", [])):
            continue
        checked += 1
        if "count" not in case:
            case["count"] = len(case.get("rows", [])) + max(case.get("repeat", 0) - 1, 0)
        want, reads, why = expected(case), case.get("reads"), ""
        if old and case["entry"].get("formatting") == "openai":
            want = None  # as the case "openai in 0.9.2" says
        with tempfile.TemporaryDirectory() as directory:
            try:
                got = load(case, directory)
            except BaseException as e:  # the loader raises whatever comes
                if isinstance(e, KeyboardInterrupt):
                    raise
                got, why = None, f"{type(e).__name__}: {e}"[:200]
        number = None if got is None else len(got)
        if number != want:
            differ += 1
            print(f"{case['name']}: the loader keeps {number} rows, the test expects {want}. {why}")
        elif reads and any(text not in prompt + reply for text, (prompt, reply) in zip(reads, got, strict=True)):
            differ += 1
            print(f"{case['name']}: the loader reads {got}, the test expects {reads} in it")
    print(f"{checked} cases run by the loader of LLaMA-Factory, {differ} differ")
    sys.exit(1 if differ or not checked else 0)


if __name__ == "__main__":
    main()
