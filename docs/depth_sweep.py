"""Takes the picture of docs/measured.md: accuracy, memory and time against the number of frozen blocks.

    python docs/depth_sweep.py          # measures (about ten minutes on two cores, no network), then draws
    python docs/depth_sweep.py draw     # draws docs/pictures/depth-sweep.png again from docs/depth_sweep.json

Every depth of the default model is trained for 60 steps from the same pretrained weights, on two seeds.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import streamlit  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from plotly.offline import get_plotlyjs  # noqa: E402

import freezecore as fc  # noqa: E402
from app.figures.style import LIGHT, layout_of, round_ticks  # noqa: E402
from freezecore.report import bytes_text, seconds_text  # noqa: E402
from tests.browser.chromium import find  # noqa: E402

MODEL = "timm:tf_efficientnet_lite0"
SEEDS = 2
DATA = Path(__file__).with_suffix(".json")
PICTURE = Path(__file__).parent / "pictures" / "depth-sweep.png"
WIDTH, HEIGHT, SHARPNESS = 900, 640, 2
PANELS = {  # its heading, and where it stands
    "accuracy": ("accuracy on held-out pictures, mean and spread of the seeds", [0.57, 0.965]),
    "memory": ("peak memory", [0.3, 0.47]),
    "time": ("time of a step, with what is frozen computed once", [0.0, 0.2]),
}
FONT = next((Path(streamlit.__file__).parent / "static/static/media").glob("SourceSansVF-Upright*"))  # the page's own
FACE = f"@font-face {{ font-family: Page; font-weight: 200 900; src: url({FONT.as_uri()}) }}"


def measure() -> None:
    """Sweep over all depths, and keep what came of it."""
    load = os.getloadavg()[0]
    swept = fc.run_sweep(fc.ModelSource.parse(MODEL, weights="pretrained"), over=("depth",), seeds=SEEDS, emit=tell)
    told = {
        "command": "python docs/depth_sweep.py",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": round(load, 1),
        "model": MODEL,
        "seeds": SEEDS,
        **swept.to_json(),
    }
    DATA.write_text(json.dumps(told, indent=1) + "\n")


def tell(event: dict) -> None:
    if event["event"] == "run":
        print(f"{event['done']}/{event['total']}  {event['labels'][0]}: {event['accuracy_after']:.3f}", flush=True)


def draw() -> None:
    """One figure of three panels over the same axis, as a picture."""
    drawn = json.dumps(figure(json.loads(DATA.read_text())))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "page.html"
        page_file.write_text(
            f"<style>{FACE} body {{ margin: 0 }}</style><div id=figure></div><script>{get_plotlyjs()}</script>", "utf-8"
        )
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find(), args=flags)
        viewport = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_context(viewport=viewport, device_scale_factor=SHARPNESS).new_page()
        page.goto(page_file.as_uri())
        fonts = "Promise.all(['15px', 'bold 15px'].map(one => document.fonts.load(one + ' Page')))"
        page.evaluate(f"{fonts}.then(() => Plotly.newPlot('figure', {drawn}, {{displayModeBar: false}}))")
        page.screenshot(path=PICTURE)
        browser.close()
    print(PICTURE.relative_to(ROOT))


def figure(told: dict) -> dict:
    """The figure of a sweep over depths, from the document that `measure` wrote."""
    runs = told["runs"]
    front, as_good = set(told["pareto"]), told["as_good"]
    depths = [run["frozen_blocks"] for run in runs]
    columns = {
        "accuracy": [run["accuracy_after"] for run in runs],
        "memory": [run["peak_bytes"] for run in runs],
        "time": [run["step_s"] for run in runs],
    }
    data = []
    for number, (name, values) in enumerate(columns.items(), start=1):
        error = {"array": [run["spread"] for run in runs], "color": LIGHT.soft, "thickness": 1.2, "width": 3}
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": depths,
                "y": values,
                "yaxis": f"y{number}",
                "line": {"color": LIGHT.frozen, "width": 2},
                "marker": marker(len(runs), front, as_good),
                "error_y": error if name == "accuracy" else {},
                "showlegend": False,
            }
        )
    return {"data": [*data, *legend()], "layout": layout(told, columns)}


def marker(count: int, front: set[int], as_good: list[int]) -> dict:
    """Warm where the accuracy is that of the best, within the noise; filled where no other depth beats it."""
    colours = [LIGHT.train if i in as_good else LIGHT.series[1] for i in range(count)]
    fills = [colour if i in front else LIGHT.paper for i, colour in enumerate(colours)]
    return {"size": 10, "color": fills, "line": {"color": colours, "width": 2}}


def legend() -> list[dict]:
    """What the markers mean, as traces without points."""
    kinds = (
        ("as accurate as the best, within the noise", LIGHT.train, LIGHT.train),
        ("less accurate", LIGHT.series[1], LIGHT.series[1]),
        ("hollow: not on the Pareto front of the three", LIGHT.paper, LIGHT.soft),
    )
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [None],
            "y": [None],
            "marker": {"size": 10, "color": fill, "line": {"color": edge, "width": 2}},
        }
        for name, fill, edge in kinds
    ]


def layout(told: dict, columns: dict[str, list]) -> dict:
    """Three axes above one another, each with its heading, under the sentence that the sweep comes to."""
    runs, depths = told["runs"], len(told["runs"]) - 1
    made = layout_of(LIGHT, "depth_sweep", width=WIDTH, height=HEIGHT, paper_bgcolor=LIGHT.paper)
    made["font"] |= {"size": 15, "family": "Page"}
    made["margin"] = {"l": 70, "r": 28, "t": 110, "b": 50}
    made["title"] = {"text": headline(told), "x": 0.016, "y": 0.97, "font": {"size": 20}, "yanchor": "top"}
    made["legend"] = {"orientation": "h", "x": -0.07, "y": 1.03, "yanchor": "bottom", "font": {"size": 14}}
    made["xaxis"] |= {"dtick": 1, "range": [-0.6, depths + 0.6], "anchor": "y3", "tickfont": {"size": 14}}
    made["xaxis"] |= {
        "showgrid": False,
        "title": {"text": f"frozen blocks of {depths}, from the input side", "font": {"size": 14, "color": LIGHT.soft}},
    }
    made["annotations"] = []
    for number, (name, (heading, domain)) in enumerate(PANELS.items(), start=1):
        made[f"yaxis{number}"] = axis(made["yaxis"], name, columns[name], runs) | {"domain": domain, "anchor": "x"}
        made["annotations"].append(
            {"text": heading, "x": 0, "y": domain[1] + 0.012, "xref": "paper", "yref": "paper", "showarrow": False}
            | {"xanchor": "left", "yanchor": "bottom", "font": {"size": 14, "color": LIGHT.soft}}
        )
    made["yaxis"] = made.pop("yaxis1")
    return made


def axis(plain: dict, name: str, values: list, runs: list[dict]) -> dict:
    """One panel's axis; memory and time begin at nothing."""
    plain = plain | {"tickfont": {"size": 14}}
    if name == "accuracy":
        spreads = [run["spread"] or 0 for run in runs]
        low = min(value - spread for value, spread in zip(values, spreads, strict=True))
        high = max(value + spread for value, spread in zip(values, spreads, strict=True))
        return plain | {"range": [low - 0.008, high + 0.008], "tickformat": ".2f", "nticks": 6}
    text, unit = (bytes_text, 1) if name == "memory" else (seconds_text, 1e-3)
    ticks = [tick * unit for tick in round_ticks(max(values) / unit, 3)]
    words = [text(tick) if tick else "0" for tick in ticks]
    return plain | {"tickvals": ticks, "ticktext": words, "range": [-0.1 * max(values), 1.12 * max(values)]}


def headline(told: dict) -> str:
    """The deepest freeze that is as good as the best, and what it saves against training everything."""
    runs = told["runs"]
    deepest = max((runs[i] for i in told["as_good"]), key=lambda run: run["frozen_blocks"])
    full = next(run for run in runs if run["frozen_blocks"] == 0)
    blocks = len(runs) - 1
    memory, time = (1 - deepest[name] / full[name] for name in ("peak_bytes", "step_s"))
    return (
        f"<b>{deepest['frozen_blocks']} of {blocks} blocks frozen: as accurate as the best depth, within the noise</b>"
        f"<br><span style='font-size:15px;color:{LIGHT.soft}'>{memory:.0%} less memory and {time:.0%} less time a step "
        f"than training everything · {told['model'].partition(':')[2]}, {told['request']['base']['steps']} steps, "
        f"{told['seeds']} seeds</span>"
    )


if __name__ == "__main__":
    if sys.argv[1:] != ["draw"]:
        measure()
    draw()
