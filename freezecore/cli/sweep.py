"""`sweep`: many selections of one model, side by side."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.api import run_sweep
from freezecore.cli.arguments import add_source, add_training, read_factors, read_list, run_typed
from freezecore.cli.output import lines, progress, score_text, selection_text
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.report import bytes_text, seconds_text, table

EXAMPLE = f"{DEFAULT_SOURCE} --over depth --seeds 2"


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    to.add_argument("--over", metavar="LIST", help="of depth, presets, rank (default: depth,presets, or --rules alone)")
    to.add_argument("--rules", action="append", default=[], metavar="TEXT", help="a selection of your own; repeatable")
    to.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each selection")
    to.add_argument("--rates", metavar="LIST", help="multiples of the default learning rates, such as 0.3,1,3")
    to.add_argument("--ray", metavar="ADDRESS", help="spread the runs over a Ray cluster")
    add_training(to)


def gather(options: Namespace) -> dict:
    over = read_list(options.over) if options.over is not None else [] if options.rules else ["depth", "presets"]
    return run_typed(
        options, run_sweep, progress(options, _run),
        over=over, specs=options.rules, seeds=options.seeds, ray=options.ray,
        factors=read_factors(options.rates),
    )  # fmt: skip


def show(document: dict) -> str:
    runs, front, as_good = document["runs"], document["pareto"], document["as_good"]
    several = any(run["spread"] is not None for run in runs)
    header = ["", runs[0]["metric"] or "accuracy", "spread", "peak", "step", "rules"]
    rows = [
        [
            ("best" if i == document["best"] else "=" if i in as_good else "") + " *" * (i in front),
            score_text(run) if run["state"] == "done" else run["state"],
            "" if run["spread"] is None else f"±{run['spread']:.3f}",
            bytes_text(run["peak_bytes"]),
            seconds_text(run["step_s"]),
            selection_text(run),
        ]
        for i, run in enumerate(runs)
    ]
    if not several:
        header, rows = (header[:2] + header[3:]), [row[:2] + row[3:] for row in rows]
    shown = [table(header, rows, right=range(1, len(header) - 1)) + "\n"]
    if document["best"] is not None:
        shown += [
            f"=  as good as the best: the difference is within the noise ({len(as_good)} of {len(runs)}, the best too)",
            "*  no other selection is at least as good in score, memory and step time",
        ]
        cheap = min((runs[i] for i in as_good), key=lambda run: (run["peak_bytes"] or 0, run["step_s"] or 0))
        need = f"'{selection_text(cheap)}' needs least memory: {bytes_text(cheap['peak_bytes'])}."
        shown.append(f"Of those as good as the best, {need}")
    if not several:
        shown.append("One seed alone: --seeds 3 shows how much of a difference is chance.")
    shown.append(f"{seconds_text(document['seconds'])} in all.")
    failed = [f"{selection_text(run)}: {run['message']}" for run in runs if run["message"]]
    return lines(*shown, *failed, document["message"], document["hint"])


def _run(event: dict) -> str:
    """A line for a run that has ended."""
    if event["event"] != "run":
        return ""
    score = score_text(event) if event["state"] == "done" else event["state"]
    took = seconds_text(event["seconds"])
    return f"{event['done']:>3}/{event['total']}  {score}  {took}  {selection_text(event)}"
