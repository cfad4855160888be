"""Print the YAML keys that the installed LLaMA-Factory takes, in the layout of the tables beside this file."""

import dataclasses
import importlib.metadata
import sys
import typing

out, sys.stdout = sys.stdout, sys.stderr  # what an import prints is no part of the answer

from llamafactory import hparams

try:
    from llamafactory.hparams.training_args import TrainingArguments
except ImportError:  # as early versions have it
    from transformers import Seq2SeqTrainingArguments as TrainingArguments

NAMES = {bool: "bool", int: "int", float: "float", str: "text"}


def kind(annotation):
    if annotation in NAMES:
        return NAMES[annotation]
    if typing.get_origin(annotation) is typing.Literal:
        return "text" if all(isinstance(a, str) for a in typing.get_args(annotation)) else "any"
    inner = [a for a in typing.get_args(annotation) if a is not type(None)]
    if len(inner) == 1 and len(typing.get_args(annotation)) == 2:
        return kind(inner[0])
    return "any"


keys = {}
for arguments in (hparams.ModelArguments, hparams.DataArguments, TrainingArguments, hparams.FinetuningArguments, hparams.GeneratingArguments):
    hints = typing.get_type_hints(arguments)
    for field in dataclasses.fields(arguments):
        if field.init:
            keys.setdefault(field.name, kind(hints.get(field.name)))
for package in ("llamafactory", "transformers"):
    print(package, importlib.metadata.version(package), file=out)
print(file=out)
for name in sorted(keys):
    print(name, keys[name], file=out)
