"""Tensors whose values are known where others have none: ids, masks and sizes of pictures, on the meta device or fake.

A multimodal model asks its inputs for values: where the picture's tokens stand, how many patches a picture has. Those
follow from whole numbers in the batch alone. A tensor made by `known` carries its values along; what is computed from
such tensors only is computed for real beside, and answers where the model's code asks. All else has no values, as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from freezecore.runtime.tensors import tensors_in

VALUES = "_freezecore_values"
MOST_VALUES = 50_000_000  # a batch of long sequences has thousands, one of pictures millions
# What asks for values; and what has a size that only values tell.
ASKS = {
    Tensor.__bool__, Tensor.item, Tensor.tolist, Tensor.__int__, Tensor.__float__, Tensor.__index__, Tensor.numpy,
    torch.equal, torch.is_nonzero,
}  # fmt: skip
SIZED = {
    torch.nonzero, Tensor.nonzero, torch.masked_select, Tensor.masked_select, torch.unique, Tensor.unique,
    torch.unique_consecutive, Tensor.unique_consecutive, torch.repeat_interleave, Tensor.repeat_interleave,
    torch.bincount, Tensor.bincount, torch.argwhere, Tensor.argwhere,
}  # fmt: skip
MAKES = {
    torch.arange, torch.tensor, torch.zeros, torch.ones, torch.full, torch.as_tensor, torch.linspace, torch.empty,
    torch.zeros_like, torch.ones_like, torch.full_like,
}  # fmt: skip
SIZES = ("split", "split_with_sizes", "view", "reshape", "expand", "repeat", "narrow", "unflatten")  # take numbers
RANDOM = ("rand", "normal", "uniform", "bernoulli", "dropout", "multinomial", "empty")


def known(values: Tensor, device: torch.device | str) -> Tensor:
    """These values on a device; without storage there, a tensor that carries them."""
    made = torch.empty(values.shape, dtype=values.dtype, device=device)
    if made.device.type == "meta" or type(made) is not Tensor:
        setattr(made, VALUES, values)
        return made
    return made.copy_(values)


def real(rows: list) -> Tensor:
    """Whole numbers with storage, whatever mode is on."""
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        return torch.tensor(rows, dtype=torch.long, device="cpu")


def grey(*shape: int) -> Tensor:
    """A picture of one value, which is kept once."""
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        return torch.ones((), device="cpu").expand(shape)


def following(batch: object) -> AbstractContextManager:
    """A mode that follows what is known of a batch; nothing to enter where nothing is."""
    return KnownValues() if any(hasattr(tensor, VALUES) for tensor in tensors_in(batch)) else nullcontext()


class KnownValues(TorchFunctionMode):
    """Follows the known values through every torch function; entered last, so that it is asked first."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") == "__get__":
            return func(*args, **kwargs)
        given = tensors_in((args, kwargs))
        have = [hasattr(tensor, VALUES) for tensor in given]
        if func in ASKS:
            return self._real(func, args, kwargs) if all(have) and have else func(*args, **kwargs)
        if not all(have):
            return self._mixed(func, args, kwargs)
        if not given and func not in MAKES:
            return func(*args, **kwargs)
        if any(word in getattr(func, "__name__", "") for word in RANDOM):
            return func(*args, **kwargs)
        try:
            answer = self._real(func, args, kwargs)
        except (RuntimeError, TypeError, NotImplementedError, IndexError, ValueError):
            return func(*args, **kwargs)
        sized = (
            func in SIZED
            or (func in MAKES and given)
            or (func is torch.where and len(args) == 1)
            or _by_mask(func, args)
        )
        if sized:
            return _like(answer, given[0])
        result = func(*_with_numbers(func, args), **kwargs)
        _carry(result, answer)
        return result

    @staticmethod
    def _real(func, args: tuple, kwargs: dict) -> Any:
        on_cpu = {name: "cpu" if name == "device" and value is not None else value for name, value in kwargs.items()}
        if func in MAKES and func.__name__[-5:] != "_like":
            on_cpu["device"] = "cpu"
        arguments = _values((args, on_cpu))
        arguments = _on_cpu(arguments[0]) if func is Tensor.to else arguments[0], arguments[1]
        with _disable_current_modes(), torch._C.DisableTorchFunction(), torch.no_grad():
            return func(*arguments[0], **arguments[1])

    def _mixed(self, func, args: tuple, kwargs: dict) -> Any:
        """An index of known values into a tensor without any: how many it takes is known."""
        name = getattr(func, "__name__", "")
        if name in ("__getitem__", "__setitem__"):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            args = (args[0], tuple(each for part in index for each in _places(part)), *args[2:])
        args = _with_numbers(func, args)
        if func in (torch.repeat_interleave, Tensor.repeat_interleave) and len(args) > 1 and hasattr(args[1], VALUES):
            total = int(getattr(args[1], VALUES).sum()) if getattr(args[1], VALUES).dim() else None
            if total is not None and "output_size" not in kwargs:
                kwargs = kwargs | {"output_size": total}
        if (name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))) and args:
            _forget(args[0])
        return func(*args, **kwargs)


def _with_numbers(func, args: tuple) -> tuple:
    """The same arguments, sizes and a slice's bounds as the numbers that they are known to be."""
    if getattr(func, "__name__", "") in SIZES:
        return (args[0], *map(_numbers, args[1:]))
    if func is Tensor.__getitem__ and isinstance(args[1], tuple | slice):
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        return args[0], tuple(
            each for part in index for each in (_places(part) if isinstance(part, slice) else (part,))
        )
    return args


def _by_mask(func, args: tuple) -> bool:
    return func is Tensor.__getitem__ and any(t.dtype == torch.bool for t in tensors_in(args[1]))


def _places(part: Any) -> Iterable[Any]:
    """A known mask as the places that it takes, a list for each of its dimensions; a slice's bounds as numbers."""
    if isinstance(part, slice) and all(hasattr(end, VALUES) for end in tensors_in(part)):
        ends = (part.start, part.stop, part.step)
        return (slice(*(int(getattr(end, VALUES)) if isinstance(end, Tensor) else end for end in ends)),)
    if not hasattr(part, VALUES) or not isinstance(part, Tensor) or part.dtype != torch.bool:
        return (part,)
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        found = getattr(part, VALUES).nonzero(as_tuple=True)
    return tuple(known(each, part.device) for each in found)


def _numbers(given: Any) -> Any:
    """Known tensors of one number, alone or in a list, as numbers."""
    if isinstance(given, Tensor):
        return getattr(given, VALUES).tolist() if hasattr(given, VALUES) else given
    return type(given)(map(_numbers, given)) if type(given) in (list, tuple) else given


def _like(answer: Any, one: Tensor) -> Any:
    if isinstance(answer, Tensor):
        return known(answer, one.device)
    return type(answer)(_like(each, one) for each in answer) if isinstance(answer, list | tuple) else answer


def _carry(result: Any, answer: Any) -> None:
    """Let a result carry its values; of whole numbers and truths, and of fractions while they are few."""
    if isinstance(result, Tensor) and isinstance(answer, Tensor):
        if result.shape == answer.shape and answer.numel() <= MOST_VALUES:
            setattr(result, VALUES, answer)
    elif isinstance(result, list | tuple) and isinstance(answer, list | tuple):
        for one, other in zip(result, answer, strict=False):
            _carry(one, other)


def _forget(tensor: Any) -> None:
    if isinstance(tensor, Tensor) and hasattr(tensor, VALUES):
        delattr(tensor, VALUES)


def _values(value: Any) -> Any:
    if isinstance(value, Tensor):
        return getattr(value, VALUES)
    if isinstance(value, dict):
        return {key: _values(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_values, value))
    if isinstance(value, slice):
        return slice(_values(value.start), _values(value.stop), _values(value.step))
    return value


def _on_cpu(args: tuple) -> tuple:
    """The arguments of `to`, a device among them replaced."""
    return tuple(
        "cpu" if isinstance(each, torch.device) or (isinstance(each, str) and each in ("meta", "cuda")) else each
        for each in args
    )
