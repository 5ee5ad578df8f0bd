"""Built: a module with what is known of it, and what every library's builder asks before it makes one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from freezecore import machine
from freezecore.errors import SourceError
from freezecore.source import ModelSource
from freezecore.tree import LayerTree


@dataclass(frozen=True)
class Built:
    """A module and what is known of where it comes from.

    Attributes:
        model: in train mode; on the meta device where `source.weights` is `none`.
        new: names that the checkpoint lacks, so that their weights are random.
        config: the library's own configuration object, where there is one.
        notes: what to say of how the source was read, a sentence each.
        base: of a model with adapters, the tree of the same model without.
    """

    model: nn.Module
    source: ModelSource
    new: frozenset[str] = frozenset()
    config: object | None = None
    notes: tuple[str, ...] = ()
    base: LayerTree | None = None


def device_for(source: ModelSource) -> torch.device:
    """Where a source's module is built."""
    return torch.device("meta" if source.weights == "none" else "cpu")


def check_memory(model: nn.Module, source: ModelSource) -> None:
    """Refuse a model whose weights this machine has no memory for, before any is allocated.

    Args:
        model: the same model on the meta device.
    """
    wanted = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers()))
    available = machine.free_bytes()
    if available is not None and wanted > available:
        raise SourceError(
            "{source} needs {wanted:.1f} GB for its weights; {free:.1f} GB are free.",
            "Open it without weights (--weights none): layers, rules and estimates need none.",
            source=source.label,
            wanted=wanted / 1e9,
            free=available / 1e9,
        )
