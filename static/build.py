"""Builds the page without a server: `python -m static.build [--out site]`, a folder of plain files.

What a browser needs is copied from here, from `app/`, and from packages of npm, which are pinned by version and hash;
Python goes in as one archive (`python_files.py`): `freezecore`'s half without torch, the page's half without Streamlit,
and the pure Python of what they import, taken from the installed packages. Nothing is asked of another place when the
page runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from app.components.charts import MODULES as CHARTS
from app.components.rules_editor import MODULES as EDITOR
from app.components.scripts import script
from app.components.tree import MODULES as TREE
from app.service.lessons import BY_KEY as LESSONS
from app.text import LANGUAGES
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.source import ModelSource
from static import answers, body, packs, python_files

HERE = Path(__file__).parent
ROOT = HERE.parent
SHELL, COMPONENTS = HERE / "shell", ROOT / "app" / "components"
NPM = ROOT / "build" / "site-npm"
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json")
LIBRARY = "python_stdlib.zip"
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
FONT = "source-sans-3-latin-wght-normal.woff2"


def build(out: Path) -> None:
    """Write the folder anew."""
    _packages()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for file in sorted(SHELL.rglob("*")):
        if file.is_file() and file.name not in ("package.json", "package-lock.json"):
            _copy(file, out / file.relative_to(SHELL))
    for name, modules in (("tree", TREE), ("charts", CHARTS), ("rules_editor", EDITOR)):
        folder = COMPONENTS / name
        (out / f"{name}.js").write_text(script(folder / "js", modules), encoding="utf-8")
        _copy(folder / f"{name}.css", out / f"{name}.css")
    _copy(COMPONENTS / "js" / "channel.js", out / "channel.js")
    _copy(ROOT / "app" / "theme" / "logo.svg", out / "logo.svg")
    for name in PYODIDE:
        _copy(NPM / "node_modules/pyodide" / name, out / "pyodide" / name)
    for name in RUNTIME:
        _copy(NPM / "node_modules/onnxruntime-web/dist" / name, out / "onnx" / name)
    _copy(NPM / "node_modules/plotly.js-basic-dist-min/plotly-basic.min.js", out / "plotly.js")
    _copy(NPM / "node_modules/@fontsource-variable/source-sans-3/files" / FONT, out / FONT)
    body.write(out / "probe")
    index = _packs(out / "packs")
    opens_with = packs.file_of(ModelSource.parse(DEFAULT_SOURCE))
    python_files.write(out, NPM / "node_modules/pyodide" / LIBRARY, index, opens_with)
    drawn = _screens(out / "screens", index)
    page = out / "index.html"
    told = page.read_text(encoding="utf-8").replace(
        'name="screens" content=""', f'name="screens" content="{" ".join(drawn)}"'
    )
    page.write_text(told, encoding="utf-8")
    _other_pages(out)
    _worker_list(out)
    print(f"{out}: {sum(file.stat().st_size for file in out.rglob('*') if file.is_file()) / 1e6:.1f} MB")


def _packages() -> None:
    """Fetch the packages through npm where they are not there yet; their hashes stand in the lock."""
    lock = (SHELL / "package-lock.json").read_bytes()
    mark = NPM / "installed"
    if mark.is_file() and mark.read_text() == hashlib.sha256(lock).hexdigest():
        return
    NPM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SHELL / name, NPM / name)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NPM, check=True)
    mark.write_text(hashlib.sha256(lock).hexdigest())


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def _packs(folder: Path) -> dict[str, list]:
    """Copy the packs; by source, what each is called, and its bytes."""
    folder.mkdir()
    index = {}
    for source, _ in packs.sources():
        file = packs.file_of(source)
        if file.is_file():
            _copy(file, folder / file.name)
            index[str(source)] = [file.name, file.stat().st_size]
    return index


def _screens(folder: Path, index: dict) -> list[str]:
    """The page of each gallery model as it opens, in each language, for the moments before Python has started; their
    names."""
    from app.service import backend, gallery
    from app.service.pricing import COMPLETE
    from static.backend import Packed

    folder.mkdir()
    served = Packed(index)
    backend.use(served)
    models = [model for model in gallery.MODELS if model.source in index]
    for model in models:
        file = packs.FOLDER / index[model.source][0]
        served.add(answers.pack.read(file.read_bytes(), model.source))
        query = json.loads(answers.answer(json.dumps({"do": "change", "query": "", "set": {"model": model.source}})))
        for lang in LANGUAGES:
            question = json.dumps({"do": "open", **query, "lang": lang, "theme": "light"})
            while json.loads(answers.answer(question)).get("stage", COMPLETE) < COMPLETE:
                served.work_on()
            dark = json.loads(answers.answer(question.replace('"theme": "light"', '"theme": "dark"')))
            screen = json.loads(answers.answer(question)) | {"dark": dark["charts"]["colours"]}
            text = json.dumps(screen, ensure_ascii=False, separators=(",", ":"))
            (folder / f"{packs.slug(model.source)}.{lang}.json").write_text(text, encoding="utf-8")
    return [packs.slug(model.source) for model in models]


def _other_pages(out: Path) -> None:
    """The lessons and the teacher's page: the same head with a script of their own, and the lessons as they open."""
    first = (SHELL / "index.html").read_text(encoding="utf-8")
    bare = "".join(line for line in first.splitlines(keepends=True) if "modulepreload" not in line)
    for name in ("learn", "class"):
        (out / f"{name}.html").write_text(bare.replace("page.js", f"{name}.js"), encoding="utf-8")
    for key in LESSONS:
        for lang in LANGUAGES:
            question = {"do": "view", "view": "lesson", "query": f"lesson={key}", "lang": lang, "theme": "light"}
            (out / "screens" / f"learn.{key}.{lang}.json").write_text(answers.answer(json.dumps(question)), "utf-8")


def _worker_list(out: Path) -> None:
    """What the service worker keeps at once, with a version that changes whenever a file does."""
    later = ("packs/", "screens/", "onnx/", "probe/", "plotly.js")
    files = {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(out.rglob("*"))
        if file.is_file() and file.name != "offline.js"
    }
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    first = [name for name in files if not name.startswith(later)]
    rest = [name for name in files if name.startswith(later)]
    worker = out / "offline.js"
    text = worker.read_text(encoding="utf-8")
    known = {"VERSION": version, "FIRST": first, "LATER": rest}
    told = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
    worker.write_text(told + text, encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=ROOT / "site")
    build(options.parse_args().out)


if __name__ == "__main__":
    main()
