"""What every browser test stands on: apps on free local ports, one Chromium, pages that must stay free of errors."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from app.service import visitors
from tests.answering import wait_until_answering
from tests.browser.chromium import BY_HAND, find
from tests.browser.page_room import MAIN, settled
from tests.browser.tree_room import APP, TreeRoom

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
APPS = HERE / "apps"
STARTING_S = 90
PATIENCE_MS = 120_000
expect.set_options(timeout=60_000)  # a busy machine of two cores draws a first page in twenty seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder drives a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; a missing one fails with the command to type."""
    path = find()
    if path is None:
        pytest.fail(f"The browser tests need Chromium. Type one of:\n{BY_HAND}", pytrace=False)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=as_root)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """`serve(script)` starts a Streamlit script once, and gives its address; all of them end with the tests."""
    running: dict[str, tuple[subprocess.Popen, str]] = {}

    def start(script: Path) -> str:
        name = str(script)
        if name not in running:
            running[name] = _started(script)
        return running[name][1]

    yield start
    for process, _ in running.values():
        process.terminate()
        process.wait(20)


def _started(script: Path) -> tuple[subprocess.Popen, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_answering(f"{address}/_stcore/health", STARTING_S, process)
    except AssertionError:
        process.kill()
        raise
    return process, address


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`browse(address, width=…, scheme=…)` opens a page: no error on its console, no other host asked.

    Each page is a browser of its own, as a person's is; `owner` names one whose runs are stored.
    """
    contexts, faults = [], []

    def open_page(
        address: str, *, width: int = 1280, height: int = 900, scheme: str = "light", owner: str = "", **options
    ) -> Page:
        viewport = {"width": width, "height": height}
        options = {"locale": "en-US", **options}
        context = chromium.new_context(viewport=viewport, color_scheme=scheme, **options)
        contexts.append(context)
        name = owner or visitors.new_name()
        context.add_cookies([{"name": visitors.cookie(), "value": visitors.token(name), "url": address}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: faults.append(request.url) if _is_elsewhere(request.url) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(_told(message)) if _is_fault(message) else None)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


@pytest.fixture
def page_at(serve: Callable[..., str], browse: Callable[..., Page]) -> Callable[..., Page]:
    """`page_at("/?model=timm:resnet18")` opens the whole page and waits until nothing more is being drawn."""

    def open_page(address: str = "/", **options) -> Page:
        page = browse(serve(MAIN) + address, **options)
        settled(page)
        return page

    return open_page


def _is_elsewhere(url: str) -> bool:
    """Whether something is asked of another host than our own."""
    return urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname != "127.0.0.1"


def _is_fault(message: ConsoleMessage) -> bool:
    """Below a page of its own (/learn), Streamlit looks for its server there first, and then where it is."""
    return message.type == "error" and not re.search(r"/\w+/_stcore/", message.location["url"])


def _told(message: ConsoleMessage) -> str:
    return f"{message.text} {message.location['url']}"


@pytest.fixture
def tree_room(serve: Callable[..., str], browse: Callable[..., Page]) -> Callable[..., TreeRoom]:
    """`tree_room("bert", lang="ja", width=360)` opens the layer tree alone."""

    def open_room(tree: str = "resnet", lang: str = "en", annotations: bool = False, **options) -> TreeRoom:
        query = f"/?tree={tree}&lang={lang}" + ("&annotations=1" if annotations else "")
        return TreeRoom(browse(serve(APP) + query, **options))

    return open_room
