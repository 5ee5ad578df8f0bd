"""Asks the Hugging Face Hub for a model's config and tokenizer, beside everything else: a slow network holds nobody.

`python -m freezecore.serving.hub NAME` puts them where the libraries look, and writes one line of JSON. Only what a
person asks for is looked up, never what a link says; what could not be had is remembered for a while.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from freezecore import hub_configs, packaged, sentences
from freezecore.cache.memory import Recent
from freezecore.errors import FreezeError, SourceError, shortened
from freezecore.report import seconds_text
from freezecore.serving import one_answer
from freezecore.serving.analyst import protocol
from freezecore.source import ModelSource

LIMIT_S = 12.0  # of a look-up in all; Python's start and the library's import are most of it
REACH_S = 3.0  # for the first answer of the Hub
FAILURE_S = 300.0
MOST = 256
AT_ONCE = 4
TOKENIZER = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model", "spiece*")
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class HubLookups:
    """Look-ups that go on, and what they came to, by the model's name. Any thread may call it."""

    def __init__(self, limit_s: float = LIMIT_S, module: str = "freezecore.serving.hub") -> None:
        self._limit_s, self._module = limit_s, module
        self._known = Recent(MOST)
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hub")

    def begin(self, source: ModelSource) -> None:
        """Ask for a model, unless that goes on, or was answered, or failed a short while ago."""
        if not may_ask(source):
            return
        with self._lock:
            known = self._known.read(source.name)
            if known is None or self._is_stale(known):
                future = self._threads.submit(self._look_up, source)
                future.at = time.monotonic()  # type: ignore[attr-defined]
                self._known.write(source.name, future)

    def goes_on(self, source: ModelSource) -> bool:
        """Whether it has been asked for and not answered yet."""
        known = self._known.read(source.name)
        return known is not None and not known.done()

    def version(self, source: ModelSource) -> float | None:
        """Changes when a look-up has been answered, so that what was said before is not repeated."""
        known = self._known.read(source.name)
        return known.at if known is not None and known.done() else None

    def fault(self, source: ModelSource) -> FreezeError | None:
        """Why the last look-up had no answer; None where it had, or there was none."""
        known = self._known.read(source.name)
        return known.exception() if known is not None and known.done() else None

    def wait(self, source: ModelSource) -> None:
        """Ask for a model and wait for the answer, whatever it is."""
        self.begin(source)
        if known := self._known.read(source.name):
            with contextlib.suppress(FreezeError):
                known.result()

    def _is_stale(self, known: Future) -> bool:
        failed = known.done() and known.exception() is not None
        return failed and time.monotonic() - known.at > FAILURE_S  # type: ignore[attr-defined]

    def _look_up(self, source: ModelSource) -> None:
        try:
            one_answer.run(self._module, source.name, b"", self._limit_s, HF_HUB_ETAG_TIMEOUT="3")
        except subprocess.TimeoutExpired:
            raise SourceError(
                "The Hugging Face Hub did not answer about '{name}' within {limit}.",
                packaged.offline_config_hint(),
                name=shortened(source.name),
                limit=seconds_text(self._limit_s),
            ) from None
        except (subprocess.SubprocessError, OSError) as error:
            raise _unreachable(source.name) from error


@cache
def shared() -> HubLookups:
    """The look-ups of this server."""
    return HubLookups()


def may_ask(source: ModelSource) -> bool:
    """Whether this is a name of the Hub, not a folder, that nothing installed here answers for."""
    return _is_of_hub(source) and not hub_configs.find(source.name)


def has_tokenizer(source: ModelSource) -> bool:
    """Whether reading text with this model's tokenizer needs nothing from the Hub."""
    from huggingface_hub import constants

    kept = Path(constants.HF_HUB_CACHE, f"models--{source.name.replace('/', '--')}", "snapshots")
    return not _is_of_hub(source) or any(any(kept.glob(f"*/{name}")) for name in TOKENIZER)


def _is_of_hub(source: ModelSource) -> bool:
    is_name = re.fullmatch(r"[\w][\w.-]*(/[\w][\w.-]*)?", source.name, re.ASCII)
    return bool(source.scheme == "hf" and is_name and not packaged.find(source))


def _unreachable(name: str) -> SourceError:
    return SourceError(
        "The Hugging Face Hub cannot be reached, so '{name}' cannot be fetched.",
        packaged.offline_config_hint(),
        name=shortened(name),
    )


def fetch(name: str) -> None:
    """Fetch a model's config, and its tokenizer where it has one, with one try.

    Raises:
        SourceError: the Hub cannot be reached, or has no such model.
    """
    from huggingface_hub import constants, hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    _reach(constants.ENDPOINT, name)
    try:
        hf_hub_download(name, "config.json")
    except (HfHubHTTPError, HFValidationError) as error:
        raise SourceError(
            "The Hugging Face Hub has no open model called '{name}' with a config.json.",
            "Check its spelling on the Hub, or whether it is open to everybody.",
            name=shortened(name),
        ) from error
    except OSError as error:
        raise _unreachable(name) from error
    with contextlib.suppress(OSError, HfHubHTTPError):  # many models read no text
        snapshot_download(name, allow_patterns=list(TOKENIZER))


def _reach(endpoint: str, name: str) -> None:
    """Try once whether the Hub's host answers at all: the library tries six times, for half a minute."""
    if any(os.environ.get(proxy) for proxy in PROXIES):
        return
    address = urlsplit(endpoint)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), REACH_S).close()
    except OSError as error:
        raise _unreachable(name) from error


def main(name: str) -> None:
    """Fetch, and say how that went."""
    answer: dict = {}
    try:
        fetch(name)
    except FreezeError as error:
        answer = {"error": protocol.error_to_json(error)}
    print(sentences.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
