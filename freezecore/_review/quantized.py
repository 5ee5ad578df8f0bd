"""Findings about a base in 4 or 8 bits: what has to stay in full precision, and what does so all the same."""

from __future__ import annotations

from collections.abc import Iterator

from freezecore._estimate.quantized import kept_by_transformers, kept_layers
from freezecore._review.finding import Case, Finding, listed

MUCH = 0.1  # of the model's scalars


def full_precision(case: Case) -> Iterator[Finding]:
    """Layers that transformers would quantize and that have to stay as they are: a new head cannot train in 4 bits, and
    a router's choice is off by whole experts."""
    if not _kind(case):
        return
    by_itself = kept_by_transformers(case.tree)
    paths = tuple(path for path in kept_layers(case.tree) if path not in by_itself)
    if paths:
        yield Finding(
            "quantized-head",
            "note",
            paths,
            "Priced in full precision: {names}. transformers alone would quantize a new head or router too, which then "
            "cannot train: name them in llm_int8_skip_modules, as exported code does.",
            None,
            {"names": listed(paths)},
        )


def whole_experts(case: Case) -> Iterator[Finding]:
    """Experts that stand in one tensor are no linear layers, so that bitsandbytes leaves them as they are."""
    kind = _kind(case)
    experts = [p for p in case.tree.parameters if p.fused and len(p.shape) > 2 and not p.adapter]
    share = sum(p.numel for p in experts) / max(1, case.tree.total)
    if kind and share > MUCH:
        yield Finding(
            "quantized-experts",
            "warning",
            tuple(p.name for p in experts),
            "bitsandbytes quantizes linear layers alone: experts that stand in one tensor stay as they are, {share} % "
            "of this model.",
            None,
            {"share": f"{100 * share:.0f}"},
        )


def _kind(case: Case) -> str | None:
    return case.source.quantize if case.source else None


CHECKS = (full_precision, whole_experts)
