"""Ready-made selections, each a line of rules, offered only where they hit something in this tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from freezecore.arguments import checked
from freezecore.mask import Mask
from freezecore.rules.grammar import print_selector
from freezecore.rules.matching import selected, tower_word
from freezecore.sentences import say
from freezecore.spec import Selector
from freezecore.tree import LayerTree

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


@checked
def presets(tree: LayerTree) -> tuple[Preset, ...]:
    """The selections that hit something in this tree, embeddings and first blocks first."""
    return tuple(preset for preset in _all_presets(tree) if preset.hits)


def missing_presets(tree: LayerTree) -> tuple[Preset, ...]:
    """The selections that would hit nothing, with what the model lacks."""
    return tuple(preset for preset in _all_presets(tree) if not preset.hits)


def first_blocks(tree: LayerTree, n: int, part: str | None = None) -> Mask:
    """The mask in which the first n blocks are frozen: what the depth curve, sweeps, presets and the page mean by it.

    Blocks are counted as they run, one tower after another: the third of CLIP is the third of the tower that runs
    first, and the decoder of T5 begins to freeze when all blocks of its encoder are frozen. Frozen with them is all
    that runs before the end of the n-th: the embeddings and the stem of each tower that has been reached, and what runs
    between blocks (`Tower.between`: a downsampling, the norm that ends an encoder, a projector). What runs later is as
    its author left it, the head among it, and so is everything where n is 0.

    So whatever trains runs after whatever is frozen, and the backward pass, which runs from the loss to the earliest
    parameter that trains, ends behind the n-th block. With n blocks of each tower at once it would not: as long as a
    part of an encoder trains, it passes through the frozen blocks of the decoder; nor with a downsampling left out,
    which calls it through the frozen blocks behind.

    With a part, only blocks of its towers are counted, and nothing is frozen that is not its own.
    """
    return Mask.as_author(tree, {i for _, paths in _first(tree, n, part) for i in tree.under_each(paths)})


def first_blocks_rules(tree: LayerTree, n: int, part: str | None = None) -> str:
    """Rules that resolve to `first_blocks`, in the same words at each depth; empty where nothing is frozen."""
    names = tree.names
    found: dict[str, None] = {}
    for selector, paths in _first(tree, n, part):
        hits = names.positions_of(selected(selector, names)) if selector else ()
        fits = hits == names.positions_of(names.union(paths))
        chosen = [selector] if selector and fits else [Selector("path", path) for path in paths]
        found["freeze " + " ".join(map(print_selector, chosen))] = None
    return "; ".join(found)


def frozen_first_blocks(mask: Mask) -> int | None:
    """The n of `first_blocks` that makes this mask; None where none does, or 0."""
    n = len(list(takewhile(lambda path: mask.state_of(path) == "frozen", mask.tree.blocks)))
    made = first_blocks(mask.tree, n) if n else None
    same = made and (made.trains, made.norms, made.dropout) == (mask.trains, mask.norms, mask.dropout)
    return n if same else None


def _first(tree: LayerTree, n: int, part: str | None) -> Iterator[tuple[Selector | None, tuple[str, ...]]]:
    """Paths of what runs before the end of the n-th block, with the words that may say the same."""
    own = set(tree.in_part.get(part, ())) if part else set(range(len(tree.parameters)))
    for tower in (tower for tower in tree.towers if part in (None, tower.part)):
        taken = max(0, min(n, len(tower.blocks)))
        n -= taken
        parts = {
            Selector("kind", "embeddings"): tower.embeddings,
            Selector("kind", "stem"): tower.stem,
            Selector("blocks", f"0-{taken - 1}" if taken > 1 else "0", tower_word(tree, tower)): tuple(
                path for block in tower.blocks[:taken] for path in tree.modules_of(block)
            ),
            None: tuple(path for paths in tower.between[:taken] for path in paths),
        }
        for selector, paths in parts.items() if taken else ():
            if kept := tuple(path for path in paths if own.issuperset(tree.under(path))):
                yield selector, kept


def last_blocks_rules(tree: LayerTree, n: int) -> str:
    """Rules that train the last n blocks and the head."""
    head = ["train head"] if _count(tree, "head") else []
    return "; ".join(["freeze all", f"train blocks:last{n}", *head])


def _all_presets(tree: LayerTree) -> tuple[Preset, ...]:
    return (
        *_by_part(tree),
        _first_blocks(tree),
        _linear_probe(tree),
        _last_blocks(tree),
        *_of_detectors(tree),
        *_by_role(tree),
        *_adapted(tree),
        _gradual(tree),
        _full(tree),
    )


def _first_blocks(tree: LayerTree) -> Preset:
    count = len(tree.blocks)
    n = min(SEED_BLOCKS, max(count - 1, 0))
    rules = first_blocks_rules(tree, n)
    hits = first_blocks(tree, n).trains.count(False) if n else 0
    why = _few(count)
    if hits:
        why = say("Freezes the input side: {hits} parameters of {count}.", hits=hits, count=len(tree.parameters))
    if hits and len(tree.towers) > 1:
        towers = ", ".join(tower.name for tower in tree.towers)
        why = say("{why} Blocks are counted in the order in which they run: {towers}.", why=why, towers=towers)
    embedded = _count(tree, "embeddings")
    label = say("Freeze embeddings and first {n} blocks" if embedded else "Freeze stem and first {n} blocks", n=n)
    return Preset("first-blocks", label, rules, hits, why)


def _linear_probe(tree: LayerTree) -> Preset:
    hits = _count(tree, "head")
    why = say("Trains the head alone: {hits} parameters.", hits=hits) if hits else say("It has no head.")
    return Preset("linear-probe", say("Linear probe: train the head"), "freeze all; train head", hits, why)


def _last_blocks(tree: LayerTree) -> Preset:
    towers = [tower for tower in tree.towers if len(tower.blocks) > LAST_BLOCKS]
    hits = len({i for tower in towers for path in tower.blocks[-LAST_BLOCKS:] for i in tree.in_block(path)})
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    why = say("Trains {hits} parameters of the output side, and the head.", hits=hits) if hits else _few(deepest)
    return Preset(
        "last-blocks",
        say("Train last {count} blocks", count=LAST_BLOCKS),
        last_blocks_rules(tree, LAST_BLOCKS),
        hits,
        why,
    )


def _of_detectors(tree: LayerTree) -> Iterator[Preset]:
    """Of a model that keeps its backbone apart from what predicts: the head with its neck, and with the last stage."""
    found = [(tower, path) for tower in tree.towers if (path := _backbone(tower.blocks))]
    neck = _count(tree, "neck")
    if not _count(tree, "head"):
        return
    if neck:
        why = say("Trains {hits} parameters of the neck, and the head.", hits=neck)
        yield Preset("head-neck", say("Train the head and the neck"), "freeze all; train neck head", neck, why)
    elif found:
        hits = sum(not tree.parameters[i].frozen_by_author for i in tree.under(found[0][1]))
        why = say("Freezes {count} parameters.", count=hits)
        yield Preset("head-neck", say("Freeze the backbone"), f"freeze {found[0][1]}", hits, why)
    for tower, path in found[:1]:
        blocks = tower.stages[-1].blocks if tower.stages else tower.blocks[-1:]
        word = print_selector(Selector("stages" if tower.stages else "blocks", "last1", tower_word(tree, tower)))
        rules = f"freeze all; train {word} neck head" if neck else f"freeze {path}; train {word}"
        inside = {i for each in blocks for i in tree.in_block(each)}
        if hits := sum(not tree.parameters[i].frozen_by_author for i in inside):
            why = say("Trains {hits} parameters of the backbone's last stage, and all behind it.", hits=hits)
            yield Preset("last-stage", say("Train the backbone's last stage"), rules, hits, why)


def _backbone(blocks: tuple[str, ...]) -> str:
    """Path of the module that is called a backbone and holds these blocks; empty where none is."""
    found = re.match(r"(?:.*\.)?(?:backbone|pixel_level_module\.encoder)(?=\.)", blocks[0]) if blocks else None
    return found[0] if found else ""


def _adapted(tree: LayerTree) -> tuple[Preset, ...]:
    """LoRA as PEFT trains it, with the head, and in the last blocks alone; none where the tree has no adapters."""
    count = _count(tree, "adapters")
    if not count:
        return ()
    head = " head" if _count(tree, "head") else ""
    why = say("Trains {count} tensors of the adapters; the base is frozen.", count=count)
    found = [Preset("lora", say("LoRA"), "freeze all; train adapters", count, why)]
    if head:
        found.append(Preset("lora-head", say("LoRA and the head"), f"freeze all; train adapters{head}", count, why))
    first = len(tree.blocks) - LAST_BLOCKS
    if first > 0 and len(tree.towers) == 1:
        label = say("LoRA on the last {count} blocks", count=LAST_BLOCKS)
        rules = f"freeze all; train adapters{head}; {first_blocks_rules(tree, first)}"
        found.append(Preset("lora-last", label, rules, count, why))
    return tuple(found)


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


def _by_part(tree: LayerTree) -> Iterator[Preset]:
    """What people choose in a multimodal model; nothing where a model has no parts."""
    words = {part.name: print_selector(part_selector(tree, part.name)) for part in tree.parts if _hits(tree, part.name)}
    inputs = [name for name in ("vision", "audio") if name in words]
    blocks = [tower for tower in tree.towers if tower.part == "language" and len(tower.blocks) > LAST_BLOCKS]
    if "projector" in words and len(words) > 1:
        hits = _hits(tree, "projector")
        why = say("Trains what joins the parts: {hits} parameters.", hits=hits)
        rules = f"freeze all; train {words['projector']}"
        yield Preset("projector-only", say("Train the projector"), rules, hits, why)
        if blocks:
            why = say("Trains {hits} parameters that join the parts, and the last blocks behind them.", hits=hits)
            label = say("Train the projector and language's last {count} blocks", count=LAST_BLOCKS)
            rules += f" blocks@language:last{LAST_BLOCKS}"
            yield Preset("projector-last-blocks", label, rules, hits, why)
    if inputs and len(words) > 1:
        hits = sum(_hits(tree, name) for name in inputs)
        rules = "freeze " + " ".join(words[name] for name in inputs)
        label = say("Freeze {parts}", parts=", ".join(inputs))
        yield Preset("vision-frozen", label, rules, hits, say("Freezes {count} parameters.", count=hits))
    if "language" in words and inputs:
        hits = _hits(tree, "language")
        why = say("Freezes {count} parameters.", count=hits)
        yield Preset("language-frozen", say("Freeze language"), f"freeze {words['language']}", hits, why)


def part_selector(tree: LayerTree, name: str) -> Selector:
    """A part by its bare name, where no module is called so."""
    return Selector("part" if name == "other" or tree.names.under(name) else "path", name)


def _hits(tree: LayerTree, part: str) -> int:
    """How many parameters of a part may train."""
    return sum(not tree.parameters[i].frozen_by_author for i in tree.in_part.get(part, ()))


def _gradual(tree: LayerTree) -> Preset:
    """Unfreezes from the output side in equal steps; the head trains from the start."""
    deepest = max((len(tower.blocks) for tower in tree.towers), default=0)
    head = _count(tree, "head")
    hits = len({i for path in tree.blocks for i in tree.in_block(path)}) if deepest > 1 and head else 0
    counts = sorted({-(-deepest * step // STEPS) for step in range(1, STEPS)} - {0, deepest})
    phases = [f"from epoch {i}: train blocks:last{count}" for i, count in enumerate(counts, start=1)]
    rules = "; ".join(["freeze all", "train head", *phases, f"from epoch {len(counts) + 1}: train all"])
    lacking = say("It has no head.") if deepest > 1 else _few(deepest)
    why = say("Unfreezes {blocks} blocks in {count} steps.", blocks=deepest, count=len(counts) + 1) if hits else lacking
    return Preset("gradual", say("Gradual unfreezing"), rules, hits, why)


def _full(tree: LayerTree) -> Preset:
    hits = sum(Mask.as_author(tree).trains)
    why = say(
        "Trains all {hits} parameters that its author left free." if hits else "Its author froze everything.", hits=hits
    )
    return Preset("full", say("Full fine-tune"), "train all", hits, why)


def _count(tree: LayerTree, role: str) -> int:
    """How many parameters play this role and may train."""
    names = tree.names
    return len(names.positions_of(selected(Selector("kind", role), names) & ~names.frozen_by_author))
