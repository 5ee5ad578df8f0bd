"""What a run measured: accuracy before and after, memory beside the estimate, and the proof."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import state
from app.figures import colours, curves, layout
from app.parts import show_errors
from app.parts.samples import gallery_html
from app.service import run_events
from app.text import Words
from freezecore.report import bytes_text
from freezecore.serving import jobs

CURVE_HEIGHT = 185
OVERFITTING = 0.1  # accuracy on the training data above that on held-out data


def outcome(token: str, words: Words) -> None:
    """The result of a finished run; a run that failed says why."""
    result = jobs.shared().result(token)
    if result is None:
        st.info(words("outcome.interrupted"))
        return
    if result["state"] not in ("done", "stopped"):
        show_errors.show(result["message"] or words(f"outcome.{result['state']}"), result["hint"])
        return
    if result["state"] == "stopped":
        st.info(words("outcome.stopped", steps=result["steps"]))
    accuracy, memory, speed = st.columns([2, 1.3, 1.2])
    still = {"delta_color": "off", "delta_arrow": "off"}
    scored = "accuracy" if result["accuracy_after"] is not None else "metric"
    pair = f"{_number(result[f'{scored}_before'], words)} → {_number(result[f'{scored}_after'], words)}"
    named = words(f"metric.{result['metric']}") if scored == "metric" and result["metric"] else words("runs.accuracy")
    accuracy.metric(
        words("outcome.accuracy", what=named, samples=result["test_size"]), pair, _interval(result["interval"], words),
        **still,
    )  # fmt: skip
    memory.metric(
        words("outcome.memory"),
        bytes_text(result["peak_bytes"]),
        _estimated(result["estimated_peak_bytes"], words),
        help=words("outcome.memory_help"),
        **still,
    )
    speed.metric(
        words("outcome.time"),
        words.seconds(result["seconds"]),
        words("outcome.step", step=words.seconds(result["step_s"])),
        **still,
    )
    _proof(result, words)
    st.caption(_circumstances(result, words))
    for note in result.get("notes") or ():
        st.caption(show_errors.said(note))
    seen = jobs.shared().events(token)
    figure = curves.learning(
        run_events.losses(seen), run_events.accuracies(seen), result["steps"], words, colours.of(state.theme())
    )
    _changed(result, words)
    st.plotly_chart(
        figure, key="learning", height=CURVE_HEIGHT, theme=None, config=layout.CONFIG, alt=words("chart.learning")
    )


def _changed(result: dict, words: Words) -> None:
    """Held-out samples that training turned from wrong to right, and the other way round."""
    changed = result.get("changed_samples") or []
    if not changed:
        return
    better = [one for one in changed if one["after"] == one["target"]]
    worse = [one for one in changed if one["after"] != one["target"]]
    with st.expander(words("outcome.changed", better=len(better), worse=len(worse)), icon=":material/compare:"):
        for key, some in (("better", better), ("worse", worse)):
            if some:
                st.markdown(f"**{words('outcome.' + key)}**")
                st.html(gallery_html([(one["picture"], one["text"], _turn(one)) for one in some], words))


def _turn(one: dict) -> str:
    """What a sample is, and what was predicted before and after, as HTML."""
    target, before, after = (escape(str(one[name])) for name in ("target", "before", "after"))
    mark = "✓" if after == target else "✕"
    return f"<b>{target}</b><br>{before} → {after} {mark}"


def _number(value: float | None, words: Words) -> str:
    return words("unknown") if value is None else f"{value:.3f}"


def _circumstances(result: dict, words: Words) -> str:
    """In a line: accuracy on the training data beside the held-out one, rates, device, and what the cache brought."""
    said = []
    trained, held_out = result["train_accuracy_after"], result["accuracy_after"]
    if trained is not None and held_out is not None:
        gap = trained - held_out
        key = "outcome.overfits" if gap > OVERFITTING else "outcome.on_training"
        said.append(words(key, accuracy=f"{trained:.3f}", gap=f"{gap:.3f}"))
    if result.get("metric") not in (None, "accuracy") and held_out is not None:
        pair = f"{_number(result['metric_before'], words)} → {_number(result['metric_after'], words)}"
        said.append(f"{words('metric.' + result['metric'])} {pair}")
    if result.get("learning_rate") is not None:
        said.append(
            words("outcome.rates", body=_rate(result["learning_rate"]), head=_rate(result["head_learning_rate"]))
        )
    said.append(words("outcome.device", device=_device(result["device"])))
    cache = result.get("cache") or {}
    if cache.get("used") and cache.get("speedup"):
        said.append(words("outcome.cached", times=f"{cache['speedup']:.1f}"))
    return " · ".join(said)


def _device(device: str) -> str:
    """`CPU, 2 threads` for `cpu, 2 threads`."""
    kind, comma, rest = str(device).partition(",")
    return show_errors.plain(kind.upper() + comma + rest)


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2g}"


def _interval(interval: tuple[float, float] | None, words: Words) -> str | None:
    return words("outcome.interval", low=f"{interval[0]:.3f}", high=f"{interval[1]:.3f}") if interval else None


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
