"""`find`: what to freeze, found in a given time and memory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.api import run_find
from freezecore.cli.arguments import add_source, add_training, read_budget, read_list, run_typed
from freezecore.cli.output import lines, progress, score_text, selection_text
from freezecore.metrics import METRICS
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.report import bytes_text, metric_text, number_text, seconds_text, table

EXAMPLE = f"{DEFAULT_SOURCE} --minutes 3 --budget 16GB"


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    to.add_argument("--minutes", type=float, required=True, metavar="N", help="how long the search may take")
    to.add_argument("--budget", metavar="16GB", help="peak memory that a selection may need")
    to.add_argument("--over", metavar="LIST", default="depth,presets", help="of depth, presets, rank")
    add_training(to)


def gather(options: Namespace) -> dict:
    minutes, budget = options.minutes, read_budget(options)
    return run_typed(
        options,
        run_find,
        progress(options, _trial),
        steps=60,
        minutes=minutes,
        budget_bytes=budget,
        over=read_list(options.over),
    )


def show(document: dict) -> str:
    second, shown = document["runner_up"], []
    if document["rules"] is not None:
        named = [("recommended", document)] + [("runner-up", second)] * bool(second)
        rows = [
            [
                name,
                _chosen_by(one),
                score_text(one),
                "" if one["noise"] is None else f"±{one['noise']:.3f}",
                bytes_text(one["peak_bytes"]),
                seconds_text(one["step_s"]),
                f"{number_text(one['learning_rate'], 2)} / {number_text(one['head_learning_rate'], 2)}",
                f"{one['steps']} × {one['seeds']}",
                selection_text({**one, "factor": None}),
            ]
            for name, one in named
        ]
        unseen = f"unseen {document['metric'] or 'score'}"
        header = ["", "chosen by", unseen, "noise", "peak", "step", "rate / head's", "steps × seeds", "rules"]
        shown = [table(header, rows, right=[1, 2, 3, 4, 5, 6, 7]) + "\n"]
    if second and document["wins"] is not None:
        share = f"beats the runner-up in {100 * document['wins']:.0f} of 100 resamples of the unseen samples"
        close = "No difference beyond the noise: the recommended one" if document["within_noise"] else "It"
        shown.append(f"{close} {share}.")
    shown.append(f"{document['tried']} runs in {seconds_text(document['seconds'])}.")
    return lines(*shown, *document["left_out"], document["message"], document["hint"])


def _chosen_by(one: dict) -> str:
    """The score that the choice was made by, in the metric's own unit."""
    value, metric = one["chosen_by"], METRICS.get(one["metric"] or "")
    return metric_text(one["metric"], metric.of_mean(value) if metric else value)


def _trial(event: dict) -> str:
    """A line for a trial that has ended."""
    if event["event"] != "trial":
        return ""
    metric = METRICS.get(event["metric"] or "")
    value = metric.of_mean(event["score"]) if metric and event["score"] is not None else event["score"]
    score = metric_text(event["metric"], value) if value is not None else event["state"]
    left = seconds_text(round(event["left_s"]))
    run = f"{event['steps']:>3} steps  rate ×{event['factor']:<3g}  {selection_text({**event, 'factor': None})}"
    return f"{event['done']:>3}  {score}  {run}  ({left} left)"
