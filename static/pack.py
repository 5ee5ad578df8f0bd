"""A pack: one model's tree and its traced steps in one small file, read without torch, on a server or in a browser.

The steps of a model are mostly alike, so that they share their tables. The whole is JSON, gzipped.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field
from typing import Any

from freezecore._trace import FORMAT as TRACE_FORMAT
from freezecore._trace import Trace
from freezecore.cache.traces import REVISION as TRACES
from freezecore.cache.trees import FORMAT as TREES
from freezecore.errors import FreezeError, SourceError, TraceError, shortened
from freezecore.schema import parse
from freezecore.sentences import packed, say, unpacked
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import CHOICES, Workload

FORMAT = "freeze-explorer-pack/1"
REVISIONS = (TRACES, TREES)
LARGEST = 64 * 2**20  # of its JSON
LARGEST_FILE = 120_000
KERNELS = (("6.0",), ("7.0", "7.5"), ("8.0", "8.6", "8.9"), ("9.0", "10.0"), ("12.0",))  # cards that run the same ones


@dataclass(frozen=True)
class Step:
    """Which traced step: what a trace depends on beside model and size; no `kernels` on a CPU."""

    device: str
    precision: str
    checkpointing: bool
    kernels: str = ""

    @classmethod
    def of(cls, workload: Workload) -> Step:
        kernels = workload.compute_capability if workload.device == "cuda" else ""
        return cls(workload.device, workload.precision, workload.checkpointing, kernels)

    @property
    def workload(self) -> Workload:
        """The step at the size and batch that are packed."""
        given = {"compute_capability": self.kernels} if self.kernels else {}
        return Workload(
            device=self.device, precision=self.precision, checkpointing=self.checkpointing, **given  # type: ignore[arg-type]
        )  # fmt: skip


def steps(kernels: str) -> Iterator[Step]:
    """Every precision with and without checkpointing, on a card with these kernels, or on a CPU without."""
    for precision in CHOICES["precision"]:
        for checkpointing in (False, True):
            yield Step("cuda" if kernels else "cpu", precision, checkpointing, kernels)


def slug(source: str) -> str:
    """The name of a model's file: `timm.resnet18`."""
    return source.replace(":", ".", 1).replace("/", "+").lower()


@dataclass
class Pack:
    """One model with its steps.

    Attributes:
        source: of which task and how many labels, too.
        tree: its layers.
        traces: what was traced.
        refused: what cannot be traced, each with its sentence and hint.
        left_out: what can be traced and had no room.
        adapted: the model with the page's own adapters in it, at two ranks, from which every other follows.
        versions: of the libraries that it was made with.
        revisions: of how traces are followed, and how trees are read.
    """

    source: ModelSource
    tree: LayerTree
    traces: dict[Step, Trace] = field(default_factory=dict)
    refused: dict[Step, tuple[str, str]] = field(default_factory=dict)
    left_out: set[Step] = field(default_factory=set)
    adapted: dict[ModelSource, Pack] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    revisions: tuple[int, str] = REVISIONS

    @property
    def held(self) -> set[Step]:
        return {*self.traces, *self.refused}

    def trace(self, workload: Workload) -> Trace:
        """The trace of this step.

        Raises:
            TraceError: the model cannot be traced so.
            KeyError: the step is not in the pack.
        """
        step = Step.of(workload)
        if step in self.refused:
            raise TraceError(*self.refused[step])
        return self.traces[step].under(workload)

    def to_bytes(self) -> bytes:
        """The file's content; the same pack gives the same bytes, and equal traces give equal ones."""
        tables = Tables()
        own, *adapted = [one.to_json(tables) for one in (self, *self.adapted.values())]
        head = {"format": FORMAT, "made": [TRACE_FORMAT, *self.revisions], "versions": self.versions, **own}
        if adapted:
            head["adapted"] = adapted
        last = {name: head.pop(name) for name in ("of", "rows")}
        text = json.dumps({**head, "tables": tables.to_json(), **last}, separators=(",", ":"))
        return gzip.compress(text.encode(), 9, mtime=0)

    def to_json(self, tables: Tables) -> dict:
        """What is this model's own, its traces by the steps that have the same."""
        rows: dict[str, list] = {}
        for step in sorted(self.traces, key=str):
            row = json.dumps(tables.take(self.traces[step].to_json()), separators=(",", ":"))
            rows.setdefault(row, []).append(astuple(step))
        adapter = [self.source.adapter] if self.source.adapter else []
        return {
            "model": [str(self.source), self.source.task, self.source.num_labels, *adapter],
            "tree": self.tree.to_json(),
            "refused": [[*astuple(step), *packed(why)] for step, why in self.refused.items()],
            "left_out": [astuple(step) for step in sorted(self.left_out, key=str)],
            "of": list(rows.values()), "rows": [json.loads(row) for row in rows],
        }  # fmt: skip


def read(content: bytes, name: str) -> Pack:
    """Read a pack; traces are rebuilt, and checked, as they are asked for.

    Args:
        content: of its file; JSON where a browser has unpacked it already.

    Raises:
        SourceError: it is none, or was cut off.
    """
    try:
        data = parse(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
        if data["format"] != FORMAT or data["made"][0] != TRACE_FORMAT:
            raise ValueError(data["format"])
        found = _of(data, data)
        found.adapted = {one.source: one for one in (_of(part, data) for part in data.get("adapted", ()))}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OSError, FreezeError) as error:
        raise SourceError(
            "The packed model '{name}' is damaged or of another version.",
            say("Load the page again; if that does not help, build the site again."),
            name=shortened(name),
        ) from error
    return found


def _of(part: dict, whole: dict) -> Pack:
    """The pack of one model; tables and versions are those of the whole file."""
    source, task, labels, *adapter = part["model"]
    rows = {Step(*step): row for row, of in zip(part["rows"], part["of"], strict=True) for step in of}
    return Pack(
        ModelSource.parse(source, task=task, num_labels=labels, adapter=adapter[0] if adapter else None),
        LayerTree.from_json(part["tree"]),
        Traces(whole["tables"], rows),
        {Step(*row[:4]): (unpacked(row[4]), unpacked(row[5])) for row in part["refused"]},
        {Step(*step) for step in part.get("left_out", ())},
        versions=whole["versions"],
        revisions=tuple(whole["made"][1:]),
    )


class Traces(dict):
    """Traces by step, each rebuilt when it is first asked for."""

    def __init__(self, tables: dict, rows: dict[Step, dict]) -> None:
        super().__init__(dict.fromkeys(rows))
        self._tables, self._rows = tables, rows

    def __getitem__(self, step: Step) -> Trace:
        found = super().__getitem__(step)
        if found is None:
            try:
                data = {**unpack(self._rows[step], self._tables), "workload": step.workload.to_json()}
            except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
                raise TraceError("This is no trace that can be read.", "Trace the model again.") from error
            found = self[step] = Trace.from_json(data)
        return found


SHARED = ("amounts", "layers", "operations", "steps", "parameters")


class Tables:
    """What the traces of one model share: each amount, layer, operation and step once.

    A trace's own tables are replaced by these; which values a step reads is told by how far back they were made, so
    that a block's steps are those of the block before.
    """

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, int]] = {name: {} for name in SHARED}

    def to_json(self) -> dict[str, list]:
        return {name: [json.loads(text) for text in table] for name, table in self._tables.items()}

    def _number(self, table: str, value: object) -> int:
        known = self._tables[table]
        return known.setdefault(json.dumps(value, separators=(",", ":")), len(known))

    def take(self, data: dict) -> dict:
        """A trace's values with its tables taken into these."""
        layers = Numbered(data.pop("layers"), lambda layer: self._number("layers", layer))
        amounts = Numbered(data.pop("amounts"), lambda amount: self._number("amounts", amount))
        operations = Numbered(data.pop("operations"), lambda row: self._number("operations", moved(row, amounts)))
        del data["workload"]
        made, steps, places = 0, [], []
        for step in data["steps"]:
            if len(step) == 2:  # an alias
                layer, pairs = step
                steps.append([[[made - one, made - other] for one, other in pairs]])
            else:
                operation, inputs, outputs, layer, *rest = step
                told = [[made - value for value in values] for values in (inputs, outputs)]
                made = max([made, *(value + 1 for value in outputs)])
                steps.append([operations[operation], *told, *rest])
            places.append(layers[layer])
        return {
            **data,
            "steps": [self._number("steps", step) for step in steps],
            "places": _differences([places])[0],
            "parameters": self._number("parameters", data["parameters"]),
            "storage": [at - storage for at, storage in enumerate(data["storage"])],
            "nbytes": [amounts[at] for at in data["nbytes"]],
            "sizes": [amounts[at] for at in data["sizes"]],
            "batch": [amounts[at] for at in data["batch"]],
            "ends": _differences(sorted(ended) for ended in data["ends"]),
            "regions": [[b, e, None if layer is None else layers[layer], i] for b, e, layer, i in data["regions"]],
            "lasting": [[layers[layer], storage] for layer, storage in data["lasting"]],
        }


def unpack(row: dict, tables: dict) -> dict:
    """The values of a trace whose own tables are these."""
    row = dict(row)
    made, steps = 0, []
    for at, layer in zip(row["steps"], _summed([row.pop("places")])[0], strict=True):
        step = tables["steps"][at]
        if len(step) == 1:
            steps.append([layer, [[made - one, made - other] for one, other in step[0]]])
            continue
        operation, inputs, outputs, *rest = step
        inputs, outputs = ([made - value for value in values] for values in (inputs, outputs))
        made = max([made, *(value + 1 for value in outputs)])
        steps.append([operation, inputs, outputs, layer, *rest])
    shared = {name: tables[name] for name in ("amounts", "layers", "operations")}
    return {
        **row, **shared, "steps": steps, "ends": _summed(row["ends"]),
        "storage": [at - back for at, back in enumerate(row["storage"])],
        "parameters": tables["parameters"][row["parameters"]],
    }  # fmt: skip


class Numbered:
    """The numbers of a trace's entries in a shared table, given as they are first used: never of what nothing uses."""

    def __init__(self, entries: list, number: Callable[[Any], int]) -> None:
        self._entries, self._number, self._known = entries, number, {}

    def __getitem__(self, at: int) -> int:
        if at not in self._known:
            self._known[at] = self._number(self._entries[at])
        return self._known[at]


def moved(operation: list, amounts: Numbered) -> list:
    """An operation that points into another table of amounts."""
    name, flops, saved, backward, scratch, copies = operation

    def each(places: Iterable[int]) -> list[int]:
        return [amounts[at] for at in places]

    return [
        name, amounts[flops],
        [[needs, [*kept[:3], each(kept[3]), None if kept[4] is None else amounts[kept[4]]]] for needs, kept in saved],
        [
            [key, [amounts[extra], each(new), gradients, amounts[work], views, [each(group) for group in taken]]]
            for key, (extra, new, gradients, work, views, taken) in backward
        ],
        [each(group) for group in scratch], copies and each(copies),
    ]  # fmt: skip


def _differences(lists: Iterable[list[int]]) -> list[list[int]]:
    """Each number as its difference to the one before it, through all the lists."""
    last, told = 0, []
    for numbers in lists:
        told.append([number - before for before, number in zip([last, *numbers], numbers, strict=False)])
        last = numbers[-1] if numbers else last
    return told


def _summed(lists: list[list[int]]) -> list[list[int]]:
    """What `_differences` was made from."""
    last, found = 0, []
    for differences in lists:
        numbers = list(itertools.accumulate(differences, initial=last))[1:]
        last = numbers[-1] if numbers else last
        found.append(numbers)
    return found
