"""Axe finds nothing on any page: every pane of Explore, Compare with and without runs, each lesson, a class."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.service import lessons
from app.text import LANGUAGES, Words
from app.views.explore import PANES
from tests.browser.page_room import RESNET, TRACED_MS, pane, rules, settled, traced
from tests.browser.stored_runs import OWNER, store_runs

# Streamlit's own drop zone has a role that says nothing and a name: it hides nothing from anybody.
OPTIONS = {"resultTypes": ["violations"], "rules": {"presentation-role-conflict": {"enabled": False}}}
USUAL = ("light", "dark", "light")  # of each language one of the two at once, the other where time is taken
LOOKS = [
    pytest.param(lang, scheme, marks=() if scheme == usual else pytest.mark.slow)
    for lang, usual in zip(LANGUAGES, USUAL, strict=True)
    for scheme in ("light", "dark")
]


def violations(page: Page) -> list[tuple]:
    """What axe has against what is in sight, once it stands still."""
    settled(page)
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [(v["id"], node["target"], node["failureSummary"]) for v in found for node in v["nodes"]]


def link(place: str, lang: str, **fields: str) -> str:
    return f"{place}&lang={lang}" + "".join(f"&{name}={value}" for name, value in fields.items())


@pytest.mark.parametrize(("lang", "scheme"), LOOKS)
def test_axe_finds_nothing_in_explore(page_at, lang, scheme):
    words = Words(lang)
    page = page_at(link(RESNET, lang), scheme=scheme)
    traced(page)
    for name in PANES:
        pane(page, words(f"pane.{name}"))
        assert violations(page) == [], name
    for kind in ("find", "suggest"):
        pane(page, words("pane.search"))
        pane(page, words(f"search.{kind}"))
        assert violations(page) == [], kind

    pane(page, words("pane.probe"))
    expect(page.locator(".st-key-w_steps")).to_be_visible()
    expect(page.locator(".st-key-w_preview")).to_have_count(1)  # the pane that was left fades out for a moment
    page.locator(".st-key-w_preview label").click()
    expect(page.locator(".samples img").first).to_be_visible()
    assert violations(page) == [], "data looked at"
    page.get_by_role("combobox", name=words("probe.data")).click()
    page.get_by_role("option", name=words("data.own")).click()
    expect(page.locator(".st-key-w_own_data")).to_be_visible()
    assert violations(page) == [], "own data"

    page.get_by_role("button", name=words("upload.label")).click()
    expect(page.locator(".st-key-w_upload")).to_be_visible()
    assert violations(page) == [], "own model"
    page.keyboard.press("Escape")
    rules(page).fill("trian head")
    rules(page).press("Control+Enter")
    expect(page.locator("[data-testid=stAlert]")).to_be_visible()
    assert violations(page) == [], "a sentence"


@pytest.mark.parametrize(("lang", "scheme"), LOOKS)
def test_axe_finds_nothing_where_runs_are_shown(page_at, lang, scheme):
    run, _ = store_runs()
    page = page_at(link(RESNET, lang, run=run), scheme=scheme, owner=OWNER)
    expect(page.get_by_text(Words(lang)("proof.ok", parameters=60, buffers=60))).to_be_visible(timeout=TRACED_MS)
    assert violations(page) == [], "a finished run"
    page.locator("[data-testid=stTopNavLink]").nth(1).click()
    expect(page.locator("[data-testid=stPlotlyChart]").first).to_be_visible(timeout=TRACED_MS)
    assert violations(page) == [], "compare"


@pytest.mark.parametrize(("lang", "scheme"), LOOKS)
def test_axe_finds_nothing_in_lessons_and_class(page_at, lang, scheme):
    words = Words(lang)
    page = page_at(link("/learn?lesson=enough", lang), scheme=scheme)
    for number, lesson in enumerate(lessons.LESSONS):
        page.locator(".st-key-w_lesson button").nth(number).click()
        expect(page.get_by_text(words(f"lesson.{lesson.key}.before.question")[:20])).to_be_visible()
        assert violations(page) == [], lesson.key
    page.locator("[data-testid=stTopNavLink]").nth(3).click()
    begin = page.get_by_role("button", name=words("class.begin"))
    expect(begin).to_be_visible()
    assert violations(page) == [], "class"
    begin.click()
    expect(page.get_by_text(words("class.nobody"))).to_be_visible()
    assert violations(page) == [], "a class begun"
