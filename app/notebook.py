"""The layer tree in a notebook: the page's own boxes, whose ticks are `view.rules` and `view.mask`."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from typing import Any

import anywidget
import traitlets

from freezecore._resolve import resolve
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.spec import FreezeSpec

from .components.scripts import script
from .components.tree import HERE, MODULES, ticks_part, tree_data, tree_strings
from .components.tree.bits import decode

CHANNEL, HEIGHT = "notebook", "420px"
COLORS = {"primary": "primary", "background": "background", "secondaryBackground": "secondary-background"}
COLORS |= {"text": "text", "link": "link", "border": "border"}
SIGNALS = {"red": ("#b3261e", "#ffb4ab"), "yellow": ("#7a5900", "#f5bf48"), "green": ("#1b6e2c", "#7bdb8a")}
FONTS = {
    "--st-font": "Source Sans 3, Segoe UI, Helvetica Neue, Arial, sans-serif",
    "--st-code-font": "ui-monospace, monospace",
}


@cache
def _script() -> str:
    """One module: the tree's own ones, and what mounts it for anywidget where Streamlit would."""
    plain = script(HERE / "js", (*MODULES, "notebook"))
    return plain.replace("export default mounted(", "const mountTree = mounted(", 1)


@cache
def _style() -> str:
    """The tree's style, and the page's colours, which Streamlit would have given it."""
    themes = tomllib.loads((HERE.parents[1] / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    rules = [(HERE / "tree.css").read_text("utf-8")]
    for i, name in enumerate(("light", "dark")):
        colors = {f"--st-{style}-color": themes[name][f"{color}Color"] for color, style in COLORS.items()}
        for color, both in SIGNALS.items():
            wash = f"color-mix(in srgb, {both[i]} 16%, {themes[name]['backgroundColor']})"
            colors |= {f"--st-{color}-{part}color": both[i] for part in ("", "text-")}
            colors[f"--st-{color}-background-color"] = wash
        declared = "; ".join(f"{variable}: {value}" for variable, value in (FONTS | colors).items())
        rules.append(f".{name} {{ {declared}; color-scheme: {name}; background: var(--st-background-color) }}")
    return "\n".join([*rules, ".light, .dark { padding: 0.6rem }"])


def _same(one: Mask, other: Mask) -> bool:
    return (one.trains, one.norms, one.dropout) == (other.trains, other.norms, other.dropout)


class TreeWidget(anywidget.AnyWidget):
    """A model's tree with a box at each layer and parameter.

    Attributes:
        rules: what is selected, as text. Ticks write it; set it, and the boxes follow (`observe` tells of both).
    """

    _esm = _script()
    style = traitlets.Unicode().tag(sync=True)
    rows = traitlets.Dict().tag(sync=True)
    given = traitlets.Dict().tag(sync=True)
    ticks = traitlets.Dict().tag(sync=True)
    rules = traitlets.Unicode()

    def __init__(self, now: Mask, mask: Mask, rules: str | None = None) -> None:
        """`now` is what trains in the model, `mask` what the boxes show, and `rules` what it was written by, if any."""
        self._now, self._mask = now, mask
        rows = tree_data(mask.tree, tree_strings("en"), CHANNEL, HEIGHT)
        super().__init__(rows=rows, style=_style(), given=self._part(0))
        self._show(mask, self._written(mask) if rules is None else rules, 0)

    @property
    def mask(self) -> Mask:
        """What is selected, parameter by parameter; a mask of the same tree can be set."""
        return self._mask

    @mask.setter
    def mask(self, mask: Mask) -> None:
        mask.require_tree(self._mask.tree)
        self._show(mask, self._written(mask), self._sequence + 1)

    def _part(self, sequence: int) -> dict[str, Any]:
        self._sequence = sequence
        return ticks_part(self._mask.tree, self._mask, sequence, key=CHANNEL)

    def _show(self, mask: Mask, rules: str, sequence: int) -> None:
        self._mask = mask
        self.given = self._part(sequence)
        self.rules = rules

    @traitlets.validate("rules")
    def _readable(self, proposal: Any) -> str:
        """Rules that somebody set are read before they are taken; those of a mask mean that mask.

        Raises:
            RuleError: they cannot be read, or hit nothing; the boxes stay as they are.
        """
        mask = self._meant(proposal["value"])
        if not _same(mask, self._mask):
            self._mask = mask
            self.given = self._part(self._sequence + 1)
        return proposal["value"]

    def _meant(self, rules: str) -> Mask:
        return resolve(FreezeSpec.parse(rules), self._now.tree, start=self._now)

    def _written(self, mask: Mask) -> str:
        """Rules that mean this mask on the model as it is now, in which a parameter may be frozen already."""
        shortest = shortest_rules(mask)
        if _same(self._meant(str(shortest)), mask):
            return str(shortest)
        names = " ".join(p.name for p, trains in zip(mask.tree.parameters, mask.trains, strict=True) if trains)
        exact = FreezeSpec.parse("freeze all" + (f"; train {names}" if names else ""))
        return str(replace(exact, norms=mask.norms, dropout=mask.dropout))

    @traitlets.observe("ticks")
    def _ticked(self, change: Any) -> None:
        tree, said = self._mask.tree, change["new"]
        trains, sequence = decode(said.get("bits"), len(tree.parameters)), said.get("sequence")
        if trains is None or said.get("tree") != tree.fingerprint or type(sequence) is not int:
            return  # of nothing that this tree sends
        mask = replace(self._mask, trains=trains, hits=(), conflicts=())
        self._show(mask, self._written(mask), max(sequence, self._sequence))
