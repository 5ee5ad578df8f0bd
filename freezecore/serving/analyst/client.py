"""The page's way to torch: a client of the analyst process that shares, remembers, limits and restarts.

Every session of the server calls the same `Analyst` from its own thread. Equal requests in flight become one,
answers are remembered up to a number, and a request that hangs or kills the process costs its caller one sentence.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

from freezecore import sentences
from freezecore._trace import Trace
from freezecore.cache import store, traces, trees
from freezecore.cache.keys import file_stamp
from freezecore.cache.memory import RecentAnswers
from freezecore.datasets import BUILT_IN, DataPreview
from freezecore.errors import FreezeError
from freezecore.probe import ProbeRequest
from freezecore.report import seconds_text
from freezecore.sentences import say
from freezecore.serving import child_process, hub, prefetch
from freezecore.serving.access import check_data, check_source
from freezecore.serving.analyst import protocol
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload

LIMITS_S = {"tree": 60.0, "trace": 120.0, "fill": 120.0, "models": 30.0, "preview": 60.0, "warm": 120.0}
START_LIMIT_S = 120.0
MEMORY_BYTES = 6 * 10**9
MOST_ANSWERS = 64


class Analyst:
    """One analyst process and what it has answered.

    Args:
        verbs: a module whose `VERBS` are served instead of the real ones.
        limits_s: seconds each verb may take, counted from when its turn has come.
        memory_bytes: what one request may allocate; None sets no limit.
    """

    def __init__(
        self,
        verbs: str | None = None,
        *,
        limits_s: dict[str, float] = LIMITS_S,
        memory_bytes: int | None = MEMORY_BYTES,
    ) -> None:
        self._verbs = verbs
        self._limits_s = limits_s
        self._memory_bytes = memory_bytes
        self._answers = RecentAnswers(MOST_ANSWERS)
        self._turn = threading.Lock()
        self._process: AnalystProcess | None = None
        self._prefetching = threading.Lock()
        self._prefetch: subprocess.Popen | None = None
        self._closed = False

    def tree(self, source: ModelSource) -> LayerTree:
        """The source's layers and parameters.

        Raises:
            FreezeError: the model may not or cannot be opened, or opening it took too long or too much memory.
        """
        arguments = {"source": asdict(source)}
        return self._answer(
            "tree", arguments, lambda raw: LayerTree.from_json(json.loads(raw)), lambda: trees.stored(source)
        )

    def trace(self, source: ModelSource, workload: Workload) -> Trace:
        """One training step of the source, from which every mask's cost follows.

        Raises:
            FreezeError: the model cannot be followed, or that took too long or too much memory.
        """
        arguments = {"source": asdict(source), "workload": workload.to_json()}
        return self._answer("trace", arguments, Trace.from_bytes, lambda: traces.stored(source, workload))

    def fill(self, source: ModelSource, workload: Workload, missing: tuple) -> Trace:
        """The trace with the combinations that an estimate was `missing`."""
        arguments = {"source": asdict(source), "workload": workload.to_json(), "missing": missing}
        return self._answer("fill", arguments, Trace.from_bytes)

    def models(self, word: str = "") -> list[dict]:
        """Sources whose name contains the word: `[{source, family, parameters}]`."""
        return self._answer("models", {"word": word}, json.loads)

    def preview(self, request: ProbeRequest) -> DataPreview:
        """A look at a request's data, before anything is trained; the model does not count.

        Raises:
            FreezeError: the data may not or cannot be read; the sentence names the file and the row.
        """
        check_data(request.data)
        if request.source.scheme == "hf" and request.data not in BUILT_IN:
            hub.shared().wait(request.source)  # its tokenizer, in this visitor's own thread
        arguments = {"request": request.to_json()}
        return self._answer("preview", arguments, lambda raw: DataPreview.from_json(sentences.loads(raw)))

    def warm(self, models: Iterable[prefetch.Model] = (), *, then: Callable[[], None] | None = None) -> None:
        """Start the process in the background, so that the first visitor does not wait for torch's import.

        Then another one, which yields to everyone, reads and traces these models, for whoever opens them first.

        Args:
            then: called once the process is ready, or cannot be: what would only compete with it for the first page.
        """
        threading.Thread(target=self._warm, args=(models, then), name="analyst-warm", daemon=True).start()

    def close(self) -> None:
        """End the process; later requests are refused."""
        self._closed = True
        if running := self._process:
            child_process.end(running.process)
        with self._prefetching:
            if self._prefetch:
                child_process.close(self._prefetch)
        with self._turn:
            self._end_process()

    def _warm(self, models: Iterable[prefetch.Model] = (), then: Callable[[], None] | None = None) -> None:
        try:
            self._answer("warm", {}, bytes)
        except FreezeError:
            models = ()  # the request that needs the process says what is wrong
        if then:
            then()
        with self._prefetching:
            if models and not self._closed and not self._prefetch:
                self._prefetch = prefetch.start(models)
                if self._prefetch:  # waited for, or it stays as a zombie when it is done
                    threading.Thread(target=self._prefetch.wait, name="prefetch", daemon=True).start()

    def _answer(
        self, verb: str, arguments: dict, parse: Callable[[bytes], Any], stored: Callable[[], Any] = lambda: None
    ) -> Any:
        """What was answered before, what an earlier server left on the disk, or what the process answers now."""
        if "source" in arguments:
            check_source(ModelSource(**arguments["source"]))
        named = arguments["request"]["data"] if "request" in arguments else arguments.get("source", {}).get("name")
        looked = hub.shared().version(ModelSource(**arguments["source"])) if "source" in arguments else None
        key = json.dumps([verb, arguments, file_stamp(named), looked], sort_keys=True)
        on_disk = stored if self._verbs is None else lambda: None
        return self._answers.answer(key, lambda: on_disk() or parse(self._ask(verb, arguments)))

    def _ask(self, verb: str, arguments: dict) -> bytes:
        """Wait for a turn, ask the process, and put every way of going wrong into one sentence."""
        ask = verb, arguments, self._memory_bytes, self._limits_s[verb]
        with self._turn:
            try:
                try:
                    header, payload = self._running().ask(*ask)
                except DiedBefore:  # while it was idle, for instance by a system short of memory: nobody's fault here
                    self._end_process()
                    header, payload = self._running().ask(*ask)
            except NoAnswer as error:
                self._end_process()
                if not self._closed:
                    self._running()  # torch loads again while the page shows the sentence
                hint = say("Choose a smaller model, batch or input size, or try again in a minute.")
                raise FreezeError(error.args[0], hint) from None
            if header.get("last"):
                self._end_process()
        if "error" in header:
            raise protocol.error_from_json(header["error"])
        return payload

    def _running(self) -> AnalystProcess:
        if self._closed:
            raise FreezeError("The server is being stopped.", "Open the page again when it runs.")
        if self._process is None or self._process.process.poll() is not None:
            self._end_process()
            self._process = AnalystProcess(self._verbs)
        return self._process

    def _end_process(self) -> None:
        if self._process:
            child_process.close(self._process.process)
            self._process = None


class NoAnswer(Exception):
    """The process died or hung during a request; its sentence says how."""


class DiedBefore(NoAnswer):
    """The process had died before it began this request."""


class AnalystProcess:
    """The running process: one request at a time, its answers read by a thread of its own.

    Attributes:
        asked: how many requests it was sent.
    """

    def __init__(self, verbs: str | None) -> None:
        log = store.home() / "analyst.log"
        arguments = [verbs] if verbs else []
        self.process = child_process.start(
            "freezecore.serving.analyst.server",
            *arguments,
            log=log,
            stdout=subprocess.PIPE,
            HF_HUB_OFFLINE="1",  # what waits for a network would hold everybody: `hub` asks it, beside this process
        )
        self.asked = 0
        self._arrived: queue.SimpleQueue[tuple[dict, bytes] | None] = queue.SimpleQueue()
        self._ready = False
        threading.Thread(target=self._receive, name="analyst-answers", daemon=True).start()

    def ask(self, verb: str, arguments: dict, memory_bytes: int | None, limit_s: float) -> tuple[dict, bytes]:
        """Header and payload of the answer.

        Raises:
            DiedBefore: the process had died before.
            NoAnswer: the process died, or did not answer in time.
        """
        doing = protocol.action(verb, arguments)
        if not self._ready:
            slow = say("{doing} could not begin, because torch took too long to load.", doing=doing)
            self._next(START_LIMIT_S, doing, slow)
            self._ready = True
        self.asked += 1
        try:
            request = {"verb": verb, "arguments": arguments, "memory_bytes": memory_bytes}
            child_process.send_line(self.process, json.dumps(request))
            self._next(START_LIMIT_S, doing, say("{doing} did not begin.", doing=doing))
        except (OSError, NoAnswer) as error:
            raise DiedBefore(self._death(doing)) from error
        late = say("{doing} took longer than {limit} and was stopped.", doing=doing, limit=seconds_text(limit_s))
        return self._next(limit_s, doing, late)

    def _next(self, limit_s: float, doing: str, late: str) -> tuple[dict, bytes]:
        try:
            arrived = self._arrived.get(timeout=limit_s)
        except queue.Empty:
            raise NoAnswer(late) from None
        if arrived is None:
            raise NoAnswer(self._death(doing))
        return arrived

    def _death(self, doing: str) -> str:
        child_process.end(self.process)  # nothing if it has ended, which is how it mostly comes here
        death = child_process.death_of(self.process.wait())
        return say("{doing} ended the process that reads models: it {death}.", doing=doing, death=death)

    def _receive(self) -> None:
        """Runs until the process's output ends; None then tells whoever waits."""
        with contextlib.suppress(ValueError):  # the pipe was closed, or the process died in the middle of a line
            assert self.process.stdout is not None
            while arrived := protocol.read(self.process.stdout):
                self._arrived.put(arrived)
        self._arrived.put(None)


@cache
def shared() -> Analyst:
    """The one analyst of this server that opens and follows models."""
    return Analyst()


@cache
def for_data() -> Analyst:
    """The one that looks at people's data: a file that takes a minute there holds up nobody who opens a model."""
    return Analyst()
