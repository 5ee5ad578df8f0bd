"""`estimate --versus`: this selection, full fine-tuning, the head alone, LoRA and QLoRA side by side."""

from __future__ import annotations

from freezecore import _versus, calibration
from freezecore._estimate import Pricer
from freezecore._estimate.at_rank import rank_sources
from freezecore._estimate.budget import fits_on, least_frozen
from freezecore._estimate.cards import all_cards
from freezecore._resolve import resolve
from freezecore._versus import Alternative, alternatives, checkpoint_bytes, rank_within
from freezecore.api import pricer, read_tree
from freezecore.errors import FreezeError, TraceError
from freezecore.mask import Mask
from freezecore.report import bytes_text, flops_text, table
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload

NAMES = {"this": "this selection", "full": "full", "head": "head", "lora": "LoRA", "qlora": "QLoRA"}


def versus(source: ModelSource, spec: FreezeSpec, epoch: int, workload: Workload, allow_python: bool) -> dict:
    """The rows of `versus` and `equal_memory`, as the document has them; a way that cannot be built is told in its row.

    Args:
        epoch: the phase of a schedule that is priced.
    """
    tree = read_tree(source.base, allow_python=allow_python)
    found = alternatives(source, str(spec.at_epoch(epoch)), tree)
    rows = {one.key: _row(one, workload, allow_python) for one in found}
    return {"versus": list(rows.values()), "equal_memory": _equal_memory(source, rows, found, workload, allow_python)}


def _row(one: Alternative, workload: Workload, allow_python: bool) -> dict:
    named = {"name": NAMES[one.key], "rules": one.rules, "adapter": one.source.adapter, "quantize": one.source.quantize}
    unknown = dict.fromkeys(("trainable", "peak_bytes", "flops_backward", "checkpoint_bytes"))
    try:
        mask, price = _priced(one.source, one.rules, workload, allow_python)
        cost = price.estimate(mask)
    except FreezeError as error:
        return named | unknown | {"reserved_bytes": None, "fits": {}, "problem": str(error)}
    peak = cost.peak_bytes if cost.known else None
    figures = {
        "trainable": mask.trainable,
        "peak_bytes": peak,
        "reserved_bytes": calibration.reserve(peak, workload.device)["reserved_bytes"],
        "flops_backward": cost.flops_backward if cost.known else None,
        "checkpoint_bytes": checkpoint_bytes(mask, workload.precision),
        "fits": {card.name: fits_on(card, peak) for card in all_cards()},
        "problem": cost.problem or None,
    }
    return named | figures


def _priced(source: ModelSource, rules: str, workload: Workload, allow_python: bool) -> tuple[Mask, Pricer]:
    mask = resolve(rules, read_tree(source, allow_python=allow_python))
    return mask, pricer(source, workload)


def _equal_memory(
    source: ModelSource, rows: dict, found: tuple[Alternative, ...], workload: Workload, allow_python: bool
) -> dict:
    """The least frozen selection within what LoRA takes, and LoRA's highest rank within what this selection takes."""
    this, lora = (rows.get(key, {}).get("peak_bytes") for key in ("this", "lora"))
    rules = rank = None
    if lora is not None:
        base = read_tree(source.base, allow_python=allow_python)
        price = pricer(source.base, workload)
        trace = price.complete([Mask.as_author(base), *(resolve(_versus.HEAD, base),) * bool(base.head)])
        rules = least_frozen(trace, base, lora).rules
    if this is not None and lora is not None:
        one = next(each for each in found if each.key == "lora")
        rank = _rank_within(one, this, workload, allow_python)
    return {"rules": rules, "rank": rank}


def _rank_within(one: Alternative, limit: int, workload: Workload, allow_python: bool) -> int | None:
    sources = rank_sources(one.source)
    try:
        trees = {rank: read_tree(each, allow_python=allow_python) for rank, each in sources.items()}
        steps = {
            rank: pricer(each, workload).complete([resolve(one.rules, trees[rank])]) for rank, each in sources.items()
        }
        return rank_within(limit, one.rules, steps, next(iter(trees.values())))
    except (TraceError, FreezeError):
        return None  # another rank's step is not known from these, or cannot be built: the document says null


def show(document: dict) -> list[str]:
    """The rows as a table, and what takes as much memory as each other."""
    rows = [
        (
            row["name"],
            f"{row['trainable']:,}" if row["trainable"] is not None else "unknown",
            bytes_text(row["peak_bytes"]),
            flops_text(row["flops_backward"]),
            bytes_text(row["checkpoint_bytes"]),
            row["problem"] or _smallest(row["fits"]),
        )
        for row in document["versus"]
    ]
    lines = ["", table(["", "trains", "peak", "backward", "checkpoint", "fits"], rows, right=[1, 2, 3, 4])]
    same = document["equal_memory"]
    if same["rules"] is not None:
        lines.append(f"in what LoRA takes: {same['rules'] or 'everything trains'}")
    if same["rank"] is not None:
        fitting = f"LoRA of rank {same['rank']:,}" if same["rank"] else "no LoRA, not even of rank 1"
        lines.append(f"in what this selection takes: {fitting}")
    return lines


def _smallest(fits: dict) -> str:
    """The first card that it fits on."""
    on = [card for card, fit in fits.items() if fit]
    return f"from {on[0]}" if on else "on no card"
