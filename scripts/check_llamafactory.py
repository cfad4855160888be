"""The parts of check_llamafactory.sh that are more than a command.

    model DIR TEXT...            writes a tiny Qwen2 without weights; its tokenizer is trained on the texts
    when LOG STEP SIGNAL CMD...  runs a command, and signals it once the trainer has logged a step:
                                 INT to the command alone, KILL to it and all that it has started
    curve OUTPUT                 prints the loss curve of a finished training
    same OUTPUT OUTPUT           two finished trainings have the same steps, losses and weights
    rendering LOG EXPORT MODEL [EVAL]
                                 what the trainer learned is what serving renders
    orphan EVAL REPLIES CMD...   runs an evaluation, and kills its model server once so many replies are in
    killed EVAL REPLIES CMD...   runs an evaluation, kills tinyv itself once so many replies are in, and waits for its server to end
    same-eval EVAL EVAL          two evaluations have the same figures, but for speed
    one-class EXPORT COPY        copies an export without its False rows
    ablation DIR                 the models of an ablation of two ratios differ as their ratios say
    replies EVAL                 prints the replies of a verifier and how often each came

Run by the interpreter of the virtual environment that LLaMA-Factory is in.
"""

import collections
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
MARK = "CHECK_LLAMAFACTORY"
TRAINER_LOG, TRAINER_STATE, WEIGHTS = "trainer_log.jsonl", "trainer_state.json", "model.safetensors"


def fail(message):
    sys.exit(f"check_llamafactory: {message}")


def require(equal, what, want, got):
    if not equal:
        fail(f"{what}: want {want!r}, got {got!r}")


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return json.load(f)


def read_lines(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


# The model: what a directory of Qwen2.5 holds, but for its weights, small.

DEFAULT_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
CHAT_TEMPLATE = (
    "{%- set first = messages[0] -%}"
    "{%- if first.role != 'system' -%}"
    "{{ start ~ 'system\n' ~ default ~ stop ~ '\n' }}"
    "{%- endif -%}"
    "{%- for message in messages -%}"
    "{{ start ~ message.role ~ '\n' ~ message.content ~ stop ~ '\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}"
    "{{ start ~ 'assistant\n' }}"
    "{%- endif -%}"
)


def write_model(directory, *texts):
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    # How Qwen2 parts a text before it is put together to tokens: digits one by one,
    # words with the sign or space before them.
    parts = "|".join([
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
    ])
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(parts), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train(list(texts), trainers.BpeTrainer(
        vocab_size=1000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[], show_progress=False))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (END, START, STOP)])
    ids = {t: tokenizer.token_to_id(t) for t in (END, START, STOP)}
    template = f"{{%- set start = '{START}' -%}}{{%- set stop = '{STOP}' -%}}{{%- set default = '{DEFAULT_SYSTEM}' -%}}" + CHAT_TEMPLATE

    os.makedirs(directory, exist_ok=True)
    tokenizer.save(os.path.join(directory, "tokenizer.json"))
    write_json({
        "tokenizer_class": "Qwen2Tokenizer", "chat_template": template, "model_max_length": 32768,
        "bos_token": None, "eos_token": STOP, "pad_token": END, "unk_token": None, "additional_special_tokens": [START, STOP],
        "add_bos_token": False, "add_prefix_space": False, "clean_up_tokenization_spaces": False, "errors": "replace", "split_special_tokens": False,
        "added_tokens_decoder": {
            str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} for t, i in ids.items()},
    }, directory, "tokenizer_config.json")
    write_json({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float32",
        "vocab_size": -(-(max(ids.values()) + 1) // 64) * 64, "bos_token_id": ids[END], "eos_token_id": ids[STOP],
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 4096, "max_window_layers": 2, "sliding_window": 4096, "use_sliding_window": False,
        "hidden_act": "silu", "initializer_range": 0.02, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "attention_dropout": 0.0,
        "tie_word_embeddings": True, "use_cache": True,
    }, directory, "config.json")
    print(f"{directory}: a Qwen2 of 2 layers of 64, {max(ids.values()) + 1} tokens, {STOP} = {ids[STOP]}, no weights")


def write_json(value, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


# Stopping a training in the middle.


def logged_step(path):
    """The last step that a trainer has logged."""
    try:
        with open(path, encoding="utf-8") as f:
            steps = re.findall(r'"current_steps": (\d+)', f.read())
    except FileNotFoundError:
        return 0
    return int(steps[-1]) if steps else 0


def marked(mark):
    """Processes that carry the mark in their environment: all that a command has started."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if f"{MARK}={mark}".encode() in f.read().split(b"\0"):
                    found.append(int(path.split("/")[2]))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            pass
    return found


def living(mark):
    """Those of them that are not only waiting to be reaped."""
    def state(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "Z"

    return [pid for pid in marked(mark) if state(pid) != "Z"]


def when(log, step, name, *command):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else the command ignores it where this is run in the background
    mark = f"{os.getpid()}-{time.time_ns()}"
    process = subprocess.Popen(command, env={**os.environ, MARK: mark})
    while logged_step(log) < int(step):
        if process.poll() is not None:
            fail(f"{' '.join(command)} ended with exit code {process.returncode} before step {step}")
        time.sleep(0.05)
    if name == "INT":
        process.send_signal(signal.SIGINT)
    else:
        # In any order: what is started meanwhile is found the next time.
        process.kill()
        while pids := living(mark):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
    code = process.wait(timeout=120)
    time.sleep(1)
    if left := living(mark):
        fail(f"processes are left after SIG{name}: {left}")
    print(f"SIG{name} at step {step} or later: exit code {code}, nothing left running, last step logged {logged_step(log)}")
    return code if code >= 0 else 128 - code


def under_way(directory, replies, command):
    """Starts an evaluation; returns it, its mark and its servers' processes once it has so many replies."""
    mark = f"{os.getpid()}-{time.time_ns()}"
    process = subprocess.Popen(command, env={**os.environ, MARK: mark})
    while journalled(directory) < int(replies):
        if process.poll() is not None:
            fail(f"{' '.join(command)} ended with exit code {process.returncode} before reply {replies}")
        time.sleep(0.05)
    return process, mark, [pid for pid in living(mark) if pid != process.pid]


def orphan(directory, replies, *command):
    process, _, servers = under_way(directory, replies, command)
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    killed = time.time()
    code = process.wait(timeout=900)
    print(f"server killed (process {servers}) after {replies} replies or more; {time.time() - killed:.0f} s later exit code {code}, {journalled(directory)} replies kept")
    return code


def killed(directory, replies, *command):
    process, mark, servers = under_way(directory, replies, command)
    process.kill()
    process.wait()
    end = time.time() + 60
    while left := living(mark):
        if time.time() > end:
            fail(f"a minute after kill -9 of {command[0]} its server is still there: {left}")
        time.sleep(0.05)
    print(f"kill -9 of tinyv after {replies} replies or more: its server (process {servers}) ended by itself, {journalled(directory)} replies kept")
    return 0


def journalled(directory):
    lines = 0
    for path in glob.glob(os.path.join(directory, "journal", "*.jsonl")):
        with open(path, "rb") as f:
            lines += f.read().count(b"\n")
    return lines


def same_eval(first, second):
    a, b = ({k: v for k, v in read_json(d, "eval.json").items() if k != "speed"} for d in (first, second))
    for key in sorted({*a, *b}):
        require(a.get(key) == b.get(key), f"{key} of {second}", a.get(key), b.get(key))
    print(f"{second} has the figures of {first}")


# What a training did.


def history(output):
    entries = []
    for e in read_json(output, TRAINER_STATE)["log_history"]:
        named = [k for k in e if re.fullmatch(r"eval_(.+_)?loss", k)]  # 0.9.2 puts the dataset's name in
        if "loss" in e or named:
            entries.append({**e, **({"eval_loss": e[named[0]]} if named else {})})
    return entries


def curve(output):
    points = history(output)
    losses = [e["loss"] for e in points if "loss" in e]
    top = max(losses)
    for e in points:
        if "eval_loss" in e:
            print(f"step {e['step']:3}  eval loss {e['eval_loss']:.4f}")
        elif e["step"] == 1 or e["step"] % 5 == 0:
            print(f"step {e['step']:3}  loss {e['loss']:8.4f}  {'#' * round(60 * e['loss'] / top)}")
    if losses[-1] >= losses[0]:
        fail(f"{output}: the loss went from {losses[0]} to {losses[-1]}: nothing was learned")


def same(first, second):
    a, b = history(first), history(second)
    require([e["step"] for e in a] == [e["step"] for e in b], f"steps of {second}", [e["step"] for e in a], [e["step"] for e in b])
    for x, y in zip(a, b):
        for key in ("loss", "eval_loss", "grad_norm", "learning_rate"):
            require(x.get(key) == y.get(key), f"{second}: {key} at step {x['step']}", x.get(key), y.get(key))
    weights = [hashlib.sha256(open(os.path.join(d, WEIGHTS), "rb").read()).hexdigest() for d in (first, second)]
    require(weights[0] == weights[1], f"{second}: SHA-256 of {WEIGHTS}", *weights)
    logged = [e["current_steps"] for e in read_lines(second, TRAINER_LOG) if "loss" in e]
    resumed = [f"{b} after {a}" for a, b in zip(logged, logged[1:]) if b != a + 1]
    print(f"{a[-1]['step']} steps, {len(a)} losses and the weights are equal (SHA-256 {weights[0][:16]}); resumed at {', '.join(resumed) or 'no step'}")


# Rendering: three programs must agree on what the model is shown.


def logged_examples(path):
    """What the trainer printed of its first row of each dataset: input_ids, inputs, label_ids, labels."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    block = r"(training|eval) example:\ninput_ids:\n(\[.*?\])\ninputs:\n(.*?)\nlabel_ids:\n(\[.*?\])\nlabels:\n(.*?<\|im_end\|>\n)"
    return {m[1]: (json.loads(m[2]), m[3], json.loads(m[4]), m[5]) for m in re.finditer(block, text, re.S)}


def rendering(log, export, model, verdicts=None):
    os.environ.update(HF_HUB_OFFLINE="1", LLAMAFACTORY_VERBOSITY="WARN", CUDA_VISIBLE_DEVICES="")
    import types

    import torch
    from llamafactory.chat.hf_engine import HuggingfaceEngine
    from llamafactory.data import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments, GeneratingArguments
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    template = get_template_and_fix_tokenizer(tokenizer, DataArguments(template="qwen"))
    engine = types.SimpleNamespace(device="cpu", dtype=torch.float32, config=types.SimpleNamespace(model_type="qwen2"))

    def served(system, user):
        """Prompt ids as the API's engine makes them of a request."""
        made, length = HuggingfaceEngine._process_args(
            engine, tokenizer, None, template, GeneratingArguments().to_dict(), [{"role": "user", "content": user}], system, None, None, None, None, {})
        ids = made["inputs"][0].tolist()
        require(len(ids) == length, "length of the engine's prompt", length, len(ids))
        return ids

    def by_chat_template(system, user):
        """Prompt ids as a server makes them that uses the checkpoint's own template, such as vLLM."""
        ids = tokenizer.apply_chat_template(
            [{"role": "system", "content": system}, {"role": "user", "content": user}], tokenize=True, add_generation_prompt=True)
        return ids if isinstance(ids, list) else ids["input_ids"]

    examples = logged_examples(log)
    require(set(examples) == {"training", "eval"}, f"{log}: examples", ["training", "eval"], sorted(examples))
    rows = {"training": read_lines(export, "train.jsonl"), "eval": read_lines(export, "eval.jsonl")}
    for name, (input_ids, inputs, label_ids, labels) in examples.items():
        system, user, reply = (m["value"] for m in rows[name][0]["conversations"])
        prompt = f"{START}system\n{system}{STOP}\n{START}user\n{user}{STOP}\n{START}assistant\n"
        require(inputs == f"{prompt}{reply}{STOP}\n", f"{name} example in the log", f"{prompt}{reply}{STOP}\n", inputs)
        require(labels == f"{reply}{STOP}\n", f"labels of the {name} example in the log", f"{reply}{STOP}\n", labels)
        prompt_ids = served(system, user)
        learned = tokenizer.encode(f"{reply}{STOP}\n", add_special_tokens=False)
        require(input_ids == prompt_ids + learned, f"ids of the {name} example", prompt_ids + learned, input_ids)
        require(label_ids == [-100] * len(prompt_ids) + learned, f"label ids of the {name} example", [-100] * len(prompt_ids) + learned, label_ids)
        print(f"{name} example of the log: row 1 of the export, {len(prompt_ids)} tokens of prompt as serving makes them, labels {learned} = {labels!r}")

    prompts = {}
    for name in rows:
        for i, row in enumerate(rows[name]):
            system, user, reply = (m["value"] for m in row["conversations"])
            trained = template.encode_multiturn(tokenizer, [{"role": "user", "content": user}, {"role": "assistant", "content": reply}], system, "")[0]
            require(list(trained[0]) == served(system, user), f"{name} row {i + 1}: the engine's prompt", trained[0], served(system, user))
            require(list(trained[0]) == by_chat_template(system, user), f"{name} row {i + 1}: the chat template's prompt", trained[0], by_chat_template(system, user))
            prompts[user] = len(trained[0])
    print(f"{sum(map(len, rows.values()))} rows: trainer, API engine and chat template make the same prompt ids")

    if verdicts:
        compare_with_served(verdicts, export, rows["eval"], prompts)


def compare_with_served(directory, export, rows, prompts):
    """The live API counted as many tokens for each row as the trainer saw."""
    written = read_json(export, "manifest.json")["settings"]["prompt"]
    judged = verdicts_of(directory)
    require(len(judged) == len(rows), f"{directory}: verdicts on the export's eval rows", len(rows), len(judged))
    for v in judged:
        values = {"QUESTION": v["question"], "GROUND_TRUTH_ANSWER": v["ground_truth"], "MODEL_ANSWER": v["answer"]}
        user = re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], written)
        require(user in prompts, f"{directory}: the prompt of {v['id']}", "one of the export", user)
        require(v["prompt_tokens"] == prompts[user], f"{directory}: prompt tokens of {v['id']}", prompts[user], v["prompt_tokens"])
    print(f"{len(judged)} prompts of the live API have as many tokens as in training")


def verdicts_of(directory):
    import pyarrow.parquet as pq

    return [v for f in sorted(glob.glob(os.path.join(directory, "verdicts-*.parquet"))) for v in pq.read_table(f).to_pylist()]


def replies(directory):
    for (reply, outcome), n in collections.Counter((v["reply"], v["outcome"]) for v in verdicts_of(directory)).most_common(6):
        print(f"{n:6} {outcome:10} {reply!r}")


def one_class(export, copy):
    shutil.copytree(export, copy)
    manifest = read_json(copy, "manifest.json")
    for output in manifest["outputs"]:
        if not output["path"].endswith(".jsonl"):
            continue
        rows = [r for r in read_lines(copy, output["path"]) if r["conversations"][-1]["value"] == "True"]
        data = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
        with open(os.path.join(copy, output["path"]), "wb") as f:
            f.write(data)
        output.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        split, _ = os.path.splitext(output["path"])
        manifest["figures"].update({split: len(rows), f"{split}_true": len(rows), f"{split}_false": 0})
    write_json(manifest, copy, "manifest.json")


def ablation(directory):
    cells = read_json(directory, "ablation.json")["cells"]
    require(all(c["done"] for c in cells), f"{directory}: cells that are done", len(cells), sum(c["done"] for c in cells))
    by_ratio = collections.defaultdict(list)
    for c in cells:
        by_ratio[c["true_share"]].append((c["fn_recall"], c["tn_accuracy"]))
    (_, wrong), (_, right) = sorted(by_ratio.items())
    if not all(few[0] < many[0] and few[1] > many[1] for few in wrong for many in right):
        fail(f"{directory}: fn_recall and tn_accuracy after mostly False rows {wrong}, after mostly True ones {right}")
    print(f"{len(cells)} cells: with more True rows every model accepts more of the correct answers, and more of the wrong ones")


COMMANDS = {
    "model": write_model, "when": when, "orphan": orphan, "killed": killed, "same-eval": same_eval, "curve": curve, "same": same, "rendering": rendering, "one-class": one_class, "replies": replies, "ablation": ablation,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
