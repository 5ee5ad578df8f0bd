"""Plotly figures of runs: how one learns, their losses, accuracy against memory, and what trained in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.metrics import METRICS
from freezecore.report import bytes_text, number_text
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from ..service import gallery, run_events
from ..service.run_table import RunRow
from ..text import Words
from .columns import columns, labels
from .style import LEGEND, Palette, layout_of, round_ticks

DASHES = ("solid", "dash", "dot", "dashdot")
FEW_STEPS = 8  # below this Plotly would put ticks between steps
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "pentagon")


def learning_curve(events: Sequence[dict], total: int | None, words: Words, palette: Palette) -> dict:
    """Loss by step, and below it, on the same axis, held-out accuracy with its 95 % interval (of data with values the
    metric); never two axes over one another.

    Args:
        events: of one run.
        total: steps that it takes; None where that is not known.
    """
    loss = _by_step(run_events.losses(events), "loss", words) | {
        "mode": "lines", "line": {"color": palette.train, "width": 2}, "yaxis": "y2",
    }  # fmt: skip
    points, metric = run_events.scores(events), run_events.metric(events)
    scored = words("chart.accuracy") if metric == "accuracy" else words.either(f"metric.{metric}", metric)
    score = _by_step(points, "value", words, scored) | {
        "mode": "lines+markers",
        "line": {"color": palette.activations, "width": 2},
        "marker": {"symbol": "diamond", "size": 6},
        "error_y": {
            "array": [(point["high"] or point["value"]) - point["value"] for point in points],
            "arrayminus": [
                point["value"] - (point["value"] if point["low"] is None else point["low"]) for point in points
            ],
            "thickness": 1.5,
            "width": 5,
        },
        "customdata": [_interval(point) for point in points],
        "hovertemplate": f"{scored} %{{y:.3f}}%{{customdata}}<extra></extra>",
    }
    layout = layout_of(palette, "learning", top=4, hovermode="x")
    layout["xaxis"] |= _steps_axis(total or 1, words) | {"range": [-0.02 * (total or 1), (total or 1) * 1.03]}
    words_lost = metric in ("perplexity", "token-loss")  # nats of a word start far from 0, and move little
    losses = {"domain": [0.66, 1], "nticks": 3, "rangemode": "normal" if words_lost else "tozero"}
    layout["yaxis2"] = layout["yaxis"] | losses
    layout["yaxis"] |= {"domain": [0, 0.58]}
    layout["yaxis"] |= (
        {"range": [0, 1.04], "tickvals": [0, 0.5, 1]}
        if metric in ("accuracy", "span-f1", "token-accuracy")
        else {"type": "log", "nticks": 4}
        if metric == "perplexity"
        else {"rangemode": "tozero"}
    )
    for axis, name in (("yaxis", scored), ("yaxis2", words("chart.loss"))):
        layout[axis]["title"] = {"text": name, "font": {"size": 11}}
    return {"data": [loss, score], "layout": layout}


def _steps_axis(most: int, words: Words) -> dict:
    """An axis of so many steps, whole ones."""
    return {"title": {"text": words("chart.step")}, "tickformat": ",d"} | ({"dtick": 1} if most < FEW_STEPS else {})


def _interval(point: dict) -> str:
    """` (0.900–0.950)`; empty where there is none."""
    return "" if point["low"] is None else f" ({point['low']:.3f}–{point['high']:.3f})"


def _by_step(points: Sequence[dict], name: str, words: Words, called: str = "") -> dict:
    called = called or words(f"chart.{name}")
    return {
        "type": "scatter",
        "name": called,
        "x": [point["step"] for point in points],
        "y": [point[name] for point in points],
        "hovertemplate": f"{called} %{{y:.3f}}<extra></extra>",
        "showlegend": False,
    }


def loss_curves(lines: Sequence[tuple[RunRow, Sequence[dict]]], words: Words, palette: Palette) -> dict:
    """Losses of several runs, each with its events, over one another, told apart by colour and dash.

    A run without losses has no curve, but a place: the other figures give each run of the same list the same colour.
    """
    data, names = [], names_of([row for row, _ in lines], words)
    for i, (_, events) in enumerate(lines):
        line = {"color": palette.series[i % len(palette.series)], "dash": DASHES[i % len(DASHES)], "width": 2}
        if not (steps := run_events.losses(events)):
            continue
        x, y = [step["step"] for step in steps], [step["loss"] for step in steps]
        data.append({"type": "scatter", "mode": "lines", "name": names[i], "x": x, "y": y, "line": line})
    layout = layout_of(palette, "loss_curves", legend=LEGEND)
    most = max((step["step"] for _, events in lines for step in run_events.losses(events)), default=1)
    layout["xaxis"] |= _steps_axis(most, words)
    layout["yaxis"] |= {"title": {"text": words("chart.loss")}, "rangemode": "tozero"}
    return {"data": data, "layout": layout}


def accuracy_against_memory(rows: Sequence[RunRow], words: Words, palette: Palette) -> dict:
    """One point a run with its interval; those that no other beats on both sides are joined. Of runs that are scored
    in several ways, those that are scored as the first."""
    metric = next((row.scored_by for row in rows if row.score is not None), "accuracy")
    points = [(i, row.result.get("peak_bytes"), row.score) for i, row in enumerate(rows) if row.scored_by == metric]
    points = [(i, peak, accuracy) for i, peak, accuracy in points if peak and accuracy is not None]
    places = sorted({(peak, accuracy) for _, peak, accuracy in points})
    sign = -1 if metric in METRICS and METRICS[metric].better == "low" else 1
    front = [one for one in places if not any(_beats(other, one, sign) for other in places)]
    data: list[dict] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [peak for peak, _ in front],
            "y": [accuracy for _, accuracy in front],
            "line": {"color": palette.soft, "dash": "dot", "shape": "hv"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    names = names_of(rows, words)
    for i, peak, accuracy in points:
        interval = rows[i].result.get("interval" if metric == "accuracy" else "metric_interval")
        low, high = interval or (accuracy, accuracy)
        colour, symbol = palette.series[i % len(palette.series)], SYMBOLS[i % len(SYMBOLS)]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": names[i],
                "x": [peak],
                "y": [accuracy],
                "error_y": {"array": [high - accuracy], "arrayminus": [accuracy - low], "thickness": 1},
                "marker": {"color": colour, "symbol": symbol, "size": 11},
                "hovertemplate": f"%{{fullData.name}}<br>{bytes_text(peak)} · %{{y:.3f}}<extra></extra>",
            }
        )
    layout = layout_of(palette, "accuracy_against_memory", legend=LEGEND)
    ticks = round_ticks(max((peak for _, peak, _ in points), default=1) * 1.1)
    layout["xaxis"] |= {"tickvals": ticks, "ticktext": [bytes_text(t) for t in ticks], "rangemode": "tozero"}
    layout["xaxis"] |= {"title": {"text": words("runs.peak")}}
    scored = words("runs.accuracy") if metric == "accuracy" else words.either(f"metric.{metric}", metric)
    layout["yaxis"] |= {"title": {"text": scored, "standoff": 12}}  # else it meets the ticks' numbers
    layout["yaxis"] |= {"autorange": "reversed"} if sign < 0 else {}  # up is better
    return {"data": data, "layout": layout}


def _beats(one: tuple[int, float], other: tuple[int, float], sign: int) -> bool:
    """Whether one point needs no more memory and is no worse than another, and is another point; of a score of which
    less is better, `sign` is -1."""
    return one[0] <= other[0] and sign * one[1] >= sign * other[1] and one != other


def what_trained(
    rows: Sequence[RunRow], drawn: Sequence[int], tree: LayerTree, words: Words, palette: Palette
) -> dict | None:
    """Parallel coordinates: the share of each column of the model that trained, and accuracy last.

    Runs that train the same would lie on one another, so each is moved by a hair; the best is drawn thick.

    Args:
        rows: all runs that are shown, as the other figures have them; drawn are those at `drawn`.
        drawn: places of the runs of this model that have an accuracy; those whose rules do not fit it are left out.
    """
    shown = columns(tree)
    lines = [(at, rows[at], shares) for at in drawn if (shares := _shares(rows[at], tree))]
    if not lines:
        return None
    best = max((row for _, row, _ in lines), key=_accuracy)
    places = [*range(len(shown)), len(shown) + 1]
    data, names = [], names_of(rows, words)
    for i, (at, row, shares) in enumerate(lines):
        offset = (i - (len(lines) - 1) / 2) * min(0.012, 0.2 / len(lines))
        accuracy = f"{words('chart.accuracy')} {_accuracy(row):.3f}"
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": names[at],
                "x": places,
                "y": [*(share + offset for share in shares), _accuracy(row)],
                "line": {"color": palette.series[at % len(palette.series)], "width": 3.5 if row is best else 1.5},
                "marker": {"size": [4] * len(shown) + [10], "symbol": "star" if row is best else "circle"},
                "opacity": 1 if row is best else 0.65,
                "hovertemplate": f"%{{fullData.name}}<br>{accuracy}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = layout_of(palette, "what_trained")
    ticktext = [*labels(shown, words), f"<b>{words('chart.accuracy')}</b>"]
    layout["xaxis"] |= {"tickvals": places, "ticktext": ticktext}
    layout["yaxis"] |= {"range": [-0.15, 1.15], "tickvals": [0, 0.5, 1]}
    layout["yaxis"] |= {"ticktext": [words("runs.frozen"), "0.5", words("runs.trains")]}
    return {"data": data, "layout": layout}


def _shares(row: RunRow, tree: LayerTree) -> list[float]:
    """How much of each column the run trained; empty for a run of a version of the model that had other names."""
    try:
        mask = resolve(FreezeSpec.parse(row.rules), tree)
    except FreezeError:
        return []
    return [column.share(mask) for column in columns(tree)]


def _accuracy(row: RunRow) -> float:
    return row.result["accuracy_after"]


def names_of(rows: Sequence[RunRow], words: Words) -> list[str]:
    """A name for each run that no other of them has: by its data, weights, rate, steps and seed where model and rules
    are the same."""
    names = [label(row) for row in rows]
    for name_of in FACTS:
        for name in {name for name in names if names.count(name) > 1}:
            alike = {i: name_of(rows[i], words) for i, one in enumerate(names) if one == name}
            if len(set(alike.values())) > 1:
                for i, fact in alike.items():
                    names[i] = f"{name} · {fact}" if fact else name
    return [
        name if names.count(name) == 1 else f"{name} · {names[: i + 1].count(name)}" for i, name in enumerate(names)
    ]


def _rate(row: RunRow, words: Words) -> str:
    rate = row.result.get("learning_rate")
    return f"{words('shown.learning_rate')} {number_text(rate, 2)}" if rate is not None else ""


def _steps(row: RunRow, words: Words) -> str:
    steps = row.result.get("steps")
    return f"{words('probe.steps')} {steps}" if steps is not None else ""


def _seed(row: RunRow, words: Words) -> str:
    seed = row.request.get("seed")
    return f"{words('runs.seed')} {seed}" if seed is not None else ""


FACTS: tuple[Callable[[RunRow, Words], str], ...] = (
    lambda row, words: row.data,
    lambda row, words: words(f"weights.{row.weights}") if row.weights in ("pretrained", "random") else "",
    _rate,
    _steps,
    _seed,
)


def label(row: RunRow) -> str:
    """A run's model and the name of its selection, else the beginning of its rules."""
    rules = row.told
    return f"{gallery.name_of(row.model)}: {rules if len(rules) <= 40 else rules[:39] + '…'}"
