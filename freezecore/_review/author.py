"""Findings about the model's own state: what its author froze, and weights too coarse to train."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, by_name, listed


def author_frozen(case: Case) -> Iterator[Finding]:
    """Some parameters were frozen when the model was built, and `train all` leaves them so."""
    frozen = [i for i in case.frozen(case.everything) if case.tree.parameters[i].frozen_by_author]
    if frozen and any(case.mask.trains):
        names = case.names(frozen)
        yield Finding(
            "author-frozen",
            "note",
            names,
            "The model's author froze {names}; only its exact name lets a rule train it.",
            None,
            {"names": listed(names)},
        )


def author_frozen_trains(case: Case) -> Iterator[Finding]:
    """A rule by exact name trains what was never meant to be learnt."""
    training = [i for i in case.training(case.everything) if case.tree.parameters[i].frozen_by_author]
    if training:
        names = case.names(training)
        yield Finding(
            "author-frozen-trains",
            "warning",
            names,
            "{names} trains, though the model's author froze it (such tables are often computed, not learnt).",
            by_name("freeze", names),
            {"names": listed(names)},
        )


def half_weights(case: Case) -> Iterator[Finding]:
    """Weights kept in fp16 lose small updates, and their optimizer overflows."""
    half = [i for i in case.training(case.everything) if case.tree.parameters[i].dtype == "float16"]
    if half:
        names, count = case.names(half), f"{len(half):,}"
        yield Finding(
            "half-weights",
            "warning",
            names,
            "{count} parameters train in fp16, where small updates round to nothing; load the model in float32.",
            None,
            {"count": count, "names": listed(names)},
        )


CHECKS = (author_frozen, author_frozen_trains, half_weights)
