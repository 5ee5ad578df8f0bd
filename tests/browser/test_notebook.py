"""The tree in JupyterLab: ticks are `view.rules` in the kernel, and rules set there tick the boxes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.answering import wait_until_answering

ROOT = Path(__file__).parents[2]
STARTING_S = 180
DRAWN_MS = 240_000
CELLS = (
    "import torch, freezecore as fc\n"
    "model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))\n"
    "view = fc.show(model, 'freeze all; train 2')\n"
    "def tell(_=None):\n"
    "    open('told.txt', 'w').write(f'{view.rules}|{view.mask.trainable}')\n"
    "view.observe(tell, 'rules')\n"
    "tell()\n"
    "view",
    "view.rules = 'freeze all; train 1'",
)


def notebook(folder: Path) -> None:
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "c0"}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [{**cell, "id": f"c{i}", "source": text} for i, text in enumerate(CELLS)]
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "tree.ipynb").write_text(json.dumps(content))


def installed(folder: Path) -> Path:
    """A folder for Python's path that has the distribution as an installation would, with this checkout's files."""
    info = folder / "freeze_explorer-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: freeze-explorer\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[freezecore.views]\nnotebook = freeze_explorer.notebook:TreeWidget\n")
    for name, place in (("freeze_explorer", "app"), ("freezecore", "freezecore")):
        (folder / name).symlink_to(ROOT / place)
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab's address with a notebook, and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    notebook(folder)
    path = installed(folder / "installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"),
        *(f"--notebook-dir={folder}", "--IdentityProvider.token=", "--LabApp.extension_manager=readonly", *quiet),
    ]
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    environment = {**os.environ, **own, "PYTHONPATH": str(path), "FREEZE_EXPLORER_HOME": str(folder / "home")}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_answering(f"http://127.0.0.1:{port}/api", STARTING_S, server, folder / "log")
        yield f"http://127.0.0.1:{port}", folder
    finally:
        server.terminate()
        server.wait(60)


def told(folder: Path, expected: str) -> None:
    ended = time.monotonic() + 120
    while (found := (folder / "told.txt").read_text()) != expected:
        assert time.monotonic() < ended, found
        time.sleep(0.2)


def test_ticks_and_rules_follow_each_other(lab, chromium, tmp_path):
    address, folder = lab
    page: Page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(DRAWN_MS)
    page.goto(f"{address}/lab/tree/tree.ipynb?reset")
    # The button: on a machine at work JupyterLab takes the focus back after a click, and a key then reaches no cell.
    run = page.locator(".jp-NotebookPanel-toolbar [data-command='notebook:run-cell-and-select-next']")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()  # before, nothing can be run
    page.locator(".jp-Notebook .jp-Cell").first.click()
    run.click()
    rows = page.get_by_role("treeitem")
    expect(rows.first).to_be_visible(timeout=DRAWN_MS)
    told(folder, "freeze all; train 2|18")
    page.screenshot(path=str(tmp_path / "notebook.png"))
    page.get_by_role("treeitem", name="0").first.click(position={"x": 15, "y": 14})
    told(folder, "freeze norms|90")
    page.locator(".jp-Notebook .jp-Cell").last.locator(".jp-InputArea-editor").click()
    run.click()
    told(folder, "freeze all; train 1|16")
    expect(page.get_by_role("treeitem", name="0").first).to_have_attribute("aria-checked", "false")
    page.close()
