"""Resolve a FreezeSpec on a tree into a Mask, with an error for every selector that hits nothing."""

from __future__ import annotations

from collections.abc import Iterable

from freezecore.arguments import checked
from freezecore.errors import FreezeError, RuleError, shortened
from freezecore.mask import Conflict, Hit, Mask
from freezecore.name_index import NameIndex, union
from freezecore.rules.grammar import print_rule, print_selector
from freezecore.rules.matching import in_tower, selected
from freezecore.rules.nearby import hint_for
from freezecore.spec import FreezeSpec, Rule, Selector
from freezecore.tree import LayerTree, Parameter


@checked
def resolve(spec: FreezeSpec | str, tree: LayerTree, epoch: int = 0, *, start: Mask | None = None) -> Mask:
    """Which parameters train in this epoch: what no rule hits stays as in `start`, else as the model's author left it.

    The rules of later phases are checked too, so that a schedule cannot fail when it has run for an hour. Norms that
    the first phase holds stay held when they begin to train: letting them move midway undoes what was learnt.

    Raises:
        RuleError: a selector hits nothing; names the nearest real names.
        FreezeError: an argument of another class, or an epoch below 0.
    """
    spec = FreezeSpec.parse(spec) if isinstance(spec, str) else spec
    if epoch < 0:
        raise FreezeError("There is no epoch {epoch}.", "Epochs are counted from 0.", epoch=epoch)
    names = tree.names
    for phase in spec.phases:
        if phase.epoch > epoch:
            for rule in phase.rules:
                rule_hits(rule, names)
    rules = spec.at_epoch(epoch).rules
    applied = [(rule, rule_hits(rule, names)) for rule in rules]
    hits = tuple(Hit(print_rule(rule), names.positions_of(found)) for rule, found in applied)
    trains = names.per_parameter(outcome(applied, names, start))
    also_held = resolve(spec, tree, start=start).norms_held if epoch > 0 and spec.phases else ()
    said = conflicts(applied, names)
    return Mask(tree, trains, spec.norms, spec.dropout, hits, said, also_held, state=_state(rules, tree, start))


def resolve_phases(spec: FreezeSpec, tree: LayerTree, start: Mask | None = None) -> dict[int, Mask]:
    """The mask of each phase by its first epoch, from epoch 0 on; without a schedule that is one.

    Raises:
        RuleError: as `resolve`.
    """
    return {epoch: resolve(spec, tree, epoch, start=start) for epoch in spec.epochs}


def _state(rules: Iterable[Rule], tree: LayerTree, start: Mask | None) -> dict[str, bool]:
    """Which modules without parameters of their own rules let move or keep still, by path; the last rule counts."""
    said = dict(start.state) if start else {}
    names = tree.state.names
    for rule in rules if tree.state.parameters else ():
        found = union(selected(selector, names) for selector in rule.selectors)
        said.update((tree.state.parameters[at].owner, rule.action == "train") for at in names.positions_of(found))
    return said


def outcome(applied: Iterable[tuple[Rule, int]], names: NameIndex, start: Mask | None = None) -> int:
    """The names that train, as bits, after rules and what they hit; tied names go together."""
    trains = names.everything & ~names.frozen_by_author
    if start is not None:
        trains = names.all_names_of([i for i, trained in enumerate(start.trains) if trained])
    for rule, found in applied:
        if found & names.tied:
            found = names.all_names_of(names.positions_of(found))
        trains = trains | found if rule.action == "train" else trains & ~found
    return trains


def rule_hits(rule: Rule, names: NameIndex) -> int:
    """The names that a rule sets, as bits; `train` reaches what the author froze only by its full name.

    Raises:
        RuleError: one of its selectors hits nothing.
    """
    found = 0
    for selector in rule.selectors:
        hit = selected(selector, names)
        if not hit and not _names_state(selector, names.tree):
            raise _nothing(selector, names.tree)
        _check_positions(selector, names.tree)
        if rule.action == "train" and hit:
            hit = _reached(selector, hit, names)
        found |= hit
    return found


def _names_state(selector: Selector, tree: LayerTree) -> bool:
    """It hits no parameter but a module that keeps state; of roles, only norms are told among those."""
    told = selector.form != "kind" or selector.value == "norms"
    return told and bool(tree.state.parameters) and bool(selected(selector, tree.state.names))


def _reached(selector: Selector, hit: int, names: NameIndex) -> int:
    exact = selector.form == "path" and selector.value in names.exact
    reached = hit if exact else hit & ~names.frozen_by_author
    if reached and not exact:
        return reached
    found = [names.tree.parameters[i] for i in names.positions_of(hit)]
    able = [parameter.name for parameter in found if parameter.can_train]
    if not able:
        raise cannot_train(found[0])
    if not reached:
        raise RuleError(
            "Everything that '{selector}' hits was frozen by the model's author.",
            "Name it exactly if it is to train: 'train {path}'.",
            selector=print_selector(selector),
            path=print_selector(Selector("path", able[0])),
        )
    return reached


def cannot_train(parameter: Parameter) -> RuleError:
    """The error of training whole numbers."""
    return RuleError(
        "'{name}' holds {dtype} numbers, which have no gradient and cannot train.",
        "Leave it frozen.",
        name=shortened(parameter.name),
        dtype=parameter.dtype,
    )


def _nothing(selector: Selector, tree: LayerTree) -> RuleError:
    said = shortened(print_selector(selector))
    return RuleError(
        "No parameter of {source} matches '{said}'.", hint_for(selector, tree), source=shortened(tree.source), said=said
    )


def _check_positions(selector: Selector, tree: LayerTree) -> None:
    """A position that no tower has is a mistake even beside others that hit."""
    if selector.form not in ("blocks", "stages") or not selector.value[0].isdigit():
        return
    towers = [tower for tower in tree.towers if in_tower(tower, selector.tower)]
    longest = max(len(getattr(tower, selector.form)) for tower in towers)
    for end in (int(run.split("-")[-1]) for run in selector.value.split(",")):
        if end >= longest:
            raise RuleError(
                "'{selector}' names {kind} {end}, which {source} lacks.",
                "Its {form} are 0 to {last}.",
                selector=print_selector(selector),
                kind=selector.form[:-1],
                end=end,
                source=shortened(tree.source),
                form=selector.form,
                last=longest - 1,
            )


def conflicts(applied: list[tuple[Rule, int]], names: NameIndex) -> tuple[Conflict, ...]:
    """Tied parameters that a rule froze under one name and another trained under another.

    A rule that hits every name of a tensor settles it; only rules that single out some names can disagree.
    """
    found = []
    for parameter in names.tree.parameters if any(hit & names.tied for _, hit in applied) else ():
        own = [names.exact[name] for name in parameter.names]
        whole = sum(own)
        last: dict[int, int] = {}
        for i, (_, hit) in enumerate(applied if len(own) > 1 else ()):
            if hit & whole == whole:
                last.clear()
            else:
                last.update({name: i for name in own if hit & name})
        by_action = {applied[i][0].action: print_rule(applied[i][0]) for i in sorted(last.values())}
        if len(by_action) == 2:
            first, second = by_action.values()
            found.append(Conflict(parameter.name, (first, second)))
    return tuple(found)
