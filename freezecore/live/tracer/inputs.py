"""Inputs: a batch for a model, made of shapes alone."""

from __future__ import annotations

import torch
from torch import nn

from freezecore.workload import Workload

LONGEST_BY_DEFAULT = 128


def example_inputs(model: nn.Module, workload: Workload, device: str) -> tuple[tuple, dict]:
    """Positional and keyword arguments of one batch: token ids where there is a vocabulary, else images."""
    config = getattr(model, "config", None)
    batch = workload.batch_size
    if getattr(config, "vocab_size", None):
        longest = getattr(config, "max_position_embeddings", None) or LONGEST_BY_DEFAULT
        length = workload.sequence_length or min(LONGEST_BY_DEFAULT, longest)
        ids = torch.zeros(batch, length, dtype=torch.long, device=device)
        return (), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    channels, height, width = (getattr(model, "default_cfg", None) or {}).get("input_size", (3, 224, 224))
    if workload.image_size:
        height = width = workload.image_size
    return (torch.zeros(batch, channels, height, width, device=device),), {}
