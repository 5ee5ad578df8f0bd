"""`probe`: one selection measured."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.api import run_probe
from freezecore.cli.arguments import add_rules, add_source, add_training, read_source, read_spec, read_training
from freezecore.cli.output import lines, progress, stoppable
from freezecore.metrics import METRICS
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.probe import ProbeRequest
from freezecore.report import accuracy_text, bytes_text, metric_text, seconds_text

EXAMPLE = f'{DEFAULT_SOURCE} --rules "freeze all; train head"'


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    add_rules(to)
    add_training(to)


def gather(options: Namespace) -> dict:
    source = read_source(options, default_weights="pretrained")
    spec = read_spec(options)  # a schedule runs as one, unless one of its phases is asked for
    spec = spec if options.epoch is None else spec.at_epoch(options.epoch)
    request = ProbeRequest(source, spec, **read_training(options))
    with stoppable() as should_stop:
        return run_probe(request, progress(options), should_stop).to_json()


def show(document: dict) -> str:
    proof, cache = document["proof"], document["cache"]
    interval = tuple(document["interval"]) if document["interval"] else None
    return lines(
        f"{document['state']} after {document['steps']} steps on {document['device']}. {document['message']}".strip(),
        f"accuracy: {accuracy_text(document['accuracy_before'])} before, "
        f"{accuracy_text(document['accuracy_after'], interval)} after, "
        f"{accuracy_text(document['train_accuracy_after'])} on the training data"
        if document["accuracy_before"] is not None or document["accuracy_after"] is not None
        else "",
        _metric(document),
        f"step: {seconds_text(document['step_s'])}, peak memory {bytes_text(document['peak_bytes'])} measured, "
        f"{bytes_text(document['estimated_peak_bytes'])} estimated",
        _epoch(document["epoch_s"]),
        f"cache: {cache['why'] or 'not used'}",
        f"proof: {proof['sentence']}" if proof else "proof: none, the run did not get that far",
        document["hint"],
        *(_change(change) for change in document["changed_samples"]),
        *document["notes"],
    )


def _epoch(epoch: dict | None) -> str:
    """How long an epoch takes, and why."""
    if epoch is None:
        return ""
    return f"an epoch: {seconds_text(epoch['low'])} to {seconds_text(epoch['high'])}. {epoch['why']}"


def _metric(document: dict) -> str:
    """The score by the metric, where that is not the accuracy told already."""
    scores = [document["metric_before"], document["metric_after"]]
    if document["metric"] in (None, "accuracy") or scores == [None, None]:
        return ""
    metric, interval = document["metric"], document["metric_interval"]
    before, after = metric_text(metric, scores[0]), metric_text(metric, scores[1], interval)
    trained = document["train_metric_after"]
    beside = f", {metric_text(metric, trained)} on the training data" if trained is not None else ""
    learnt = METRICS[metric].of_mean(document["baseline"]) if document["baseline"] is not None else None
    common = (
        f"; {metric_text(metric, learnt)} for knowing only how common each token is"
        if document["perplexity_after"]
        else ""
    )
    return f"{metric}: {before} before, {after} after{beside}{common}"


def _change(change: dict) -> str:
    """A held-out sample that training turned."""
    turned = "right" if change["after"] == change["target"] else "wrong"
    sample = change["text"] or f"held-out sample {change['position']}"
    return f"turned {turned}: {change['before']} → {change['after']}, is {change['target']}: {sample}"
