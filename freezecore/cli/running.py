"""`probe`, `sweep`, `find` and `suggest`: what is measured."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from freezecore.cli.arguments import add_rules, add_source, command, read_source, read_spec
from freezecore.datasets import default_for
from freezecore.probe import ProbeRequest
from freezecore.report import accuracy_text, bytes_from_text, bytes_text, seconds_text, table
from freezecore.verbs import run_find, run_probe, run_suggest, run_sweep

DEFAULT = "timm:tf_efficientnet_lite0"
FIELDS = ("data", "steps", "seconds", "batch_size", "seed", "learning_rate", "head_learning_rate", "device")


def add(commands) -> None:
    """Put the four commands on the command line."""
    probe = command(commands, "probe", f'{DEFAULT} --rules "freeze all; train head"', gather_probe, show_probe)
    add_source(probe)
    add_rules(probe)
    _add_training(probe)
    sweep = command(commands, "sweep", f"{DEFAULT} --over depth", gather_sweep, show_sweep)
    add_source(sweep)
    sweep.add_argument("--over", default="depth,presets", metavar="LIST", help="depth, presets, or both")
    sweep.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each selection")
    sweep.add_argument("--ray", metavar="ADDRESS", help="spread the runs over a Ray cluster")
    _add_training(sweep)
    find = command(commands, "find", f"{DEFAULT} --minutes 3 --budget 16GB", gather_find, show_find)
    add_source(find)
    find.add_argument("--minutes", type=float, required=True, metavar="N")
    find.add_argument("--budget", metavar="16GB", help="peak memory that a selection may need")
    _add_training(find)
    suggest = command(commands, "suggest", f"{DEFAULT} --by features", gather_suggest, show_suggest)
    add_source(suggest)
    suggest.add_argument("--by", default="features", metavar="LIST", help="features, gradients, snr")
    suggest.add_argument("--budget", metavar="8GB", help="also the least frozen selection that fits")
    _add_training(suggest)


def gather_probe(options: Namespace) -> dict:
    source = read_source(options, default_weights="pretrained")
    spec = read_spec(options).at_epoch(options.epoch)
    request = ProbeRequest(source, spec, cache=not options.no_cache, **_fields(options))
    return run_probe(request, _emit(options)).to_json()


def show_probe(document: dict) -> str:
    proof, cache = document["proof"], document["cache"]
    interval = tuple(document["interval"]) if document["interval"] else None
    lines = [
        f"{document['state']} after {document['steps']} steps on {document['device']}. {document['message']}".strip(),
        f"accuracy: {accuracy_text(document['accuracy_before'])} before, "
        f"{accuracy_text(document['accuracy_after'], interval)} after, "
        f"{accuracy_text(document['train_accuracy_after'])} on the training data",
        f"step: {seconds_text(document['step_s'])}, peak memory {bytes_text(document['peak_bytes'])} measured, "
        f"{bytes_text(document['estimated_peak_bytes'])} estimated",
        f"cache: {cache['why'] or 'not used'}",
        f"proof: {proof['sentence']}" if proof else "proof: none, the run did not get that far",
        document["hint"],
    ]
    return "\n".join(filter(None, lines))


def gather_sweep(options: Namespace) -> dict:
    over = [word.strip() for word in options.over.split(",") if word.strip()]
    result = run_sweep(
        read_source(options, default_weights="pretrained"),
        over=over,
        seeds=options.seeds,
        ray=options.ray,
        emit=_emit(options),
        cache=not options.no_cache,
        **_fields(options),
    )
    return result.to_json()


def show_sweep(document: dict) -> str:
    front = set(document["pareto"])
    rows = [
        (
            "*" if i in front else "",
            run["rules"] or "(nothing frozen)",
            accuracy_text(run["accuracy_after"]),
            "" if run["spread"] is None else f"±{run['spread']:.3f}",
            bytes_text(run["peak_bytes"]),
            seconds_text(run["step_s"]),
        )
        for i, run in enumerate(document["runs"])
    ]
    header = ["", "rules", "accuracy", "spread", "peak", "step"]
    lines = [
        table(header, rows, right=[2, 3, 4, 5]),
        f"* nothing beats it. {seconds_text(document['seconds'])} in all.",
    ]
    return "\n".join([*lines, *filter(None, [document["message"], document["hint"]])])


def gather_find(options: Namespace) -> dict:
    result = run_find(
        read_source(options, default_weights="pretrained"),
        minutes=options.minutes,
        budget_bytes=_budget(options),
        emit=_emit(options),
        cache=not options.no_cache,
        **_fields(options, steps=60),
    )
    return result.to_json()


def show_find(document: dict) -> str:
    rules, second = document["rules"], document["runner_up"]
    lines = [f"{rules or 'freeze nothing'}: accuracy {accuracy_text(document['accuracy_after'])}"]
    if second:
        close = ", within the noise" if document["within_noise"] else ""
        lines.append(
            f"runner-up: {second['rules'] or 'freeze nothing'}, {accuracy_text(second['accuracy_after'])}{close}"
        )
    lines.append(f"{document['tried']} runs in {seconds_text(document['seconds'])}. {document['message']}".strip())
    return "\n".join(lines)


def gather_suggest(options: Namespace) -> dict:
    by = [word.strip() for word in options.by.split(",") if word.strip()]
    source = read_source(options, default_weights="pretrained")
    return run_suggest(source, by=by, budget_bytes=_budget(options), **_fields(options, steps=60)).to_json()


def show_suggest(document: dict) -> str:
    return "\n".join(
        f"{one['rules'] or '(nothing frozen)'}\n    {one['why']} Peak {bytes_text(one['peak_bytes'])}."
        for one in document["suggestions"]
    )


def _add_training(to: ArgumentParser) -> None:
    to.add_argument("--data", metavar="NAME", help="shapes, digits, docstrings, or a file of your own")
    to.add_argument("--steps", type=int, metavar="N", help="optimizer steps (default 60)")
    to.add_argument("--seconds", type=float, metavar="N", help="stop training after this time")
    to.add_argument("--batch-size", type=int, default=32, metavar="N")
    to.add_argument("--seed", type=int, default=0, metavar="N")
    to.add_argument("--learning-rate", type=float, metavar="X", help="of what was pretrained")
    to.add_argument("--head-learning-rate", type=float, metavar="X", help="of the new head")
    to.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    to.add_argument("--no-cache", action="store_true", help="do not compute the frozen prefix once")


def _fields(options: Namespace, steps: int | None = None) -> dict:
    """The probe request's fields that were typed; without `--data`, what suits the kind of model."""
    typed = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    pictures = options.source.startswith("timm:") or (options.task or "").startswith("image")
    typed.setdefault("data", default_for("image" if pictures else "text"))
    typed.setdefault("steps", steps or (60 if options.seconds is None else 100_000))
    return typed


def _budget(options: Namespace) -> int | None:
    return bytes_from_text(options.budget) if options.budget else None


def _emit(options: Namespace) -> Callable[[dict], None]:
    """Print events as JSON lines; without `--json`, progress on standard error."""
    if options.json:
        return lambda event: print(json.dumps(event, ensure_ascii=False), flush=True)

    def progress(event: dict) -> None:
        if event.get("event") == "step":
            print(f"\rstep {event['step']}  loss {event['loss']:.4f} ", end="", file=sys.stderr, flush=True)
        elif event.get("event") == "run":
            print(f"\r{event.get('rules') or '(nothing frozen)'}", file=sys.stderr, flush=True)

    return progress
