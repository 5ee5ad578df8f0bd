"""A visitor without a browser: speaks the page's own protocol, ticks rows, and tells when each answer came."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.components.tree.bits import decode, encode

LARGEST_MESSAGE = 64 * 2**20
LONGEST_S = 30


@dataclass
class Answer:
    """One run of the page or of some of its fragments: seconds from the request, and bytes that came."""

    numbers_s: float | None = None
    finished_s: float | None = None
    bytes_down: int = 0
    fault: str = ""
    numbers: list[str] = field(default_factory=list)


class Visitor:
    """One open page.

    Args:
        address: `127.0.0.1:8501`.
        query: the link's query string, without its `?`.
    """

    def __init__(self, address: str, query: str = "") -> None:
        self.address = address
        self.query = query
        self.page_hash = ""
        self.tree: dict = {}
        self.question: dict = {}
        self.tree_widget = ""
        self.tree_fragment = ""
        self.trains: list[bool] = []
        self.sequence = 0
        self.widgets: dict[str, str] = {}
        self.live = None

    async def open(self) -> Answer:
        """Connect and draw the whole page."""
        self.live = await websockets.connect(
            f"ws://{self.address}/_stcore/stream", subprotocols=["streamlit"], max_size=LARGEST_MESSAGE
        )
        return await self._run()

    async def draw(self) -> Answer:
        """Draw the whole page again."""
        return await self._run()

    async def tick(self, chance: random.Random) -> Answer:
        """Turn a random run of neighbouring parameters, as a tick of a module does."""
        first = chance.randrange(len(self.trains))
        train = not self.trains[first]
        for i in range(first, min(len(self.trains), first + chance.choice((1, 2, 6)))):
            self.trains[i] = train
        self.sequence += 1
        began = time.perf_counter()
        asked = await asyncio.to_thread(self._asked)
        numbers_s = time.perf_counter() - began
        answer = await self._run(self._ticks())
        answer.finished_s += numbers_s  # the page's own run is begun once the first answer is there
        answer.bytes_down += len(asked)
        if asked:
            answer.numbers_s = numbers_s
        else:
            answer.numbers_s += numbers_s
        return answer

    async def press(self, key: str) -> Answer:
        """Press the button with this key."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = self.widgets[key], True
        return await self._run(message)

    async def close(self) -> None:
        await self.live.close()

    def _asked(self) -> bytes:
        """The plain request that the browser paints numbers from, as its script makes it."""
        line = HTTPConnection(self.address, timeout=LONGEST_S)
        try:
            line.request("POST", self.question["path"], json.dumps({**self.question["about"], **self._ticks_now()}))
            return line.getresponse().read()
        finally:
            line.close()

    def _ticks_now(self) -> dict:
        return {"tree": self.tree["tree"], "sequence": self.sequence, "bits": encode(tuple(self.trains))}

    def _ticks(self) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self.tree_widget
        state.json_value = json.dumps({"ticks": self._ticks_now()})
        message.rerun_script.fragment_id = self.tree_fragment
        return message

    async def _run(self, message: BackMsg | None = None) -> Answer:
        message = message or BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.page_hash
        began = time.perf_counter()
        await self.live.send(message.SerializeToString())
        answer = Answer()
        async for raw in self.live:
            now = time.perf_counter() - began
            answer.bytes_down += len(raw)
            forward = ForwardMsg.FromString(raw)
            self._read(forward, answer, now)
            # A run that ended early is followed by the one that it asked for.
            if forward.WhichOneof("type") == "script_finished" and forward.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                answer.finished_s = now
                return answer
        raise ConnectionError("the page closed the connection")

    def _read(self, forward: ForwardMsg, answer: Answer, now: float) -> None:
        kind = forward.WhichOneof("type")
        if kind == "new_session":
            self.page_hash = forward.new_session.page_script_hash
        if kind != "delta" or forward.delta.WhichOneof("type") != "new_element":
            return
        element = forward.delta.new_element
        name = element.WhichOneof("type")
        content = getattr(element, name)
        if name == "exception":
            answer.fault = content.message
        if name == "bidi_component":
            self._read_component(content, forward.delta.fragment_id, answer, now)
        widget = getattr(content, "id", "")
        if widget.startswith("$$ID-"):
            self.widgets[widget.split("-", 2)[2]] = widget

    def _read_component(self, content, fragment: str, answer: Answer, now: float) -> None:
        if content.component_name.endswith("layer_tree"):
            self.tree = json.loads(content.json)
        if content.component_name.endswith("feed"):
            message = json.loads(content.json)
            self.question = message.get("question") or self.question
            for part in message["parts"]:
                if "numbers" in part:
                    answer.numbers_s = answer.numbers_s or now
                    answer.numbers = [text for text, *_ in part["numbers"]]
                if part["part"] == "ticks" and part["tree"] == self.tree.get("tree"):
                    self.tree_widget, self.tree_fragment = content.id, fragment
                    self.trains = list(decode(part["bits"], self.tree["count"]))
                    self.sequence = part["sequence"]
