"""Findings about what makes the prediction: everything frozen, a random layer frozen, the head frozen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from freezecore._presets import Preset, missing_presets
from freezecore._review.finding import Case, Finding, by_name, listed
from freezecore.name_index import NameIndex
from freezecore.rules.matching import selected
from freezecore.sentences import joined
from freezecore.spec import Selector

CLASSICS = ("linear-probe", "norms-only", "biases-only")


def everything_frozen(case: Case) -> Iterator[Finding]:
    """Nothing trains, so no loss can fall."""
    if case.tree.parameters and not any(case.mask.trains):
        count = f"{len(case.tree.parameters):,}"
        yield Finding(
            "everything-frozen",
            "error",
            ("",),
            "All {count} parameters are frozen, so there is nothing to train.",
            "train head" if _head(case) else None,
            {"count": count},
        )


def new_frozen(case: Case) -> Iterator[Finding]:
    """A layer with random weights that never learn: a linear probe over a random pooler."""
    new = [i for i in case.frozen(case.everything) if case.tree.parameters[i].new]
    if not new or not any(case.mask.trains):
        return
    owners = tuple(dict.fromkeys(case.tree.parameters[i].owner or case.tree.parameters[i].name for i in new))
    rules = by_name("train", owners)
    yield Finding(
        "new-frozen",
        "warning",
        owners,
        "The checkpoint has no weights for {names}, so they are random, and frozen they stay random.",
        rules,
        {"names": listed(owners), "count": f"{len(new):,}"},
    )


def head_frozen(case: Case) -> Iterator[Finding]:
    """The head is frozen though other things train."""
    head = [i for i in _head(case) if not case.tree.parameters[i].new]
    if not head or case.training(_head(case)) or not any(case.mask.trains):
        return
    names = case.tree.head or case.names(head)
    if case.source is not None and case.source.num_labels is not None:
        yield Finding(
            "head-replaced",
            "warning",
            names,
            "The head {names} is made anew for {labels} labels, and frozen it stays random.",
            "train head",
            {"names": listed(names), "labels": f"{case.source.num_labels:,}"},
        )
    else:
        yield Finding(
            "head-frozen",
            "note",
            names,
            "The head {names} is frozen: right only if the classes stay what they were.",
            "train head",
            {"names": listed(names)},
        )


def preset_unmatched(case: Case) -> Iterator[Finding]:
    """Well-known recipes that select nothing in this model, though other tools would run them."""
    missing = _unmatched(case.tree.names)
    if missing and case.tree.parameters:
        labels = joined(preset.label for preset in missing)
        why = joined((preset.why for preset in missing), " ")
        said: dict[str, str] = {"presets": labels, "why": why}
        yield Finding("preset-unmatched", "note", (), "Not offered for this model: {presets}. {why}", None, said)


@lru_cache(maxsize=32)
def _unmatched(names: NameIndex) -> tuple[Preset, ...]:
    return tuple(preset for preset in missing_presets(names.tree) if preset.key in CLASSICS)


def _head(case: Case) -> tuple[int, ...]:
    names = case.tree.names
    return names.positions_of(selected(Selector("kind", "head"), names) & ~names.frozen_by_author)


CHECKS = (everything_frozen, new_frozen, head_frozen, preset_unmatched)
