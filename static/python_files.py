"""The Python of the page without a server: what goes into it, compiled as far as the first tick needs it, in two files.

A browser would spend most of the start on compiling sources. So what is imported until the first numbers goes in as
byte code, made by the very Python that runs it there (`compiled.mjs`); what comes later stays source, which is smaller.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import io
import json
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ROOMS = {  # what goes in, without the rooms that only a server has
    "freezecore": ("runtime", "serving", "cli"),
    "app": ("parts", "views", "server"),
    "static": ("packs", "shell"),
}
PAGE_ONLY = {
    "app/main.py", "app/state.py", "app/page.py", "app/__main__.py", "app/components/messages.py", "static/build.py",
    "static/packs.py", "static/python_files.py", "static/body.py", "static/record.py", "app/service/classes.py",
    "app/service/visitors.py", "app/service/beside.py",
}  # fmt: skip
LIBRARIES = {
    "PyYAML": "yaml", "Jinja2": "jinja2", "MarkupSafe": "markupsafe", "RestrictedPython": "RestrictedPython",
    "segno": "segno",
}  # fmt: skip
SUFFIXES = {".py", ".toml", ".csv", ".json", ".jinja", ".gz"}
NEVER_ASKED = (  # of Python's own library: what a page in a browser has no use for
    "pdb", "doctest", "unittest", "pydoc", "pydoc_data", "idlelib", "imaplib", "smtplib", "poplib", "ftplib", "mailbox",
    "xmlrpc", "multiprocessing", "socketserver", "wsgiref", "optparse", "cProfile", "profile", "pstats", "venv",
    "ensurepip", "turtledemo", "curses", "dbm", "nturl2path", "_pyrepl", "tabnanny", "pyclbr", "pickletools",
)  # fmt: skip


def write(folder: Path, library: Path, index: dict, pack: Path) -> None:
    """Write `python.tar.gz`, and Python's own library (a zip) anew as `pyodide/python_stdlib.zip`.

    Args:
        folder: the site.
        library: as Pyodide gives it; it lies beside Pyodide.
        index: of the packs.
        pack: of the model that the page opens with.
    """
    with tempfile.TemporaryDirectory() as made:
        sources, compiled = Path(made, "page"), Path(made, "compiled")
        for name, source in python_files():
            _write(sources / name, source.read_bytes())
        _write(sources / "static" / "packs.json", json.dumps(index).encode())
        compiled.mkdir()
        asked = [HERE / "compiled.mjs", library.parent, sources, pack, compiled]
        subprocess.run(["node", *map(str, asked)], check=True)
        _archive(folder / "python.tar.gz", _instead(sources, compiled / "page"))
        _library(folder / "pyodide" / library.name, library, compiled / "library")


def python_files() -> Iterator[tuple[str, Path]]:
    """Names in the archive and the files themselves."""
    for package, without in ROOMS.items():
        for file in sorted((ROOT / package).rglob("*")):
            place = file.relative_to(ROOT)
            name = place.as_posix()
            if file.suffix not in SUFFIXES or place.parts[1] in without or name in PAGE_ONLY or file.name == "mount.py":
                continue
            if "__pycache__" not in name:
                yield name, file
    for distribution, package in LIBRARIES.items():
        for entry in importlib.metadata.files(distribution) or ():
            if entry.parts[0] == package and entry.suffix == ".py":
                yield entry.as_posix(), Path(str(entry.locate()))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _instead(sources: Path, compiled: Path) -> dict[str, bytes]:
    """Every file by its name, byte code in place of a source that has some."""
    found = {}
    for file in sorted(sources.rglob("*")):
        if file.is_file():
            name = file.relative_to(sources).as_posix()
            code = compiled / (name + "c")
            found[name + "c" if code.is_file() else name] = (code if code.is_file() else file).read_bytes()
    return found


def _archive(file: Path, files: dict[str, bytes]) -> None:
    """All with the same dates, so that the same files give the same archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    file.write_bytes(gzip.compress(content.getvalue(), 9, mtime=0))


def _library(file: Path, library: Path, compiled: Path) -> None:
    """Python's own library as a zip, which is how Pyodide takes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(library) as given, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name in sorted(given.namelist()):
            code = compiled / (name + "c")
            if name.endswith("/") or (name.split("/")[0].removesuffix(".py") in NEVER_ASKED and not code.is_file()):
                continue
            told, data = (name + "c", code.read_bytes()) if code.is_file() else (name, given.read(name))
            made.writestr(zipfile.ZipInfo(told), data, zipfile.ZIP_DEFLATED, 9)
