"""`sweep`, `find` and `suggest`: many selections of one model, side by side."""

from __future__ import annotations

from argparse import Namespace

from freezecore.api import run_find, run_suggest, run_sweep
from freezecore.cli.arguments import add_source, command, read_source
from freezecore.cli.running import DEFAULT, add_training, emit_of, fields, stoppable
from freezecore.report import bytes_from_text, bytes_text, seconds_text, table

NOTHING = "(nothing frozen)"


def add(commands) -> None:
    """Put the three commands on the command line."""
    sweep = command(commands, "sweep", f"{DEFAULT} --over depth --seeds 2", gather_sweep, show_sweep)
    add_source(sweep)
    sweep.add_argument(
        "--over", metavar="LIST", help="depth, presets, or both (default: both, unless --rules is given)"
    )
    sweep.add_argument(
        "--rules", action="append", default=[], metavar="TEXT", help="a selection of your own; repeatable"
    )
    sweep.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each selection")
    sweep.add_argument("--ray", metavar="ADDRESS", help="spread the runs over a Ray cluster")
    add_training(sweep)
    find = command(commands, "find", f"{DEFAULT} --minutes 3 --budget 16GB", gather_find, show_find)
    add_source(find)
    find.add_argument("--minutes", type=float, required=True, metavar="N", help="how long the search may take")
    find.add_argument("--budget", metavar="16GB", help="peak memory that a selection may need")
    add_training(find)
    suggest = command(commands, "suggest", f"{DEFAULT} --budget 200MB", gather_suggest, show_suggest)
    add_source(suggest)
    suggest.add_argument("--by", default="features,gradients,snr", metavar="LIST", help="ways to look (default: all)")
    suggest.add_argument("--budget", metavar="8GB", help="also the least frozen selection that fits")
    add_training(suggest)


def gather_sweep(options: Namespace) -> dict:
    over = _words(options.over) if options.over is not None else [] if options.rules else ["depth", "presets"]
    source = read_source(options, default_weights="pretrained")
    with stoppable() as should_stop:
        result = run_sweep(
            source,
            over=over,
            specs=options.rules,
            seeds=options.seeds,
            ray=options.ray,
            emit=emit_of(options, _told_of_run),
            should_stop=should_stop,
            **fields(options),
        )
    return result.to_json()


def show_sweep(document: dict) -> str:
    runs, front, as_good = document["runs"], document["pareto"], document["as_good"]
    several = any(run["spread"] is not None for run in runs)
    header = ["", runs[0]["metric"] or "accuracy", "spread", "peak", "step", "rules"]
    rows = [
        [
            ("best" if i == document["best"] else "=" if i in as_good else "") + " *" * (i in front),
            _score(run) if run["state"] == "done" else run["state"],
            "" if run["spread"] is None else f"±{run['spread']:.3f}",
            bytes_text(run["peak_bytes"]),
            seconds_text(run["step_s"]),
            run["rules"] or NOTHING,
        ]
        for i, run in enumerate(runs)
    ]
    if not several:
        header, rows = (header[:2] + header[3:]), [row[:2] + row[3:] for row in rows]
    lines = [table(header, rows, right=range(1, len(header) - 1)) + "\n"]
    if document["best"] is not None:
        lines += [
            f"=  as good as the best: the difference is within the noise ({len(as_good)} of {len(runs)}, the best too)",
            "*  no other selection is at least as good in score, memory and step time",
        ]
        cheap = min((runs[i] for i in as_good), key=lambda run: (run["peak_bytes"] or 0, run["step_s"] or 0))
        need = f"'{cheap['rules'] or NOTHING}' needs least memory: {bytes_text(cheap['peak_bytes'])}."
        lines.append(f"Of those as good as the best, {need}")
    if not several:
        lines.append("One seed alone: --seeds 3 shows how much of a difference is chance.")
    lines.append(f"{seconds_text(document['seconds'])} in all.")
    failed = [f"{run['rules'] or NOTHING}: {run['message']}" for run in runs if run["message"]]
    return _said(*lines, *failed, document["message"], document["hint"])


def gather_find(options: Namespace) -> dict:
    source = read_source(options, default_weights="pretrained")
    with stoppable() as should_stop:
        result = run_find(
            source,
            minutes=options.minutes,
            budget_bytes=_budget(options),
            emit=emit_of(options, _told_of_trial),
            should_stop=should_stop,
            **fields(options, steps=60),
        )
    return result.to_json()


def show_find(document: dict) -> str:
    second, lines = document["runner_up"], []
    if document["rules"] is not None:
        named = [("recommended", document)] + [("runner-up", second)] * bool(second)
        rows = [
            [
                name,
                _score(one),
                "" if one["noise"] is None else f"±{one['noise']:.3f}",
                bytes_text(one["peak_bytes"]),
                seconds_text(one["step_s"]),
                f"{one['learning_rate']:.2g} / {one['head_learning_rate']:.2g}",
                f"{one['steps']} × {one['seeds']}",
                one["rules"] or NOTHING,
            ]
            for name, one in named
        ]
        header = ["", "score", "noise", "peak", "step", "rate / head's", "steps × seeds", "rules"]
        lines = [table(header, rows, right=[1, 2, 3, 4, 5, 6]) + "\n"]
    if second and document["wins"] is not None:
        share = f"beats the runner-up in {100 * document['wins']:.0f} of 100 resamples of the held-out data"
        close = "No difference beyond the noise: the recommended one" if document["within_noise"] else "It"
        lines.append(f"{close} {share}.")
    lines.append(f"{document['tried']} runs in {seconds_text(document['seconds'])}.")
    return _said(*lines, *document["left_out"], document["message"], document["hint"])


def gather_suggest(options: Namespace) -> dict:
    source = read_source(options, default_weights="pretrained")
    with stoppable() as should_stop:
        result = run_suggest(
            source,
            by=_words(options.by),
            budget_bytes=_budget(options),
            emit=(lambda event: None) if options.json else emit_of(options, _told_of_look),
            should_stop=should_stop,
            **fields(options, steps=60),
        )
    return result.to_json()


def show_suggest(document: dict) -> str:
    found = document["suggestions"]
    rows = [
        [
            one["by"],
            "" if one["score"] is None else f"{one['score']:.3g}",
            bytes_text(one["peak_bytes"]),
            {None: "", True: "yes", False: "no"}[one["fits"]],
            one["rules"] or NOTHING,
        ]
        for one in found
    ]
    lines = [table(["by", "score", "peak", "fits", "rules"], rows, right=[1, 2]) + "\n"] if found else []
    reasons = [f"{one['by']}: {one['why']}" for one in found]
    notes = [note for note in document["notes"] if note not in document["message"]]
    return _said(*lines, *reasons, *notes, document["message"], document["hint"])


def _told_of_run(event: dict) -> str:
    if event["event"] != "run":
        return ""
    score = _score(event) if event["state"] == "done" else event["state"]
    return (
        f"{event['done']:>3}/{event['total']}  {score}  {seconds_text(event['seconds'])}  {event['rules'] or NOTHING}"
    )


def _told_of_trial(event: dict) -> str:
    if event["event"] != "trial":
        return ""
    score = f"{event['score']:.3f}" if event["score"] is not None else event["state"]
    left = seconds_text(round(event["left_s"]))
    run = f"{event['steps']:>3} steps  rate ×{event['factor']:<3g}  {event['rules'] or NOTHING}"
    return f"{event['done']:>3}  {score}  {run}  ({left} left)"


def _told_of_look(event: dict) -> str:
    return f"looking: {event['phase']}" if event["event"] == "phase" else ""


def _score(one: dict) -> str:
    """The accuracy; where the data has values, the metric, else the score that selections are ranked by."""
    known = (one.get(name) for name in ("accuracy_after", "metric_after", "score"))
    return next((f"{value:.3f}" for value in known if value is not None), "")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _budget(options: Namespace) -> int | None:
    return bytes_from_text(options.budget) if options.budget else None


def _said(*lines: str) -> str:
    return "\n".join(filter(None, lines))
