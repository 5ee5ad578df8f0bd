"""What can be said against a selection, worst first."""

from __future__ import annotations

from freezecore._resolve import resolve
from freezecore._review import Finding, review
from freezecore.cache.memory import Recent
from freezecore.rules.shortest import shortest_rules
from freezecore.spec import FreezeSpec

from .pricing import Reference, reference_of
from .selection import MOST_SELECTIONS, ModelSelection


def findings_of(selection: ModelSelection, fixes: bool = True) -> tuple[Finding, ...]:
    """The findings; without `fixes` only what is wrong, much sooner. Both ways of answering a tick ask for them."""
    reference = reference_of(selection)
    key = _key(selection, fixes)
    tree, beside, found = _findings.read(key) or (None, None, ())
    if tree is not selection.tree or beside is not reference:
        found = review(
            selection.tree,
            selection.mask,
            spec=selection.spec,
            workload=selection.workload,
            source=selection.source,
            prices=dict(reference.prices),
            fixes=fixes,
        )
        _findings.write(key, (selection.tree, reference, found))
    return found


def told_findings(selection: ModelSelection, reference: Reference, found: tuple[Finding, ...]) -> None:
    """Take the findings without fixes, beside this reference, from who has looked for them."""
    _findings.write(_key(selection, False), (selection.tree, reference, found))


def _key(selection: ModelSelection, fixes: bool) -> tuple:
    return selection.source, selection.workload, selection.rules, fixes


def mended_by(fix: str, selection: ModelSelection) -> str:
    """The selection's rules with a finding's fix among them.

    Raises:
        RuleError: the fix hits nothing any more.
    """
    spec = FreezeSpec.parse(f"{selection.rules}\n{fix}")
    mended = resolve(spec, selection.tree)
    return str(spec if spec.phases else shortest_rules(mended))


_findings = Recent(MOST_SELECTIONS)
