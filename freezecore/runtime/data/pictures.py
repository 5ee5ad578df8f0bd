"""Pictures that can be had at any size: arrays in memory, or files inside a zip, decoded when their size is known."""

from __future__ import annotations

import base64
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from freezecore.datasets import MOST_PIXELS
from freezecore.errors import DataError, shortened

if TYPE_CHECKING:
    from PIL import Image

AT_ONCE = 256


class Pictures(Protocol):
    """Pictures by position."""

    def at(self, positions: Sequence[int], size: int) -> Tensor:
        """uint8 [n, 3, size, size]."""
        ...


class ArrayPictures:
    """Pictures of one size, uint8 [n, 3, height, width]."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def at(self, positions: Sequence[int], size: int) -> Tensor:
        """Resized smoothly; small ones are enlarged."""
        pixels = torch.from_numpy(self.pixels[np.asarray(positions)])
        if pixels.shape[-2:] == (size, size):
            return pixels
        parts = [
            F.interpolate(part.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
            for part in pixels.split(AT_ONCE)
        ]
        return torch.cat([part.round_().clamp_(0, 255).to(torch.uint8) for part in parts])


class ZipPictures:
    """Picture files inside a zip; never unpacked to disk."""

    def __init__(self, path: Path, members: tuple[str, ...]) -> None:
        self.path, self.members = path, members

    def at(self, positions: Sequence[int], size: int) -> Tensor:
        """The middle square of each, resized.

        Raises:
            DataError: one cannot be read; names it.
        """
        pixels = torch.empty((len(positions), 3, size, size), dtype=torch.uint8)
        with zipfile.ZipFile(self.path) as archive:
            for row, position in enumerate(positions):
                pixels[row] = torch.from_numpy(self._one(archive, self.members[position], size))
        return pixels

    def _one(self, archive: zipfile.ZipFile, member: str, size: int) -> np.ndarray:
        from PIL import Image, ImageOps

        said = f"'{shortened(member)}' in {shortened(self.path.name)}"
        try:
            with warnings.catch_warnings(), Image.open(io.BytesIO(_content(archive, member))) as image:
                warnings.simplefilter("ignore")  # a large picture is refused below
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(
                        "{picture} has {width:,} × {height:,} pixels, too many to read.",
                        picture=said,
                        width=image.width,
                        height=image.height,
                    )
                image.draft("RGB", (2 * size, 2 * size))  # a JPEG is decoded at a fraction of its size
                square = ImageOps.fit(as_seen(ImageOps.exif_transpose(image)), (size, size))
        except (
            OSError,
            ValueError,
            SyntaxError,
            RuntimeError,
            zipfile.BadZipFile,
            Image.DecompressionBombError,
        ) as error:
            raise DataError(
                "{picture} cannot be read as a picture.", "Remove it, or save it as JPEG or PNG.", picture=said
            ) from error
        return np.asarray(square).transpose(2, 0, 1).copy()


def _content(archive: zipfile.ZipFile, member: str) -> bytes:
    """A member's bytes, no more than its header says: asked for all at once, a zip unpacks what its header hides.

    Raises:
        DataError: it is packed by a method that cannot be unpacked in parts.
    """
    info = archive.getinfo(member)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("packed by a rare method")
    with archive.open(info) as file:
        return file.read(info.file_size)


def as_seen(image: Image.Image) -> Image.Image:
    """A picture in RGB as a viewer shows it: 16 bits scaled to 8, what is transparent on white.

    Raises:
        ValueError: its numbers are no brightness that a viewer could know the range of.
    """
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """Brightness as uint8: whole numbers from the 16 bits that files have, fractions from 0 to 1."""
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        scale = 255.0
    elif low >= 0 and high < 2**16:
        scale = 255 / (2**16 - 1)
    else:
        raise ValueError(f"brightness from {low:g} to {high:g}")
    return np.round(values * scale).astype(np.uint8)


def data_address(pixels: np.ndarray) -> str:
    """uint8 [3, height, width] as a JPEG in a `data:` address."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
