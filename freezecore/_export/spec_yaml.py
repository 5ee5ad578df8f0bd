"""Target `spec`: this project's own YAML, which `check`, `import` and the page read back."""

from __future__ import annotations

from freezecore._export.plan import Plan
from freezecore.saved_spec.saved import save_spec


def export(plan: Plan) -> str:
    """Rules, source, fingerprint and versions as YAML."""
    return save_spec(plan.spec, plan.tree, plan.source)
