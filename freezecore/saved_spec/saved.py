"""SavedSpec: a spec as a YAML file that still means something where the model's names have changed.

    freeze_explorer: 1
    source: timm:resnet18
    fingerprint: 5e0b1c9d8a7f6e5d
    rules: |
      freeze all
      train head
    versions:
      torch: "2.15.0"
    parameters:
      conv1.weight: 64x3x7x7 f
      fc.weight: 1000x512 t

Each parameter carries its shape and one letter per phase: `f` frozen, `t` trained. Names of one tensor are joined by
` = `.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from freezecore.errors import ExportError, SourceError, shortened
from freezecore.rules.grammar import parse_spec
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.yaml_text import read_yaml

FORMAT = 1
_SHAPE = re.compile(r"(?P<shape>scalar|[0-9]{1,12}(?:x[0-9]{1,12}){0,9}) (?P<states>[ft]{1,1000})")


@dataclass(frozen=True, slots=True)
class SavedParameter:
    """One parameter as it was: its names, its shape, and whether it trained in each phase."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    trains: tuple[bool, ...]


@dataclass(frozen=True)
class SavedSpec:
    """A spec with what it was written for.

    Attributes:
        spec: the rules.
        source: the source's text, or the class name of a model object.
        fingerprint: of the tree's names and shapes.
        parameters: what the rules made of each parameter; empty in a file written by hand.
        versions: library versions.
        task: the Hugging Face task, where one was named.
        num_labels: outputs of the head, where they were named.
        adapter, quantize: as `ModelSource` has them.
    """

    spec: FreezeSpec
    source: str = ""
    fingerprint: str = ""
    parameters: tuple[SavedParameter, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, hash=False)
    task: str | None = None
    num_labels: int | None = None
    adapter: str | None = None
    quantize: str | None = None

    @property
    def model_source(self) -> ModelSource:
        """The source to read the model from again.

        Raises:
            SourceError: the spec was saved for a model object, or a file of one.
        """
        if ":" not in self.source:
            raise SourceError(
                "This spec was saved for a model of your own, '{name}'.",
                "Name that model beside it: --source file:model.json.",
                name=shortened(self.source),
            )
        return ModelSource.parse(
            self.source,
            task=self.task,
            num_labels=self.num_labels,
            adapter=self.adapter,
            quantize=self.quantize,
        )


def load_spec(text: str) -> SavedSpec:
    """Read a saved spec.

    Raises:
        ExportError: it is no YAML, no saved spec, or asks for more than a spec can.
    """
    data = read_yaml(text)
    if not isinstance(data, dict) or "rules" not in data:
        raise ExportError("This file is no saved spec: it has no 'rules'.", "Save one with 'export --to spec'.")
    if data.get("freeze_explorer", FORMAT) != FORMAT:
        version = shortened(str(data["freeze_explorer"]))
        raise ExportError(
            "This spec was saved in format {version}; {known} can be read.",
            "Update Freeze Explorer.",
            version=version,
            known=FORMAT,
        )
    rules = data["rules"] or ""
    if not isinstance(rules, str):
        raise ExportError("The spec's 'rules' are not text.", "Write them below 'rules: |', one a line.")
    parameters = tuple(_parameter(name, value) for name, value in _mapping(data, "parameters").items())
    if len({len(parameter.trains) for parameter in parameters}) > 1:
        raise ExportError("The spec's parameters disagree about the number of phases.", "Save it again.")
    labels = data.get("num_labels")
    return SavedSpec(
        parse_spec(rules),
        str(data.get("source") or ""),
        str(data.get("fingerprint") or ""),
        parameters,
        {str(name): str(version) for name, version in _mapping(data, "versions").items()},
        str(data["task"]) if data.get("task") else None,
        labels if isinstance(labels, int) else None,
        str(data["adapter"]) if data.get("adapter") else None,
        str(data["quantize"]) if data.get("quantize") else None,
    )


def _mapping(data: dict, key: str) -> dict:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise ExportError("The spec's '{key}' are no mapping.", "Save it again with 'export --to spec'.", key=key)
    return value


def _parameter(name: object, value: object) -> SavedParameter:
    match = _SHAPE.fullmatch(str(value))
    if not match:
        said = f"{shortened(str(name))}: {shortened(str(value))}"
        raise ExportError(
            "Cannot read the spec's parameter '{name}'.", "Write it like 'conv1.weight: 64x3x7x7 f'.", name=said
        )
    shape = () if match["shape"] == "scalar" else tuple(map(int, match["shape"].split("x")))
    return SavedParameter(tuple(str(name).split(" = ")), shape, tuple(state == "t" for state in match["states"]))
