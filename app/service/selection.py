"""What a link means: a model, its layer tree, the rules of what trains in it, and its training step; ticks as rules."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache

from freezecore._estimate.at_rank import tree_at_rank
from freezecore._estimate.cards import Card
from freezecore._resolve import resolve, resolve_phases
from freezecore.cache.memory import Recent
from freezecore.datasets import kind_for
from freezecore.mask import Mask
from freezecore.rules.grammar import print_spec
from freezecore.rules.shortest import shortest_rules
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

from ..link import Link, cards_by_slug
from . import backend
from .ranks import at_any_rank

TRACED_BATCH = 32
OPENING_RULES = "freeze all; train head"
MOST_SELECTIONS = 320  # of a hundred visitors, who are answered by two ways each
MOST_TREES = 64
SELECTION_KEPT_S = 2.0  # one tick asks several times, and a file may have been edited since


@dataclass(frozen=True)
class ModelSelection:
    """A model and what of it trains."""

    link: Link
    source: ModelSource
    tree: LayerTree
    spec: FreezeSpec
    mask: Mask

    @property
    def rules(self) -> str:
        return str(self.spec)

    @property
    def lines(self) -> str:
        """The rules, a statement a line."""
        return print_spec(self.spec, "\n")

    @property
    def workload(self) -> Workload:
        """The training step; raises where there is none of this size."""
        return workload_of(self.link, kind_for(self.tree) == "text")

    @property
    def card(self) -> Card | None:
        """The card that the step must fit on; None on a CPU."""
        return cards_by_slug().get(self.link.card)

    @property
    def phases(self) -> dict[int, Mask]:
        """What trains from each epoch on; of most selections one mask, from the first."""
        return resolve_phases(self.spec, self.tree) if self.spec.phases else {0: self.mask}

    @property
    def traced_step(self) -> tuple[ModelSource, Workload]:
        """The step whose trace prices this selection: any batch size follows from one."""
        return self.source, _at_traced_batch(self.workload)


@lru_cache(maxsize=MOST_SELECTIONS)
def source_of(link: Link) -> ModelSource:
    """The model that the link names, shapes only."""
    return ModelSource.parse(
        link.model, task=link.task, num_labels=link.labels, adapter=link.adapter, quantize=link.quantize
    )


@lru_cache(maxsize=MOST_SELECTIONS)  # one tick asks several times
def workload_of(link: Link, text: bool = False) -> Workload:
    """The training step that the link describes; for a model that reads `text` its size counts tokens, else pixels.

    Raises:
        WorkloadError: there is no step of this size.
    """
    card = cards_by_slug().get(link.card)
    return Workload(
        batch_size=link.batch,
        image_size=None if text else link.size,
        sequence_length=link.size if text else None,
        optimizer=link.optimizer,
        precision=link.precision,
        checkpointing=link.checkpointing,
        accumulate=link.accumulate,
        trainer=link.trainer,
        device=link.device,
        compute_capability=card.kernels if card else Workload.compute_capability,
    )


def select(link: Link, tree: LayerTree | None = None) -> ModelSelection:
    """The link's model under its rules; without rules, its head alone trains.

    Raises:
        SourceError: the model cannot be opened.
        RuleError: the rules cannot be read, or hit nothing.
    """
    source = source_of(link)
    key = (source, link.rules)
    known, until = _selections.read(key) or (None, 0.0)
    if known is None or time.monotonic() > until:
        tree = tree or at_any_rank(source, backend.shared().tree, tree_at_rank)
        if known is None or known.tree is not tree:
            spec = FreezeSpec.parse(link.rules if link.rules is not None else opening(tree))
            known = ModelSelection(link, source, tree, spec, resolve(spec, tree))
        _selections.write(key, (known, time.monotonic() + SELECTION_KEPT_S))
        _trees.write((source, known.tree.fingerprint), known.tree)
    return replace(known, link=link)


def is_known(link: Link) -> bool:
    """Whether this selection was asked for a while ago, so that nobody waits for its model."""
    return _selections.read((source_of(link), link.rules)) is not None


def known_selection(link: Link, fingerprint: str) -> ModelSelection | None:
    """The same where a page has opened this very tree; None, without asking anybody, where none has.

    Raises:
        FreezeError: as `select`.
    """
    tree = _trees.read((source_of(link), fingerprint))
    return select(link, tree) if tree else None


def opening(tree: LayerTree) -> str:
    """The rules a model opens with: its head trains, or everything where no head was found."""
    return OPENING_RULES if tree.head else "train all"


def ticked(selection: ModelSelection, trains: tuple[bool, ...]) -> ModelSelection:
    """What a person's ticks make of this selection, by the shortest rules that say the same."""
    ticks = ticks_of(selection, trains)
    rules = known_rules(ticks)
    if rules is None:
        told_rules(ticks, rules := str(shortest_rules(ticks)))
    return select(replace(selection.link, rules=rules), selection.tree)


def ticks_of(selection: ModelSelection, trains: tuple[bool, ...]) -> Mask:
    """These ticks with the selection's norms and dropout, which no tick changes."""
    return Mask(selection.tree, trains, selection.mask.norms, selection.mask.dropout)


def known_rules(ticks: Mask) -> str | None:
    """The rules of these ticks where they were asked for a while ago: both ways of answering a tick do."""
    return _rules.read(_ticks_key(ticks))


def told_rules(ticks: Mask, rules: str) -> None:
    """Take the rules of these ticks from who has found them."""
    _rules.write(_ticks_key(ticks), rules)


def _ticks_key(ticks: Mask) -> tuple:
    return ticks.tree, ticks.trains, ticks.norms, ticks.dropout


def step_of(link: Link) -> tuple[ModelSource, Workload]:
    """The step that is traced for a link of the model's own size, before its tree is known."""
    return source_of(link), _at_traced_batch(workload_of(link))


@lru_cache(maxsize=MOST_SELECTIONS)  # one tick asks ten times
def _at_traced_batch(workload: Workload) -> Workload:
    return replace(workload, batch_size=TRACED_BATCH)


_selections = Recent(MOST_SELECTIONS)
_rules = Recent(MOST_SELECTIONS)
_trees = Recent(MOST_TREES)
