"""Target `axolotl`: the keys `base_model` and `unfrozen_parameters`, whose patterns its own matcher reads.

axolotl takes every dot as a literal one unless a plus follows, matches from the beginning of the name, and reads
`[1:9]` at a pattern's end as rows of a tensor; patterns are written to mean the same under those rules.
"""

from __future__ import annotations

import re

from freezecore._export.causal import require_causal, require_whole
from freezecore._export.jinja import render
from freezecore._export.plan import ExportPlan
from freezecore._export.selection import Cover, select
from freezecore._export.series import Series, series
from freezecore.errors import ExportError


def export_axolotl(plan: ExportPlan) -> str:
    """Lines for an axolotl configuration.

    Raises:
        ExportError: it cannot express the selection; the hint says what comes nearest.
    """
    require_causal(plan, "axolotl")
    if not plan.source.adapter:
        return render("axolotl.yaml.jinja", plan=plan, patterns=patterns(plan), lora=None)
    lora = require_whole(plan, "axolotl")
    if lora.bias != "none":
        raise ExportError(
            "axolotl trains no biases beside adapters, as '{rules}' does.",
            "Leave them out, or export to trl.",
            rules=plan.rules,
        )
    return render("axolotl.yaml.jinja", plan=plan, patterns=(), lora=lora)


def patterns(plan: ExportPlan) -> list[str]:
    """Patterns that hit exactly what trains; each hits whole dotted parts."""
    outermost = dict.fromkeys(p.name.split(".")[0] for p in plan.tree.parameters)
    found = select(plan.tree.names, plan.mask.names(), only_take=True).take or Cover(tuple(outermost))
    before = r"[\s\S]+" if any("\n" in name for name in plan.mask.names()) else ".+"  # a plain dot stops at line ends
    words = [f"^({before}.)?{_part(word)}(.|$)" for word in found.words]
    return [*(_path(item) for item in series(found.paths)), *words]


def _path(item: str | Series) -> str:
    if isinstance(item, str):
        return f"^{_parts(item)}(.|$)"
    numbers = "|".join(str(i) for i in range(item.start, item.stop))
    return f"^{_parts(item.before)}({numbers}){_parts(item.after)}(.|$)"


def _parts(path: str) -> str:
    return ".".join(_part(part) for part in path.split("."))


def _part(part: str) -> str:
    return re.escape(part)
