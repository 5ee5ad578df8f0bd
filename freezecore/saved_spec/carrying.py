"""A spec on another tree: what was mapped, what is missing, what is new; the whole of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from freezecore._resolve import resolve, resolve_phases
from freezecore.errors import RuleError
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.saved_spec.renames import renamed
from freezecore.saved_spec.saved import SavedParameter, SavedSpec
from freezecore.sentences import say
from freezecore.spec import FreezeSpec, Phase, Rule, Selector
from freezecore.tree import LayerTree


@dataclass(frozen=True)
class Carried:
    """A saved spec on another tree.

    Attributes:
        spec: rules that mean there what was saved; None where part of it would be lost.
        mapped: old and new name of each parameter that is still there.
        missing: old names without a counterpart.
        new: names that were not there before.
        same: nothing changed: the same names, shapes and selection.
        reason: why there is no spec, or why it had to be written anew; empty where the saved rules hold as they are.
    """

    spec: FreezeSpec | None
    mapped: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    new: tuple[str, ...]
    same: bool
    reason: str = ""


def carry(saved: SavedSpec, tree: LayerTree) -> Carried:
    """Apply a saved spec to a tree, whose names may have changed.

    The rules are kept where they still give what they gave. Where they do not, paths in them are renamed, or the
    selection is written anew; where everything that a person chose to train (or to freeze) is gone, there is no spec.

    Raises:
        RuleError: the file lists no parameters, and a rule hits nothing here.
    """
    if not saved.parameters:
        resolve(saved.spec, tree)
        return Carried(saved.spec, (), (), (), same=saved.fingerprint == tree.fingerprint)
    pairs = renamed(_shapes(saved), {p.name: p.shape for p in tree.parameters})
    there = {parameter.names[0]: parameter for parameter in saved.parameters}
    mapped = tuple(pairs.items())
    missing = tuple(name for name in there if name not in pairs)
    taken = set(pairs.values())
    new = tuple(p.name for p in tree.parameters if p.name not in taken)
    wanted = {now: there[was].trains for was, now in mapped}
    spec, reason = _fitting(saved, tree, pairs, wanted, [there[name] for name in missing])
    same = saved.fingerprint == tree.fingerprint and not (reason or missing or new)
    return Carried(spec, mapped, missing, new, same, reason)


def _shapes(saved: SavedSpec) -> dict[str, tuple[int, ...]]:
    return {parameter.names[0]: parameter.shape for parameter in saved.parameters}


def _fitting(
    saved: SavedSpec,
    tree: LayerTree,
    pairs: dict[str, str],
    wanted: dict[str, tuple[bool, ...]],
    lost: list[SavedParameter],
) -> tuple[FreezeSpec | None, str]:
    """Rules that give every mapped parameter what it had, and a word on how they were come by."""
    for state, word in ((True, say("trained")), (False, say("was frozen"))):
        before = [parameter for parameter in saved.parameters if state in parameter.trains]
        if before and len(before) == sum(state in parameter.trains for parameter in lost):
            return None, say("Everything that {word} is missing here.", word=word)
    if _gives(saved.spec, tree, wanted):
        return saved.spec, ""
    translated = _translated(saved, tree, pairs)
    if _gives(translated, tree, wanted):
        return translated, say("Paths in the rules were renamed.")
    if saved.spec.phases:
        return None, say("The phases of this schedule do not hold here.")
    return _written_anew(saved.spec, translated, tree, wanted), say("The selection was written anew from its names.")


def _gives(spec: FreezeSpec, tree: LayerTree, wanted: dict[str, tuple[bool, ...]]) -> bool:
    """In each phase, every mapped parameter trains or not as it did."""
    try:
        masks = list(resolve_phases(spec, tree).values())
    except RuleError:
        return False
    return all(tuple(mask[name] for mask in masks) == states for name, states in wanted.items())


def _translated(saved: SavedSpec, tree: LayerTree, pairs: dict[str, str]) -> FreezeSpec:
    """The spec with every path that was renamed as a whole under its new path."""

    def selector(one: Selector) -> Selector:
        return replace(one, value=_new_path(one.value, tree, pairs)) if one.form == "path" else one

    def rules(many: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(replace(rule, selectors=tuple(map(selector, rule.selectors))) for rule in many)

    phases = tuple(Phase(phase.epoch, rules(phase.rules)) for phase in saved.spec.phases)
    return replace(saved.spec, rules=rules(saved.spec.rules), phases=phases)


def _new_path(path: str, tree: LayerTree, pairs: dict[str, str]) -> str:
    """The module (or parameter) that holds now exactly what the path held; the path itself where there is none."""
    if path in pairs:
        return pairs[path]
    now = [tree.index[new] for old, new in pairs.items() if old.startswith(path + ".")]
    names = tree.names
    held = names.all_names_of(now)
    first = tree.parameters[now[0]].name if now else ""
    for end in (i for i, character in enumerate(first) if character == "."):
        if names.under(first[:end]) & ~held == 0:
            return first[:end] if names.under(first[:end]) == held else path
    return path


def _written_anew(
    spec: FreezeSpec, translated: FreezeSpec, tree: LayerTree, wanted: dict[str, tuple[bool, ...]]
) -> FreezeSpec:
    """The shortest rules for the mapped parameters; new ones do as the rules say, or train where those say nothing."""
    try:
        others = resolve(translated, tree).trains
    except RuleError:
        others = Mask.as_author(tree).trains
    trains = (
        wanted[parameter.name][0] if parameter.name in wanted else other
        for parameter, other in zip(tree.parameters, others, strict=True)
    )
    return shortest_rules(Mask(tree, tuple(trains), spec.norms, spec.dropout))
