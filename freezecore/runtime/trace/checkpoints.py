"""Gradient checkpointing: the libraries' own switched on in a copy of the model, and where any cuts the forward pass.

The functions under it run as they are, and the recording notes which calls they were: what is not saved, what is saved
instead (the arguments), and what has to run again is then a matter of the mask. Both libraries use the kind that is
not reentrant; of the other a step is not followed. Frozen layers stay checkpointed (see `freezecore.runtime.own.hold`),
but for modules of one's own that can stand still in eval mode alone and checkpoint in train mode alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import checkpoint

from freezecore.errors import WorkloadError
from freezecore.runtime.own.hold import stays_in_train_mode
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace.record import NotFollowed, RecordedRegion, Recorder

GENERATOR = "_checkpoint_without_reentrant_generator_impl"  # what runs before and after a checkpointed function


def enable(model: Any, label: str) -> None:
    """Switch a model's own gradient checkpointing on.

    Raises:
        WorkloadError: it has none.
    """
    try:
        if hasattr(model, "gradient_checkpointing_enable"):
            with warnings.catch_warnings(action="ignore"):
                model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            for module in model.modules():  # as transformers does in train mode, where both would be on
                config: Any = getattr(module, "config", None)
                if hasattr(config, "use_cache"):
                    config.use_cache = False
        else:
            model.set_grad_checkpointing(True)
    except (AttributeError, AssertionError, ValueError, NotImplementedError) as error:
        raise WorkloadError(
            "{label} has no gradient checkpointing of its own.", "Leave it off.", label=label
        ) from error


@contextmanager
def noting(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Note in the recording what is checkpointed, whoever asks for it, and which values the model itself makes need a
    gradient."""
    inside = False
    modules = dict(model.named_modules())

    def checkpointed(function: Callable, args: tuple, kwargs: dict, **options: Any) -> Iterator[None]:
        """Stands for torch's generator of this name, which ends before and goes on after the function has run."""
        nonlocal inside
        if inside or not torch.is_grad_enabled():
            yield
            return
        if options.get("context_fn", checkpoint.noop_context_fn) is not checkpoint.noop_context_fn:
            raise NotFollowed("It checkpoints selectively (context_fn), which is not followed.")
        bound = (*function.args, *function.keywords.values()) if isinstance(function, partial) else ()
        inputs = tuple(recorder.value(tensor) for tensor in tensors_in((*args, *bound, *kwargs.values())))
        begin = len(recorder.recording.calls)
        layer = None if stays_in_train_mode(modules[recorder.layer]) else recorder.layer
        inside = True
        try:
            yield
        finally:
            inside = False
        recorder.recording.regions.append(RecordedRegion(begin, len(recorder.recording.calls), layer, inputs))

    with (
        mock.patch.object(checkpoint, GENERATOR, checkpointed),
        mock.patch.object(checkpoint, "CheckpointFunction", _Reentrant),
        _Asking(recorder),
    ):
        yield


class _Reentrant:
    """Stands for the older kind of checkpoint."""

    @staticmethod
    def apply(*args: object) -> None:
        raise NotFollowed(
            "It checkpoints with use_reentrant=True, whose memory is not known; use_reentrant=False is followed."
        )


class _Asking(TorchFunctionMode):
    """Notes values that are told to need a gradient: transformers does so with the embeddings' output by
    `requires_grad_`, and with the sound that its feature extractors take by setting `requires_grad`."""

    FLAG: Any = Tensor.requires_grad
    TOLD = (Tensor.requires_grad_, FLAG.__set__)

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in self.TOLD and args[1:2] != (False,) and not self.recorder.paused:
            self.recorder.recording.asking.append(self.recorder.value(args[0]))
        return function(*args, **(kwargs or {}))
