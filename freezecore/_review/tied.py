"""Findings about one tensor under several names, and one module in several places."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._review.finding import Case, Finding, by_name, listed


def tied_conflict(case: Case) -> Iterator[Finding]:
    """Two rules want one tensor frozen under one name and trained under another."""
    for conflict in case.mask.conflicts:
        parameter = case.tree.parameters[case.tree.index[conflict.name]]
        aliases = listed(parameter.aliases)
        action = "train" if case.mask[conflict.name] else "freeze"
        yield Finding(
            "tied-conflict",
            "warning",
            parameter.names,
            "{name} and {aliases} are one tensor, but '{first}' and '{second}' want it both ways; the later rule won.",
            by_name(action, parameter.names),
            {"name": conflict.name, "aliases": aliases, "first": conflict.rules[0], "second": conflict.rules[1]},
        )


def tied_head(case: Case) -> Iterator[Finding]:
    """The head is the embedding under another name, so neither can be chosen alone."""
    conflicts = {conflict.name for conflict in case.mask.conflicts}
    if all(case.mask.trains) or not any(case.mask.trains):
        return
    for i, parameter in enumerate(case.tree.parameters):
        if not parameter.aliases:
            continue
        of_head = [name for name in parameter.names if _is_under(name, case.tree.head)]
        others = [name for name in parameter.names if name not in of_head]
        if not of_head or not others or parameter.name in conflicts:
            continue
        facts = {"head": of_head[0], "other": others[0], "count": f"{parameter.numel:,}"}
        if case.mask.trains[i]:
            yield Finding(
                "tied-trains",
                "note",
                parameter.names,
                "{head} is {other} under another name, so training the head trains its {count} weights.",
                None,
                facts,
            )
        else:
            yield Finding(
                "tied-frozen",
                "note",
                parameter.names,
                "{head} is {other} under another name, so the head is frozen with it.",
                None,
                facts,
            )


def shared_module(case: Case) -> Iterator[Finding]:
    """One module runs several times in a forward pass: 'layer 3' has no weights of its own."""
    if all(case.mask.trains):
        return
    blocks = set(case.tree.blocks)
    for layer in case.tree.layers:
        uses = max(layer.uses or 1, 1 + len(layer.aliases))
        if uses > 1 and layer.parameters and (layer.path in blocks or layer.aliases):
            yield Finding(
                "shared-module",
                "note",
                (layer.path, *layer.aliases),
                "{name} is used {uses} times in one pass: it trains or stays frozen in all of them.",
                None,
                {"name": layer.path, "uses": str(uses)},
            )


def shared_table(case: Case) -> Iterator[Finding]:
    """One block holds a table that all blocks of its tower read, as T5's first block does."""
    for tower in case.tree.towers:
        if len(tower.blocks) < 2 or not case.frozen(case.tree.under(tower.blocks[0])):
            continue
        first, second = ({name[len(path) :] for name in _names(case, path)} for path in tower.blocks[:2])
        own = sorted(name for name in first - second if "bias" in name and "relative" in name)
        if own and case.training(case.tree.under_each(tower.blocks[1:])):
            name = tower.blocks[0] + own[0]
            if not case.mask[name]:
                yield Finding(
                    "shared-table",
                    "note",
                    (name,),
                    "{name} is frozen with its block, but every block of this tower reads it.",
                    f"train {name}",
                    {"name": name},
                )


def _names(case: Case, path: str) -> tuple[str, ...]:
    return case.names(case.tree.under(path))


def _is_under(name: str, paths: tuple[str, ...]) -> bool:
    return any(name == path or name.startswith(path + ".") for path in paths)


CHECKS = (tied_conflict, tied_head, shared_module, shared_table)
