"""The page from a checkout and from a wheel beside one: each loads its own files, and each of them once."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections import defaultdict
from pathlib import Path

import pytest

from tests.answering import wait_until_answering
from tests.benchmarks.visitor import Visitor
from tests.package.conftest import ROOT, run

STARTING_S = 300
TELL = """
import json, os, signal, sys
def tell(*_):
    files = {name: os.path.realpath(file) for name, module in list(sys.modules.items())
             if (file := getattr(module, "__file__", None))}
    with open(os.environ["MODULES"] + ".part", "w") as to:
        json.dump(files, to)
    os.replace(os.environ["MODULES"] + ".part", os.environ["MODULES"])
signal.signal(signal.SIGUSR1, tell)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory, built) -> Path:
    """Programs of an environment with the wheel, and with the libraries that the tests have, but not the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel, folder=folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "zz.pth").write_text(sysconfig.get_path("purelib"))  # whose own .pth files, the checkout's, are not read
    return folder / "bin"


def modules(command: list[str | Path], folder: Path, tmp_path: Path) -> dict[str, str]:
    """The files of a running page that has been drawn once, by the names under which it has loaded them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "tell").mkdir()
    (tmp_path / "tell" / "sitecustomize.py").write_text(TELL)
    told = tmp_path / "modules.json"
    names = {"PYTHONPATH": str(tmp_path / "tell"), "MODULES": str(told), "FREEZE_EXPLORER_HOME": str(tmp_path / "home")}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*map(str, command), "--port", str(port)], cwd=folder, env={**os.environ, **names}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_answering(f"http://127.0.0.1:{port}/_stcore/health", STARTING_S, server, tmp_path / "log")
        asyncio.run(_drawn(f"127.0.0.1:{port}"))
        server.send_signal(signal.SIGUSR1)
        ended = time.monotonic() + 60
        while not told.exists():
            assert time.monotonic() < ended
            time.sleep(0.1)
        return json.loads(told.read_text())
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


async def _drawn(address: str) -> None:
    visitor = Visitor(address, "model=timm:resnet18")
    answer = await visitor.open()
    await visitor.close()
    assert not answer.fault and visitor.tree


def loaded_once(files: dict[str, str], packages: dict[str, Path]) -> None:
    names = defaultdict(list)
    for name, file in files.items():
        if file.startswith(tuple(map(str, packages.values()))):
            names[file].append(name)
    assert {file: found for file, found in names.items() if len(found) > 1} == {}
    for package, folder in packages.items():
        found = [file for name, file in files.items() if name.partition(".")[0] == package]
        assert len(found) > 20 and all(Path(file).is_relative_to(folder) for file in found)


def test_a_checkout_loads_its_own_files_once(tmp_path):
    files = modules([sys.executable, "-m", "app"], ROOT, tmp_path)
    loaded_once(files, {"app": ROOT / "app", "freezecore": ROOT / "freezecore"})
    assert not any(name.startswith("freeze_explorer") for name in files)


@pytest.mark.slow
def test_a_wheel_beside_a_checkout_loads_its_own_files_once(tmp_path, installed):
    """It is started where `app` and `freezecore` lie, as they do in a checkout: with `-m`, Python would take those."""
    beside = tmp_path / "beside"
    for name in ("app", "freezecore"):
        (beside / name).mkdir(parents=True)
        (beside / name / "__init__.py").write_text("raise SystemExit('the files of the checkout were taken')\n")
    files = modules([installed / "freeze-explorer"], beside, tmp_path)
    (site,) = installed.parent.glob("lib/python3*/site-packages")
    loaded_once(files, {"freeze_explorer": site / "freeze_explorer", "freezecore": site / "freezecore"})
    assert not any(name == "app" or name.startswith("app.") for name in files)
