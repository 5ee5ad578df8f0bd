"""Where the kept arguments of all samples lie: in memory within a budget, beyond it in a memory-mapped file."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from freezecore import machine
from freezecore.runtime.prefix.shapes import NotCuttable, Shaped

MEMORY_SHARE = 0.25  # of what is free now: the training step needs the rest
DISK_SHARE = 0.5


def memory_budget(device: torch.device) -> int:
    """Bytes that kept arguments may take of the memory that they would lie in."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * MEMORY_SHARE)
    return int((machine.free_bytes() or 4_000_000_000) * MEMORY_SHARE)


class Store:
    """One row (or `each` rows) a sample for every argument that is kept; filled and read in any order."""

    def __init__(self, leaves: list[Shaped], count: int, device: torch.device, budget: int | None = None) -> None:
        self.leaves, self.device = leaves, device
        self.nbytes = count * sum(leaf.bytes_each for leaf in leaves)
        self.folder: str | None = None
        self.kept: list[Tensor] = []
        home, room = device, memory_budget(device) if budget is None else budget
        if self.nbytes > room and device.type != "cpu":
            home, room = torch.device("cpu"), memory_budget(torch.device("cpu")) if budget is None else budget
        if self.nbytes > room:
            try:
                self.kept = self._on_disk(count)
            except NotCuttable:
                self.close()
                raise
        else:
            self.kept = [_empty(leaf, count, home) for leaf in leaves]

    @property
    def on_disk(self) -> bool:
        return self.folder is not None

    def put(self, rows: Tensor, batch: list[Tensor]) -> None:
        """Keep the arguments of these samples."""
        for leaf, kept, value in zip(self.leaves, self.kept, batch, strict=True):
            kept[rows.to(kept.device)] = _per_sample(value, leaf).to(kept.device)

    def take(self, positions: Tensor) -> list[Tensor]:
        """The arguments of these samples as the module at the cut was handed them."""
        batch = []
        for leaf, kept in zip(self.leaves, self.kept, strict=True):
            rows = kept[positions.to(kept.device)].to(self.device, non_blocking=True)
            batch.append(_as_argument(rows, leaf))
        return batch

    def close(self) -> None:
        """Forget what is kept, and remove its file."""
        self.kept = []
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _on_disk(self, count: int) -> list[Tensor]:
        try:
            free = shutil.disk_usage(tempfile.gettempdir()).free
        except OSError as error:
            raise NotCuttable("keeping it needs a folder for temporary files, and there is none") from error
        if self.nbytes > free * DISK_SHARE:
            raise NotCuttable(
                "keeping it takes {size:.1f} GB, more than memory and disk have to spare", size=self.nbytes / 1e9
            )
        self.folder = tempfile.mkdtemp(prefix="freeze-explorer-")
        kept = []
        for number, leaf in enumerate(self.leaves):
            shape = (count, *_row(leaf))
            file, size = Path(self.folder) / f"{number}", torch.Size(shape).numel()
            _reserve(file, size * leaf.dtype.itemsize)
            flat = torch.from_file(str(file), shared=True, size=size, dtype=leaf.dtype)
            kept.append(flat.view(shape))
        return kept


def _reserve(file: Path, size: int) -> None:
    """Take the file's room now: writing to a mapped file on a full disk would kill the process."""
    with file.open("wb") as opened:
        if not hasattr(os, "posix_fallocate"):
            opened.truncate(size)
            return
        try:
            os.posix_fallocate(opened.fileno(), 0, size)
        except OSError as error:
            raise NotCuttable("its {size:.1f} GB do not fit on the disk", size=size / 1e9) from error


def _empty(leaf: Shaped, count: int, device: torch.device) -> Tensor:
    layout = leaf.layout if leaf.each == 1 and leaf.dim == 0 else torch.contiguous_format
    return torch.empty((count, *_row(leaf)), dtype=leaf.dtype, device=device, memory_format=layout)


def _row(leaf: Shaped) -> tuple[int, ...]:
    """One sample's sizes: the batch dimension, moved to the front, keeps `each` entries."""
    rest = leaf.shape[: leaf.batch_dim] + leaf.shape[leaf.batch_dim + 1 :]
    return rest if leaf.each == 1 else (leaf.each, *rest)


def _per_sample(value: Tensor, leaf: Shaped) -> Tensor:
    value = value.detach().movedim(leaf.batch_dim, 0)
    return value if leaf.each == 1 else value.reshape(-1, leaf.each, *value.shape[1:])


def _as_argument(rows: Tensor, leaf: Shaped) -> Tensor:
    if leaf.each != 1:
        rows = rows.reshape(-1, *rows.shape[2:])
    rows = rows.movedim(0, leaf.batch_dim)
    return rows.contiguous(memory_format=leaf.layout)
