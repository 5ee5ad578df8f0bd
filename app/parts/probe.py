"""Try it: a short real training run under the selection, watched live, and what it measured beside the estimate."""

from __future__ import annotations

from html import escape

import streamlit as st

from freezecore import packaged
from freezecore.datasets import kind_for
from freezecore.epoch_time import EpochTime, epoch_time
from freezecore.metrics import METRICS
from freezecore.probe import CHOICES, ProbeRequest
from freezecore.report import bytes_text, metric_text, number_text
from freezecore.serving import hub, jobs
from freezecore.serving.jobs import JobStatus
from freezecore.source import ModelSource

from .. import state
from ..figures.runs import learning_curve
from ..service import gallery, run_events
from ..service.expected import TimeRange
from ..service.pricing import known_cost
from ..service.selection import ModelSelection, select
from ..text import Words
from . import job, measured_under, show_errors
from .data import WEIGHTLESS, about, class_text, data_below, data_picker, probe_request, samples_html
from .glossary import with_terms
from .plot import plot

WATCHED_HEIGHT, RESULT_HEIGHT = 250, 230
MOST_STEPS = 2_000
NEARLY_A_MINUTE_S = 150
OVERFITTING = 0.1  # accuracy on the training data above that on held-out data


def probe(words: Words) -> None:
    """The settings, or the run that the link names."""
    job.job_pane("run", words, _settings, _watch, _result)


def _settings(selection: ModelSelection, words: Words) -> None:
    state.keep_values(w_steps=60, w_rate=None, w_head_rate=None, w_seed=0)
    data, steps, rate, head_rate = st.columns([1.9, 1.4, 1.2, 1.2], vertical_alignment="bottom")
    with data:
        picked = data_picker(selection, words)
    steps.number_input(words("probe.steps"), 1, MOST_STEPS, value=None, step=10, key="w_steps")
    _rate(rate, "rate", words)
    _rate(head_rate, "head_rate", words)
    weights, seed, start = st.columns([1.6, 1.3, 2.8], vertical_alignment="bottom")
    weights.selectbox(
        words("probe.weights"),
        ["random"] if selection.source.scheme in WEIGHTLESS else ["pretrained", "random"],
        key="w_weights",
        format_func=lambda name: words(f"weights.{name}"),
    )
    seed.number_input(words("probe.seed"), 0, 9_999, value=None, key="w_seed")
    below = st.container()
    with below:
        readable = data_below(selection, picked, words)
    nothing = not any(selection.mask.trains)
    state.fill("nothing_trained", nothing)
    found = job.foretold(selection, _request(selection)) if readable and not nothing else None
    start.button(
        _start_label(found, words),
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        width="stretch",
        on_click=_start,
        disabled=nothing or not readable,
    )
    if nothing:
        st.warning(words("probe.nothing_trains"))
    elif readable:
        asked = selection.link.optimizer
        other = asked not in CHOICES["optimizer"]
        stand_in = words("probe.stand_in", optimizer=words(f"optimizer.{asked}")) if other else None
        promise = "promise_causal" if selection.source.task == "causal-lm" else "promise"  # which has no new head
        with_terms(words.together(about(selection, picked, words), words(f"probe.{promise}")), words, "promise")
        st.caption(words.together(stand_in, job.time_text(found, words)))


def _start_label(found: float | TimeRange | None, words: Words) -> str:
    """What the button promises: a minute, or what it takes at the least where that is far from one."""
    least = found.low_s if isinstance(found, TimeRange) else found
    if least is None or least < NEARLY_A_MINUTE_S:
        return words("probe.start")
    return words("probe.start_long", time=words.seconds(job.rounded(least)))


def _rate(column, name: str, words: Words) -> None:
    column.number_input(
        words(f"probe.{name}"),
        1e-6,
        10.0,
        value=None,
        step=1e-4,
        format="%.5f",
        key=f"w_{name}",
        placeholder=words("probe.auto"),
        help=words("probe.rate_help"),
    )


def _request(selection: ModelSelection) -> ProbeRequest:
    """What the widgets ask for."""
    return probe_request(
        selection,
        selection.spec,
        weights=state.value("w_weights"),
        steps=state.value("w_steps") or 60,
        seed=state.value("w_seed") or 0,
        learning_rate=state.value("w_rate"),
        head_learning_rate=state.value("w_head_rate"),
    )


@show_errors.acting
def _start() -> None:
    state.change(run=job.start(_request(select(state.link()))))
    st.rerun()


@show_errors.acting
def _open(source: str) -> None:
    """Turn to a model whose weights are here."""
    state.open_model(source)


@show_errors.acting
def _start_random() -> None:
    """The same from random weights, which need no network."""
    state.fill("w_weights", "random")
    _start()


def _watch(token: str, status: JobStatus, words: Words) -> None:
    events, total = jobs.shared().events(token), status.request.get("steps")
    losses = run_events.losses(events)
    step = losses[-1]["step"] if losses else 0
    share = run_events.share(events)
    if share is None:
        share = min(1.0, step / total) if total else 0.0
    text = job.queue_text(status, words) or _status(events, step, total, words)
    job.progress("run", token, share, text, words)
    _curve(events, total, WATCHED_HEIGHT, words)


def _status(events: list[dict], step: int, total: int | None, words: Words) -> str:
    """What the run is doing, and how long that takes."""
    phase = run_events.phase(events)
    if phase != "step":
        return words.either(f"phase.{phase}", phase)
    device = next((str(event["device"]).partition(",")[0].upper() for event in events if event.get("device")), "")
    text = words("probe.running", step=step, steps=total or 0, device=device)
    durations = [event["step_s"] for event in run_events.losses(events)[-10:] if event.get("step_s")]
    if durations and total:
        left_s = (total - step) * sum(durations) / len(durations)
        text += words("probe.left", left=words.seconds(round(left_s, 1)))
    return text


def _curve(events: list[dict], total: int | None, height: int, words: Words) -> None:
    plot(learning_curve, events, total, key="learning", alt=words("chart.learning"), height=height)


def _result(token: str, status: JobStatus, words: Words) -> None:
    """What a run measured: accuracy before and after, memory beside the estimate, the proof; or why it failed."""
    result = jobs.shared().result(token)
    if result is None:
        st.info(words("outcome.interrupted"))
        return
    if result["state"] not in ("done", "stopped"):
        show_errors.show(result["message"] or words(f"outcome.{result['state']}"), result["hint"])
        if result["state"] == "failed":
            _ways_on(status, words)
        return
    measured = any(result[name] is not None for name in ("accuracy_before", "metric_before", "peak_bytes", "seconds"))
    if result["state"] == "stopped":
        st.info(words("outcome.stopped" if measured else "outcome.stopped_early", steps=result["steps"]))
        if not measured and not result["steps"]:
            return  # there is nothing to draw, to compare or to tell the circumstances of
    if measured:
        _figures(result, words)
    _proof(result, words)
    _curve(jobs.shared().events(token), result["steps"], RESULT_HEIGHT, words)
    _changed(result, words)
    st.button(words("outcome.compare"), key="to_compare", icon=":material/compare_arrows:", on_click=_compare)
    st.caption(" · ".join(filter(None, (_circumstances(result, words), measured_under.when(status.ended, words)))))
    for note in result.get("notes") or ():
        st.caption(show_errors.said(note))
    _epoch(result, token, words)


def _ways_on(status: JobStatus, words: Words) -> None:
    """Below a run that failed: random weights, where these need nothing that is not here, and a model that is."""
    selection = select(state.link())
    here = ModelSource.parse(state.link().model)
    readable = kind_for(selection.tree) != "text" or hub.has_tokenizer(selection.source)
    pretrained = status.request["source"].get("weights") == "pretrained"
    if pretrained and readable:
        st.button(words("probe.start_random"), icon=":material/casino:", key="start_random", on_click=_start_random)
    other = packaged.instead_of(here) if pretrained or not readable else None
    if other and not packaged.find(here):
        label = words("probe.start_packaged", name=gallery.named(other))
        st.button(label, icon=":material/inventory_2:", key="start_packaged", on_click=_open, args=(other,))


def _figures(result: dict, words: Words) -> None:
    """Accuracy before and after, the memory of a step beside its estimate, and the time."""
    accuracy, memory, speed = st.columns([2, 1.3, 1.2])
    plain = {"delta_color": "off", "delta_arrow": "off"}
    scored = "accuracy" if result["accuracy_after"] is not None else "metric"
    pair = _before_and_after(result, scored, words)
    named = words(f"metric.{result['metric']}") if scored == "metric" and result["metric"] else words("runs.accuracy")
    accuracy.metric(
        words("outcome.accuracy", what=named, samples=result["test_size"] or 0),
        pair,
        _interval(result, scored, words),
        help=words("outcome.perplexity_help") if result["metric"] == "perplexity" else None,
        **plain,
    )
    memory.metric(
        words("outcome.memory"),
        bytes_text(result["peak_bytes"]),
        _estimated(result["estimated_peak_bytes"], words),
        help=words("outcome.memory_help"),
        **plain,
    )
    speed.metric(
        words("outcome.time"),
        words.seconds(result["seconds"]),
        words("outcome.step", step=words.seconds(result["step_s"])),
        **plain,
    )


def _epoch(result: dict, token: str, words: Words) -> None:
    """How long an epoch takes, of the tried step and, where it is another, of the step that is chosen now."""
    if (tried := epoch_time(result)) is None:
        return
    number, told = st.columns([1.2, 4])
    samples = number.number_input(
        words("outcome.samples"), 1, 10**9, value=result["train_size"], key=f"samples_{token}", step=1000
    )
    known = known_cost(select(state.link()))
    tried = epoch_time(result, samples=samples) or tried
    told.markdown(_range("tried", tried, words))
    if known.cost is not None and known.has_peak and result.get("flops"):
        flops = known.cost.required().flops_forward + known.cost.required().flops_backward
        chosen = epoch_time(result, samples=samples, batch_size=state.link().batch, flops=flops)
        if chosen and flops != result["flops"]:
            told.markdown(_range("chosen", chosen, words))


def _range(which: str, time: EpochTime, words: Words) -> str:
    low, high = words.seconds(time.low), words.seconds(time.high)
    return words.together(words(f"outcome.epoch_{which}", low=low, high=high), words.said(time.why))


@show_errors.acting
def _compare() -> None:
    """Turn to Compare, where this run stands among one's own."""
    state.go_to_compare()
    st.rerun()


def _changed(result: dict, words: Words) -> None:
    """Held-out samples that training turned from wrong to right, and the other way round."""
    changed = result.get("changed_samples") or []
    if not changed:
        return
    better = [one for one in changed if one["after"] == one["target"]]
    worse = [one for one in changed if one["after"] != one["target"]]
    data = (result.get("request") or {}).get("data", "")
    with st.expander(_totals(result, len(better), len(worse), words), icon=":material/compare:"):
        for key, some in (("better", better), ("worse", worse)):
            if some:
                st.markdown(f"**{words('outcome.' + key)}**")
                st.html(samples_html([(one["picture"], one["text"], _turn(one, data, words)) for one in some], words))


def _totals(result: dict, better: int, worse: int, words: Words) -> str:
    """How many held-out samples were right before and after, and how many of those that changed are shown."""
    shown, size = words("outcome.changed", better=better, worse=worse), result["test_size"]
    right = [result[f"accuracy_{when}"] for when in ("before", "after")]
    if None in (*right, size):
        return shown
    before, after = (round(share * size) for share in right)
    wrong = {"wrong_before": size - before, "wrong_after": size - after}
    return words.together(words("outcome.totals", before=before, after=after, samples=size, **wrong), shown)


def _turn(one: dict, data: str, words: Words) -> str:
    """What a sample is, and what was predicted before and after, as HTML."""
    target, before, after = (escape(class_text(data, str(one[name]), words)) for name in ("target", "before", "after"))
    mark = "✓" if after == target else "✕"
    return f"<b>{target}</b><br>{before} → {after} {mark}"


def _before_and_after(result: dict, name: str, words: Words) -> str:
    """`0.100 → 0.800`: a measurement before training and after it."""
    pair = (result[f"{name}_{when}"] for when in ("before", "after"))
    metric = result.get("metric") if name == "metric" else None
    return " → ".join(words("unknown") if value is None else metric_text(metric, value) for value in pair)


def _circumstances(result: dict, words: Words) -> str:
    """In a line: accuracy on the training data beside the held-out one, rates, device, and what the cache brought."""
    facts = []
    trained, held_out = result["train_accuracy_after"], result["accuracy_after"]
    if trained is not None and held_out is not None:
        gap = trained - held_out
        key = "outcome.overfits" if gap > OVERFITTING else "outcome.on_training"
        facts.append(words(key, accuracy=f"{trained:.3f}", gap=f"{gap:.3f}"))
    facts += _of_tokens(result, words)
    if result.get("metric") not in (None, "accuracy") and held_out is not None:
        facts.append(f"{words('metric.' + result['metric'])} {_before_and_after(result, 'metric', words)}")
    if result.get("learning_rate") is not None:
        body, head = (_rate_text(result[name]) for name in ("learning_rate", "head_learning_rate"))
        facts.append(words("outcome.rates", body=body, head=head))
    facts.append(words("outcome.device", device=_device(result["device"], words)))
    cache = result.get("cache") or {}
    if cache.get("used") and cache.get("speedup"):
        facts.append(words("outcome.cached", times=f"{cache['speedup']:.1f}"))
    return " · ".join(facts)


def _of_tokens(result: dict, words: Words) -> list[str]:
    """What else a model that answers at each token has shown: on its training data, and what knowing nothing gives."""
    metric, trained = result.get("metric"), result.get("train_metric_after")
    if result.get("held_out_loss_after") is None or metric not in METRICS:
        return []
    facts = [words("outcome.on_training", accuracy=metric_text(metric, trained))] if trained is not None else []
    if result.get("baseline") is not None and METRICS[metric].target == "next-token":
        facts.append(words("outcome.commonest", score=metric_text(metric, METRICS[metric].of_mean(result["baseline"]))))
    return facts


def _device(device: str, words: Words) -> str:
    """`CPU, 2 threads` for `cpu, 2 threads`."""
    kind, _, rest = str(device).partition(", ")
    count = rest.removesuffix("s").removesuffix(" thread")
    rest = words("outcome.thread" if count == "1" else "outcome.threads", count=count) if count.isdigit() else rest
    return show_errors.plain(words("between.items", one=kind.upper(), other=rest) if rest else kind.upper())


def _rate_text(rate: float | None) -> str:
    return "–" if rate is None else number_text(rate, 2)


def _interval(result: dict, scored: str, words: Words) -> str | None:
    """The 95 % interval of the score that is shown."""
    interval = result["interval"] if scored == "accuracy" else result.get("metric_interval")
    if not interval:
        return None
    low, high = (metric_text(result.get("metric") if scored == "metric" else None, value) for value in interval)
    return words("outcome.interval", low=low, high=high)


def _estimated(peak: int | None, words: Words) -> str | None:
    return words("outcome.estimated", peak=bytes_text(peak)) if peak is not None else None


def _proof(result: dict, words: Words) -> None:
    proof = result["proof"]
    if proof is None:
        return
    if proof["ok"]:
        sentence = words("proof.ok", parameters=proof["parameters"], buffers=proof["buffers"])
        st.markdown(f":green[:material/verified:] {sentence}")
        return
    faults = ("changed", "with_gradient", "optimizer_strangers", "optimizer_missing", "modes")
    names = [show_errors.plain(name) for fault in faults for name in proof[fault]]
    st.error(words("proof.broken", names=", ".join(names[:5])))
