"""What a stored run or search was measured under, and what of that is no longer chosen."""

from __future__ import annotations

from dataclasses import replace

from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.probe import CHOICES
from freezecore.spec import FreezeSpec

from ..link import Link
from .selection import ModelSelection


def asked_of(request: dict) -> dict:
    """The probe that was asked for: of a sweep or a search the one that every selection got."""
    return request.get("base") or request


def link_of(request: dict, link: Link) -> Link:
    """This link turned back to what the request was asked under; fields that a request has not stay."""
    asked = asked_of(request)
    source = asked.get("source") or {}
    size = asked.get("sequence_length") or asked.get("image_size")
    rules = {} if "base" in request else {"rules": asked.get("spec")}
    return replace(
        link,
        model=f"{source['scheme']}:{source['name']}" if source else link.model,
        task=source.get("task", link.task),
        labels=source.get("num_labels", link.labels),
        batch=asked.get("batch_size", link.batch),
        optimizer=asked.get("optimizer", link.optimizer),
        size=size,
        **rules,
    )


def differences(request: dict, selection: ModelSelection, data: str | None = None) -> tuple[str, ...]:
    """Which of `model`, `rules`, `data`, `batch`, `size` and `optimizer` have changed since a run was asked for.

    Args:
        request: as it is stored; a search tries rules of its own, so its rules do not count.
        data: that is chosen now; None where none was chosen yet.
    """
    asked, link = asked_of(request), selection.link
    if "source" not in asked:
        return ()
    then = link_of(request, link)
    optimizer = link.optimizer if link.optimizer in CHOICES["optimizer"] else "adamw"
    model = ("model", "task", "labels")
    changed = {
        "model": any(getattr(then, name) != getattr(link, name) for name in model),
        "rules": "base" not in request and not _selects(asked.get("spec") or "", selection),
        "data": data is not None and data != asked.get("data"),
        "batch": then.batch != link.batch,
        "size": then.size != link.size,
        "optimizer": then.optimizer != optimizer,
    }
    return tuple(name for name, differs in changed.items() if differs)


def _selects(rules: str, selection: ModelSelection) -> bool:
    """Whether these rules select what is selected, in whatever words."""
    try:
        spec = FreezeSpec.parse(rules)
        if spec.phases or selection.spec.phases:
            return str(spec) == selection.rules
        mask, now = resolve(spec, selection.tree), selection.mask
    except FreezeError:  # of another model
        return False
    return (mask.trains, mask.norms, mask.dropout) == (now.trains, now.norms, now.dropout)
