"""A judge that shares nothing with the product: it runs a script on the real modules and reads `requires_grad`.

Models are built by the real libraries on the meta device, whatever checkpoint a script asks for; what a script does not
define (loaders, data, configurations) is a mock; trainers do not train. What a framework calls of a script stands in
the script's header and is run after it.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import re
import sys
import types
import warnings
from unittest import mock

import timm
import torch
import torchvision
import transformers
from torch import nn

create = timm.create_model


class World(dict):
    """A script's names: what it does not define is the model where it is read from it, else a mock that holds nothing.

    Args:
        kind: the model that the script's header names.
        root: the name that the script, which does not define it, has for the model.
    """

    def __init__(self, kind: str, root: str, **names) -> None:
        super().__init__(names)
        self.kind, self.root = kind, root

    def __missing__(self, name: str):
        if hasattr(builtins, name):
            raise KeyError(name)
        if name == self.root:
            self[name] = real(self.kind)
            return self[name]
        self[name] = found = mock.MagicMock(name=name)
        for each in (found, found.return_value):
            each.__gt__ = each.__lt__ = lambda self, other: False
        return found


def real(kind: str) -> nn.Module:
    """The model that a script's header names."""
    with torch.device("meta"):
        if kind.startswith("timm:"):
            return create(kind[5:])
        config = transformers.BertConfig()
        return (
            transformers.BertModel(config) if kind == "bertbase" else transformers.BertForSequenceClassification(config)
        )


def code_of(notebook: str) -> str:
    """A notebook's code as its kernel runs it, without what goes to the shell or to the kernel itself."""
    cells = ["".join(cell["source"]) for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells if not cell.startswith("%%bash") for line in cell.split("\n")]
    gone = re.compile(r"\s*([%!?]|\w+ = !|[\w.]+\?$)")
    return "\n".join(re.sub(r"\S.*", "pass", line) if gone.match(line) else line for line in lines)


def judged(text: str, kind: str, read: str, framework: str = "") -> dict[str, bool]:
    """What trains at the script's end, by name, in the model that the expression `read` gives."""
    world = World(kind, re.match(r"\w+", read)[0], __name__="__main__", print=lambda *args, **kwargs: None)
    with contextlib.ExitStack() as patched, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for patch in [*patches(kind), mock.patch.dict(sys.modules, hook_libraries(text))]:
            patched.enter_context(patch)
        exec(compile(text, "script", "exec"), world)
        exec(compile(f"import types\n{framework}", "framework", "exec"), world)
        model = eval(read, world)
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def patches(kind: str) -> list:
    def build(*args, **kwargs):
        model = real(kind)
        if kwargs.get("num_classes") == 0:
            model.reset_classifier(0)
        return model

    def from_pretrained(cls, *args, **kwargs):
        base = cls.__name__ in ("AutoModel", "BertModel")
        return real("bertbase" if base else "bert")

    autos = [transformers.AutoModel, transformers.AutoModelForSequenceClassification]
    autos += [transformers.BertModel, transformers.BertForSequenceClassification]
    found = [mock.patch.object(auto, "from_pretrained", classmethod(from_pretrained)) for auto in autos]
    found += [mock.patch.object(timm, "create_model", build), mock.patch.object(torchvision.models, "resnet18", build)]
    found += [mock.patch.object(torchvision.models.resnet, "resnet18", build)]
    found += [mock.patch.object(nn.Module, name, lambda self, *args, **kwargs: self) for name in ("to", "cuda")]
    found += [mock.patch.object(transformers.Trainer, "__init__", lambda self, *args, **kwargs: None)]
    found += [mock.patch.object(transformers.Trainer, "train", lambda self, *args, **kwargs: None)]

    class Transformer(nn.Module):
        def __init__(self, *args, **kwargs):
            super().__init__()
            self.auto_model = real("bertbase")

        def get_word_embedding_dimension(self):
            return 768

    class Sentences(nn.Sequential):
        def __init__(self, name=None, modules=None, **kwargs):
            super().__init__(*(modules or [Transformer()]))

        def _first_module(self):
            return self[0]

    parts = types.ModuleType("sentence_transformers.models")
    parts.Transformer, parts.Pooling = Transformer, lambda *args, **kwargs: nn.Identity()
    sentences = types.ModuleType("sentence_transformers")
    sentences.SparseEncoder = Sentences
    sentences.SentenceTransformer, sentences.models, sentences.losses = Sentences, parts, mock.MagicMock()
    names = {"sentence_transformers": sentences, "sentence_transformers.models": parts}
    found += [mock.patch.dict(sys.modules, names), mock.patch.object(torch.hub, "load", build)]
    return found


def hook_libraries(text: str) -> dict[str, types.ModuleType]:
    """Libraries that a script imports to define a hook: a base class, and a registry that keeps nothing."""

    class Hook:
        pass

    hooks = mock.MagicMock()
    hooks.register_module = lambda *args, **kwargs: lambda kind: kind
    found = {}
    for name in ("mmcv", "mmcv.runner", "mmcv.runner.hooks", "mmcv.runner.hooks.hook", "mmengine", "mmengine.hooks",
                 "mmengine.registry", "hydra", "omegaconf"):  # fmt: skip
        if re.search(rf"^(from|import) {name.partition('.')[0]}\b", text, re.MULTILINE):
            found[name] = types.ModuleType(name)
            vars(found[name]).update(Hook=Hook, HOOKS=hooks, DictConfig=dict)
            vars(found[name])["main"] = lambda *args, **kwargs: lambda function: function
    return found
