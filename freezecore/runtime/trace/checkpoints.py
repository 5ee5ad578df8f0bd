"""Gradient checkpointing, the libraries' own: switched on in a copy of the model, and where it cuts the forward pass.

The functions under it run as they are, and the recording notes which calls they were: what is not saved, what is saved
instead (the arguments), and what has to run again is then a matter of the mask. Both libraries use the kind that is
not reentrant.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from freezecore.errors import WorkloadError
from freezecore.runtime.trace.fake import tensors_in
from freezecore.runtime.trace.record import RecordedRegion, Recorder

ATTRIBUTE = "_gradient_checkpointing_func"  # where transformers keeps what its layers call
OPTIONS = ("use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop")


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
    """Note in the recording what is checkpointed, and which values the model itself makes need a gradient."""
    inside = False

    def checkpoint(function: Callable, *args, when_training: bool, **kwargs):
        nonlocal inside
        passed = {name: item for name, item in kwargs.items() if name not in OPTIONS}
        if inside:
            return function(*args, **passed)
        bound = (*function.args[1:], *function.keywords.values()) if isinstance(function, partial) else ()
        inputs = tuple(recorder.value(tensor) for tensor in tensors_in((*args, *bound, *passed.values())))
        begin, layer = len(recorder.recording.calls), recorder.layer if when_training else None
        inside = True
        try:
            result = function(*args, **passed)
        finally:
            inside = False
        recorder.recording.regions.append(RecordedRegion(begin, len(recorder.recording.calls), layer, inputs))
        return result

    for module in model.modules():
        if hasattr(module, ATTRIBUTE):
            setattr(module, ATTRIBUTE, partial(checkpoint, when_training=True))
    direct = partial(checkpoint, when_training=False)
    with mock.patch("torch.utils.checkpoint.checkpoint", direct), _Asking(recorder):
        yield


class _Asking(TorchFunctionMode):
    """Notes values on which `requires_grad_` is called: transformers does so with the embeddings' output."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is Tensor.requires_grad_ and not self.recorder.paused:
            self.recorder.recording.asking.append(self.recorder.value(args[0]))
        return function(*args, **(kwargs or {}))
