"""A person's zip of pictures, one folder a class; perhaps inside folders `train` and `test` or `val`."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import numpy as np

from freezecore.datasets import MOST_CLASSES, MOST_EXPANSION, MOST_FILES, MOST_UNPACKED_BYTES
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import ZipPictures
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.split import split

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
HELD_OUT = ("test", "val", "valid", "validation")


def read_folders(path: Path, request: ProbeRequest) -> Raw:
    """The pictures of a zip and their folders' names as classes; the pictures themselves are decoded later.

    Raises:
        DataError: it is no zip, is too large, or has fewer than two folders of pictures.
    """
    name = shortened(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{name} cannot be read as a zip.", "Make one folder for each class, and zip them.") from error
    _within_limits(members, path, name)
    found = sorted(info.filename for info in members if _is_picture(info.filename))
    pairs = [(file, PurePosixPath(file).parent.name) for file in found]
    loose = [file for file, of in pairs if not of or of in HELD_OUT or of == "train"]
    if loose:
        raise DataError(
            f"'{shortened(loose[0])}' in {name} lies in no class's folder.", "Its folder's name is its class."
        )
    classes = sorted({of for _, of in pairs})
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"{name} has {len(classes)} folder{'s' if len(classes) != 1 else ''} of pictures.",
            f"It needs one folder for each class, 2 to {MOST_CLASSES:,} of them, with pictures in them.",
        )
    targets = np.array([classes.index(of) for _, of in pairs], np.int64)
    train, test = split(
        targets,
        by_class=True,
        name=name,
        train_size=request.train_size,
        test_size=request.test_size,
        held_out=_held_out(found),
    )
    left = len(members) - len(found)
    notes = (f"{left} file{'s' if left != 1 else ''} of {name} that are no pictures were left out.",) if left else ()
    images = ZipPictures(path, tuple(found))
    return Raw(name, "image", targets, tuple(classes), train, test, images=images, notes=notes)


def _within_limits(members: list[zipfile.ZipInfo], path: Path, name: str) -> None:
    unpacked = sum(info.file_size for info in members)
    if len(members) > MOST_FILES:
        raise DataError(f"{name} holds {len(members):,} files.", f"At most {MOST_FILES:,} are read: take a sample.")
    if unpacked > MOST_UNPACKED_BYTES or unpacked > MOST_EXPANSION * max(1, path.stat().st_size):
        raise DataError(
            f"{name} unpacks from {path.stat().st_size / 1e6:.1f} MB to {unpacked / 1e6:,.0f} MB.",
            f"At most {MOST_EXPANSION} times its size and {MOST_UNPACKED_BYTES / 1e9:.0f} GB are read.",
        )


def _is_picture(file: str) -> bool:
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in PICTURES and not hidden


def _held_out(files: list[str]) -> np.ndarray | None:
    """What lies below a folder named `test` or `val`, where there is one beside `train`."""
    parts = [{part.lower() for part in PurePosixPath(file).parts[:-2]} for file in files]
    held_out = np.array([bool(part & set(HELD_OUT)) for part in parts])
    return held_out if held_out.any() and not held_out.all() else None
