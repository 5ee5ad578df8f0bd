"""Applies exported YAML by the trainers' own functions: `python theirs_runner.py cases.json`, one JSON line a case.

Runs in an environment with axolotl and LLaMA-Factory, installed without what they depend on. What they import and
is not there is stood in for by empty modules: only the functions that freeze are called, and those need none of it.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import types
from pathlib import Path

import yaml

ABSENT = ("trl", "peft", "datasets", "av", "librosa", "tyro", "gradio", "omegaconf", "hydra", "fire", "torchdata")


class Hollow(type):
    """Classes of which any attribute is a class like them."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Hollow(name, (), {})


class Empty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for packages that are not installed: any attribute is an empty class."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def __init__(self) -> None:
        self.names = {name for name in ABSENT if importlib.util.find_spec(name) is None}

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: Hollow(name, (), {})
        module.__version__ = "0"
        module.__path__ = []
        return module

    def exec_module(self, module) -> None:
        """There is nothing to run."""


def by_axolotl(model, keys: dict) -> None:
    from axolotl.utils.freeze import freeze_layers_except

    freeze_layers_except(model, keys["unfrozen_parameters"])


def by_llama_factory(model, keys: dict) -> None:
    from llamafactory.hparams import FinetuningArguments
    from llamafactory.hparams.model_args import ModelArguments
    from llamafactory.model.adapter import init_adapter

    names = FinetuningArguments.__dataclass_fields__
    arguments = FinetuningArguments(**{key: value for key, value in keys.items() if key in names})
    init_adapter(model.config, model, ModelArguments(model_name_or_path="some/model"), arguments, True)


WAYS = {"axolotl": by_axolotl, "llama-factory": by_llama_factory}


def main() -> None:
    from freezecore.runtime.build.source import build
    from freezecore.source import ModelSource

    sys.meta_path.append(Empty())
    for case in json.loads(Path(sys.argv[1]).read_text()):
        try:
            model = build(ModelSource.parse(case["source"], weights="random", task=case["task"])).model
            WAYS[case["target"]](model, yaml.safe_load(case["text"]))
            outcome = {"trains": [name for name, p in model.named_parameters() if p.requires_grad]}
        except Exception as error:  # one case must not hide the others; the caller fails on any error
            outcome = {"error": f"{type(error).__name__}: {error}"}
        print("RESULT " + json.dumps({"id": case["id"], **outcome}), flush=True)


if __name__ == "__main__":
    main()
