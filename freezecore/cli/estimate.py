"""`estimate`: what a selection costs, before anything runs."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from freezecore import calibration
from freezecore._estimate import AnyEstimate, Pricer, costliest, depth_curve
from freezecore._estimate.budget import fits, largest_text, least_frozen
from freezecore._estimate.cards import MARGIN_SENTENCE
from freezecore._estimate.cost import PARTS
from freezecore._estimate.devices import SHARDINGS, checked_world, per_device
from freezecore._estimate.moments import highest, timeline
from freezecore._resolve import resolve
from freezecore._review import review
from freezecore._trace import Trace
from freezecore.api import pricer
from freezecore.cli import alternatives
from freezecore.cli.alternatives import versus
from freezecore.cli.arguments import add_rules, add_source, read_budget, read_layers, read_source, read_spec
from freezecore.cli.mask import finding_text
from freezecore.mask import Mask
from freezecore.report import bytes_text, change_text, flops_text, seconds_text, table
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import CHOICES, Workload

EXAMPLE = 'timm:resnet18 --rules "freeze all; train head" --batch-size 32'
NOT_ASKED = {"versus": None, "equal_memory": None}
LINES, BAR = 32, 40  # of the timeline in words
STATED = ("batch_size", "precision", "optimizer", "device")
FIELDS = ("peak_bytes", "peak_moment", *PARTS, "flops_forward", "flops_backward", "peak_with_scratch")
HERE = ("peak_bytes", bytes_text), ("flops_forward", flops_text), ("flops_backward", flops_text)


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    add_rules(to)
    to.add_argument("--batch-size", type=int, default=32, metavar="N")
    size = to.add_mutually_exclusive_group()
    size.add_argument("--image-size", type=int, metavar="N", help="pixels per side")
    size.add_argument("--sequence-length", type=int, metavar="N", help="tokens per sample")
    size.add_argument(
        "--input", action="append", metavar="SHAPE", help="such as 3x224x224 or input_ids=128:int64; repeat for more"
    )
    for name, choices in CHOICES.items():
        to.add_argument(f"--{name.replace('_', '-')}", choices=choices, default=getattr(Workload, name))
    to.add_argument("--checkpointing", action="store_true", help="the library's own gradient checkpointing")
    to.add_argument("--accumulate", type=int, default=1, metavar="N", help="forward passes per optimizer step")
    to.add_argument("--curve", action="store_true", help="memory against the number of frozen blocks")
    to.add_argument("--curve-part", metavar="PART", help="the curve over the blocks of one part, such as vision")
    to.add_argument("--world", type=int, metavar="N", help="devices; the batch size is one device's own")
    to.add_argument("--sharding", choices=SHARDINGS, help="what the devices divide (default: ddp)")
    to.add_argument("--timeline", action="store_true", help="what is alive at each moment of the step")
    to.add_argument("--versus", action="store_true", help="this selection, full, head, LoRA and QLoRA side by side")
    to.add_argument("--budget", metavar="16GB", help="find the least frozen selection that fits")


def gather(options: Namespace) -> dict:
    """The estimate's document; of a schedule, that of its costliest phase."""
    budget, world = read_budget(options), checked_world(options.world, options.sharding)
    workload = Workload(**{name: getattr(options, name) for name in Workload.__dataclass_fields__})
    source, tree, spec = read_source(options), read_layers(options), read_spec(options)
    epochs = spec.epochs if options.epoch is None else (options.epoch,)
    masks = {epoch: resolve(spec, tree, epoch) for epoch in epochs}
    author = Mask.as_author(tree)
    began = time.perf_counter()
    price = _pricer(source, workload, options.input)
    trace = price.complete([*masks.values(), author])
    traced = time.perf_counter()
    costs = {epoch: price.estimate(mask) for epoch, mask in masks.items()}
    evaluated = time.perf_counter()
    epoch = costliest(costs)
    cost, mask = costs[epoch], masks[epoch]
    return {
        **_fields(cost),
        "full": _fields(price.estimate(author)),
        "epoch": epoch,
        "workload": {name: getattr(workload, name) for name in STATED},
        "trace_s": traced - began,
        "evaluate_s": (evaluated - traced) / len(costs),
        "fits": [asdict(fit) for fit in fits(trace, mask)],
        "curve": [asdict(point) for point in depth_curve(trace, tree, part=options.curve_part)]
        if options.curve or options.curve_part
        else None,
        "per_device": _share(trace, mask, spec, world) if world and cost.known else None,
        "timeline": timeline(trace, mask).to_json() if options.timeline and cost.known else None,
        "budget": asdict(least_frozen(trace, tree, budget)) if budget else None,
        **calibration.reserve(cost.peak_bytes if cost.known else None, workload.device),
        **(versus(source, spec, epoch, workload, options.allow_python) if options.versus else NOT_ASKED),
        "left_out": list(cost.left_out),
        "problem": cost.problem or None,
        "findings": _odd(mask, spec),
    }


def _odd(mask: Mask, spec: FreezeSpec) -> list[dict]:
    """What makes these numbers those of another selection than was meant: an error, or adapters that do not train."""
    found = review(mask.tree, mask, spec=spec)
    return [asdict(each) for each in found if each.severity == "error" or each.code == "adapter-idle"]


def _share(trace: Trace, mask: Mask, spec: FreezeSpec, world: tuple[int, str]) -> dict:
    """What one device takes, and what several make of frozen parameters."""
    found = review(mask.tree, mask, spec=spec, fixes=False, sharding=world[1])
    findings = [asdict(finding) for finding in found if finding.code.startswith(("fsdp1-", "ddp-", "compile-"))]
    return per_device(trace, mask, *world).to_json() | {"findings": findings}


def show(document: dict) -> str:
    """A table of the selection beside full fine-tuning, then the cards."""
    full = document["full"]
    rows = [_row(name, document, full, bytes_text) for name in PARTS]
    rows += [_row(name, document, full, words) for name, words in HERE]
    lines = [table(["at the peak", "selection", "full", "change"], rows, right=[1, 2, 3])]
    lines.append(f"peak: {document['peak_moment'] or document['problem'] or 'unknown'}")
    step = document["workload"]  # the page starts from a card, whose kernels keep other memory than a CPU's
    lines.append("of a step of {batch_size:,} in {precision}, {optimizer}, on the kernels of {device}".format_map(step))
    timing = f"traced in {seconds_text(document['trace_s'])}, evaluated in {seconds_text(document['evaluate_s'])}"
    lines += ["", _cards(document["fits"]), "", timing]
    for point in document["curve"] or []:
        costs = f"{bytes_text(point['peak_bytes'])}, {flops_text(point['flops_backward'])} backward"
        lines.append(f"{point['frozen_blocks']} blocks frozen: {costs}")
    if share := document["per_device"]:
        lines += ["", f"on each of {share['world']:,} devices: {bytes_text(share['peak_bytes'])}. {share['why']}"]
        lines += [f"{finding['severity']}: {finding['message']}" for finding in share["findings"]]
    lines += _timeline(document["timeline"] or [])
    lines += alternatives.show(document) if document["versus"] else []
    if budget := document["budget"]:
        lines.append(f"within {bytes_text(budget['bytes'])}: {_within(budget)}")
    return "\n".join(
        [*lines, *map(finding_text, document["findings"]), *(f"left out: {text}" for text in document["left_out"])]
    )


def _pricer(source: ModelSource, workload: Workload, shapes: list[str] | None) -> Pricer:
    if not shapes:
        return pricer(source, workload)
    from freezecore.runtime.trace import shapes_pricer

    return shapes_pricer(source, workload, shapes)


def _fields(cost: AnyEstimate) -> dict:
    return {name: getattr(cost, name, None) for name in FIELDS}


def _row(name: str, selection: dict, full: dict, words) -> tuple[str, ...]:
    change = change_text(selection[name], full[name])
    return name, words(selection[name]), words(full[name]), change


def _cards(fits_: list[dict]) -> str:
    verdicts = {True: "fits", False: "does not fit", None: "unknown"}
    rows = [
        (
            fit["card"],
            bytes_text(fit["card_bytes"]),
            verdicts[fit["fits"]],
            largest_text(fit["largest_batch"]),
            fit["note"],
        )
        for fit in fits_
    ]
    return table(["card", "usable", "", "largest batch", ""], rows, right=[1, 3]) + f"\n{MARGIN_SENTENCE}"


def _timeline(points: list[dict]) -> list[str]:
    """A line for each stretch of the step: the most that is alive in it, and where."""
    most = max((point["bytes"] for point in points), default=0)
    rows = [
        (
            point["phase"],
            point["layer"] or point["operation"],
            bytes_text(point["bytes"]),
            "█" * round(BAR * point["bytes"] / (most or 1)) + " peak" * (point["bytes"] == most),
        )
        for point in highest(points, LINES, lambda point: point["bytes"])
    ]
    return ["", table(["phase", "layer", "alive", ""], rows, right=[2])] if rows else []


def _within(budget: dict) -> str:
    if budget["rules"] is None:
        return budget["problem"] or "nothing fits"
    return f"{budget['rules'] or 'nothing has to be frozen'} ({bytes_text(budget['peak_bytes'])})"
