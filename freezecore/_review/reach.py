"""Findings about what the rules hit: more than it seems, nothing that lasts, or parameters that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, by_name, listed
from freezecore.rules.grammar import parse_spec, print_selector
from freezecore.rules.matching import is_glob, matching, selected
from freezecore.rules.regexes import compile_bounded
from freezecore.spec import Rule, Selector

OTHER = {"freeze": "train", "train": "freeze"}
SEARCHED = ("contains", "regex", "path", "blocks", "stages")


def index_prefix(case: Case) -> Iterator[Finding]:
    """A text that ends in a number hits layer 1 and layer 10."""
    for rule in _rules(case):
        for selector in rule.selectors:
            meant, beyond = _numbers(case, selector)
            if not meant or not beyond:
                continue
            said = print_selector(selector)
            yield Finding(
                "index-prefix",
                "warning",
                beyond,
                "'{rule}' hits {meant}, and {beyond} as well.",
                by_name(OTHER[rule.action], beyond),
                {"rule": said, "meant": listed(meant), "beyond": listed(beyond)},
            )


def several_towers(case: Case) -> Iterator[Finding]:
    """A rule that names no tower hits blocks in several."""
    towers = [tower for tower in case.tree.towers if tower.blocks]
    if len(towers) < 2:
        return
    names = case.tree.names
    blocks = {t.name: names.union(path for block in t.blocks for path in case.tree.modules_of(block)) for t in towers}
    for rule in _rules(case):
        for selector in rule.selectors:
            plain = selector.form == "path" and not is_glob(selector.value)
            if selector.form not in SEARCHED or selector.tower or plain:
                continue
            hit = tuple(name for name, bits in blocks.items() if selected(selector, names) & bits)
            if len(hit) > 1:
                said = print_selector(selector)
                yield Finding(
                    "several-towers",
                    "note",
                    hit,
                    "'{rule}' hits blocks in {towers}; blocks@{tower}:… names one tower.",
                    None,
                    {"rule": said, "towers": listed(hit), "tower": hit[0]},
                )


def rule_without_effect(case: Case) -> Iterator[Finding]:
    """All that a rule hits is set again by later rules."""
    hits = case.mask.hits
    for at, hit in enumerate(hits):
        later = {i for other in hits[at + 1 :] for i in other.positions}
        if hit.positions and later.issuperset(hit.positions):
            yield Finding(
                "rule-without-effect",
                "warning",
                case.names(hit.positions[:1]),
                "'{rule}' changes nothing: later rules set everything that it hits.",
                None,
                {"rule": hit.rule},
            )


def trains_anyway(case: Case) -> Iterator[Finding]:
    """Rules that only train, where nothing was frozen before: everything else trains as well."""
    hits = case.mask.hits
    hit = {i for one in hits for i in one.positions}
    rules = list(_rules(case))
    freezes = any(rule.action == "freeze" for rule in rules) or (case.spec is not None and case.spec.phases)
    by_author = any(case.tree.parameters[i].frozen_by_author for i in hit)
    rest = [i for i in case.training(case.everything) if i not in hit]
    if rules and rest and not freezes and not by_author:
        said = "; ".join(one.rule for one in hits)
        yield Finding(
            "trains-anyway",
            "warning",
            (),
            "'{rule}' freezes nothing: what it does not name trains as well. Write 'freeze all' before it.",
            f"freeze all; {said}",
            {"rule": said},
        )


def positions_beyond(case: Case) -> Iterator[Finding]:
    """`first20` in a model of twelve blocks."""
    for rule in _rules(case):
        for selector in rule.selectors:
            match = re.fullmatch("(?:first|last)([0-9]+)", selector.value)
            if selector.form not in ("blocks", "stages") or not match:
                continue
            longest = max((len(getattr(tower, selector.form)) for tower in case.tree.towers), default=0)
            if int(match[1]) > longest:
                said = print_selector(selector)
                yield Finding(
                    "positions-beyond",
                    "note",
                    (),
                    "'{rule}' takes all of them: there are {count}.",
                    None,
                    {"rule": said, "count": str(longest)},
                )


def unused(case: Case) -> Iterator[Finding]:
    """Parameters that no forward pass reads stop DistributedDataParallel when they train."""
    idle = [i for i in case.training(case.everything) if case.tree.parameters[i].used is False]
    if idle:
        names = case.names(idle)
        yield Finding(
            "unused-ddp",
            "note",
            names,
            "{names}: no forward pass reads it, so it learns nothing and stops DistributedDataParallel.",
            by_name("freeze", names),
            {"names": listed(names), "count": f"{len(names):,}"},
        )


def schedule_ddp(case: Case) -> Iterator[Finding]:
    """What begins to train after DistributedDataParallel wrapped the model is not averaged."""
    if case.spec is not None and case.spec.phases:
        epochs = ", ".join(str(epoch) for epoch in case.spec.epochs[1:])
        yield Finding(
            "schedule-ddp",
            "note",
            (),
            "On several GPUs, wrap the model in DistributedDataParallel anew at epoch {epochs}: what begins to train "
            "after wrapping is not averaged between them.",
            None,
            {"epochs": epochs},
        )


def _rules(case: Case) -> Iterator[Rule]:
    """The rules that gave the mask; none where it came from ticks."""
    for hit in case.mask.hits:
        yield from parse_spec(hit.rule).rules


def _numbers(case: Case, selector: Selector) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths whose number is the one that was written, and those whose number only begins with it."""
    meant: dict[str, None] = {}
    beyond: dict[str, None] = {}
    for name, end in _number_ends(case, selector):
        stop = name.find(".", end)
        (beyond if name[end : end + 1].isdigit() else meant)[name if stop == -1 else name[:stop]] = None
    return tuple(meant), tuple(beyond)


def _number_ends(case: Case, selector: Selector) -> Iterator[tuple[str, int]]:
    """Names or paths that are hit, and where in each the number ends with which the selector's text ends."""
    names, value = case.tree.names, selector.value
    if selector.form == "contains" and value[-1:].isdigit():
        yield from ((name, name.find(value) + len(value)) for name in names.names if value in name)
    elif selector.form == "regex":
        search = compile_bounded(re.sub(r"(?<=[0-9])\.$", "", value)).search  # 'layer.1.' hits 10: its dots are any
        matches = ((name, match.end()) for name in names.names if (match := search(name)))
        yield from ((name, end) for name, end in matches if name[end - 1 : end].isdigit())
    elif selector.form == "path" and re.search(r"[0-9]\*$", value):
        last = value.rpartition(".")[2][:-1]
        for node in matching(names, value) if not is_glob(last) else ():
            yield node.path, node.path.rfind(".") + 1 + len(last)


CHECKS = (index_prefix, several_towers, rule_without_effect, trains_anyway, positions_beyond, unused, schedule_ddp)
