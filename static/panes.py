"""The panes below the numbers as blocks, which the page's shell draws: text, table, code, choice, button, figure.

A block is a dictionary whose `is` says what it is. A button's `act` says which of `ACTS` answers it, or its `do` which
question; a choice's value comes back in `choices` the next time that the pane is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from shlex import quote

from app.figures.style import CONFIG, palette_of
from app.figures.timeline import timeline_chart
from app.figures.versus import ways_chart
from app.link import Link
from app.service import code, fit_table, import_lines
from app.service.findings import findings_of, mended_by
from app.service.pricing import timelines_of
from app.service.selection import ModelSelection
from app.service.terms import terms_html
from app.service.versus import ways
from app.service.versus_table import RANKS, adapter_text, row_texts, same_memory, way_rows
from app.text import UNKNOWN, Words
from freezecore._estimate.devices import LARGEST_WORLD, SHARDINGS
from freezecore._export import TARGETS
from freezecore._export.notebook import as_script
from freezecore.adapter import Adapter, parse_adapters
from freezecore.calibration import read_calibration
from freezecore.datasets import kind_for
from freezecore.errors import ExportError, FreezeError
from freezecore.importing import Imported, import_rules
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.report import bytes_text
from freezecore.rules.grammar import print_selector
from freezecore.statistics import wilson

PROBED = {"image": "shapes", "text": "docstrings"}
TOLD = ("start", "own", "own_about", "model", "capture", "few", "unreadable", "failed")
MOST_FINDINGS, MOST_LINES = 12, 200
TIMELINE_HEIGHT = 300  # pixels
ROW, AXES = 34, 64

Block = dict
Blocks = list[Block]


def findings(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """What is wrong with the selection, worst first, each with the rule that mends it."""
    found = findings_of(selection)
    if not found:
        return [{"is": "good", "text": words("findings.none")}]
    return [
        {
            "is": "finding",
            "severity": one.severity,
            "title": words(f"severity.{one.severity}"),
            "html": terms_html(words.said(one.message), words, f"finding-{number}"),
            "button": {"label": words("findings.fix"), "help": one.fix, "act": "fix", "value": one.fix}
            if one.fix
            else None,
        }
        for number, one in enumerate(found[:MOST_FINDINGS])
    ]


def fit(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """What would fit where the step does not, the cards, several of them, what was measured, and a budget."""
    choices = asked.get("choices", {})
    blocks: Blocks = []
    if fit_table.is_too_small(selection):
        blocks.append({"is": "text", "text": f"**{words('fit.smaller', card=selection.card.box_name)}**"})
        blocks += [
            {
                "is": "line",
                "text": text,
                "button": {"label": words("fit.use"), "act": "use", "value": step.fields, "main": bool(step.fits)},
            }
            for step, text in fit_table.smaller_lines(selection, words)
        ]
    blocks.append({"is": "html", "html": terms_html(words("fit.about"), words, "fit")})
    rows, largest = fit_table.card_rows(selection, words), words("fit.largest")
    cells = [{**row, largest: "–" if row[largest] is None else fit_table.largest_text(row[largest])} for row in rows]
    blocks.append(
        {"is": "table", "head": list(rows[0]), "rows": [[str(cell) for cell in row.values()] for row in cells]}
    )
    blocks.append({"is": "caption", "text": words("fit.units")})
    world, sharding = int(choices.get("world") or 1), choices.get("sharding") or SHARDINGS[0]
    blocks.append({"is": "choices", "of": [
        {"kind": "number", "name": "world", "label": words("fit.world"), "help": words("fit.world_help"),
         "limits": [1, LARGEST_WORLD], "value": world, "placeholder": ""},
        {"kind": "choice", "name": "sharding", "label": words("fit.sharding"), "value": sharding, "help": "",
         "choices": [[one, words(f"sharding.{one}")] for one in SHARDINGS]},
    ]})  # fmt: skip
    if lines := fit_table.devices_lines(selection, min(max(1, world), LARGEST_WORLD), sharding, words):
        blocks.append({"is": "text", "text": f"**{lines[0]}**\n{lines[1]}"})
    own = [read_calibration(content, name) for name, content in (choices.get("calibrations") or {}).items()]
    blocks.append({"is": "text", "text": f"**{words('fit.measured')}**"})
    blocks += [{"is": "plain", "text": line} for line in fit_table.measured_lines(own, words)]
    blocks.append({"is": "drop", "label": words("fit.calibration"), "help": words("fit.calibration_help"),
                   "accept": ".json", "into": "calibrations"})  # fmt: skip
    least, most, at_first = fit_table.budget_range(selection)
    budget = min(max(least, float(choices.get("budget") or at_first)), most)
    blocks.append({"is": "slider", "name": "budget", "label": words("fit.budget"), "help": words("fit.budget_help"),
                   "limits": [least, most], "step": 0.1, "value": budget, "unit": "GB",
                   "button": {"label": words("fit.apply"), "act": "budget", "value": None}})  # fmt: skip
    return blocks


def code_pane(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """The selection as code for one target or two, and as a notebook."""
    choices = asked.get("choices", {})
    trainer = selection.link.trainer
    target = choices.get("target") if choices.get("target") in TARGETS else trainer
    if TARGETS[target].trainer not in (None, trainer):
        target = trainer
    beside = choices.get("beside") if choices.get("beside") in TARGETS and choices.get("beside") != target else ""
    named = [[name, words.either(f"target.{name}", name)] for name in TARGETS]
    about = {"is": "html", "html": terms_html(words("export.about"), words, "export")}
    blocks: Blocks = [about, {"is": "choices", "of": [
        {"kind": "choice", "name": "target", "label": words("export.target"), "value": target, "choices": named,
         "help": "", "act": "target"},
        {"kind": "choice", "name": "beside", "label": words("export.beside"), "value": beside, "help": "",
         "choices": [["", words("export.nothing_beside")], *(pair for pair in named if pair[0] != target)]},
    ]}, _notebook(selection, words, asked)]  # fmt: skip
    if trainer != "pytorch":
        blocks.append({"is": "caption", "text": words("export.priced_for", trainer=trainer)})
    shown = [_one(name, selection, words, asked) for name in (target, beside) if name]
    return [*blocks, {"is": "beside", "of": shown}]


def _one(target: str, selection: ModelSelection, words: Words, asked: dict) -> Block:
    try:
        text = code.code_of(selection, target, asked.get("address"))
    except ExportError as error:
        return {"is": "error", "problem": words.said(error.problem), "hint": words.said(error.hint)}
    return {
        "is": "code",
        "code": as_script(text) if target == code.NOTEBOOK else text,
        "language": "python" if target == code.NOTEBOOK else TARGETS[target].language,
        "download": words("export.download", target=words.either(f"target.{target}", target)),
        "content": text,
        "name": code.file_name(selection, target),
        "mime": code.MIME[TARGETS[target].language],
    }


def _notebook(selection: ModelSelection, words: Words, asked: dict) -> Block:
    try:
        text, why = code.code_of(selection, code.NOTEBOOK, asked.get("address")), words("export.notebook_help")
    except ExportError as error:
        text, why = "", words.said(error.problem)
    return {"is": "download", "label": words("export.notebook"), "help": why, "content": text,
            "name": code.file_name(selection, code.NOTEBOOK), "mime": code.MIME["json"]}  # fmt: skip


def import_pane(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """A box for what somebody has as text, and what was read in it."""
    choices = asked.get("choices", {})
    blocks: Blocks = [
        {"is": "area", "name": "text", "label": words("import.paste"), "placeholder": words("import.example"),
         "help": words("import.help"), "value": choices.get("text") or "", "button": words("import.read")},
        {"is": "drop", "label": words("import.file"), "help": "", "accept": "", "into": "text"},
    ]  # fmt: skip
    if not (choices.get("text") or "").strip():
        return [*blocks, {"is": "html", "html": terms_html(words("import.kinds"), words, "import")}]
    try:
        found = read_text(choices["text"], selection)
    except FreezeError as error:
        return [*blocks, {"is": "error", "problem": words.said(error.problem), "hint": words.said(error.hint)}]
    rules = found.adapted_rules or found.rules
    value = {"rules": rules, "adapter": found.adapter or None}
    use = {"label": import_lines.use_label(found, words), "act": "use", "value": value, "main": True,
           "fixed": rules == selection.rules and not found.adapter}  # fmt: skip
    blocks.append({"is": "line", "text": import_lines.read_as(found, selection, words), "button": use})
    for kind, lines in import_lines.read_lines(found, words).items():
        if lines:
            more = ["…"] if len(lines) > MOST_LINES else []
            text = "\n".join([*lines[:MOST_LINES], *more])
            blocks.append({"is": "details", "title": words(f"import.{kind}", count=len(lines)),
                           "about": words(f"import.{kind}_why"), "code": text,
                           "open": import_lines.is_surprising(kind, lines)})  # fmt: skip
    if found.adapter:
        blocks += [{"is": "caption", "text": words("import.adapter")},
                   {"is": "code", "code": found.adapter.replace("; ", "\n"), "language": ""}]  # fmt: skip
    return [*blocks, {"is": "code", "code": rules.replace("; ", "\n"), "language": ""}]


def read_text(text: str, selection: ModelSelection) -> Imported:
    """What a text says of this model; pasted Python runs in this very worker, which the page ends when it is late."""
    return import_rules(text, selection.tree)


def versus(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """Freeze, or LoRA? The ways as bars and as a table, each one click away, and what takes the same memory."""
    about = {"is": "html", "html": terms_html(words("versus.about"), words, "versus")}
    adapter, blocks = _lora(selection, words, asked.get("choices", {}))
    found = ways(selection, adapter)
    card, texts, rows = selection.card, row_texts(words), way_rows(found, words)
    figure = ways_chart(found, card.usable_bytes if card else None, words, palette_of(asked.get("theme")))
    cells = [[_cell(value, texts.get(name, str)) for name, value in row.items()] for row in rows]
    blocks += [
        {"is": "figure", "figure": figure, "config": CONFIG, "alt": words("versus.drawn"),
         "height": AXES + ROW * len(found)},
        {"is": "table", "head": list(rows[0]), "rows": cells},
    ]  # fmt: skip
    faults = {(str(fault.problem), str(fault.hint)): fault for way in found if (fault := way.known.fault)}
    blocks += [
        {"is": "error", "problem": words.said(fault.problem), "hint": words.said(fault.hint)}
        for fault in faults.values()
    ]
    others = [way for way in found if way.key != "this" and way.mask]
    buttons = [{"label": words(f"versus.{way.key}"), "act": "use", "value": _used(way.link)} for way in others]
    blocks.append({"is": "row", "text": words("versus.choose"), "of": buttons})
    if not any(way.key == "lora" for way in found):
        blocks.append({"is": "caption", "text": words("versus.file")})
    for _, text, link in same_memory(found, selection, words):
        use = link and {"label": words("fit.use"), "act": "use", "value": _used(link)}
        blocks.append({"is": "line", "text": text, "button": use} if use else {"is": "text", "text": text})
    return [about, *blocks]


def _lora(selection: ModelSelection, words: Words, choices: dict) -> tuple[str, Blocks]:
    """The LoRA to set beside the selection, and the fields that say it; a selection with adapters changes with them."""
    own = parse_adapters(selection.link.adapter) if selection.link.adapter else ()
    asked_for = own[0].r if own else int(choices.get("rank") or Adapter.r)
    rank = min(RANKS, key=lambda one: abs(one - asked_for))
    targets = " ".join(map(print_selector, own[0].targets)) if own else choices.get("targets") or ""
    same = {"fixed": len(own) > 1, "act": "adapter" if own else None}
    blocks: Blocks = [{"is": "choices", "of": [
        {"kind": "choice", "name": "rank", "label": words("versus.rank"), "value": str(rank), "help": "",
         "choices": [[str(one), str(one)] for one in RANKS], **same},
        {"kind": "text", "name": "targets", "label": words("versus.targets"), "help": words("versus.targets_help"),
         "value": targets, "placeholder": words("versus.targets_all"), **same},
    ]}]  # fmt: skip
    try:
        return selection.link.adapter or adapter_text(rank, targets), blocks
    except FreezeError as error:
        said = {"is": "error", "problem": words.said(error.problem), "hint": words.said(error.hint)}
        return str(Adapter(r=rank)), [*blocks, said]


def _cell(value: object, written: Callable) -> str:
    return UNKNOWN if value is None else written(value)


def _used(link: Link) -> dict:
    """The fields of the link that make a way the selection."""
    return {"adapter": link.adapter, "quantize": link.quantize, "rules": link.rules}


def _adapter(selection: ModelSelection, words: Words, asked: dict) -> dict:
    """A selection that has an adapter takes the new rank or targets itself, and keeps its other options."""
    own, choices = parse_adapters(selection.link.adapter or "")[0], asked["choices"]
    targets = choices.get("targets")
    targets = " ".join(map(print_selector, own.targets)) if targets is None else targets
    said = parse_adapters(adapter_text(int(choices.get("rank") or own.r), targets))[0]
    return {"adapter": str(replace(own, r=said.r, targets=said.targets))}


def timeline(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """What is alive through one step."""
    found = timelines_of(selection)
    if found is None:
        return [{"is": "caption", "text": words("timeline.unknown")}]
    told, full, cost = found
    alt = words("timeline.alt", bytes=bytes_text(told.peak_bytes), moment=words.said(cost.peak_moment))
    figure = timeline_chart(told, full, words, palette_of(asked.get("theme")))
    html = terms_html(words.together(alt, words("timeline.caption")), words, "timeline")
    return [{"is": "figure", "figure": figure, "config": CONFIG, "alt": alt, "height": TIMELINE_HEIGHT},
            {"is": "html", "html": html}]  # fmt: skip


def probe(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """A new head on a pretrained body, measured in this browser; of any other selection the command that tries it."""
    tree, link = selection.tree, selection.link
    head = set(tree.under_each(tree.head))
    alone = all((i in head) == trains for i, trains in enumerate(selection.mask.trains))
    if str(selection.source) != DEFAULT_SOURCE or not alone or selection.spec.phases or link.adapter:
        asked_for = f"freezecore probe {quote(link.model)} {quote(selection.rules)} --data {PROBED[kind_for(tree)]}"
        return [
            {"is": "caption", "text": words("site.probe_elsewhere")},
            {"is": "code", "code": f"pip install 'freeze-explorer[models]'\n{asked_for}", "language": "bash"},
        ]
    named = {name: words(f"site.probe_{name}") for name in TOLD}
    return [{"is": "html", "html": terms_html(words("site.probe_about"), words, "probe")}, {"is": "probe", **named}]


def search(selection: ModelSelection, words: Words, asked: dict) -> Blocks:
    """What tries many selections, each with the command that does it where models train."""
    about = f"{quote(selection.link.model)} --data {PROBED[kind_for(selection.tree)]}"
    told = {"suggest": f"suggest {about}", "find": f"find {about} --minutes 10", "sweep": f"sweep {about}"}
    install = {"is": "code", "code": "pip install 'freeze-explorer[models]'", "language": "bash"}
    blocks: Blocks = [{"is": "caption", "text": words("site.on_your_machine")}, install]
    for kind, command in told.items():
        text = f"**{words(f'search.{kind}')}**\n{words(f'search.{kind}_about')}"
        code_block = {"is": "code", "code": f"freezecore {command}", "language": "bash"}
        blocks += [{"is": "text", "text": text}, code_block]
    return blocks


def scored(found: dict, words: Words) -> Blocks:
    """What a probe in the browser came to."""
    samples, after = found["samples"], found["after"]
    low, high = wilson(after, samples)
    size = found["trainSize"]
    told = [
        words("site.probe_result", after=f"{after / samples:.3f}", samples=samples, low=f"{low:.3f}",
              high=f"{high:.3f}", before=f"{found['before'] / samples:.3f}"),
        words("site.probe_changed", better=found["better"], worse=found["worse"],
              training=f"{found['training'] / max(1, size):.3f}", size=size),
        words("site.probe_took", features=words.seconds(found["features"]), head=words.seconds(found["head"]),
              threads=found["threads"], trainable=f"{found['trainable']:,}"),
    ]  # fmt: skip
    return [{"is": "text", "text": told[0]}, *({"is": "caption", "text": line} for line in told[1:])]


def _budget(selection: ModelSelection, words: Words, asked: dict) -> dict:
    least, most, at_first = fit_table.budget_range(selection)
    asked_for = float((asked.get("choices") or {}).get("budget") or at_first)
    usable = fit_table.usable_bytes(selection, min(max(least, asked_for), most))
    return {"rules": fit_table.least_within(selection, usable, words)}


def _target(selection: ModelSelection, words: Words, asked: dict) -> dict:
    trainer = TARGETS[asked["value"]].trainer
    return {"trainer": trainer} if trainer else {}


PANES: dict[str, Callable[[ModelSelection, Words, dict], Blocks]] = {
    "probe": probe, "search": search, "findings": findings, "code": code_pane, "import": import_pane, "fit": fit,
    "versus": versus, "timeline": timeline,
}  # fmt: skip
ACTS: dict[str, Callable[[ModelSelection, Words, dict], dict]] = {
    "fix": lambda selection, words, asked: {"rules": mended_by(asked["value"], selection)},
    "use": lambda selection, words, asked: dict(asked["value"]),
    "budget": _budget,
    "target": _target,
    "adapter": _adapter,
}
