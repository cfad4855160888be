"""Reads an export with the programs that it is for, and compares what they see.

    check_readers.py EXPORT [--reference bigmath-rl.parquet]

EXPORT is the directory of a finished export stage. Every target in it is loaded by
its real readers: the Hugging Face files by datasets, pyarrow, pandas, DuckDB and
Polars; each dataset of dataset_info.json by LLaMA-Factory's own loader; verl's files
by its RLHFDataset; TRL's by the functions that its trainers prepare rows with, and by the
GRPO and DPO trainers themselves, one step of a tiny model each. What they see must be what provenance-*.parquet says, cell for cell and in its order, and texts must
be the prompt of manifest.json filled with the row. With --reference, verl's columns must have
the types that this published file has.

Then one cell of each target is changed in a copy, and every reader must notice: a
check that cannot fail checks nothing. It prints a table and exits 1 at any difference.
Nothing is fetched from a network; tokenizer and caches are made in a temporary directory.
"""

import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile

WORK = tempfile.mkdtemp(prefix="check-readers-")
os.environ.update(
    HF_HOME=os.path.join(WORK, "hf"), HF_DATASETS_CACHE=os.path.join(WORK, "hf", "datasets"), HF_HUB_OFFLINE="1",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false", LLAMAFACTORY_VERBOSITY="ERROR",
    DISABLE_VERSION_CHECK="1", CUDA_VISIBLE_DEVICES="", RAY_USAGE_STATS_ENABLED="0",
)

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

HUB_SPLITS = {"train": "train", "eval": "validation", "held_out": "held_out"}
COLUMNS = {
    "conversations": "messages", "problem_id": "text", "source": "text", "domain": "texts", "question": "text",
    "ground_truth": "text", "answer": "text", "label": "bool", "reason": "text", "origin": "text", "kind": "text",
    "category": "text", "sample": "int32", "copy": "int32", "simulated": "bool",
}
DEFAULT_POLICY_PROMPT = "{{QUESTION}}\n\nReason step by step, and put your final answer within \\boxed{}."
LENGTH = 1 << 20  # tokens; nothing is to be cut here


class Difference(Exception):
    """What a reader sees is not what was written."""


def require(same, what, want, got):
    if not same:
        raise Difference(f"{what}: want {shorten(want)}, got {shorten(got)}")


def shorten(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."


def equal_rows(what, want, got):
    require(len(want) == len(got), f"{what}: number of rows", len(want), len(got))
    for i, (w, g) in enumerate(zip(want, got)):
        require(w.keys() == g.keys(), f"{what}: columns of row {i}", list(w), list(g))
        for column in w:
            require(same(w[column], g[column]), f"{what}: row {i}, column {column}", w[column], g[column])


def same(a, b):
    """Equal in value and in kind: 1 is not True, and null is not an empty text."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


# What was written, from the provenance and the settings in the manifest.


class Export:
    def __init__(self, directory):
        self.dir = directory
        with open(self.path("manifest.json"), encoding="utf-8") as f:
            self.manifest = json.load(f)
        self.settings = self.manifest["settings"]
        files = sorted(glob.glob(self.path("provenance-*.parquet")))
        rows = [r for f in files for r in pq.read_table(f).to_pylist()]
        require(rows, f"{directory}: rows of the provenance", "some", 0)
        self.splits = {s: [r for r in rows if r["split"] == s] for s in HUB_SPLITS}
        self.splits = {s: r for s, r in self.splits.items() if r}
        self.problems = {s: first_of_each_question(self.splits.get(s, [])) for s in ("train", "eval")}

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def prompt(self, row):
        return fill(self.settings["prompt"], row["question"], row["ground_truth"], row["answer"])

    def policy_prompt(self, question):
        return fill(self.settings.get("policy_prompt") or DEFAULT_POLICY_PROMPT, question, "", "")

    def drawn(self, split, kind):
        """The problems of a set: all with false negatives, or as many by seeded hash."""
        problems = self.problems[split]
        merged = self.manifest["figures"].get("question_spellings_merged", 0)
        if merged:  # of which question a spelling is the provenance does not tell: the file says which are left
            name = kind + ("" if split == "train" else "_" + split)
            path = self.path("verl", name + ".parquet")
            require(os.path.exists(self.path("verl")), "trl with merged spellings is checked by the files of verl", "target verl", "none")
            if not os.path.exists(path):
                return []
            left = {row["question"] for row in pq.read_table(path)["extra_info"].to_pylist()}
            least = sum(p["false_negatives"] > 0 for p in problems) - merged
            require(len(left) >= least, f"verl/{name}: problems, {merged} spellings merged", f"{least} or more", len(left))
            return [p for p in problems if p["question"] in left]
        enriched = [p for p in problems if p["false_negatives"] > 0]
        if kind == "enriched":
            return enriched
        order = sorted(problems, key=lambda p: hashlib.sha256(f"policy {self.settings['seed']}\n{p['question']}".encode()).digest()[:8])
        plain = {p["question"] for p in order[: len(enriched)]}
        return [p for p in problems if p["question"] in plain]

    def sets(self):
        for split, suffix in (("train", ""), ("eval", "_eval")):
            for kind in ("enriched", "plain"):
                if self.drawn(split, kind):
                    yield split, kind, kind + suffix


def first_of_each_question(rows):
    seen, first = set(), []
    for r in rows:
        if r["question"] not in seen:
            seen.add(r["question"])
            first.append(r)
    return first


def fill(template, question, truth, answer):
    values = {"QUESTION": question, "GROUND_TRUTH_ANSWER": truth, "MODEL_ANSWER": answer}
    return re.sub(r"\{\{(QUESTION|GROUND_TRUTH_ANSWER|MODEL_ANSWER)\}\}", lambda m: values[m[1]], template)


def unescaped(text):
    """Control tokens and tags in values are written with their first sign as HTML has it."""
    return re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), text.replace("&lt;", "<"))


def check_conversation(what, export, row, messages, right=True):
    """Compares (role, text) pairs, in words of sharegpt, with a row of the provenance.

    The last message is the right verdict, or else the wrong one.
    """
    system = export.settings["system"]
    want = (["system"] if system else []) + ["human", "gpt"]
    require([role for role, _ in messages] == want, f"{what}: roles", want, messages)
    if system:
        require(messages[0][1] == system, f"{what}: system message", system, messages[0][1])
    prompt, reply = messages[-2][1], messages[-1][1]
    require(unescaped(prompt) == unescaped(export.prompt(row)), f"{what}: prompt", export.prompt(row), prompt)
    verdict = "True" if row["label"] == right else "False"
    if reply == verdict:
        return
    argument = reply.removesuffix("Answer: " + verdict)
    require(argument != reply, f"{what}: reply", verdict, reply)
    # A wrong verdict borrows the reason of the right one if it has none.
    reasons = [row["reason"]] + ([] if right else [row["reason_against"]])
    require(any(unescaped(argument).strip() in unescaped(r) for r in reasons), f"{what}: reason", reasons, argument)


# Hugging Face: five readers of the same Parquet files. Each returns the types of the
# columns, in its own words, and the rows.


def read_datasets(export, split):
    from datasets import load_dataset

    data = load_dataset(export.dir, cache_dir=tempfile.mkdtemp(dir=WORK))
    require(set(data) == {HUB_SPLITS[s] for s in export.splits}, "datasets: splits", sorted(export.splits), sorted(data))
    d = data[HUB_SPLITS[split]]
    return {c: str(t) for c, t in zip(d.features.arrow_schema.names, d.features.arrow_schema.types)}, list(d)


def read_pyarrow(export, split):
    table = pa.concat_tables(pq.read_table(f) for f in shards(export, split))
    # Nullability is no matter of types: a column without nulls may say so or not.
    return {f.name: str(f.type).replace(" not null", "") for f in table.schema}, table.to_pylist()


def read_pandas(export, split):
    import pandas

    frame = pandas.concat([pandas.read_parquet(f) for f in shards(export, split)], ignore_index=True)
    for column, kind in (("conversations", list), ("domain", list)):
        frame[column] = frame[column].map(kind)
    return {c: str(t) for c, t in frame.dtypes.items()}, frame.to_dict("records")


def read_duckdb(export, split):
    import duckdb

    found = duckdb.sql(f"SELECT * FROM read_parquet({shards(export, split)!r})")
    return dict(zip(found.columns, map(str, found.types))), [dict(zip(found.columns, r)) for r in found.fetchall()]


def read_polars(export, split):
    import polars

    frame = polars.read_parquet(shards(export, split))
    return {c: str(t) for c, t in frame.schema.items()}, frame.to_dicts()


def shards(export, split):
    found = sorted(glob.glob(export.path("data", HUB_SPLITS[split] + "-*.parquet")))
    require(found, f"data: shards of {split}", "some", found)
    for i, f in enumerate(found):
        want = f"{HUB_SPLITS[split]}-{i:05d}-of-{len(found):05d}.parquet"
        require(os.path.basename(f) == want, "data: name of a shard", want, os.path.basename(f))
    return found


ARROW = {"text": "string", "texts": "list<element: string>", "bool": "bool", "int32": "int32", "messages": "list<element: struct<from: string, value: string>>"}
HUB_READERS = {
    "datasets": (read_datasets, {**ARROW, "texts": "list<item: string>", "messages": "list<item: struct<from: string, value: string>>"}),
    "pyarrow": (read_pyarrow, ARROW),
    "pandas": (read_pandas, {"text": "object", "texts": "object", "bool": "bool", "int32": "int32", "messages": "object"}),
    "duckdb": (read_duckdb, {"text": "VARCHAR", "texts": "VARCHAR[]", "bool": "BOOLEAN", "int32": "INTEGER", "messages": 'STRUCT("from" VARCHAR, "value" VARCHAR)[]'}),
    "polars": (read_polars, {"text": "String", "texts": "List(String)", "bool": "Boolean", "int32": "Int32", "messages": "List(Struct({'from': String, 'value': String}))"}),
}


def check_hugging_face(export, reader):
    read, types = HUB_READERS[reader]
    rows = 0
    for split, written in export.splits.items():
        what = f"{reader}, data/{HUB_SPLITS[split]}"
        got_types, got = read(export, split)
        want_types = {c: types[t] for c, t in COLUMNS.items()}
        require(want_types == got_types, f"{what}: types", want_types, got_types)
        for i, (w, g) in enumerate(zip(written, got)):
            messages = g["conversations"]
            require(all(same(sorted(m), ["from", "value"]) for m in messages), f"{what}: row {i}: messages", "from and value", messages)
            check_conversation(f"{what}: row {i}", export, w, [(m["from"], m["value"]) for m in messages])
        bare = [c for c in COLUMNS if c != "conversations"]
        equal_rows(what, [{c: w[c] for c in bare} for w in written], [{c: g[c] for c in bare} for g in got])
        rows += len(got)
    return rows


def check_card(export):
    """The card's numbers and hashes are those of the files."""
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(export.path("README.md"))
    info = card.data.to_dict()["dataset_info"]
    want = {HUB_SPLITS[s]: len(r) for s, r in export.splits.items()}
    got = {s["name"]: s["num_examples"] for s in info["splits"]}
    require(want == got, "README.md: num_examples", want, got)
    files = [f for s in export.splits for f in shards(export, s)]
    require(info["download_size"] == sum(map(os.path.getsize, files)), "README.md: download_size", sum(map(os.path.getsize, files)), info["download_size"])
    require(info["dataset_size"] == sum(s["num_bytes"] for s in info["splits"]), "README.md: dataset_size", "the sum of num_bytes", info["dataset_size"])
    for s in info["splits"]:
        split = next(k for k, v in HUB_SPLITS.items() if v == s["name"])
        memory = sum(pq.read_table(f).nbytes for f in shards(export, split))
        # Arrow adds an offset and a few bits for each batch.
        require(abs(s["num_bytes"] - memory) <= 0.02 * memory + 1024, f"README.md: num_bytes of {split}", memory, s["num_bytes"])
    for f in files:
        with open(f, "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        require(digest in card.text, f"README.md: SHA-256 of {os.path.basename(f)}", digest, "another")
    require(("simulated" in card.data.tags) == export.manifest["simulated"], "README.md: tag simulated", export.manifest["simulated"], card.data.tags)
    return sum(want.values())


# LLaMA-Factory


CHAT_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def make_tokenizer():
    """A tokenizer with a token for each byte: what it encodes it decodes to the same text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                   additional_special_tokens=["<|im_start|>"], clean_up_tokenization_spaces=False)
    fast.chat_template = CHAT_TEMPLATE
    fast.padding_side = "right"
    return fast


def llama_factory_rows(info, path):
    """The rows of a dataset's file as (system, messages, pair of replies), by dataset_info.json alone."""
    columns, tags = info.get("columns", {}), info.get("tags", {})
    with open(path, encoding="utf-8") as f:
        written = [json.loads(line) for line in f]
    for r in written:
        if info["formatting"] == "alpaca":
            texts = [r[columns[c]] for c in ("prompt", "query") if c in columns and r.get(columns[c])]
            system = r.get(columns["system"], "") if "system" in columns else ""
            messages = [("user", "\n".join(texts))]
            if "response" in columns and not info.get("ranking"):
                messages.append(("assistant", r[columns["response"]]))
        else:
            role, content = tags["role_tag"], tags["content_tag"]
            roles = {tags["user_tag"]: "user", tags["assistant_tag"]: "assistant", tags["system_tag"]: "system"}
            messages = [(roles[m[role]], m[content]) for m in r[columns["messages"]]]
            system = messages.pop(0)[1] if messages[0][0] == "system" else ""
        pair = []
        if info.get("ranking"):
            pair = [r[columns[c]] for c in ("chosen", "rejected")]
            if info["formatting"] != "alpaca":
                pair = [m[tags["content_tag"]] for m in pair]
        yield system, messages, pair


def check_replies(what, export, row, said, pair):
    """Compares a conversation, or one with the right and the wrong reply, with a row of the provenance."""
    if not pair:
        check_conversation(what, export, row, said)
    for reply, right in zip(pair, (True, False)):
        check_conversation(what, export, row, said + [("gpt", reply)], right)


def check_llama_factory(export, tokenizer):
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.data.loader import _get_merged_dataset
    from llamafactory.extras.constants import IGNORE_INDEX
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import Seq2SeqTrainingArguments

    with open(export.path("dataset_info.json"), encoding="utf-8") as f:
        infos = json.load(f)
    by_name = {f"{export.settings['dataset']}_{prefix}{s}": s for s in HUB_SPLITS for prefix in ("", "preference_")}
    present = {by_name.get(name) for name in infos}
    require(present == set(export.splits), "dataset_info.json: splits", sorted(export.splits), sorted(map(str, present)))
    rows = 0
    for name, info in infos.items():
        what = f"LLaMA-Factory, {name}"
        stage = "rm" if info.get("ranking") else "sft"
        written = list(llama_factory_rows(info, export.path(info["file_name"])))
        model_args = ModelArguments(model_name_or_path="none", cache_dir=tempfile.mkdtemp(dir=WORK))
        data_args = DataArguments(dataset=name, dataset_dir=export.dir, template="qwen", cutoff_len=LENGTH, overwrite_cache=True)
        training_args = Seq2SeqTrainingArguments(output_dir=os.path.join(WORK, "out"), report_to=[], use_cpu=True)

        aligned = list(_get_merged_dataset([name], model_args, data_args, training_args, stage))
        require(len(aligned) == len(written), f"{what}: rows aligned", len(written), len(aligned))
        template = get_template_and_fix_tokenizer(tokenizer, data_args)
        with open(os.devnull, "w") as null:
            stdout, sys.stdout = sys.stdout, null  # it prints an example
            try:
                kept = get_dataset(template, model_args, data_args, training_args, stage, tokenizer)["train_dataset"]
            finally:
                sys.stdout = stdout
        require(len(kept) == len(written), f"{what}: rows kept", len(written), len(kept))

        for i, (a, k, (system, messages, pair)) in enumerate(zip(aligned, kept, written)):
            at = f"{what}: row {i}"
            require((a["_system"] or "") == system, f"{at}: system", system, a["_system"])
            got = [(m["role"], m["content"]) for m in a["_prompt"] + ([] if pair else a["_response"])]
            require(got == messages, f"{at}: messages", messages, got)
            if pair:
                require([m["content"] for m in a["_response"]] == pair, f"{at}: pair", pair, a["_response"])
                for key, reply in zip(("chosen", "rejected"), pair):
                    seen = tokenizer.decode([t for t in k[key + "_labels"] if t != IGNORE_INDEX])
                    require(seen.removesuffix("\n").removesuffix("<|im_end|>") == reply, f"{at}: {key}", reply, seen)
            else:
                seen = tokenizer.decode([t for t in k["labels"] if t != IGNORE_INDEX])
                require(seen.removesuffix("\n").removesuffix("<|im_end|>") == messages[-1][1], f"{at}: label", messages[-1][1], seen)
            ids = k["chosen_input_ids"] if pair else k["input_ids"]
            text = tokenizer.decode(ids)
            asked = [c for role, c in messages if role == "user"][-1]
            require(f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n" in text and system in text, f"{at}: text", asked, text)
        source = export.splits[by_name[name]]
        require(len(written) == len(source), f"{what}: rows", len(source), len(written))
        for i, (row, (system, messages, pair)) in enumerate(zip(source, written)):
            said = [("system", system)] if system else []
            said += [({"user": "human", "assistant": "gpt"}[r], c) for r, c in messages]
            check_replies(f"{what}: row {i}", export, row, said, pair)
        rows += len(kept)
    return rows


# Reinforcement learning


def check_verl(export, tokenizer, reference=None):
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    rows = 0
    for split, kind, name in export.sets():
        what, path = f"verl/{name}", export.path("verl", name + ".parquet")
        if reference:
            same_schema(what, pq.read_schema(reference), pq.read_schema(path))
        config = OmegaConf.create({
            "max_prompt_length": LENGTH, "filter_overlong_prompts": True, "filter_overlong_prompts_workers": 1, "truncation": "error",
            "return_raw_chat": True, "cache_dir": tempfile.mkdtemp(dir=WORK),
        })
        with open(os.devnull, "w") as null:
            stdout, sys.stdout = sys.stdout, null
            try:
                data = RLHFDataset(path, tokenizer, config)
            finally:
                sys.stdout = stdout
        written = export.drawn(split, kind)
        require(len(data) == len(written), f"{what}: rows kept", len(written), len(data))
        for i, p in enumerate(written):
            item = data[i]
            want = {
                "source": p["source"], "domain": p["domain"], "data_source": export.settings["dataset"], "ability": "math",
                "reward_model": {"ground_truth": p["ground_truth"], "style": "rule"},
                "extra_info": {
                    "index": i, "question": p["question"], "solution": p["ground_truth"], "split": split, "problem_id": p["problem_id"], "source": p["source"],
                    "false_negatives": p["false_negatives"], "rejections": p["rejections"], "simulated": p["simulated"],
                },
            }
            equal_rows(f"{what}: problem {i}", [want], [{c: item[c] for c in want}])
            [message] = item["raw_prompt"]
            require(message["role"] == "user" and unescaped(message["content"]) == unescaped(export.policy_prompt(p["question"])),
                    f"{what}: prompt of problem {i}", export.policy_prompt(p["question"]), message)
        rows += len(data)
    require(rows, "verl: problems", "some", rows)
    return rows


def same_schema(what, published, ours):
    """The columns that both have are of one type, and the structs of the published file are whole."""
    for column in ("source", "domain", "data_source", "prompt", "ability", "reward_model"):
        want, got = (str(s.field(column).type).replace(" not null", "") for s in (published, ours))
        require(want == got, f"{what}: type of {column}", want, got)
    for field in published.field("extra_info").type:
        got = ours.field("extra_info").type.field(field.name).type
        require(got == field.type, f"{what}: type of extra_info.{field.name}", field.type, got)


def trl_trainers():
    import trl.import_utils as installed

    # TRL 0.24 takes the pair that transformers 5 answers for yes, and then misses packages that it can do without.
    for name, value in list(vars(installed).items()):
        if name.endswith("_available") and isinstance(value, tuple):
            setattr(installed, name, value[0])
    from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer

    return DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer


def tiny_model(tokenizer):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    model.warnings_issued = {}  # which TRL 0.24 wants and transformers 5 has not
    return model


def one_step(trainer):
    with open(os.devnull, "w") as null:
        stdout, sys.stdout = sys.stdout, null
        try:
            trainer.train()
        finally:
            sys.stdout = stdout


def brief():
    """Settings for one step of a trainer that cuts no text."""
    return dict(output_dir=os.path.join(WORK, "trained"), max_steps=1, per_device_train_batch_size=4, report_to=[], use_cpu=True, bf16=False,
                save_strategy="no", disable_tqdm=True, max_prompt_length=None)


def check_grpo(what, data, tokenizer):
    """The trainer takes a step, and hands the reward function the rows' prompts and answers."""
    _, _, GRPOConfig, GRPOTrainer = trl_trainers()
    seen = []

    def reward(prompts, completions, answer, **_):
        seen.extend(zip(prompts, answer))
        return [0.0] * len(completions)

    one_step(GRPOTrainer(
        model=tiny_model(tokenizer), reward_funcs=reward, processing_class=tokenizer, train_dataset=data,
        args=GRPOConfig(num_generations=2, max_completion_length=4, **brief())))
    rows = [(r["prompt"], r["answer"]) for r in data]
    require(seen and all(s in rows for s in seen), f"{what}: what the reward function is given", "rows of the file", seen)


def check_dpo(what, data, tokenizer):
    """The trainer takes a step, and has all rows with their texts."""
    DPOConfig, DPOTrainer, _, _ = trl_trainers()
    trainer = DPOTrainer(model=tiny_model(tokenizer), processing_class=tokenizer, train_dataset=data, args=DPOConfig(max_length=None, **brief()))
    require(len(trainer.train_dataset) == len(data), f"{what}: rows that DPOTrainer has", len(data), len(trainer.train_dataset))
    for i, (row, tokens) in enumerate(zip(data, trainer.train_dataset)):
        asked = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        got = tokenizer.decode(tokens["prompt_input_ids"])
        require(got == asked, f"{what}: prompt of row {i} in DPOTrainer", asked, got)
        for key in ("chosen", "rejected"):
            got = tokenizer.decode(tokens[key + "_input_ids"])
            require(got.startswith(row[key][0]["content"] + "<|im_end|>"), f"{what}: {key} of row {i} in DPOTrainer", row[key], got)
    one_step(trainer)


def check_trl(export, tokenizer):
    import datasets
    from trl.data_utils import apply_chat_template, is_conversational

    rows = 0
    written = {name: export.drawn(split, kind) for split, kind, name in export.sets()}
    for path in sorted(glob.glob(export.path("trl", "*.jsonl"))):
        name = os.path.splitext(os.path.basename(path))[0]
        what = f"trl/{name}"
        data = datasets.load_dataset("json", data_files=path, cache_dir=tempfile.mkdtemp(dir=WORK))["train"]
        problems = written.pop(name)
        require(len(data) == len(problems), f"{what}: rows", len(problems), len(data))
        for i, (p, row) in enumerate(zip(problems, data)):
            require(row.keys() == {"prompt", "answer"}, f"{what}: columns", ["prompt", "answer"], list(row))
            require(is_conversational(row), f"{what}: row {i}", "a conversation", row)
            require(row["answer"] == p["ground_truth"], f"{what}: answer of row {i}", p["ground_truth"], row["answer"])
            asked = unescaped(export.policy_prompt(p["question"]))
            text = apply_chat_template({"prompt": row["prompt"]}, tokenizer)["prompt"]
            require(unescaped(text) == f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n", f"{what}: text of row {i}", asked, text)
        check_grpo(what, data, tokenizer)
        rows += len(data)
    require(not written, "trl: sets that are missing", [], list(written))
    return rows


def check_trl_preference(export, tokenizer):
    import datasets
    from trl.data_utils import apply_chat_template, extract_prompt, is_conversational

    rows = 0
    roles = {"system": "system", "user": "human"}
    for split, source in export.splits.items():
        what, path = f"trl_preference_{split}", export.path(f"trl_preference_{split}.jsonl")
        data = datasets.load_dataset("json", data_files=path, cache_dir=tempfile.mkdtemp(dir=WORK))["train"]
        require(len(data) == len(source), f"{what}: rows", len(source), len(data))
        for i, (row, pair) in enumerate(zip(source, data)):
            at = f"{what}: row {i}"
            require(pair.keys() == {"prompt", "chosen", "rejected"}, f"{at}: columns", ["prompt", "chosen", "rejected"], list(pair))
            require(is_conversational(pair), at, "a conversation", pair)
            replies = [pair[k] for k in ("chosen", "rejected")]
            require(all(len(r) == 1 and r[0]["role"] == "assistant" for r in replies), f"{at}: replies", "one of the assistant each", replies)
            check_replies(at, export, row, [(roles[m["role"]], m["content"]) for m in pair["prompt"]], [r[0]["content"] for r in replies])
            texts = apply_chat_template(pair, tokenizer)
            want = [r[0]["content"] + "<|im_end|>\n" for r in replies]
            require([texts["chosen"], texts["rejected"]] == want, f"{at}: texts", want, texts)
            # The same with the prompt inside the replies, which the trainer takes out again.
            whole = {k: pair["prompt"] + pair[k] for k in ("chosen", "rejected")}
            require(extract_prompt(whole) == pair, f"{at}: prompt taken out", pair, extract_prompt(whole))
        check_dpo(what, data, tokenizer)
        rows += len(data)
    return rows


# Everything, and the proof that it can fail


def checks(export, tokenizer, reference):
    """(target, reader, check) for each target that the export has."""
    if os.path.isdir(export.path("data")):
        for reader in HUB_READERS:
            yield "hugging_face", reader, lambda e, r=reader: check_hugging_face(e, r)
        yield "hugging_face", "huggingface_hub", check_card
    if os.path.exists(export.path("dataset_info.json")):
        yield "llama_factory", "LLaMA-Factory", lambda e: check_llama_factory(e, tokenizer)
    if os.path.isdir(export.path("verl")):
        yield "verl", "verl", lambda e: check_verl(e, tokenizer, reference)
    if os.path.isdir(export.path("trl")):
        yield "trl", "TRL", lambda e: check_trl(e, tokenizer)
    if os.path.exists(export.path("trl_preference_train.jsonl")):
        yield "trl_preference", "TRL", lambda e: check_trl_preference(e, tokenizer)


def break_parquet(path, change):
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows[len(rows) // 2])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def break_lines(path, change):
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    change(rows[len(rows) // 2])
    with open(path, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")


def change_last_text(row):
    """Adds a sign to the last text of the row's last message, or to its last text."""
    column = list(row)[-1]
    message = row[column][-1] if isinstance(row[column], list) else row[column]
    if isinstance(message, dict):
        message[list(message)[-1]] += "?"
    else:
        row[column] += "?"


def change(row, column, value):
    row[column] = value


def breaks(export):
    """(target, what is broken, how) for each target."""
    yield "hugging_face", "a category", lambda e: break_parquet(shards(e, "train")[0], lambda r: change(r, "category", r["category"] + "?"))
    yield "hugging_face", "a label", lambda e: break_parquet(shards(e, "train")[0], lambda r: change(r, "label", not r["label"]))
    yield "hugging_face", "a message", lambda e: break_parquet(shards(e, "train")[0], lambda r: r["conversations"][-1].update(value="true"))
    for path in sorted(glob.glob(export.path("*train.jsonl"))):
        name = os.path.basename(path)
        target = "trl_preference" if name.startswith("trl_") else "llama_factory"
        yield target, f"a text of {name}", lambda e, name=name: break_lines(e.path(name), change_last_text)
    yield "verl", "a ground truth", lambda e: break_parquet(e.path("verl", "plain.parquet"), lambda r: r["reward_model"].update(ground_truth="?"))
    yield "trl", "an answer", lambda e: break_lines(e.path("trl", "plain.jsonl"), lambda r: change(r, "answer", r["answer"] + "?"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", help="directory of a finished export stage")
    parser.add_argument("--reference", help="a published file of the schema that verl's files are to have")
    args = parser.parse_args()

    export, tokenizer = Export(args.export), make_tokenizer()
    failed, table = 0, []
    for target, reader, check in checks(export, tokenizer, args.reference):
        try:
            table.append((target, reader, check(export), "yes"))
        except Exception as err:  # a reader that raises refuses the file
            failed += 1
            table.append((target, reader, "-", "NO"))
            print(f"{target}, {reader}: {type(err).__name__}: {err}", file=sys.stderr)
    print(f"{'target':14} {'reader':16} {'rows':>9}  equal")
    for target, reader, rows, verdict in table:
        print(f"{target:14} {reader:16} {rows:>9}  {verdict}")

    broken = 0
    for target, what, damage in breaks(export):
        readers = [(r, c) for t, r, c in checks(export, tokenizer, args.reference) if t == target]
        if not readers:
            continue
        copy = os.path.join(WORK, "broken")
        shutil.copytree(args.export, copy)
        hurt = Export(copy)
        damage(hurt)
        for reader, check in readers:
            try:
                check(hurt)
            except Difference:
                broken += 1
            except Exception as err:
                failed += 1
                print(f"self-test: {what} of {target} is changed, and {reader}'s check itself fails: {type(err).__name__}: {err}", file=sys.stderr)
            else:
                failed += 1
                print(f"self-test: {what} of {target} is changed, and {reader}'s check does not notice", file=sys.stderr)
        shutil.rmtree(copy)
    print(f"self-test: {broken} changed files were noticed")
    return 1 if failed or not broken else 0


if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(code)
