"""How the page looks, by geometry: nothing cut, nothing on top of something else, nothing moving for those who ask."""

from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from app.service import lessons
from app.text import LANGUAGES, Words
from app.views.explore import PANES
from tests.browser.page_room import RESNET, pane, settled, tick, traced
from tests.browser.stored_runs import OWNER, store_runs

FAULTS = (Path(__file__).parent / "looks.js").read_text()
WIDTHS = {  # each in two languages at the least; 640: a window of 1,280 at a zoom of 200 %
    "en": (360, 640, 1280, 2560),
    "ja": (360, 640, 1024, 1280),
    "zh": (360, 640, 1024, 2560),
}
WIDEST = "&batch=1024&optimizer=sgd-momentum&precision=fp16-autocast&lang="
MOVING = """() => {
  const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])])
  return all(document).filter((e) => {
    const style = getComputedStyle(e)
    return style.transitionDuration.split(", ").some((time) => parseFloat(time)) || style.animationName !== "none"
  }).map((e) => e.tagName + "." + e.getAttribute("class"))
}"""


def looks_well(page: Page, where: str, lang: str) -> None:
    """At every width of this language there is nothing to say against the page's looks."""
    settled(page)
    for width in WIDTHS[lang]:
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
        with suppress(TimeoutError):  # charts follow a new width a moment later
            page.wait_for_function(f"() => !({FAULTS})().length", timeout=10_000)
        assert page.evaluate(FAULTS) == [], f"{where}, {width} px"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_cut_or_on_top_of_something_in_explore(page_at, lang):
    words = Words(lang)
    page = page_at(RESNET + WIDEST + lang)
    traced(page)
    for name in PANES:
        pane(page, words(f"pane.{name}"))
        looks_well(page, name, lang)
    run, _ = store_runs()
    page = page_at(f"{RESNET}&run={run}&lang={lang}", owner=OWNER)
    expect(page.get_by_text(words("proof.ok", parameters=60, buffers=60))).to_be_visible()
    looks_well(page, "a finished run", lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_cut_or_on_top_of_something_on_other_pages(page_at, lang):
    words = Words(lang)
    store_runs()
    page = page_at(f"/compare?model=timm:resnet18&lang={lang}", owner=OWNER)
    expect(page.locator("[data-testid=stPlotlyChart]").first).to_be_visible()
    looks_well(page, "compare", lang)
    page.locator("[data-testid=stTopNavLink]").nth(2).click()
    for number, lesson in enumerate(lessons.LESSONS):
        page.locator(".st-key-w_lesson button").nth(number).click()
        expect(page.get_by_text(words(f"lesson.{lesson.key}.before.question")[:20])).to_be_visible()
        looks_well(page, lesson.key, lang)
    page.locator("[data-testid=stTopNavLink]").nth(3).click()
    page.get_by_role("button", name=words("class.begin")).click()
    expect(page.get_by_text(words("class.nobody"))).to_be_visible()
    looks_well(page, "class", lang)


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_asked_for_stillness(page_at, wish):
    page = page_at(RESNET, reduced_motion=wish)
    traced(page)
    tick(page, "conv1")
    assert bool(page.evaluate(MOVING)) == (wish == "no-preference")
