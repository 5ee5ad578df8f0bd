"""Names that are no model's, and functions that make none."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import freezecore as fc
from freezecore.errors import FreezeError, SourceError
from tests.freezecore.bad.case import Bad, opened

# The source, its options, what is said, what the hint holds.
TEXTS: list[tuple[str, dict, str, str]] = [
    ("", {}, "does not say where the model comes from", "timm:resnet18"),
    ("resnet18", {}, "'resnet18' does not say", "timm:resnet18"),
    ("timm:", {}, "'timm:' does not say", "timm:"),
    ("tim:resnet18", {}, "'tim'", "Did you mean 'timm'"),
    ("timm:resnet18;drop", {}, "'resnet18;drop'", "'resnet18'"),
    ("timm:../../etc/passwd", {}, "'../../etc/passwd'", "Search the names"),
    ("timm:resnet8", {}, "'resnet8'", "Did you mean 'resnet"),
    ("timm:resnet18.nothing", {}, "'resnet18.nothing'", "It has resnet18."),
    ("timm:.a1_in1k", {}, "'.a1_in1k'", "Search the names"),
    ("timm:" + "a" * 296, {}, "'timm:aaaa", "timm:resnet18"),
    ("timm:res\x00net", {}, "'timm:res\ufffdnet'", "timm:resnet18"),
    ("timm:größe 層", {}, "'größe 層'", "Search the names"),
    ("hf:a/b/c/d", {}, "'hf:a/b/c/d'", ""),
    ("hf:../../../etc", {}, "'../../../etc'", "folder"),
    ("config:größe", {}, "'größe'", "Search the types"),
    ("config:brt", {}, "'brt'", "'bert'"),
    ("config:/etc/passwd", {}, "'passwd' is no JSON", "begins with a brace"),
    ("py:os", {}, "'py:os' names no function", "py:package.module:function"),
    ("py:os:system:ls", {}, "'py:os:system:ls' cannot be imported", "check both names"),
    ("py::", {}, "'py::' could not be built", "check the value"),
    ("file:nowhere.json", {}, "'nowhere.json' cannot be read", "Check the path"),
    ("file:/dev/null", {}, "'null' is not such a file", "fc.save"),
    ("timm:resnet18", {"weights": "some"}, "'some'", "pretrained, random or none"),
    ("config:bert", {"task": "clasify"}, "'clasify'", "sequence-classification"),
    ("config:bert", {"task": "causal-llm"}, "'causal-llm'", "Did you mean 'causal-lm'"),
    ("config:bert", {"task": "ctc"}, "bert has no model for the task 'ctc'", "masked-lm"),
    ("config:sam", {"num_labels": 3}, "sam has no classifier", "number of labels out"),
    ("timm:resnet18", {"num_labels": 0}, "0 labels are out of range", "between 1 and 100,000"),
    ("timm:resnet18", {"num_labels": 10**9}, "1000000000 labels", "between 1 and 100,000"),
]


class Raises(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        raise ZeroDivisionError("not today")


class Forever(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for i in range(10**9):
            self.register_parameter(f"p{i}", nn.Parameter())


class Dotted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("a.b", nn.Parameter())


class Scribbler(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        raise ValueError("\x1b[31mred\nsecond line\n" + "long " * 500)


def contains_itself() -> nn.Module:
    return contains_itself()


def leaves() -> nn.Module:
    sys.exit(3)


def wants_words(words: str) -> nn.Module:
    return nn.Linear(1, len(words))


def enormous() -> nn.Module:
    return nn.Linear(10**8, 10**8)


def all_memory() -> nn.Module:
    bytearray(10**15)
    return nn.Linear(1, 1)


# What is wrong, the function, what is said, what the hint holds.
FUNCTIONS: list[tuple[str, Callable, str, str]] = [
    ("a constructor that raises", Raises, "ZeroDivisionError: not today", "check the value"),
    ("a constructor that never ends", Forever, "more than 200,000 tensors", "Check the sizes"),
    ("a constructor that allocates everything", all_memory, "MemoryError", "check the value"),
    ("10^16 parameters", enormous, "20 trillion parameters", "Check the sizes"),
    ("a function that calls itself", contains_itself, "contains itself", "made of"),
    ("a function that ends the program", leaves, "SystemExit: 3", "check the value"),
    ("a function that wants arguments", wants_words, "'words'", "check the value"),
    ("a function that returns a dictionary", dict, "returned dict", "without arguments"),
    ("a function that returns a class", lambda: nn.Linear, "returned type", "without arguments"),
    ("a parameter with a dot in its name", Dotted, "KeyError: 'parameter name can", "check the value"),
    ("layers whose sizes are not known", lambda: nn.LazyLinear(3), "uninitialized", "check the value"),
    ("an error of many lines", Scribbler, "ValueError", "check the value"),
]  # fmt: skip


def _called(function: Callable) -> object:
    module = sys.modules["made_for_this_test"] = types.ModuleType("made_for_this_test")
    module.make = function
    try:
        return opened("py:made_for_this_test:make")
    finally:
        del sys.modules["made_for_this_test"]


def _switched_off(folder: Path) -> object:
    from freezecore.runtime.build.source import build
    from freezecore.source import ModelSource

    return build(ModelSource.parse("py:antigravity:fly"), allow_python=False)


def _other_model(folder: Path) -> object:
    return fc.resolve(fc.FreezeSpec.parse(""), fc.read_tree(nn.Linear(2, 2))).apply_to(nn.Linear(2, 2, bias=False))


OBJECTS = [
    Bad("object: a class", lambda _: fc.read_tree(nn.Linear), SourceError, ("type",), "the model itself"),
    Bad("object: a dictionary of weights", lambda _: fc.read_tree(nn.Linear(1, 1).state_dict()), SourceError,
        ("OrderedDict",), "the model itself"),
    Bad("object: nothing", lambda _: fc.read_tree(None), SourceError, ("NoneType",), "the model itself"),
    Bad("object: a tensor", lambda _: fc.read_tree(torch.zeros(3)), SourceError, ("Tensor",), "the model itself"),
    Bad("object: lazy layers", lambda _: fc.read_tree(nn.LazyLinear(3)), SourceError, ("'weight'",), "one batch"),
    Bad("object: not the tree's", _other_model, FreezeError, ("'bias'", "nothing was changed"), "Read the tree again"),
]  # fmt: skip

CASES = [
    Bad(f"source: {text[:30]!r} {options or ''}", lambda _, text=text, options=options: opened(text, **options),
        SourceError, (says,), hint)
    for text, options, says, hint in TEXTS
] + [
    Bad(f"function: {name}", lambda _, function=function: _called(function), SourceError, (says,), hint)
    for name, function, says, hint in FUNCTIONS
] + [
    Bad("function: not on a server", _switched_off, SourceError, ("'py:antigravity:fly'", "switched off"), "fc.save"),
] + OBJECTS  # fmt: skip
