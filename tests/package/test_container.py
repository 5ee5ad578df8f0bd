"""The container's install lines, run in an empty environment as a build of the image runs them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.package.conftest import ROOT, run

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PARTS = re.split(r"^(?=FROM )", TEXT, flags=re.MULTILINE)
FOR_CARDS = re.compile(r"(?:torch|torchvision|triton|cuda-|nvidia-)")


def lines(stage: str) -> list[str]:
    """The commands that a stage runs, in order."""
    text = re.sub(r"\\\n", " ", TEXT)
    (body,) = re.findall(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM )", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^RUN (.*)", body, re.MULTILINE)


@pytest.fixture
def image(tmp_path):
    """`image(stage)` runs its lines; what pip would take from a registry is looked up and not downloaded."""
    folder = tmp_path / "srv"
    folder.mkdir()
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=folder)
    for name in ("requirements.lock", "pyproject.toml", "setup.py", "README.md", "LICENSE", "freezecore", "app"):
        (folder / name).symlink_to(ROOT / name)

    def build(stage: str, **settings: str) -> subprocess.CompletedProcess:
        command = "\n".join(lines(stage)).replace("/wheel", str(tmp_path / "wheel"))
        path = f"{tmp_path / 'venv' / 'bin'}:/usr/bin:/bin"
        return run("bash", "-ec", command, folder=folder, expect=None, PATH=path, **settings)

    return build


def index(folder: Path) -> str:
    """An index with CPU wheels of torch: empty ones, in the locked versions."""
    for name, version in re.findall(r"^(torch|torchvision)==(\S+)", LOCK, re.MULTILINE):
        home = folder / name
        home.mkdir(parents=True)
        info = f"{name}-{version}+cpu.dist-info"
        with zipfile.ZipFile(home / f"{name}-{version}+cpu-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}+cpu\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        (home / "index.html").write_text(f'<a href="{name}-{version}+cpu-py3-none-any.whl">wheel</a>')
    return folder.as_uri()


@pytest.mark.slow  # asks a registry for each library of the lock
def test_the_wheel_is_built_and_the_lock_can_be_installed_as_it_stands(image):
    assert (made := image("wheel")).returncode == 0, made.stderr
    done = image("app", PIP_DRY_RUN="1")
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"Would install .*\btorch-2", done.stdout)
    assert "Would install freeze-explorer-" in done.stdout


@pytest.mark.slow
def test_without_a_card_nothing_that_computes_on_one_is_installed(image, tmp_path):
    assert image("wheel").returncode == 0
    done = image("cpu", PIP_DRY_RUN="1", TORCH_INDEX=index(tmp_path / "index"))
    assert done.returncode == 0, done.stderr[-2000:]
    locked, torch, ours = re.findall(r"Would install (.*)", done.stdout)
    assert len(locked.split()) > 60
    assert not [name for name in locked.split() if FOR_CARDS.match(name) and not name.startswith("torchmetrics-")]
    assert re.fullmatch(r"torch-\S+\+cpu torchvision-\S+\+cpu", torch)
    assert ours.startswith("freeze-explorer-")


@pytest.mark.slow
def test_without_an_index_the_build_says_so(image):
    assert "name an index with CPU wheels of torch" in image("cpu", PIP_DRY_RUN="1").stderr


def test_both_images_start_the_same_page_as_the_same_user():
    says = [re.findall(r"^(FROM|ENTRYPOINT|HEALTHCHECK|USER|EXPOSE) ?(.*)", part, re.MULTILINE) for part in PARTS]
    stages = {said[0][1].partition(" AS ")[2]: said for said in says if said and said[0][0] == "FROM"}
    assert [what for what, _ in stages["start"]] == ["FROM", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"]
    assert stages["app"][0][1] == "start AS app" and stages["cpu"][0][1] == "start AS cpu"
    assert stages["app"][1:] == stages["cpu"][1:] == [("USER", "10001")]
