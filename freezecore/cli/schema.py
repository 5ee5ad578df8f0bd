"""`schema`: what `--json` prints, as a JSON Schema.

Fields are added to answers and never renamed or dropped, so a reader lets those be that it does not know.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

EXAMPLE = "mask"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN: dict[Any, dict] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
    dict: {"type": "object"}, type(None): {"type": "null"}, None: {"type": "null"},
}  # fmt: skip


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("command", nargs="?", metavar="COMMAND", help="that of one command alone")


def gather(options: Namespace) -> dict:
    """A schema with `$defs` for every command, or that of one; `NAME-event` is a line that precedes an answer.

    Raises:
        FreezeError: no command of this name.
    """
    from freezecore.errors import FreezeError, none_called

    found = {name: schema_of(kind) for name, kind in answers().items()}
    if options.command is None:
        return {"$schema": DIALECT, "title": "What freezecore --json prints", "$defs": found}
    if options.command not in found:
        raise none_called(FreezeError, "There is no answer '{name}'.", options.command, found)
    return {"$schema": DIALECT, "title": f"freezecore {options.command} --json", **found[options.command]}


def show(document: dict) -> str:
    return json.dumps(document, indent=2)


def schema_of(kind: Any) -> dict:
    """The schema of a value: a type hint, a dictionary of fields, `[kind]` for a list, a tuple for any of its kinds."""
    if isinstance(kind, dict):
        return _object(kind)
    if isinstance(kind, list):
        return {"type": "array", "items": schema_of(kind[0])}
    if isinstance(kind, tuple):
        return {"anyOf": [schema_of(each) for each in kind]}
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [schema_of(each) for each in arguments]}
    if origin in (tuple, list):
        if origin is list or ... in arguments:
            return {"type": "array", "items": schema_of(arguments[0])}
        items = [schema_of(each) for each in arguments]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    return _object(fields(kind)) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else {}


def _object(kinds: dict) -> dict:
    return {"type": "object", "properties": {n: schema_of(k) for n, k in kinds.items()}, "required": list(kinds)}


def fields(kind: type, *without: str) -> dict[str, Any]:
    """The fields of a dataclass with their types, but for those named."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.name not in without}


def answers() -> dict[str, Any]:
    """What each command answers, as `schema_of` takes it."""
    return _of_selections() | _of_costs() | _of_runs() | {"completion": {"shell": str, "script": str}}


def _of_selections() -> dict[str, Any]:
    from freezecore._review.finding import Finding
    from freezecore.catalog import ModelName
    from freezecore.importing.imported import Line, Unread
    from freezecore.tree import Parameter, Part, Tower

    layer = {"path": str, "class": str, "kind": str, "parameters": int, "own_parameters": int, "more": int}
    state = {"name": str, "numel": int, "trainable": bool, "kind": str, "aliases": [str]}
    names = {"missing": [str], "new": [str]}
    return {
        "models": {"models": [ModelName], "note": str},
        "tree": {
            "source": str, "fingerprint": str, "total": int, "order": str, "layers": [layer],
            "parameters": [fields(Parameter) | {"numel": int}], "towers": [Tower], "head": [str], "notes": [str],
            "parts": [fields(Part) | {"parameters": int}],
        },
        "mask": {
            "source": str, "rules": str, "total": int, "trainable": int, "frozen": int, "parameters": [state],
            "hits": [{"rule": str, "parameters": int}], "norms_held": [str], "dropout_off": [str], "phases": [int],
            "shortest_rules": str, "findings": [Finding],
        },
        "export": {"target": str, "code": str},
        "import": {
            "kind": str, "rules": (str, None), "mapped": dict[str, str], **names, "unread": [Unread],
            "lines": [fields(Line, "text")], "adapter": str, "adapted_rules": str, "notes": [str], "stated": dict,
        },
        "lock": {"file": (str, None), "parameters": int, "lock": str},
        "check": {
            "same": bool, **names, "changed": [str], "renamed": [str], "reshaped": [str], "reason": str,
            "locked_for": str, "held_against": str, "versions": [str],
        },
    }  # fmt: skip


def _of_costs() -> dict[str, Any]:
    from freezecore._estimate.budget import BudgetFit, CardFit
    from freezecore._estimate.cost import PARTS
    from freezecore._estimate.curve import CurvePoint
    from freezecore._estimate.devices import DeviceShare
    from freezecore._review.finding import Finding
    from freezecore.calibration import Calibration
    from freezecore.cli.estimate import FIELDS

    numbers: dict[str, Any] = dict.fromkeys(FIELDS, int | None) | {"peak_moment": str | None}
    way = {
        "name": str, "rules": str, "fits": dict[str, bool | None],
        **dict.fromkeys(("adapter", "quantize", "problem"), (str, None)),
        **dict.fromkeys(
            ("trainable", "peak_bytes", "reserved_bytes", "flops_backward", "checkpoint_bytes"), (int, None)
        ),
    }  # fmt: skip
    step = {"batch_size": int, "precision": str, "optimizer": str, "device": str}
    moment = {"phase": str, "layer": str, "operation": str, **dict.fromkeys(("bytes", *PARTS), int)}
    return {
        "estimate": {
            **numbers, "full": numbers, "epoch": int, "workload": step, "trace_s": float, "evaluate_s": float,
            "fits": [CardFit],
            "curve": ([CurvePoint], None), "per_device": (fields(DeviceShare) | {"findings": [Finding]}, None),
            "timeline": ([moment], None), "budget": (BudgetFit, None), "reserved_bytes": (int, None),
            "reserved_why": str, "left_out": [str], "problem": (str, None), "versus": ([way], None),
            "equal_memory": ({"rules": (str, None), "rank": (int, None)}, None), "findings": [Finding],
        },
        "calibrate": {
            **fields(Calibration), "format": str, "margin_bytes": (int, None), "slack_share": (float, None),
            "reserved_why": str,
        },
    }  # fmt: skip


def _of_runs() -> dict[str, Any]:
    from freezecore.datasets import DataPreview
    from freezecore.epoch_time import EpochTime
    from freezecore.probe import ProbeResult, Proof
    from freezecore.search.find import Choice, FindResult, SearchTrial
    from freezecore.search.suggest import SuggestResult
    from freezecore.search.sweep import MeasuredSelection, SweepResult

    result = {"event": typing.Literal["result"]}
    choice = fields(Choice, "per_sample")
    proof = {"ok": bool, "sentence": str, **fields(Proof)}
    nothing = dict.fromkeys(("rules", "accuracy_after", "peak_bytes"), None)  # where no run came to an end
    trials = {"runner_up": (choice, None), "trials": [fields(SearchTrial, "per_sample")]}
    found = result | fields(FindResult, "best", "runner_up", "trials") | trials
    return {
        "data": DataPreview,
        "probe": result | fields(ProbeResult) | {"proof": (proof, None), "epoch_s": (EpochTime, None)},
        "sweep": result | fields(SweepResult) | {"runs": [fields(MeasuredSelection, "per_sample")]},
        "find": (found | choice, found | nothing),
        "suggest": result | fields(SuggestResult),
        **{f"{name}-event": {"event": str} for name in ("probe", "sweep", "find")},
    }
