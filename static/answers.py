"""Everything that the page without a server shows, as plain values: asked in the reader's browser, by its own Python.

`answer` takes a question as JSON and gives the answer as JSON. The page's state is its link's query; nothing is kept
here but models. The same functions make what the server's page shows. What the first numbers do not need is imported
when it is first asked for.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from urllib.parse import parse_qsl

from app.components.rules_editor import editor_data, editor_strings, text_part
from app.components.tree import RowPrice, annotations_part, ticks_part, tree_data, tree_strings
from app.components.tree.bits import decode
from app.figures.cost_charts import CHANNEL, largest_part, model_part, selection_part
from app.figures.style import palette_of
from app.link import Link, cards_by_slug, read_link
from app.service import backend, gallery
from app.service.mended_rules import fault_in, offers, place_of, place_text
from app.service.own_size import own_size_text
from app.service.preset_row import offered, shown_preset
from app.service.pricing import known_cost, reference_of, stage_of
from app.service.row_prices import row_prices
from app.service.rule_words import hits_text, rule_words
from app.service.selection import ModelSelection, select, ticked
from app.service.terms import STEPS, TERMS
from app.text import LANGUAGES, Words, sentences
from freezecore._presets import first_blocks_rules
from freezecore.datasets import kind_for
from freezecore.errors import FreezeError, RuleError, WorkloadError, shortened
from freezecore.schema import parse
from freezecore.source import MOST_LABELS, ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import CHOICES, LIMITS, Workload
from static import pack
from static.backend import NeedsPack, Packed, not_packed
from static.words import SiteWords

TREE, TREE_HEIGHT = "layers", "var(--tree-height)"
LIBRARIES = {
    "timm": "timm",
    "hf": "Hugging Face Hub",
    "config": "transformers",
    "torchvision": "torchvision",
}  # by scheme
INDEX = Path(__file__).with_name("packs.json")  # written by the build


def start() -> None:
    """Once, before the first question."""
    index = json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.is_file() else {}
    backend.use(Packed(index))


def packed() -> Packed:
    """The backend of this page."""
    found = backend.shared()
    assert isinstance(found, Packed)
    return found


def answer(question: str) -> str:
    """The answer to one question; where a pack is needed first, `need` says which."""
    asked = json.loads(question)
    try:
        return json.dumps(DOES[asked["do"]](asked))
    except NeedsPack as error:
        source = error.args[0]
        return json.dumps({"need": {"source": source, "file": packed().index[source][0]}})


def add_pack(source: str, content: str) -> str:
    """Take a pack's JSON that was fetched for this model; what is wrong with it, or an empty text."""
    try:
        packed().add(pack.read(content.encode(), source))
    except FreezeError as error:
        return json.dumps({"problem": str(error.problem), "hint": str(error.hint)})
    return ""


def idle() -> bool:
    """Do a little of what waits; whether more waits."""
    return packed().work_on()


def _link(asked: dict) -> tuple[Link, tuple[str, ...]]:
    return read_link(dict(parse_qsl(asked["query"].removeprefix("?"))))


def _words(link: Link, asked: dict) -> Words:
    lang = link.lang or asked.get("lang", "en")
    return SiteWords(lang if lang in LANGUAGES else "en")


def screen(asked: dict) -> dict:
    """The whole page for a link: what every part of it is mounted with."""
    link, ignored = _link(asked)
    ignored = tuple(name for name in ignored if name != "embed")
    words = _words(link, asked)
    top = {
        "lang": words.lang,
        "words": page_words(words),
        "ignored": words("link.ignored", fields=", ".join(ignored[:8])) if ignored else "",
        "models": model_options(words),
        "own": gallery.name_of(link.model),
        "query": link.query(),
        "settings": settings(link, words),
    }
    draft = None
    try:
        selection = select(link)
        _ = selection.workload
    except WorkloadError as error:
        link = replace(link, size=None)
        selection, top["problem"] = select(link), told(error, words)
    except RuleError:
        draft = link.rules
        link = replace(link, rules=None)
        selection = select(link)
    except FreezeError as error:
        return {**top, "problem": told(error, words), "command": command(link, words), "instead": gallery_first(link)}
    stage_of(selection)
    return {
        **top,
        "query": link.query(),
        "settings": settings(link, words),
        "model": selection.tree.fingerprint,
        "packed": packed_with(selection, words),
        "stage": stage_of(selection),
        "tree": tree_data(selection.tree, tree_strings(words.lang), TREE, TREE_HEIGHT),
        "editor": editor_data(rule_words(selection.tree), editor_strings(words.lang), TREE),
        **reference_parts(selection, words, asked),
        **selection_parts(selection, words, asked.get("sequence", 0)),
        **(draft_parts(draft, selection, words) if draft is not None else {}),
    }


def packed_with(selection: ModelSelection, words: Words) -> str:
    """The library versions that the model's pack belongs to; empty for a file of one's own."""
    if selection.source.scheme == "file":
        return ""
    versions = packed().pack(selection.source.base).versions
    return words("site.packed", versions=", ".join(f"{name} {number}" for name, number in versions.items()))


def reference_parts(selection: ModelSelection, words: Words, asked: dict) -> dict:
    """What follows only the model and the workload: prices beside the rows, the charts' axes and depth curve."""
    known = known_cost(selection)
    prices = {path: RowPrice(*price) for path, price in row_prices(selection, words).items()}
    reference, palette = reference_of(selection), palette_of(asked.get("theme"))
    charts = model_part(
        selection.tree, known.full, reference.points, words, palette, selection.card, reference.part_points
    )
    return {
        "stage": stage_of(selection),
        "annotations": annotations_part(selection.tree, prices, key=TREE),
        "charts": {"channel": CHANNEL, "tree": TREE, **charts},
    }


def selection_parts(selection: ModelSelection, words: Words, sequence: int) -> dict:
    """What follows the ticks."""
    known = known_cost(selection)
    fault = told(known.fault, words) if known.fault else None
    return {
        "query": selection.link.query(),
        "parts": [
            ticks_part(selection.tree, selection.mask, sequence, key=TREE),
            selection_part(selection, known, words),
            largest_part(selection, known, words),
            text_part(selection.lines),
        ],
        "inside": inside(selection.link, words),
        "presets": presets_of(selection, words),
        "hits": hits_text(selection, words),
        "fault": fault,
        "command": command(selection.link, words, kind_for(selection.tree) == "text") if fault else "",
        "draft": None,
    }


def inside(link: Link, words: Words) -> dict | None:
    """What was put into the model, and the way back to the model as it is; None where nothing was."""
    if not (link.adapter or link.quantize):
        return None
    key = "versus.inside_quantized" if link.quantize else "versus.inside"
    plain = {"adapter": None, "quantize": None, "rules": None}
    return {"text": words(key, adapter=link.adapter or "–", quantize=link.quantize or ""),
            "button": {"label": words("versus.remove"), "act": "use", "value": plain}}  # fmt: skip


def tick(asked: dict) -> dict:
    """The quick answer to ticks: numbers, charts, rules, and the link that holds them."""
    link, _ = _link(asked)
    selection = select(link)
    trains = decode(asked["bits"], len(selection.tree.parameters))
    if trains is None or selection.tree.fingerprint != asked["tree"]:
        return {"parts": []}
    selection = ticked(selection, trains)
    known, words = known_cost(selection), _words(link, asked)
    return {
        "query": selection.link.query(),
        "parts": [selection_part(selection, known, words), text_part(selection.lines)],
    }


def rest(asked: dict) -> dict:
    """What else follows a change: the largest batch, the presets, what the rules hit."""
    link, _ = _link(asked)
    return selection_parts(select(link), _words(link, asked), asked.get("sequence", 0))


def refer(asked: dict) -> dict:
    """Prices and the depth curve, as far as they are known by now."""
    link, _ = _link(asked)
    return reference_parts(select(link), _words(link, asked), asked)


def change(asked: dict) -> dict:
    """The query after something else was chosen: `set` has fields of the link."""
    link, _ = _link(asked)
    fields = dict(asked["set"])
    if "model" in fields:
        model = gallery.BY_SOURCE.get(fields["model"])
        fields = {
            "model": str(ModelSource.parse(fields["model"])), "rules": None, "size": None, "adapter": None,
            "quantize": None, "task": model and model.task, "labels": model and model.labels,
            **{name: value for name, value in fields.items() if name != "model"},
        }  # fmt: skip
        fields = {name: value for name, value in fields.items() if name in asdict(link)}
    return {"query": replace(link, **fields).query()}


def typed(asked: dict) -> dict:
    """Rules that were typed: the link that holds them, or what is wrong with them."""
    link, _ = _link(asked)
    selection, words = select(replace(link, rules=None)), _words(link, asked)
    if fault_in(asked["text"], selection.tree):
        return draft_parts(asked["text"], select(link), words)
    return {"query": replace(link, rules=str(FreezeSpec.parse(asked["text"]))).query()}


def draft_parts(text: str, selection: ModelSelection, words: Words) -> dict:
    """What is shown while the box holds rules that cannot be used."""
    error = fault_in(text, selection.tree)
    if error is None:
        return {}
    place = place_of(error, text)
    said = [place_text(error, text, words), words.said(error.problem)]
    return {
        "draft": {
            "part": text_part(text, (place.start, place.end) if place else None),
            "problem": words.together(*said),
            "hint": words.said(error.hint),
            "instead": words("rules.instead"),
            "offers": offers(error, text),
            "stays": words("rules.stays"),
        }
    }


def preset(asked: dict) -> dict:
    """The query under a preset, or with so many first blocks frozen."""
    link, _ = _link(asked)
    tree = select(replace(link, rules=None)).tree
    rules = first_blocks_rules(tree, asked["first"]) if "first" in asked else offered(tree)[asked["key"]].rules
    return {"query": replace(link, rules=rules).query()}


def presets_of(selection: ModelSelection, words: Words) -> dict:
    """The row of presets, and which of them this is."""
    tree = selection.tree
    key, depth = shown_preset(selection)
    embeds = any(tower.embeddings for tower in tree.towers)
    return {
        "label": words("preset.label"),
        "shown": key,
        "all": [[name, words.either(f"preset.{name}", words.said(one.label))] for name, one in offered(tree).items()],
        "first": {
            "label": words("preset.first_n" if embeds else "preset.first_n_stem"),
            "name": words("preset.first_n_label"),
            "of": words("preset.first_n_of", count=len(tree.blocks)),
            "help": words("preset.first_n_help"),
            "value": depth or None,
            "most": len(tree.blocks),
        }
        if tree.blocks
        else None,
    }


def pane(asked: dict) -> dict:
    """One of the panes below the numbers, as blocks."""
    from static.panes import PANES

    link, _ = _link(asked)
    words = _words(link, asked)
    try:
        return {"blocks": PANES[asked["pane"]](select(link), words, asked)}
    except FreezeError as error:
        return {"blocks": [{"is": "error", **told(error, words)}, *_commands(link, words)]}


def _commands(link: Link, words: Words) -> list[dict]:
    return [{"is": "code", "code": command(link, words), "language": "bash"}]


def score(asked: dict) -> dict:
    """What a probe in this browser measured, as blocks."""
    from static.panes import scored

    link, _ = _link(asked)
    return {"blocks": scored(asked["result"], _words(link, asked))}


def act(asked: dict) -> dict:
    """The query after a button of a pane: `kind` says which, or what is wrong."""
    from static.panes import ACTS

    link, _ = _link(asked)
    words = _words(link, asked)
    try:
        return {"query": replace(link, **ACTS[asked["kind"]](select(link), words, asked)).query()}
    except FreezeError as error:
        return {"problem": told(error, words)}


def drop(asked: dict) -> dict:
    """A model file or configuration of one's own, which stays in this browser: the query that opens it."""
    from freezecore import model_file
    from freezecore.cache import uploads

    link, _ = _link(asked)
    words = _words(link, asked)
    content = Path(asked["path"]).read_bytes()
    try:
        if config := _config_in(content):
            return _configured(config, asked, link, words)
        found = model_file.loads(content, asked["name"])
        source = f"file:{uploads.keep(content, asked['name'], found.tree.source)}"
    except FreezeError as error:
        return {"problem": told(error, words)}
    return change({**asked, "query": link.query(), "set": {"model": source}})


def _config_in(content: bytes) -> dict | None:
    """A Hugging Face configuration; None for any other file."""
    try:
        data = parse(content)
    except ValueError:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("model_type"), str) else None


def _configured(config: dict, asked: dict, link: Link, words: Words) -> dict:
    """The packed model that a configuration states, or what opens it elsewhere."""
    from static import named

    index = packed().index
    try:
        meant = named.by_config(config, asked["name"], index)
    except FreezeError as error:
        own = Link(model=f"config:./{asked['name']}")
        alike = named.of_type(config["model_type"], index)
        return {"problem": told(error, words), "command": command(own, words), "instead": _named(alike)}
    query = change({**asked, "set": {"model": meant.source}})["query"]
    return {"query": query, "note": words("site.config_is", file=asked["name"], name=gallery.name_of(meant.source))}


def find(asked: dict) -> dict:
    """What somebody typed or pasted as a model: the query that opens it, what else it may have been, or the command."""
    from static import named

    link, _ = _link(asked)
    words, index = _words(link, asked), packed().index
    try:
        meant = named.by_text(asked["text"].strip(), index)
    except FreezeError as error:
        return {"problem": told(error, words)}
    elsewhere = command(Link(model=meant.source, task=meant.task, labels=meant.labels), words)
    if meant.source not in index:
        fault = told(not_packed(meant.source), words)
        return {"problem": fault, "command": elsewhere, "instead": _named(meant.alike)}
    query = change({**asked, "set": {"model": meant.source}})["query"]
    if named.opened_otherwise(meant):
        return {"query": query, "note": words("site.as_packed"), "command": elsewhere}
    if meant.doubtful and len(meant.alike) > 1:
        like = words("top.like", typed=shortened(asked["text"], 40))
        return {"query": query, "like": like, "instead": _named(meant.alike)}
    return {"query": query}


def _named(sources: Iterable[str]) -> list[list[str]]:
    return [[source, gallery.named(source)] for source in sources]


def view(asked: dict) -> dict:
    """A lesson, or the teacher's page, with the words of their shell."""
    from static.board import board
    from static.lessons import lesson_screen

    screens = {"lesson": lesson_screen, "board": board}
    link, ignored = _link(asked)
    ignored = tuple(name for name in ignored if name != "embed")
    words = _words(link, asked)
    return {
        "lang": words.lang,
        "words": view_words(words),
        "ignored": words("link.ignored", fields=", ".join(ignored[:8])) if ignored else "",
        **screens[asked["view"]](link, words, asked),
    }


def view_words(words: Words) -> dict[str, str]:
    """The sentences of a shell that shows a lesson or a class."""
    starts = ("site.", "page.", "learn.", "class.", "link.", "top.lang")
    found = {key: text for key, text in words.all().items() if key.startswith(starts)}
    return found | {"languages": json.dumps([[lang, sentences(lang)["language"]] for lang in LANGUAGES])}


def codes(asked: dict) -> dict:
    """What a student gives to the teacher."""
    from static.lessons import code_of

    return {"codes": code_of(asked)}


def qr(asked: dict) -> dict:
    """A link as a QR code, to be seen from the last row."""
    import segno

    return {"qr": segno.make(asked["text"], error="m").svg_data_uri(scale=8, border=3, dark="#000", light="#fff")}


def settings(link: Link, words: Words) -> list[dict]:
    """The first row: each setting with its label, help, value, and what can be chosen."""
    fixed = link.model.startswith("file:")
    own = words("top.own")
    with contextlib.suppress(FreezeError, NeedsPack):  # there is no such model: said elsewhere
        own = own_size_text(link, words)
    sizes = (1, LIMITS["sequence_length"][1])
    made = [
        _number("batch", link.batch, LIMITS["batch_size"], "", False, words),
        _number("size", link.size, sizes, own, fixed, words),
        _choice("optimizer", link.optimizer, CHOICES["optimizer"], lambda one: words(f"optimizer.{one}"), words),
        _choice("precision", link.precision, CHOICES["precision"], lambda one: words(f"precision.{one}"), words, fixed),
        _choice("card", link.card, tuple(cards_by_slug()), _card_name, words),
    ]
    more = [
        _number("labels", link.labels, (1, MOST_LABELS), words("top.own"), fixed, words),
        _number("accumulate", link.accumulate, LIMITS["accumulate"], "", False, words),
        _choice("trainer", link.trainer, CHOICES["trainer"], str, words),
        {
            "kind": "toggle", "name": "checkpointing", "label": words("top.checkpointing"), "value": link.checkpointing,
            "help": words("top.fixed" if fixed else "top.checkpointing_help"), "fixed": fixed,
        },
    ]  # fmt: skip
    return [*made, {"kind": "more", "label": words("top.more"), "settings": more}]


def _number(
    name: str, value: int | None, limits: tuple[int, int], own: str, fixed: bool, words: Words
) -> dict:  # fmt: skip
    about = words("top.fixed") if fixed else words(f"top.{name}_help")
    return {"kind": "number", "name": name, "label": words(f"top.{name}"), "value": value, "limits": limits,
            "placeholder": own, "help": about, "fixed": fixed}  # fmt: skip


def _choice(
    name: str, value: str, choices: tuple[str, ...], shown: Callable[[str], str], words: Words, fixed: bool = False
) -> dict:
    about = words("top.fixed") if fixed else words.either(f"top.{name}_help", "")
    return {"kind": "choice", "name": name, "label": words(f"top.{name}"), "value": value,
            "choices": [[one, shown(one)] for one in choices], "help": about, "fixed": fixed}  # fmt: skip


def _card_name(slug: str) -> str:
    card = cards_by_slug().get(slug)
    return card.box_name if card else slug.upper()


def model_options(words: Words) -> list[list[str]]:
    """What can be opened here, the gallery first, then by library and name: source, name, group."""
    index = packed().index
    first = [
        [model.source, gallery.named(model.source), words("group." + model.group)]
        for model in gallery.MODELS
        if model.source in index
    ]
    parts = (source.partition(":") for source in index.keys() - {row[0] for row in first})
    more = sorted((list(LIBRARIES).index(scheme), _by_number(name), scheme, name) for scheme, _, name in parts)
    return first + [[f"{scheme}:{name}", name, LIBRARIES[scheme]] for _, _, scheme, name in more]


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """A key that puts `resnet34` before `resnet101`."""
    words = filter(None, re.split(r"(\d+)", name.casefold()))
    return [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words]


def gallery_first(link: Link) -> list[list[str]]:
    """The link's own model as it is packed, where it is, and the models to begin with."""
    own = [link.model] if link.model in packed().index else []
    return _named(dict.fromkeys([*own, *gallery.FIRST]))


def told(error: FreezeError, words: Words) -> dict:
    """A fault's sentence and hint."""
    return {"problem": words.said(error.problem), "hint": words.said(error.hint)}


def command(link: Link, words: Words, text: bool = False) -> str:
    """What does the same with the whole program; for a model that reads `text` a size counts tokens, else pixels."""
    rules = link.rules or "freeze all; train head"
    options = {
        "--batch-size": link.batch, "--precision": link.precision, "--device": link.device, "--task": link.task,
        "--num-labels": link.labels, "--optimizer": link.optimizer, "--quantize": link.quantize,
        "--adapter": quote(link.adapter) if link.adapter else None,
        "--sequence-length" if text else "--image-size": link.size,
        "--accumulate": link.accumulate if link.accumulate > 1 else None,
        "--trainer": link.trainer if link.trainer != Workload.trainer else None,
    }  # fmt: skip
    told = " ".join(f"{name} {value}" for name, value in options.items() if value is not None)
    flags = " --checkpointing" if link.checkpointing else ""
    typed = f"freezecore estimate {quote(link.model)} --rules {quote(rules)} {told}{flags}"
    return f"pip install 'freeze-explorer[{'peft' if link.adapter else 'models'}]'\n{typed}"


def page_words(words: Words) -> dict[str, str]:
    """The sentences of the page's own shell."""
    starts = (
        "site.",
        "page.",
        "pane.",
        "top.model",
        "top.begin",
        "top.lang",
        "link.",
        "rules.undo",
        "upload.",
        "saved.",
        "tour.",
        "browser.",
    )
    found = {key: text for key, text in words.all().items() if key.startswith(starts)}
    found["tour.steps"] = "\n".join(words(f"tour.{step}") for step in STEPS)
    found["glossary"] = "\n".join(words(f"glossary.{term}") for term in TERMS)
    found["languages"] = json.dumps([[lang, sentences(lang)["language"]] for lang in LANGUAGES])
    return found


DOES = {
    "open": screen, "tick": tick, "rest": rest, "refer": refer, "change": change, "typed": typed, "preset": preset,
    "pane": pane, "act": act, "score": score, "drop": drop, "find": find, "view": view, "codes": codes, "qr": qr,
}  # fmt: skip
