"""Adapters as a source's text says them: which layers they join in the fewest selectors, and at which rank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from os.path import commonprefix

from freezecore._export.series import Series, series
from freezecore.adapter import Adapter, number_of, print_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.spec import Selector
from freezecore.tree import LayerTree


def adapter_text(rows: Sequence[Sequence], tree: LayerTree, tokens: Sequence[int] = ()) -> str:
    """The text of adapters, of which each row is a layer's path, rank, alpha, dropout, and whether rsLoRA and DoRA.

    Args:
        tokens: rows of the table of words that train beside them.

    Raises:
        SourceError: PEFT builds no adapter of these numbers.
    """
    groups: dict[tuple, list[str]] = {}
    for path, *settings in rows:
        groups.setdefault(tuple(settings), []).append(path)
    adapters = [
        Adapter(
            "lora",
            int(_number("r", r)),
            _number("alpha", alpha),
            _number("dropout", dropout),
            bool(rslora),
            bool(dora),
            found,
        )  # fmt: skip
        for (r, alpha, dropout, rslora, dora), paths in groups.items()
        for found in [targets(paths, tree)]
    ]
    return print_adapters((*(replace(one, tokens=tuple(tokens)) for one in adapters[:1]), *adapters[1:]))


def _number(name: str, value: object) -> float:
    """An option's value as it is said; the usual one where nothing is."""
    said = getattr(Adapter, name) if value is None else value
    return number_of(name, f"{said:.12f}" if isinstance(said, float) else str(said))


def targets(paths: Iterable[str], tree: LayerTree) -> tuple[Selector, ...]:
    """Selectors that hit exactly these layers of those that can have an adapter; none where they are the usual ones."""
    wanted = list(dict.fromkeys(paths))
    exact = tuple(Selector("path", path) for path in wanted)
    for selectors in ((), *_candidates(wanted, tree)):
        try:
            if set(adapter_targets([Adapter(targets=selectors)], tree)) == set(wanted):
                return selectors
        except FreezeError:
            continue
    return exact


def _candidates(paths: list[str], tree: LayerTree) -> Iterator[tuple[Selector, ...]]:
    """Ends of paths, two parts of them, ends below what all lie in, the shortest rules, expressions over numbers."""
    found = [dict.fromkeys(".".join(path.split(".")[-parts:]) for path in paths) for parts in (1, 2)]
    for ends in found:
        yield tuple(Selector("path", f"*.{end}") for end in ends)
    if above := commonprefix([path.split(".")[:-1] for path in paths]):
        for names in found:
            yield tuple(Selector("path", ".".join([*above, "**", end])) for end in names)
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
