"""What is wrapped around a person's model: taken off for names, and refused where parameters are not whole."""

from __future__ import annotations

from torch import nn

from freezecore.errors import FreezeError

SHARDING = {
    "DTensor": "fully_shard (FSDP2) or tensor parallelism",
    "FlatParameter": "FullyShardedDataParallel",
    "FullyShardedDataParallel": "FullyShardedDataParallel",
}


def unwrapped(model: nn.Module, *, to_freeze: bool = False) -> nn.Module:
    """The model itself, from inside torch.compile, DataParallel, DistributedDataParallel and PEFT, in any order.

    Args:
        to_freeze: what trains is about to change, which DistributedDataParallel would not notice.

    Raises:
        FreezeError: it can no longer be frozen, or its parameters are sharded over processes, so that a name does
            not stand for a whole tensor.
    """
    if not isinstance(model, nn.Module):
        return model  # whoever asked says what it wanted
    while (inner := _inside(model)) is not None:
        if to_freeze and isinstance(model, nn.parallel.DistributedDataParallel):
            raise FreezeError(
                "DistributedDataParallel read what trains when it wrapped this model, so it cannot be frozen now.",
                "Freeze the model first, then wrap it.",
            )
        model = inner
    _require_whole(model)
    return model


def _inside(model: nn.Module) -> nn.Module | None:
    """What one wrapper holds; None where there is none."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return model.module
    if len(model._modules) != 1:  # PEFT keeps a learnt prompt beside the model: that is no mere wrapper
        return None
    ((name, inner),) = model._modules.items()
    wrappers = {"base_model": ("PeftModel", "PeftMixedModel"), "model": ("BaseTuner",)}.get(name, ())
    adapts = any(kind.__name__ in wrappers for kind in type(model).__mro__)
    return inner if adapts or name == "_orig_mod" else None  # torch.compile's own class is private


def _require_whole(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        how = next((SHARDING[cls.__name__] for cls in type(parameter).__mro__ if cls.__name__ in SHARDING), None)
        if how is None and hasattr(parameter, "ds_id"):
            how = "DeepSpeed ZeRO-3"
        if how:
            raise FreezeError(
                "'{name}' is sharded by {how}, so no process holds it whole.",
                "Freeze the model before it is sharded.",
                name=name,
                how=how,
            )
