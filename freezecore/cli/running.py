"""`probe`: one selection measured; and what the commands that train have in common."""

from __future__ import annotations

import json
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from freezecore.api import run_probe
from freezecore.cli.arguments import add_rules, add_source, command, read_source, read_spec
from freezecore.cli.data import FIELDS as READING
from freezecore.cli.data import add_reading
from freezecore.datasets import default_for
from freezecore.probe import ProbeRequest
from freezecore.report import accuracy_text, bytes_text, seconds_text

DEFAULT = "timm:tf_efficientnet_lite0"
FIELDS = ("data", "steps", "seconds", "batch_size", "seed", "learning_rate", "head_learning_rate", "device", *READING)

PHASES = {
    "data": "preparing the data",
    "model": "loading the model and its weights",
    "check": "checking the frozen part",
    "capture": "computing the frozen part once",
}


def add(commands) -> None:
    """Put `probe` on the command line."""
    probe = command(commands, "probe", f'{DEFAULT} --rules "freeze all; train head"', gather_probe, show_probe)
    add_source(probe)
    add_rules(probe)
    add_training(probe)


def gather_probe(options: Namespace) -> dict:
    source = read_source(options, default_weights="pretrained")
    spec = read_spec(options).at_epoch(options.epoch)
    with stoppable() as should_stop:
        return run_probe(ProbeRequest(source, spec, **fields(options)), emit_of(options), should_stop).to_json()


def show_probe(document: dict) -> str:
    proof, cache = document["proof"], document["cache"]
    interval = tuple(document["interval"]) if document["interval"] else None
    lines = [
        f"{document['state']} after {document['steps']} steps on {document['device']}. {document['message']}".strip(),
        f"accuracy: {accuracy_text(document['accuracy_before'])} before, "
        f"{accuracy_text(document['accuracy_after'], interval)} after, "
        f"{accuracy_text(document['train_accuracy_after'])} on the training data",
        _metric_line(document),
        f"step: {seconds_text(document['step_s'])}, peak memory {bytes_text(document['peak_bytes'])} measured, "
        f"{bytes_text(document['estimated_peak_bytes'])} estimated",
        f"cache: {cache['why'] or 'not used'}",
        f"proof: {proof['sentence']}" if proof else "proof: none, the run did not get that far",
        document["hint"],
        *(_change_line(change) for change in document["changed_samples"]),
        *document["notes"],
    ]
    return "\n".join(filter(None, lines))


def _metric_line(document: dict) -> str:
    """The score by the metric, where that is not the accuracy told already."""
    scores = [document["metric_before"], document["metric_after"]]
    if document["metric"] in (None, "accuracy") or scores == [None, None]:
        return ""
    before, after = ("unknown" if score is None else f"{score:.4g}" for score in scores)
    return f"{document['metric']}: {before} before, {after} after"


def _change_line(change: dict) -> str:
    """A held-out sample that training turned."""
    turned = "right" if change["after"] == change["target"] else "wrong"
    sample = change["text"] or f"held-out sample {change['position']}"
    return f"turned {turned}: {change['before']} → {change['after']}, is {change['target']}: {sample}"


def add_training(to: ArgumentParser) -> None:
    """How each run trains."""
    to.add_argument("--data", metavar="NAME", help="shapes, digits, docstrings, or a file of your own")
    to.add_argument("--steps", type=int, metavar="N", help="optimizer steps (default 60)")
    to.add_argument("--seconds", type=float, metavar="N", help="stop training after this time")
    to.add_argument("--batch-size", type=int, default=32, metavar="N")
    to.add_argument("--seed", type=int, default=0, metavar="N")
    to.add_argument("--learning-rate", type=float, metavar="X", help="of what was pretrained")
    to.add_argument("--head-learning-rate", type=float, metavar="X", help="of the new head")
    to.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    to.add_argument("--no-cache", action="store_true", help="do not compute the frozen prefix once")
    add_reading(to)


def fields(options: Namespace, steps: int | None = None) -> dict:
    """The probe request's fields that were typed; without `--data`, what suits the kind of model."""
    typed = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    pictures = options.source.startswith("timm:") or (options.task or "").startswith("image")
    typed.setdefault("data", default_for("image" if pictures else "text"))
    typed.setdefault("steps", steps or (60 if options.seconds is None else 100_000))
    return {**typed, "cache": not options.no_cache}


def emit_of(options: Namespace, told: Callable[[dict], str] = lambda event: "") -> Callable[[dict], None]:
    """Print events as JSON lines; without `--json`, on standard error, what is `told` of each (nothing if empty).

    Steps are shown on a terminal alone, over one another.
    """
    if options.json:
        return lambda event: print(json.dumps(event, ensure_ascii=False), flush=True)
    screen = sys.stderr.isatty()

    def progress(event: dict) -> None:
        if line := told(event):
            print(f"\r\033[K{line}" if screen else line, file=sys.stderr, flush=True)
        elif screen and event["event"] == "step":
            print(f"\r\033[Kstep {event['step']}  loss {event['loss']:.4f} ", end="", file=sys.stderr, flush=True)
        elif screen and event["event"] == "phase":
            done = f": {event['done']} of {event['total']}" if event.get("total") else ""
            said = PHASES.get(event["phase"], event["phase"])
            print(f"\r\033[K{said}{done} ", end="", file=sys.stderr, flush=True)

    return progress


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl+C asks for an early end that keeps what was measured; the second ends at once."""
    asked = threading.Event()

    def ask(signum: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        print("\nStopping; press Ctrl+C again to end at once.", file=sys.stderr, flush=True)

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
