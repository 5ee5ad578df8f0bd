"""What stands above every export: the rules, how much of the model trains, the step, and the link back to the page."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from freezecore._export.plan import ExportPlan
from freezecore._export.python import comment
from freezecore.errors import shortened

LONGEST_RULES = 600
LONGEST_LINK = 4_000
PAGE = "http://127.0.0.1:8501/"  # where `make run` serves it


def header(plan: ExportPlan) -> str:
    """Comment lines: what was chosen, how much of the model that is, and the link."""
    _, count, scalars = plan.counts[0]
    trains = f"{count} of {len(plan.tree.parameters)} parameters train"
    weights = f"{scalars:,} of {plan.tree.total:,} scalars"
    first = ", at first" if plan.scheduled else ""
    lines = [
        f"{plan.source}: {shortened(plan.rules or 'as its author set it', LONGEST_RULES)}",
        f"{trains}{first}: {weights}.",
        *_tied(plan),
        *_step(plan),
        f"Open this selection again: {link(plan)}",
    ]
    return "\n".join(map(comment, lines))


def link(plan: ExportPlan) -> str:
    """The link that opens this selection in the page; of rules that are too long for one, the model alone."""
    if plan.link:
        return plan.link
    query = {"model": str(plan.source), "rules": plan.rules}
    for name, value in plan.source.options.items():
        query["labels" if name == "num_labels" else name] = str(value)
    whole = PAGE + "?" + urlencode(query, safe=":;,*@!./", quote_via=quote, errors="replace").replace("%20", "+")
    if len(whole) <= LONGEST_LINK:
        return whole
    return PAGE + "?" + urlencode({"model": str(plan.source)}, safe=":/.", errors="replace")


def _step(plan: ExportPlan) -> list[str]:
    """A sentence on the training step that was asked for."""
    work = plan.workload
    if work is None:
        return []
    size = f"{work.image_size} pixels" if work.image_size else ""
    tokens = f"{work.sequence_length} tokens" if work.sequence_length else ""
    batch = f"Batch {work.batch_size}" + (f", {work.accumulate} to a step" if work.accumulate > 1 else "")
    checkpointing = "gradient checkpointing" if work.checkpointing else ""
    return [", ".join(filter(None, (batch, size, tokens, work.precision, work.optimizer, checkpointing))) + "."]


def _tied(plan: ExportPlan) -> list[str]:
    """A sentence on tensors that train under a name by which nobody would look for them."""
    tied = [p for p in plan.tree.parameters if p.aliases and plan.mask[p.name] and not all(plan.mask.trains)]
    return [f"{' and '.join(p.names)} are one tensor." for p in tied[:3]]
