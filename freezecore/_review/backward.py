"""Findings about where the backward pass runs: position, and not count, sets the price."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, listed
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.sentences import say
from freezecore.tree import Tower

FEW = 0.02
LIBRARIES = ("hf:", "config:")


def leak(case: Case) -> Iterator[Finding]:
    """A few early parameters train, so gradients pass through every frozen block behind them."""
    for tower in case.tree.towers:
        early, blocks = _early(case, tower)
        if not early:
            continue
        names, share = case.names(early), case.numel(early) / max(case.tree.total, 1)
        facts = {"names": listed(names), "share": _percent(share), "blocks": str(blocks)}
        if share >= FEW:
            yield Finding(
                "frozen-behind",
                "note",
                tower.blocks,
                "{blocks} frozen blocks stand behind trainable ones: gradients pass through them all the same, "
                "which saves half of their backward work or less.",
                None,
                {"blocks": str(blocks)},
            )
            continue
        price = _price(case, names)
        fix = _freeze(case, early) if case.fixes else None
        if price is None:
            yield Finding(
                "leak",
                "warning",
                names,
                "{names}: {share} of the parameters, but as long as that trains, "
                "the backward pass runs through all {blocks} frozen blocks behind it.",
                fix,
                facts,
            )
        else:
            yield Finding(
                "leak-priced",
                "warning",
                names,
                "{names}: {share} of the parameters, but as long as that trains, the backward pass runs through "
                "all {blocks} frozen blocks behind it, {price} of that of full fine-tuning.",
                fix,
                {**facts, "price": _percent(price)},
            )


def _checkpoints_in_transformers(case: Case) -> bool:
    source = str(case.source) if case.source is not None else case.tree.source
    return case.workload is not None and case.workload.checkpointing and source.startswith(LIBRARIES)


def reentrant(case: Case) -> Iterator[Finding]:
    """Behind a frozen input side of pictures or sound, reentrant checkpointing gives no gradient to any block.

    Tokens are looked up in an embedding whose output transformers makes need a gradient; nothing does so for patches.
    """
    if not _checkpoints_in_transformers(case):
        return
    for tower in case.tree.towers:
        before = case.tree.under_each(tower.before)
        looked_up = any(case.tree.layer_at[case.tree.parameters[i].owner].type == "Embedding" for i in before)
        if before and not looked_up and not case.training(before) and any(case.mask.trains):
            count = str(len(tower.blocks))
            yield Finding(
                "reentrant-checkpointing",
                "note",
                tower.blocks,
                "With use_reentrant=True, gradient checkpointing would give no gradient to any of the {blocks} blocks "
                "behind this frozen input side: leave it at False, the default of transformers.",
                None,
                {"blocks": count},
            )


def phantom_backward(case: Case) -> Iterator[Finding]:
    """transformers' gradient checkpointing makes the first block's input need a gradient."""
    if not _checkpoints_in_transformers(case):
        return
    for tower in case.tree.towers:
        frozen = _frozen_start(case, tower)
        if frozen and any(case.mask.trains):
            count = str(len(frozen))
            yield Finding(
                "phantom-backward",
                "warning",
                frozen,
                "Gradient checkpointing in transformers makes the model's input need a gradient, so the backward pass "
                "runs through the {blocks} frozen blocks as well: leave checkpointing off, or call "
                "disable_input_require_grads().",
                None,
                {"blocks": count},
            )


def _early(case: Case, tower: Tower) -> tuple[list[int], int]:
    """What trains before the last frozen block, and how many frozen blocks gradients must pass; nothing where few."""
    before = case.tree.under_each(tower.before)
    training = case.training(dict.fromkeys(before))
    early = passed = 0
    # What runs before the first block may be another tower's, beside this one.
    inside: tuple[tuple[str, ...], ...] = ((), *tower.between[1:], *[()] * len(tower.blocks))
    for path, between in zip(tower.blocks, inside, strict=False):
        own = case.training(case.tree.in_block(path))
        training += [i for other in between for i in case.training(case.tree.under(other))] + own
        if training and not own:
            early, passed = len(training), passed + 1
    return (training[:early], passed) if passed * 3 >= len(tower.blocks) else ([], 0)


def _frozen_start(case: Case, tower: Tower) -> tuple[str, ...]:
    """The frozen blocks before anything in the tower trains."""
    before = case.tree.under_each(tower.before)
    if case.training(before):
        return ()
    start = []
    for path in tower.blocks:
        if case.training(case.tree.in_block(path)):
            break
        start.append(path)
    return tuple(start)


def _freeze(case: Case, positions: list[int]) -> str:
    """The shortest rules that freeze just these."""
    return str(shortest_rules(Mask.as_author(case.tree, set(positions))))


def _price(case: Case, names: tuple[str, ...]) -> float | None:
    """The largest share of the backward pass that one of these, or its module, is known to cost."""
    paths = [path for name in names for path in (name, name.rpartition(".")[0])]
    known = [case.prices[path].share_backward for path in paths if case.prices and path in case.prices]
    return max((share for share in known if share is not None), default=None)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else say("less than 0.1 %")


CHECKS = (leak, phantom_backward, reentrant)
