"""Runs that were tried, side by side: a table to choose from, their curves over one another, accuracy against cost."""

from __future__ import annotations

import csv
import io

import streamlit as st

from app import curves, events, figures, gallery, look, state
from app.text import Words
from freezecore.report import bytes_text, count_text, seconds_text
from freezecore.serving import jobs
from freezecore.serving.runs import Run

MOST_RUNS = 200
MOST_CURVES = 8
CHART_HEIGHT = 300
CSV_FIELDS = (
    "token", "model", "rules", "data", "weights", "learning_rate", "steps", "seed", "state", "accuracy_before",
    "accuracy_after", "train_accuracy_after", "trainable", "total", "peak_bytes", "estimated_peak_bytes", "step_s",
    "seconds",
)  # fmt: skip


def runs() -> None:
    """The table and the charts of the rows that are chosen."""
    words = state.words()
    mine = st.segmented_control(
        words("runs.whose"),
        ["all", "mine"],
        default="all",
        required=True,
        key="w_whose",
        format_func=lambda name: words(f"runs.{name}"),
    )
    owner = state.owner() if mine == "mine" else None
    stored = [run for run in jobs.shared().runs.listed(owner, "probe", MOST_RUNS) if run.result]
    if not stored:
        st.info(words("runs.none"), icon=":material/science:")
        return
    chosen = _table(stored, words)
    st.download_button(
        words("runs.csv"),
        _csv(stored),
        file_name="freeze_runs.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="runs_csv",
    )
    _charts(chosen or stored[:MOST_CURVES], words)


def _table(stored: list[Run], words: Words) -> list[Run]:
    rows = [
        {
            words("runs.model"): gallery.name_of(_source(run)),
            words("runs.rules"): run.request.get("spec", ""),
            words("runs.data"): run.request.get("data", ""),
            words("runs.weights"): words(f"weights.{run.request['source'].get('weights', 'pretrained')}"),
            words("runs.rate"): run.result.get("learning_rate"),
            words("runs.seed"): run.request.get("seed"),
            words("runs.accuracy"): run.result.get("accuracy_after"),
            words("runs.trainable"): count_text(run.result.get("trainable")),
            words("runs.peak"): bytes_text(run.result.get("peak_bytes")),
            words("runs.step"): seconds_text(run.result.get("step_s")),
        }
        for run in stored
    ]
    picked = st.dataframe(
        rows, hide_index=True, height=260, key="w_runs", on_select="rerun", selection_mode="multi-row"
    )
    return [stored[i] for i in picked["selection"]["rows"] if i < len(stored)]


def _source(run: Run) -> str:
    source = run.request["source"]
    return f"{source['scheme']}:{source['name']}"


def _charts(shown: list[Run], words: Words) -> None:
    theme = look.of(state.theme())
    named = [(_label(run), run) for run in shown[:MOST_CURVES]]
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{words('runs.curves')}**")
        lines = [(name, events.losses(jobs.shared().events(run.token))) for name, run in named]
        figure = curves.overlaid(lines, words, theme)
        st.plotly_chart(
            figure, key="overlaid", height=CHART_HEIGHT, theme=None, config=figures.CONFIG, alt=words("runs.curves")
        )
    with right:
        st.markdown(f"**{words('runs.pareto')}**", help=words("runs.pareto_help"))
        points = [
            curves.Point(name, run.result["peak_bytes"], run.result["accuracy_after"], run.result.get("interval"))
            for name, run in named
            if run.result.get("peak_bytes") and run.result.get("accuracy_after") is not None
        ]
        figure = curves.accuracy_against_cost(points, words, theme)
        st.plotly_chart(
            figure, key="pareto", height=CHART_HEIGHT, theme=None, config=figures.CONFIG, alt=words("runs.pareto")
        )


def _label(run: Run) -> str:
    rules = run.request.get("spec", "").replace("\n", "; ")
    return f"{gallery.name_of(_source(run))}: {rules if len(rules) <= 40 else rules[:39] + '…'}"


def _csv(stored: list[Run]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_FIELDS, extrasaction="ignore")
    writer.writeheader()
    for run in stored:
        source = run.request["source"]
        row = {**run.request, **run.result, "token": run.token, "model": _source(run), "rules": run.request.get("spec")}
        writer.writerow({name: _plain_cell(value) for name, value in {**row, "weights": source["weights"]}.items()})
    return text.getvalue()


def _plain_cell(value: object) -> object:
    """A spreadsheet takes a text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
