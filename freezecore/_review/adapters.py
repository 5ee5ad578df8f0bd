"""Findings about adapters: those that do nothing, are larger than what they adapt, or stand where others drop."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, listed

FIRST, SECOND = ("lora_A", "lora_embedding_A"), ("lora_B", "lora_embedding_B")


def idle(case: Case) -> Iterator[Finding]:
    """The model has adapters and none of them trains: they begin at nothing, and stay there."""
    adapters = [i for i in case.everything if case.tree.parameters[i].adapter]
    if adapters and not case.training(adapters):
        yield Finding(
            "adapter-idle",
            "warning",
            case.names(adapters),
            "All {count} tensors of the adapters are frozen: they add nothing, and still run.",
            "train adapters",
            {"count": f"{len(adapters):,}"},
        )


def rank_too_high(case: Case) -> Iterator[Finding]:
    """An adapter's rank reaches the smaller side of the weight: the weight itself has no more ranks, and fewer
    scalars."""
    found = []
    for p in case.tree.parameters:
        before, name, _ = next((p.name.partition(f".{part}.") for part in FIRST if f".{part}." in p.name), ("", "", ""))
        if not p.adapter or not name:
            continue
        base = next((case.tree.parameters[i] for i in case.tree.under(before) if _is_weight(case, i, before)), None)
        if base is not None and len(base.shape) in (2, 4) and p.shape[0] >= min(base.shape[:2]):
            found.append((before, p.shape[0], min(base.shape[:2])))
    if found:
        names = tuple(path for path, *_ in found)
        yield Finding(
            "adapter-rank",
            "warning",
            names,
            "An adapter of rank {rank} holds more than the weight that it joins, whose own rank is at most {most}: "
            "{names}. Train that weight itself, or lower the rank.",
            None,
            {"rank": str(found[0][1]), "most": str(min(most for *_, most in found)), "names": listed(names)},
        )


def drops_beside(case: Case) -> Iterator[Finding]:
    """Dropout of the frozen base runs, since adapters train inside the same modules."""
    adapted = {
        p.owner for p, trains in zip(case.tree.parameters, case.mask.trains, strict=True) if p.adapter and trains
    }
    base = any(
        t and not p.adapter and p.kind != "head" for p, t in zip(case.tree.parameters, case.mask.trains, strict=True)
    )
    if not adapted or base:
        return
    held = set(case.mask.held)
    layers = [x.path for x in case.tree.layers if x.drops and x.path not in held and "lora_" not in x.path]
    layers = [path for path in layers if path and any(owner.startswith(_around(path)) for owner in adapted)]
    if layers:
        yield Finding(
            "adapter-dropout",
            "note",
            tuple(layers),
            "{count} dropout layers of the frozen base run in train mode, as PEFT leaves them: adapters train in the "
            "same modules.",
            None,
            {"count": f"{len(layers):,}"},
        )


def _is_weight(case: Case, position: int, owner: str) -> bool:
    p = case.tree.parameters[position]
    return p.owner == owner and not p.adapter and p.name.endswith(".weight")


def _around(path: str) -> str:
    return path.rpartition(".")[0] + "."


CHECKS = (idle, rank_too_high, drops_beside)
