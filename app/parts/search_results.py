"""What a sweep, a search or a look at the model came to: figures, the recommendation, and ticks with one click."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.figures import colours, layout, search
from app.parts import show_errors
from app.service import search_table
from app.service import selection as chosen
from app.service.search_table import Row
from app.text import Words
from freezecore.report import bytes_text

CHART_HEIGHT = 280
BY_BLOCK_HEIGHT = 120


def found(standing, result: dict | None, events: Sequence[dict], words: Words) -> None:
    """Draw what is known: all of it after the end, what has ended so far before."""
    if result is not None and result["state"] not in ("done", "stopped"):
        show_errors.show(result.get("message") or words(f"outcome.{result['state']}"), result.get("hint", ""))
    elif result is not None and result["state"] == "stopped":
        st.info(words("search.stopped"))
    elif result is not None:
        st.caption(words("search.took", time=words.seconds(result.get("seconds"))))
    ours = _of_this_model(standing.request)
    if not ours:
        st.info(words("search.other_model", model=show_errors.plain(_model(standing.request))))
    {"sweep": _sweep, "find": _find, "suggest": _suggest}[standing.kind](result, events, ours, words)


def _model(request: dict) -> str:
    return f"{request['source']['scheme']}:{request['source']['name']}"


def _of_this_model(request: dict) -> bool:
    source = chosen.source_of(state.link())
    return _model(request) == f"{source.scheme}:{source.name}"


def _sweep(result: dict | None, events: Sequence[dict], ours: bool, words: Words) -> None:
    rows = search_table.rows_of(result, events)
    if not any(row.accuracy is not None for row in rows):
        return
    best = search_table.recommended(rows)
    if best is not None:
        _recommendation(best, max(rows, key=lambda r: r.accuracy or 0), ours, words)
    theme = colours.of(state.theme())
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{words('search.by_depth')}**", help=words("search.by_depth_help"))
        _chart(search.by_depth(rows, best, words, theme), "by_depth", words("search.by_depth"))
    with right:
        st.markdown(f"**{words('search.pareto')}**", help=words("search.pareto_help"))
        cost = st.segmented_control(
            words("search.cost"), ["peak_bytes", "step_s"], default="peak_bytes", required=True, key="w_search_cost",
            format_func=lambda name: words(f"search.cost_{name}"), label_visibility="collapsed",
        )  # fmt: skip
        figure = search.against_cost(rows, best, cost or "peak_bytes", words, theme)
        _chart(figure, "against_cost", words("search.pareto"), CHART_HEIGHT - 45)
    _rows(rows, ours, words)


def _chart(figure: dict, key: str, alt: str, height: int = CHART_HEIGHT) -> None:
    st.plotly_chart(figure, key=key, height=height, theme=None, config=layout.CONFIG, alt=alt)


def _recommendation(row: Row, best: Row, ours: bool, words: Words) -> None:
    accuracy = _accuracy(row.accuracy, row.spread, words)
    key = "search.recommended" if row is best else "search.recommended_cheap"
    said = words(
        key, rules=_code(row.rules), accuracy=accuracy, peak=bytes_text(row.peak_bytes),
        step=words.seconds(row.step_s), best=_accuracy(best.accuracy, best.spread, words),
    )  # fmt: skip
    _offer(said, row.rules, "recommended", ours, words)


def _offer(said: str, rules: str, key: str, ours: bool, words: Words) -> None:
    """A sentence with a button beside it that ticks what it speaks of."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, gap="small"):
        st.markdown(said)
        st.button(
            words("search.use"), key=f"use_{key}", icon=":material/check_box:", on_click=_use, args=(rules,),
            disabled=not ours, type="primary" if key == "recommended" else "secondary",
        )  # fmt: skip


@show_errors.acting
def _use(rules: str) -> None:
    state.write_rules(rules)
    st.rerun()


def _accuracy(accuracy: float | None, spread: float | None, words: Words) -> str:
    if accuracy is None:
        return words("unknown")
    return f"{accuracy:.3f}" if spread is None else f"{accuracy:.3f} ± {spread:.3f}"


def _code(rules: str) -> str:
    return "`" + rules.replace("\n", "; ").replace("`", "'") + "`"


def _rows(rows: Sequence[Row], ours: bool, words: Words) -> None:
    """All selections as a table; the row that is chosen can be ticked."""
    table = [
        {
            words("runs.rules"): row.rules.replace("\n", "; "),
            words("runs.accuracy"): row.accuracy,
            words("search.spread"): row.spread,
            words("runs.peak"): bytes_text(row.peak_bytes),
            words("runs.step"): words.seconds(row.step_s),
            words("search.front"): words("search.on_front") if row.front else "",
            words("search.remark"): words.said(row.message),
        }
        for row in rows
    ]
    number = st.column_config.NumberColumn(format="%.3f")
    picked = st.dataframe(
        table, hide_index=True, height=min(35 * len(rows) + 40, 220), key="w_search_rows", on_select="rerun",
        selection_mode="single-row",
        column_config={words("runs.accuracy"): number, words("search.spread"): number},
    )["selection"]["rows"]  # fmt: skip
    if picked and picked[0] < len(rows):
        row = rows[picked[0]]
        _offer(words("search.chosen", rules=_code(row.rules)), row.rules, "row", ours, words)


def _find(result: dict | None, events: Sequence[dict], ours: bool, words: Words) -> None:
    trials = result.get("trials") if result else None
    if result and result.get("rules") is not None:
        accuracy = _accuracy(result["accuracy_after"], result.get("noise"), words)
        said = words(
            "search.found", rules=_code(result["rules"]), accuracy=accuracy, rate=_rate(result["learning_rate"], words),
            peak=bytes_text(result["peak_bytes"]), seeds=result["seeds"], steps=result["steps"],
        )  # fmt: skip
        _offer(said, result["rules"], "recommended", ours, words)
        if second := result.get("runner_up"):
            key = "search.runner_up_close" if result["within_noise"] else "search.runner_up"
            accuracy = _accuracy(second["accuracy_after"], second["noise"], words)
            said = words(key, rules=_code(second["rules"]), accuracy=accuracy, peak=bytes_text(second["peak_bytes"]))
            _offer(said, second["rules"], "second", ours, words)
        for sentence in result["left_out"]:
            st.caption(show_errors.said(sentence))
    elif result is None and (best := search_table.best_so_far(events)):
        accuracy = _accuracy(best["accuracy_after"], best["noise"], words)
        said = words("search.so_far", rules=_code(best["rules"]), accuracy=accuracy)
        _offer(said, best["rules"], "recommended", ours, words)
    _trials(trials or [event for event in events if event.get("event") == "trial"], words)


def _rate(rate: float | None, words: Words) -> str:
    return words("unknown") if rate is None else f"{rate:.2g}"


def _trials(trials: Sequence[dict], words: Words) -> None:
    if not trials:
        return
    rows = [
        {
            words("runs.rules"): trial["rules"].replace("\n", "; "),
            words("search.factor"): f"×{trial['factor']:g}",
            words("probe.steps"): trial["steps"],
            words("runs.seed"): trial["seed"],
            words("runs.accuracy"): trial.get("accuracy_after"),
        }
        for trial in reversed(trials)
    ]
    st.markdown(f"**{words('search.trials', count=len(rows))}**", help=words("search.trials_help"))
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(rows, hide_index=True, height=220, key="trials", column_config={words("runs.accuracy"): number})


def _suggest(result: dict | None, events: Sequence[dict], ours: bool, words: Words) -> None:
    if result is None or "suggestions" not in result:
        for i, event in enumerate(e for e in events if e.get("event") == "suggestion"):
            _offer(f"{_code(event['rules'])} {_why(event, words)}", event["rules"], f"early_{i}", ours, words)
        return
    for i, one in enumerate(result["suggestions"]):
        said = f"**{words('search.by_' + one['by'])}** · {_code(one['rules'])}  \n{_why(one, words)} "
        said += words("search.price", peak=bytes_text(one["peak_bytes"]))
        if one["fits"] is False:
            said += " " + words("search.too_large")
        _offer(said, one["rules"], "recommended" if i == 0 else f"suggestion_{i}", ours, words)
        if any(score is not None for score in one["scores"]):
            st.caption(words(f"search.score_{one['by']}"))
            figure = search.by_block(one["scores"], words, colours.of(state.theme()))
            _chart(figure, f"by_block_{i}", words(f"search.score_{one['by']}"), BY_BLOCK_HEIGHT)
    for note in result["notes"]:
        st.caption(show_errors.said(note))


def _why(suggestion: dict, words: Words) -> str:
    """Its reason; in Japanese the general one, with its number."""
    score = suggestion.get("score")
    value = "" if score is None else f"{score:.3g}"
    peak = bytes_text(suggestion.get("peak_bytes"))
    return words.either(f"suggestion.{suggestion['by']}", show_errors.said(suggestion["why"]), score=value, peak=peak)
