"""What a run measured: accuracy before and after, memory beside the estimate, and the proof."""

from __future__ import annotations

import streamlit as st

from app import curves, events, figures, look, state
from app.parts import telling
from app.text import Words
from freezecore.report import bytes_text, seconds_text
from freezecore.serving import jobs

CURVE_HEIGHT = 185


def outcome(token: str, words: Words) -> None:
    """The result of a finished run; a run that failed says why."""
    result = jobs.shared().result(token)
    if result is None:
        st.info(words("outcome.interrupted"))
        return
    if result["state"] not in ("done", "stopped"):
        telling.show(result["message"] or words(f"outcome.{result['state']}"), result["hint"])
        return
    if result["state"] == "stopped":
        st.info(words("outcome.stopped", steps=result["steps"]))
    accuracy, memory, speed = st.columns([2, 1.3, 1.2])
    still = {"delta_color": "off", "delta_arrow": "off"}
    pair = f"{_accuracy(result['accuracy_before'], words)} → {_accuracy(result['accuracy_after'], words)}"
    accuracy.metric(
        words("outcome.accuracy", samples=result["test_size"]), pair, _interval(result["interval"], words), **still
    )
    memory.metric(
        words("outcome.memory"),
        bytes_text(result["peak_bytes"]),
        _estimated(result["estimated_peak_bytes"], words),
        **still,
    )
    speed.metric(
        words("outcome.time"),
        seconds_text(result["seconds"]),
        words("outcome.step", step=seconds_text(result["step_s"])),
        **still,
    )
    _proof(result, words)
    seen = jobs.shared().events(token)
    figure = curves.learning(
        events.losses(seen), events.accuracies(seen), result["steps"], words, look.of(state.theme())
    )
    st.plotly_chart(
        figure, key="learning", height=CURVE_HEIGHT, theme=None, config=figures.CONFIG, alt=words("chart.learning")
    )


def _accuracy(accuracy: float | None, words: Words) -> str:
    return words("unknown") if accuracy is None else f"{accuracy:.3f}"


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
    names = [telling.plain(name) for fault in faults for name in proof[fault]]
    st.error(words("proof.broken", names=", ".join(names[:5])))
