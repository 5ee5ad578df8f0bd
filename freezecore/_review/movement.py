"""Findings about what moves though no gradient reaches it: norm statistics, dropout, halves of a parametrization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from freezecore._resolve import resolve
from freezecore._review.finding import Case, Finding, listed
from freezecore.mask import Mask
from freezecore.sentences import say

SMALL_BATCH = 8


def norms_move(case: Case) -> Iterator[Finding]:
    """Frozen norms go on updating their statistics in train mode: frozen, yet it moves."""
    if case.mask.norms != "update" or not _moving(case):
        return
    held = _norms_if_held(case.mask)
    if held and any(case.mask.trains):
        count = f"{len(held):,}"
        yield Finding(
            "norms-move",
            "warning",
            held,
            "{count} frozen norms go on updating their running statistics with every batch.",
            "norms hold",
            {"count": count, "names": listed(held)},
        )


def norms_move_midway(case: Case) -> Iterator[Finding]:
    """In a schedule, norms that stood still begin to move when their phase begins."""
    if case.spec is None or not case.spec.phases or case.spec.norms != "update" or not _moving(case):
        return
    first, last = (_norms_if_held(resolve(case.spec, case.tree, epoch)) for epoch in (0, case.spec.epochs[-1]))
    begin = tuple(path for path in first if path not in set(last))
    if begin:
        count = f"{len(begin):,}"
        yield Finding(
            "norms-move-midway",
            "warning",
            begin,
            "{count} norms begin to move their statistics in a later phase, which can undo what was learnt.",
            "norms hold",
            {"count": count, "names": listed(begin)},
        )


def norms_small_batch(case: Case) -> Iterator[Finding]:
    """Statistics of a few samples are mostly noise."""
    if case.workload is None or case.workload.batch_size >= SMALL_BATCH or not any(case.mask.trains):
        return
    able = _moving(case)
    held = set(case.mask.norms_held) if able else set()
    moving = tuple(path for path in able if path not in held)
    if moving:
        count, size = f"{len(moving):,}", str(case.workload.batch_size)
        yield Finding(
            "norms-small-batch",
            "warning",
            moving,
            "{count} norms take their statistics from batches of {batch}, which is mostly noise.",
            "freeze norms",
            {"count": count, "batch": size},
        )


def dropout_on(case: Case) -> Iterator[Finding]:
    """Frozen layers that drop at random give other features each time."""
    if case.mask.dropout != "on" or not any(case.mask.trains) or not any(layer.drops for layer in case.tree.layers):
        return
    quiet = replace(case.mask, dropout="off").dropout_off
    if quiet:
        count = f"{len(quiet):,}"
        yield Finding(
            "dropout-on",
            "note",
            quiet,
            "{count} frozen layers drop at random, so their features cannot be computed once and stored.",
            "dropout off",
            {"count": count},
        )


def parametrization_split(case: Case) -> Iterator[Finding]:
    """A weight that is computed from two tensors of which only one is frozen still changes."""
    parts: dict[str, list[int]] = {}
    for i, parameter in enumerate(case.tree.parameters):
        before, mark, after = parameter.name.partition("parametrizations.")
        if mark:
            parts.setdefault(before + after.rpartition(".")[0], []).append(i)
        elif parameter.name.endswith(("weight_g", "weight_v")):
            parts.setdefault(parameter.name[:-2], []).append(i)
    split = {name: at for name, at in parts.items() if len({case.mask.trains[i] for i in at}) == 2}
    for name, positions in split.items():
        frozen = case.names(case.frozen(positions))
        yield Finding(
            "parametrization-split",
            "warning",
            case.names(positions),
            say(
                "{name} is computed from {count} tensors; with only {frozen} frozen it still changes.",
                name=name,
                count=len(positions),
                frozen=listed(frozen),
            ),
            "freeze " + " ".join(case.names(positions)),
            {"name": name, "frozen": listed(frozen)},
        )


def _moving(case: Case) -> tuple[str, ...]:
    """Modules whose buffers move in train mode."""
    return tuple(layer.path for layer in case.tree.layers if layer.moves)


def _norms_if_held(mask: Mask) -> tuple[str, ...]:
    """The norms that would stand still under `norms hold`."""
    return replace(mask, norms="hold", also_held=()).norms_held


CHECKS = (norms_move, norms_move_midway, norms_small_batch, dropout_on, parametrization_split)
