"""Review: whatever can be seen to be wrong with a selection, before a minute is wasted on it."""

from __future__ import annotations

from freezecore._review import adapters, author, backward, devices, heads, movement, quantized, reach, tied
from freezecore._review.finding import SEVERITIES, Case, Finding, mended
from freezecore.arguments import checked
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

__all__ = ["Finding", "mended", "review"]

CHECKS = (
    *adapters.CHECKS,
    *quantized.CHECKS,
    *heads.CHECKS,
    *backward.CHECKS,
    *movement.CHECKS,
    *reach.CHECKS,
    *tied.CHECKS,
    *author.CHECKS,
    *devices.CHECKS,
)


@checked
def review(
    tree: LayerTree,
    mask: Mask,
    *,
    spec: FreezeSpec | str | None = None,
    workload: Workload | None = None,
    source: ModelSource | str | None = None,
    prices: dict | None = None,
    fixes: bool = True,
    sharding: str | None = None,
) -> tuple[Finding, ...]:
    """Everything that can be said against a selection, worst first.

    Args:
        tree: the layers.
        mask: which of them train.
        spec: the rules, where the mask came from some; with them, rules that hit too much or nothing new are found.
        workload: how it is to be trained; with it, checkpointing, precision and small batches are looked at.
        source: which model; with it, a head that will be replaced is known.
        prices: `freezecore._estimate.prices` by path; with them, a forgotten parameter's cost is named.
        fixes: also look for the rules that mend each finding; the dearest part in a large model.
        sharding: what several devices divide, as `fc.per_device` takes it; with it, what they make of frozen ones.

    Raises:
        FreezeError: the mask is that of another tree.
    """
    mask.require_tree(tree)
    spec = FreezeSpec.parse(spec) if isinstance(spec, str) else spec
    source = ModelSource.parse(source) if isinstance(source, str) else source
    case = Case(tree, mask, spec, workload, source, prices, fixes, sharding)
    found = [finding for check in CHECKS for finding in check(case)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
