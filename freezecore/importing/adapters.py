"""Adapters as a source's text says them: which layers they join in the fewest selectors, and at which rank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from freezecore import peft_rules
from freezecore._export.series import Series, series
from freezecore._resolve import resolve
from freezecore.adapter import Adapter, print_adapters
from freezecore.errors import RuleError
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.spec import FreezeSpec, Rule, Selector
from freezecore.tree import LayerTree

ALL = Selector("kind", "all")


def adapter_text(rows: Sequence[Sequence], tree: LayerTree) -> str:
    """The text of adapters, of which each row is a layer's path, rank, alpha, dropout, and whether rsLoRA and DoRA."""
    groups: dict[tuple, list[str]] = {}
    for path, *settings in rows:
        groups.setdefault(tuple(settings), []).append(path)
    return print_adapters(
        tuple(
            Adapter("lora", r or Adapter.r, alpha or Adapter.alpha, dropout or 0.0, bool(rslora), bool(dora), found)
            for (r, alpha, dropout, rslora, dora), paths in groups.items()
            for found in [targets(paths, tree)]
        )
    )


def targets(paths: Iterable[str], tree: LayerTree) -> tuple[Selector, ...]:
    """Selectors that hit just these layers of those that can have an adapter; none for the linear ones but the head."""
    wanted = set(paths)
    if wanted == {layer.path for layer in tree.layers if peft_rules.LINEAR & set(layer.bases) and layer.kind != "head"}:
        return ()
    for selectors in _candidates(sorted(wanted), tree):
        try:
            if adaptable(selectors, tree) == wanted:
                return selectors
        except RuleError:
            continue
    return tuple(Selector("path", path) for path in sorted(wanted))


def adaptable(selectors: tuple[Selector, ...], tree: LayerTree) -> set[str]:
    """The layers that selectors hit and that can have an adapter.

    Raises:
        RuleError: one of them hits nothing.
    """
    mask = resolve(FreezeSpec((Rule("freeze", (ALL,)), Rule("train", selectors))), tree)
    able = {layer.path for layer in tree.layers if peft_rules.ADAPTED & set(layer.bases)}
    return {name.rpartition(".")[0] for name in mask.names()} & able


def _candidates(paths: list[str], tree: LayerTree) -> Iterator[tuple[Selector, ...]]:
    """Ends of paths, two parts of them, the shortest rules, expressions over numbered paths."""
    for parts in (1, 2):
        ends = dict.fromkeys(".".join(path.split(".")[-parts:]) for path in paths)
        yield tuple(Selector("path", f"*.{end}") for end in ends)
    below = set(paths)
    trains = tuple(p.name.rpartition(".")[0] in below for p in tree.parameters)
    rules = shortest_rules(Mask(tree, trains)).rules
    if [rule.action for rule in rules] == ["freeze", "train"]:
        yield rules[1].selectors
    yield tuple(_expression(item) for item in series(paths))


def _expression(item: str | Series) -> Selector:
    if isinstance(item, str):
        return Selector("path", item)
    numbers = "|".join(str(i) for i in range(item.start, item.stop))
    return Selector("regex", rf"^{re.escape(item.before)}({numbers}){re.escape(item.after)}\.")
