"""Ready-made selections, each a line of rules, offered only where they hit something in this tree."""

from __future__ import annotations

from dataclasses import dataclass

from freezecore._resolve import resolve
from freezecore.rules.grammar import parse_spec
from freezecore.rules.names import names_of
from freezecore.rules.select import selected
from freezecore.rules.selectors import print_selector
from freezecore.sentences import say
from freezecore.spec import Selector
from freezecore.tree import LayerTree, prefixes

SEED_BLOCKS = 3
LAST_BLOCKS = 2
STEPS = 3


@dataclass(frozen=True, slots=True)
class Preset:
    """One ready-made selection.

    Attributes:
        key: stable name, such as `linear-probe`.
        label: a few words for a menu.
        rules: its rules as text.
        hits: parameters (tensors) that it is about: those it freezes, or those it alone leaves trainable.
        why: one sentence on what it does here; in `missing_presets`, what the model lacks.
    """

    key: str
    label: str
    rules: str
    hits: int
    why: str


def presets(tree: LayerTree) -> tuple[Preset, ...]:
    """The selections that hit something in this tree, embeddings and first blocks first."""
    return tuple(preset for preset in _all_presets(tree) if preset.hits)


def missing_presets(tree: LayerTree) -> tuple[Preset, ...]:
    """The selections that would hit nothing, with what the model lacks."""
    return tuple(preset for preset in _all_presets(tree) if not preset.hits)


def preset_first_blocks(tree: LayerTree, n: int) -> str:
    """Rules that freeze what stands before the blocks, the first n of them, and what stands between those.

    Empty where there is neither. A downsampling left out between frozen blocks would call the backward pass there.
    """
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    n = max(0, min(n, deepest))
    before = [f"freeze {role}" for role in ("embeddings", "stem") if _count(tree, role)]
    blocks = [f"freeze blocks:0-{n - 1}" if n > 1 else "freeze blocks:0"] if n else []
    between = [print_selector(Selector("path", path)) for path in _between_first(tree, n)]
    return "; ".join(before + blocks + ["freeze " + " ".join(between)] * bool(between))


def _between_first(tree: LayerTree, n: int) -> list[str]:
    """Modules outside all blocks that are defined between the first and the n-th block of a tower."""
    inside = {i for path in tree.blocks for i in tree.under(path)}
    holders = {path for block in tree.blocks for path in prefixes(block)}
    found: dict[str, None] = {}
    for tower in tree.towers:
        if not 1 < n <= len(tower.blocks):
            continue
        first, last = (min(tree.under(path)) for path in (tower.blocks[0], tower.blocks[n - 1]))
        for parameter in (tree.parameters[i] for i in range(first, last) if i not in inside):
            if parameter.kind == "block" and not parameter.frozen_by_author:
                above = [path for path in prefixes(parameter.name) if path not in holders]
                found[above[0] if above else parameter.name] = None
    return list(found)


def preset_last_blocks(tree: LayerTree, n: int) -> str:
    """Rules that train the last n blocks and the head."""
    head = ["train head"] if _count(tree, "head") else []
    return "; ".join(["freeze all", f"train blocks:last{n}", *head])


def _all_presets(tree: LayerTree) -> tuple[Preset, ...]:
    return (_first_blocks(tree), _linear_probe(tree), _last_blocks(tree), *_by_role(tree), _gradual(tree), _full(tree))


def _first_blocks(tree: LayerTree) -> Preset:
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    n = min(SEED_BLOCKS, max(deepest - 1, 0))
    rules = preset_first_blocks(tree, n)
    hits = _frozen(tree, rules) if n else 0
    why = (
        say("Freezes the input side: {hits} parameters of {count}.", hits=hits, count=len(tree.parameters))
        if hits
        else _few(deepest)
    )
    embedded = _count(tree, "embeddings")
    label = say("Freeze embeddings and first {n} blocks" if embedded else "Freeze stem and first {n} blocks", n=n)
    return Preset("first-blocks", label, rules, hits, why)


def _linear_probe(tree: LayerTree) -> Preset:
    hits = _count(tree, "head")
    why = say("Trains the head alone: {hits} parameters.", hits=hits) if hits else say("It has no head.")
    return Preset("linear-probe", say("Linear probe: train the head"), "freeze all; train head", hits, why)


def _last_blocks(tree: LayerTree) -> Preset:
    towers = [tower for tower in tree.towers if len(tower.blocks) > LAST_BLOCKS]
    hits = len({i for tower in towers for path in tower.blocks[-LAST_BLOCKS:] for i in tree.under(path)})
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    why = say("Trains {hits} parameters of the output side, and the head.", hits=hits) if hits else _few(deepest)
    return Preset(
        "last-blocks",
        say("Train last {count} blocks", count=LAST_BLOCKS),
        preset_last_blocks(tree, LAST_BLOCKS),
        hits,
        why,
    )


def _few(blocks: int) -> str:
    """Why no number of blocks can be chosen."""
    if blocks == 1:
        return say("Its one block runs as a whole.")
    return say("It has {count} blocks to choose from." if blocks else "It has no blocks to choose from.", count=blocks)


def _by_role(tree: LayerTree) -> tuple[Preset, ...]:
    norms, biases, embeddings = (_count(tree, role) for role in ("norms", "biases", "embeddings"))
    head = "; train head" if _count(tree, "head") else ""
    return (
        Preset(
            "norms-only",
            say("Train norms and the head" if head else "Train norms"),
            f"freeze all; train norms{head}",
            norms,
            say(
                "It has no norms with parameters."
                if not norms
                else "Trains {count} norm parameters and the head."
                if head
                else "Trains {count} norm parameters.",
                count=norms,
            ),
        ),
        Preset(
            "biases-only",
            say("BitFit: train biases and the head" if head else "BitFit: train biases"),
            f"freeze all; train biases{head}",
            biases,
            say(
                "It has no biases."
                if not biases
                else "Trains {count} biases and the head."
                if head
                else "Trains {count} biases.",
                count=biases,
            ),
        ),
        Preset(
            "embeddings-frozen",
            say("Freeze embeddings"),
            "freeze embeddings",
            embeddings,
            say("Freezes {count} parameters." if embeddings else "It has no embeddings.", count=embeddings),
        ),
        Preset(
            "all-but-norms",
            say("Train everything but norms"),
            "freeze norms",
            norms,
            say("Freezes {count} norm parameters." if norms else "It has no norms with parameters.", count=norms),
        ),
    )


def _gradual(tree: LayerTree) -> Preset:
    """Unfreezes from the output side in equal steps; the head trains from the start."""
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    head = _count(tree, "head")
    hits = len({i for path in tree.blocks for i in tree.under(path)}) if deepest > 1 and head else 0
    counts = sorted({-(-deepest * step // STEPS) for step in range(1, STEPS)} - {0, deepest})
    phases = [f"from epoch {i}: train blocks:last{count}" for i, count in enumerate(counts, start=1)]
    rules = "; ".join(["freeze all", "train head", *phases, f"from epoch {len(counts) + 1}: train all"])
    lacking = say("It has no head.") if deepest > 1 else _few(deepest)
    why = say("Unfreezes {blocks} blocks in {count} steps.", blocks=deepest, count=len(counts) + 1) if hits else lacking
    return Preset("gradual", say("Gradual unfreezing"), rules, hits, why)


def _full(tree: LayerTree) -> Preset:
    hits = sum(not parameter.frozen_by_author for parameter in tree.parameters)
    why = say(
        "Trains all {hits} parameters that its author left free." if hits else "Its author froze everything.", hits=hits
    )
    return Preset("full", say("Full fine-tune"), "train all", hits, why)


def _count(tree: LayerTree, role: str) -> int:
    """How many parameters play this role and may train."""
    names = names_of(tree)
    return len(names.positions_of(selected(Selector("kind", role), names) & ~names.frozen_by_author))


def _frozen(tree: LayerTree, rules: str) -> int:
    return resolve(parse_spec(rules), tree).trains.count(False)
