"""The server's page and the page without a server say the same: every text and number of both, for the same link.

Both are asked as plain data, the first as Streamlit draws it, the second as its worker answers.
"""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from urllib.parse import parse_qsl

import pytest
import torch
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

import freezecore as fc
from app.service import backend, gallery, pricing
from app.text import LANGUAGES
from app.views.explore import PANES
from freezecore.cache.memory import Recent
from freezecore.serving.analyst import client as analyst
from freezecore.source import ModelSource
from static import answers, pack, packs, panes
from static.backend import ON_YOUR_MACHINE, Packed
from static.words import SiteWords
from tests.app.conftest import HereAnalyst
from tests.app.test_explore import mounted

RULES = (
    "train all", "freeze all; train head", "freeze blocks:first2", "freeze all; train norms head",
    "freeze all; train biases", "freeze all; train blocks:last1 head", "train all; norms hold", "freeze norms",
    "freeze all; train blocks:last2; train head; norms hold", "freeze biases",
)  # fmt: skip
SETTINGS = (  # what else a link says, in turn
    {}, {"precision": "fp16-autocast", "batch": "8"}, {"card": "cpu"}, {"optimizer": "sgd-momentum"}, {"batch": "512"},
    {"accumulate": "4"}, {"card": "a100-40", "precision": "bf16-autocast"},
)  # fmt: skip
BOTH = [name for name in PANES if name in panes.PANES and name not in ("probe", "search")]  # what trains is elsewhere
SEED, FEW, MODELS = 23, 12, 20
INDEX = {
    str(source): [packs.file_of(source).name, 0] for source, _ in packs.sources() if packs.file_of(source).is_file()
}
Case = tuple[str, str, str, dict[str, str], str]


def cases() -> list[Case]:
    """Twenty packed models, ten selections, the languages; with each a workload and a pane, in turn."""
    names = [(model, rules, lang) for model in list(INDEX)[:MODELS] for rules in RULES for lang in LANGUAGES]
    return [(*name, SETTINGS[number % len(SETTINGS)], BOTH[number % len(BOTH)]) for number, name in enumerate(names)]


def drawn() -> list[Case]:
    return random.Random(SEED).sample(cases(), FEW)


class AllPacks(Packed):
    """Reads a pack where a browser would fetch it."""

    def __init__(self) -> None:
        super().__init__(INDEX)

    def pack(self, source):
        name = str(source)
        if name in INDEX and name not in self._packs:
            self.add(pack.read((packs.FOLDER / INDEX[name][0]).read_bytes(), name))
        return super().pack(source)


class PackedAnalyst(HereAnalyst):
    """Answers the server's page from packs, so that no model is followed."""

    def __init__(self) -> None:
        super().__init__()
        held = AllPacks()
        self.tree, self.trace, self.fill = held.tree, held.trace, held.fill


@pytest.fixture(scope="module")
def from_packs() -> PackedAnalyst:
    return PackedAnalyst()


@pytest.fixture
def site(monkeypatch) -> Iterator[Callable[..., dict]]:
    """`site("open", query)` is what the page without a server answers, once it knows all it can."""
    served = AllPacks()

    def answer(do: str, query: str, lang: str, **asked) -> dict:
        with monkeypatch.context() as apart:  # what the other page knows helps nobody here
            for name in ("_traces", "_futures", "_references", "_estimates"):
                apart.setattr(pricing, name, kept.setdefault(name, Recent(32)))
            apart.setattr(backend, "_used", [served])
            question = json.dumps({"do": do, "query": query, "lang": lang, "theme": "light", **asked})
            found = json.loads(answers.answer(question))
            while served.work_on():
                found = json.loads(answers.answer(question))
        return found

    kept: dict[str, Recent] = {}
    yield answer


def blocks_below(block: Block) -> Iterator[Block]:
    yield block
    for child in block.children.values():
        if isinstance(child, Block):
            yield from blocks_below(child)


def pane_of(page: AppTest) -> list:
    """The elements below the row that the panes are chosen in."""
    for block in blocks_below(page.main):
        children = list(block.children.values())
        for place, child in enumerate(children):
            if getattr(child, "key", None) == "w_pane":
                return [one for after in children[place + 1 :] for one in elements(after)]
    raise AssertionError("no pane")


def elements(node) -> Iterator:
    if isinstance(node, Block):
        yield node
        for child in node.children.values():
            yield from elements(child)
    else:
        yield node


def texts_of(element) -> list[str]:
    """What a person reads in an element of Streamlit's, its help and its choices too."""
    proto = element.proto
    if isinstance(element, Block):
        return [getattr(element, "label", "") or getattr(proto, "label", "")]
    if element.type == "dataframe":
        shown = convert_arrow_bytes_to_pandas_df(proto.arrow_data.styler.display_values)
        return [*map(str, shown.columns), *(str(cell) for row in shown.itertuples(index=False) for cell in row)]
    found = [str(getattr(proto, name, "")) for name in ("body", "label", "help", "placeholder", "code_text")]
    return [*found, *map(str, getattr(proto, "options", ()))]


def texts_in(block: object) -> Iterator[str]:
    """The same of the blocks that the shell draws."""
    told = ("text", "title", "about", "html", "label", "help", "problem", "hint", "code", "placeholder", "download")
    if isinstance(block, list):
        for one in block:
            yield from texts_in(one)
    elif isinstance(block, dict):
        for name, value in block.items():
            if name in told and isinstance(value, str):
                yield value
            elif name in ("head", "rows"):
                yield from (str(cell) for row in ([value] if name == "head" else value) for cell in row)
            elif name == "choices":
                yield from (str(text) for _, text in value)
            elif isinstance(value, str) and name == "button":
                yield value
            elif name in ("of", "button"):
                yield from texts_in(value)


def lines(texts) -> set[str]:
    """Plain lines without Markdown, HTML and icons."""
    found = set()
    for text in texts:
        text = html.unescape(re.sub(r"<[^>]*>", "", text))
        text = re.sub(r":material/\w+:|\\(?=[^a-zA-Z0-9\s])|\*\*|`|\u2060", "", text)
        found |= {" ".join(line.split()) for line in text.split("\n")}
    return found - {""}


def both_say_the_same(case: Case, opened, site, fresh: bool = False) -> None:
    """Of `fresh` traces the server's page prices what no pack holds, where the other says that it is not packed."""
    model, rules, lang, settings, pane = case
    gallery_model = gallery.BY_SOURCE.get(model)
    own = {"task": gallery_model.task, "labels": gallery_model.labels} if gallery_model else {}
    asked = {"model": model, "rules": rules, "lang": lang, **settings}
    asked |= {name: str(value) for name, value in own.items() if value is not None}
    page = opened(**asked)
    page.session_state["w_pane"] = pane
    for _ in range(2):  # what the first drawing asks for, the second shows
        wait([*pricing._references._kept.values(), *(future for future, _ in pricing._futures._kept.values())])
        page.run()
    assert not page.exception
    query = next(part["query"] for data in mounted(page) for part in data.get("parts", ()) if "query" in part)
    screen = site("open", query, lang)
    assert not screen.get("problem"), screen
    if screen["fault"]:  # a step that is not packed
        assert model in screen["command"]
        return
    assert not page.error or pane == "versus"  # of which a way may be none
    same_screen(page, screen)
    blocks = site("pane", query, lang, pane=pane, choices={}, address="")["blocks"]
    if not (fresh and SiteWords(lang).said(ON_YOUR_MACHINE) in texts_in(blocks)):
        same_pane(pane, pane_of(page), blocks)


def same_screen(page: AppTest, screen: dict) -> None:
    given = mounted(page)
    sent = {
        (part["channel"], part["part"]): part
        for data in given for part in data.get("parts", ()) if isinstance(part, dict)
    }  # fmt: skip
    ours = {(part["channel"], part["part"]): part for part in [*screen["parts"], screen["annotations"]]}
    assert {key: sent[key] for key in ours} == ours
    tree, editor, charts = (next(one for one in given if name in one) for name in ("towers", "follows", "curves"))
    assert {**tree, "height": ""} == {**screen["tree"], "height": ""}
    assert editor == screen["editor"]
    assert charts == screen["charts"]
    fields = {one["name"]: one for one in screen["settings"][:-1]} | {
        one["name"]: one for one in screen["settings"][-1]["settings"]
    }
    for name, one in fields.items():
        (theirs,) = [element for element in elements(page.main) if getattr(element, "key", None) == f"w_{name}"]
        assert (theirs.label, theirs.value, theirs.proto.help) == (one["label"], one["value"], one["help"] or ""), name
        if one["kind"] == "choice":
            assert theirs.options == [text for _, text in one["choices"]]
        if one["kind"] == "number":
            assert [theirs.min, theirs.max] == one["limits"]
    (pills,) = [element for element in elements(page.main) if getattr(element, "key", None) == "w_preset"]
    presets = screen["presets"]
    assert [option.content for option in pills.proto.options] == [text for _, text in presets["all"]]
    assert pills.value in (presets["shown"], [presets["shown"]] if presets["shown"] else [])
    page_lines = lines(text for element in elements(page.main) for text in texts_of(element))
    first = presets["first"] or {}
    told = [screen["hits"], *(first.get(name, "") for name in ("label", "of", "help"))]
    assert lines(told) <= page_lines


def same_pane(name: str, theirs: list, blocks: list) -> None:
    assert lines(texts_in(blocks)) == lines(text for element in theirs for text in texts_of(element)), name
    figures = [json.loads(json.dumps(block["figure"]["data"])) for block in blocks if block["is"] == "figure"]
    drawn = [json.loads(one.proto.spec)["data"] for one in theirs if one.type == "plotly_chart"]
    assert figures == drawn, name


@pytest.mark.parametrize("case", drawn(), ids=str)
def test_both_pages_say_the_same(case, opened, site, from_packs, monkeypatch):
    monkeypatch.setattr(analyst, "shared", lambda: from_packs)
    both_say_the_same(case, opened, site)


@pytest.mark.slow
@pytest.mark.parametrize("model", list(INDEX)[:MODELS])
def test_they_do_for_every_selection_in_every_language_by_fresh_traces(model, opened, site):
    for case in cases():
        if case[0] == model:
            both_say_the_same(case, opened, site, fresh=True)


def test_both_pages_say_the_same_of_lora(opened, site, from_packs, monkeypatch):
    monkeypatch.setattr(analyst, "shared", lambda: from_packs)
    adapted = next(source for source in INDEX if AllPacks().pack(ModelSource.parse(source)).adapted)
    for rules, more in (("train all", {}), ("freeze all; train adapters", {"adapter": "lora r=12"})):
        both_say_the_same((adapted, rules, "en", more, "versus"), opened, site)


def test_a_model_of_ones_own_opens_in_both(opened, site, tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(1568, 5))
    fc.save(model, torch.randn(4, 3, 16, 16), tmp_path / "model.json")
    query = site("drop", "", "en", path=str(tmp_path / "model.json"), name="model.json")["query"]
    source = dict(parse_qsl(query))["model"]
    assert source.startswith("file:")
    assert site("open", query, "en")["own"] == "Sequential"
    both_say_the_same((source, "freeze all; train 3", "en", {}, "fit"), opened, site)
