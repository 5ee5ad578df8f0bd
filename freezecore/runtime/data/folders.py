"""A person's zip of pictures, one folder a class; perhaps inside folders for training and testing."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from freezecore.datasets import MOST_CLASSES, MOST_EXPANSION, MOST_FILES, MOST_UNPACKED_BYTES
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import ZipPictures
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.split import split
from freezecore.sentences import Sentence, say

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
Part = Literal["train", "test", "unlabelled"]
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "val", "valid", "validation", "dev", "eval", "evaluation"), "test"),
    **dict.fromkeys(("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled"), "unlabelled"),
}
BESIDE_PART = {"seg", "set", "data", "dataset", "split", "images", "image", "imgs", "img", "pictures", "photos", "raw"}
WRAPPERS = {"images", "image", "imgs", "img", "pictures", "photos", "data", "jpg", "jpeg", "png"}


@dataclass(frozen=True)
class _Place:
    """Where a picture lies: its class (None outside of every class's folder), and the folder that says its part."""

    of: str | None
    part: Part
    folder: str


def read_folders(path: Path, request: ProbeRequest) -> Raw:
    """The pictures of a zip and their folders' names as classes; the pictures themselves are decoded later.

    Folders such as `train`, `Training`, `seg_train`, `test`, `val` or `dev`, around the classes' folders or inside
    them, say what is held out; pictures in such a
    folder without a class's folder are left out, which is noted.

    Raises:
        DataError: it is no zip, is too large, or has fewer than two folders of pictures.
    """
    name = shortened(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(
            "{name} cannot be read as a zip.", "Make one folder for each class, and zip them.", name=name
        ) from error
    _within_limits(members, path, name)
    pictures = [info for info in members if _is_picture(info.filename)]
    found = sorted(info.filename for info in pictures if info.file_size)
    places = _places(found)
    unlabelled = _unlabelled(found, places, name)
    labelled = {file: place.of for file, place in zip(found, places, strict=True) if place.of is not None}
    classes = sorted(set(labelled.values()))
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            _not_classes(classes, found, len(members), name),
            "It needs one folder for each class, 2 to {most:,} of them, with pictures in them.",
            most=MOST_CLASSES,
        )
    number = {of: i for i, of in enumerate(classes)}
    targets = np.array([number[of] for of in labelled.values()], np.int64)
    held_out, how = _held_out([place for place in places if place.of is not None])
    train, test = split(
        targets,
        by_class=True,
        name=name,
        train_size=request.train_size,
        test_size=request.test_size,
        held_out=held_out,
    )
    images = ZipPictures(path, tuple(labelled))
    empty = sorted(info.filename for info in pictures if not info.file_size)
    notes = (*_left_out(name, len(members) - len(pictures)), *_empty(name, empty), *unlabelled)
    return Raw(name, "image", targets, tuple(classes), train, test, images=images, notes=notes, split=how)


def _not_classes(classes: list[str], found: list[str], files: int, name: str) -> Sentence:
    """What is said of a zip whose folders are too few classes, or too many."""
    folders = sorted({PurePosixPath(file).parent.name for file in found} - {""})[:3]
    if not found:
        kinds = ", ".join(PICTURES)
        return say("None of the {count:,} files of {name} is a picture ({kinds}).", count=files, name=name, kinds=kinds)
    if not classes and not folders:
        return say("The {count:,} pictures of {name} lie in no folder.", count=len(found), name=name)
    if not classes:
        return say(
            "No folder of {name} is a class: its {count:,} pictures lie in {folders}.",
            name=name,
            count=len(found),
            folders=_listed(folders),
        )
    if len(classes) == 1:
        return say("{name} has one class alone, {folders}.", name=name, folders=_listed(classes))
    return say("{name} has {count:,} folders of pictures.", name=name, count=len(classes))


def _held_out(places: list[_Place]) -> tuple[np.ndarray | None, Sentence]:
    """Which pictures the folders hold out, None where they do not say; and what is told of it."""
    held_out = np.array([place.part == "test" for place in places])
    if held_out.any() and not held_out.all():
        folders = sorted({place.folder for place in places if place.part == "test"})
        return held_out, say("Held out: what lies in {names}.", names=_listed(folders))
    return None, say("Held out at random, the same share of each class.")


def part_of(folder: str) -> Part | None:
    """Which part of the data a folder of this name holds; None where it says nothing.

    Every word of the name must speak of parts: `seg_train` and `test images` do, `pregnancy test` is a class.
    """
    words = [word for word in re.split(r"[^a-z]+", folder.lower()) if word]
    parts = [PARTS[word] for word in words if word in PARTS]
    return parts[0] if len(parts) == 1 and all(word in PARTS or word in BESIDE_PART for word in words) else None


def _places(files: list[str]) -> list[_Place]:
    """Where each picture lies."""
    folders = [PurePosixPath(file).parent.parts for file in files]
    children: dict[tuple[str, ...], set[str]] = {}
    for parts in set(folders):
        for depth in range(len(parts)):
            children.setdefault(parts[:depth], set()).add(parts[depth])
    return [_place(parts, children, set(folders)) for parts in folders]


def _place(parts: tuple[str, ...], children: dict[tuple[str, ...], set[str]], holding: set[tuple[str, ...]]) -> _Place:
    parts_said = [(part_of(folder), folder) for folder in parts]
    part, folder = next(((said, folder) for said, folder in parts_said if said), ("train", ""))
    if parts and not folder and {part_of(beside) for beside in children[parts[:-1]]} > {None, "train"}:
        return _Place(None, "unlabelled", parts[-1])  # beside the parts' folders, `single_prediction` is no class
    while (
        parts
        and parts[-1].lower() in WRAPPERS
        and children.get(parts[:-1]) == {parts[-1]}
        and parts[:-1] not in holding
    ):
        parts = parts[:-1]  # `cat/images/1.jpg`: the only folder inside a class's
    if len(parts) > 1 and part_of(parts[-1]) and _classes_above(parts[:-2], children):
        parts = parts[:-1]  # `cat/train/1.jpg`: the parts lie in the classes
    inner = parts[-1] if parts else ""
    of = inner if inner and part_of(inner) is None else None
    return _Place(of, part, folder)


def _classes_above(around: tuple[str, ...], children: dict[tuple[str, ...], set[str]]) -> bool:
    """Whether a folder's children are classes, each of which holds nothing but folders of parts."""
    inside = [children.get((*around, of), set()) for of in children[around]]
    return (
        len(inside) > 1
        and all(folders and all(map(part_of, folders)) for folders in inside)
        and not any(map(part_of, children[around]))
    )


def _unlabelled(files: list[str], places: list[_Place], name: str) -> tuple[str, ...]:
    """Notes on folders of a part that hold pictures and no class.

    Raises:
        DataError: a picture beside the classes' folders.
    """
    with_classes = {place.folder for place in places if place.of is not None}
    loose = [
        file for file, place in zip(files, places, strict=True) if place.of is None and place.folder in with_classes
    ]
    if loose:
        raise DataError(
            "'{file}' in {name} lies in no class's folder.",
            "Its folder's name is its class.",
            file=shortened(loose[0]),
            name=name,
        )
    counts = Counter(place.folder for place in places if place.of is None)
    return tuple(
        say(
            "1 picture without a class in '{folder}' of {name}: left out."
            if count == 1
            else "{count:,} pictures without a class in '{folder}' of {name}: left out.",
            count=count,
            folder=shortened(folder),
            name=name,
        )
        for folder, count in sorted(counts.items())
    )


def _left_out(name: str, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        say(
            "1 file of {name} that are no pictures were left out."
            if count == 1
            else "{count} files of {name} that are no pictures were left out.",
            count=count,
            name=name,
        ),
    )


def _empty(name: str, files: list[str]) -> tuple[str, ...]:
    if not files:
        return ()
    return (
        say(
            "1 file of {name} is empty and left out: {first}."
            if len(files) == 1
            else "{count:,} files of {name} are empty and left out, {first} first.",
            count=len(files),
            name=name,
            first=shortened(files[0]),
        ),
    )


def _listed(folders: list[str]) -> str:
    return ", ".join(f"'{shortened(folder, 30)}'" for folder in folders)


def _within_limits(members: list[zipfile.ZipInfo], path: Path, name: str) -> None:
    unpacked = sum(info.file_size for info in members)
    if len(members) > MOST_FILES:
        raise DataError(
            "{name} holds {count:,} files.",
            "At most {most:,} are read: take a sample.",
            name=name,
            count=len(members),
            most=MOST_FILES,
        )
    if unpacked > MOST_UNPACKED_BYTES or unpacked > MOST_EXPANSION * max(1, path.stat().st_size):
        raise DataError(
            "{name} unpacks from {size:.1f} MB to {unpacked:,.0f} MB.",
            "At most {times} times its size and {most:.0f} GB are read.",
            name=name,
            size=path.stat().st_size / 1e6,
            unpacked=unpacked / 1e6,
            times=MOST_EXPANSION,
            most=MOST_UNPACKED_BYTES / 1e9,
        )


def _is_picture(file: str) -> bool:
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in PICTURES and not hidden
