"""What reads models where there is no server: packs that the browser has fetched, files that were dropped on the page,
and long work in the moments in which nobody asks for anything."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from freezecore import model_file
from freezecore._estimate.quantized import quantized_names, quantized_trace, quantized_tree
from freezecore._trace import Trace
from freezecore.errors import FreezeError, SourceError, TraceError, WorkloadError, shortened
from freezecore.sentences import say
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload
from static.pack import KERNELS, Pack, Step

T = TypeVar("T")
ON_YOUR_MACHINE = say("The whole program, on a machine of your own, opens it: see the command below.")


class NeedsPack(Exception):
    """A model whose pack has to be fetched first; its argument is the source."""


def not_packed(source: str) -> SourceError:
    """A model that is not here."""
    return SourceError("{name} is not among the models packed here.", ON_YOUR_MACHINE, name=shortened(source))


class Packed:
    """The backend of a page without a server.

    Attributes:
        index: by source, what its pack is called and which task and how many labels it was packed with.
    """

    def __init__(self, index: dict[str, list]) -> None:
        self.index = index
        self._packs: dict[str, Pack] = {}
        self._made: dict[Hashable, Any] = {}
        self._waiting: deque[tuple[Future, Any]] = deque()

    def add(self, pack: Pack) -> None:
        """Take a pack that was fetched."""
        self._packs[str(pack.source)] = pack

    def tree(self, source: ModelSource) -> LayerTree:
        if source.scheme == "file":
            return self._file(source).tree
        tree = self.pack(source).tree
        return self._once(source, lambda: quantized_tree(tree, source.quantize)) if source.quantize else tree

    def trace(self, source: ModelSource, workload: Workload) -> Trace:
        if source.scheme == "file":
            return self._file(source).required_trace().under(workload)
        pack = self.pack(source)
        if workload.image_size or workload.sequence_length:
            raise WorkloadError("Only the model's own input size is packed here.", ON_YOUR_MACHINE)
        if workload.trainer != "pytorch":
            raise WorkloadError("Only a plain training loop is packed here.", ON_YOUR_MACHINE)
        for kernels in _like(workload):
            if Step.of(kernels) in pack.held:
                trace = pack.trace(kernels).under(workload)
                names = quantized_names(pack.tree) if source.quantize else ()
                return quantized_trace(trace, names, source.quantize) if source.quantize else trace
        raise WorkloadError(
            "This step of {name} is not packed here: {device}, {precision}{checkpointing}.",
            ON_YOUR_MACHINE,
            name=source.label,
            device=say("compute capability {number}", number=workload.compute_capability)
            if workload.device == "cuda"
            else "CPU",
            precision=workload.precision,
            checkpointing=say(", checkpointing") if workload.checkpointing else "",
        )

    def fill(self, source: ModelSource, workload: Workload, missing: tuple) -> Trace:
        raise TraceError("What this selection needs was not measured when the model was packed.", ON_YOUR_MACHINE)

    def submit(self, work: Callable[..., Any], *about: object) -> Future:
        future: Future = Future()
        try:
            result = work(*about)
        except FreezeError as error:
            future.set_exception(error)
            return future
        if inspect.isgenerator(result):
            self._waiting.append((future, result))
        else:
            future.set_result(result)
        return future

    def work_on(self) -> bool:
        """Do one step of what waits, the newest first; whether there was anything to do."""
        if not self._waiting:
            return False
        future, steps = self._waiting[-1]
        if (error := _step(future, steps)) is not None or future.done():
            self._waiting.pop()
            if error:
                future.set_exception(error)
        return True

    def pack(self, source: ModelSource) -> Pack:
        """The pack of this model.

        Raises:
            NeedsPack: it has to be fetched.
            SourceError: it is not among the packed ones.
        """
        name = str(source)
        if name not in self.index:
            raise not_packed(name)
        if name not in self._packs:
            raise NeedsPack(name)
        pack, plain = self._packs[name], source.with_(quantize=None)
        if pack.source == plain:
            return pack
        if plain in pack.adapted:
            return pack.adapted[plain]
        if pack.source == source.base:
            raise SourceError(
                "{name} is not packed here with this adapter: {adapter}.",
                ON_YOUR_MACHINE,
                name=shortened(name),
                adapter=shortened(source.adapter),
            )
        raise SourceError(
            "{name} is packed as it opens by itself, not for another task or other classes.",
            ON_YOUR_MACHINE,
            name=shortened(name),
        )

    def _file(self, source: ModelSource) -> model_file.ModelFile:
        """A file of one's own, read once: its name goes with its content."""
        return self._once(source.name, lambda: model_file.read(source.name))

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes, the same object each time."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def _like(workload: Workload) -> list[Workload]:
    """The step, and the same for every card that runs the same kernels."""
    if workload.device == "cpu":
        return [workload]
    alike = next((group for group in KERNELS if workload.compute_capability in group), ())
    return [replace(workload, compute_capability=one) for one in (workload.compute_capability, *alike)]  # type: ignore[arg-type]


def _step(future: Future, steps: Generator) -> FreezeError | None:
    try:
        next(steps)
    except StopIteration as end:
        future.set_result(end.value)
    except FreezeError as error:
        return error
    return None
