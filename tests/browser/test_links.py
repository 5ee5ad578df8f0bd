"""Links: each opens the state it names, or says in one sentence what it cannot; a walk survives reload and Back."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from app.link import Link
from tests.browser.page_room import RESNET, TRACED_MS, rules, settled, tick, traced

BERT = "/?model=config:bert&task=sequence-classification&labels=2"
SCRIPT = "%3Cscript%3Edocument.title=1%3C/script%3E"
HUGE = "9" * 40


@dataclass(frozen=True)
class Stop:
    """One link of the tour, and what stands on the page behind it: text by place, one sentence where one is due."""

    link: str
    holds: dict[str, str]
    says: str | None = None
    scheme: str = "light"


TOUR = (
    Stop("/", {"model": "tf_efficientnet_lite0", "rules": "freeze all\ntrain head", "batch": "32", "lang": "English"}),
    Stop(
        RESNET + "&rules=freeze+all;+train+layer4&batch=16&size=96",
        {"model": "timm:resnet18", "rules": "freeze all\ntrain layer4", "batch": "16", "size": "96"},
        scheme="dark",
    ),
    Stop(
        BERT + "&rules=freeze+embeddings;+freeze+blocks:0-2&lang=ja",
        {"model": "config:bert", "rules": "freeze embeddings\nfreeze blocks:0-2", "lang": "日本語", "pane": "試す"},
        scheme="dark",
    ),
    Stop(
        "/?model=config:gpt2&task=causal-lm&precision=bf16&optimizer=sgd-momentum&size=128",
        {"model": "config:gpt2", "precision": "bf16", "optimizer": "SGD + momentum", "size": "128"},
    ),
    Stop(
        "/?model=timm:vit_small_patch16_224&rules=freeze+all;+train+*.bias&checkpointing=1&device=cuda&lang=ja",
        {"model": "timm:vit_small_patch16_224", "rules": "freeze all\ntrain *.bias", "lang": "日本語"},
    ),
    Stop(
        "/?model=timm:mobilenetv3_large_100&rules=freeze+all;+train+head;+from+epoch+2:+train+blocks:last2",
        {"rules": "freeze all\ntrain head\nfrom epoch 2: train blocks:last2"},
    ),
    Stop("/?model=config:t5&task=seq2seq-lm&rules=freeze+blocks@encoder:0-2", {"rules": "freeze blocks@encoder:0-2"}),
    Stop("/compare?model=timm:resnet18&rules=freeze+all;+train+layer4", {"diff": "freeze all; train layer4"}),
    Stop("/learn?lesson=bert&lang=ja", {"heading": "BERT の半分"}, scheme="dark"),
    Stop("/learn?lesson=race&guess=depends", {"heading": "An unfair race", "guess": "It depends on the rate"}),
    Stop("/class?model=timm:resnet18", {"heading": "Class"}),
    # and those that somebody cut, mistyped or meant ill
    Stop(RESNET + "&rules=freeze+all%0Atrian+head", {"rules": "freeze all\ntrian head"}, "Line 2, column 1.*trian"),
    Stop(RESNET + "&rules=freeze+layer9", {"rules": "freeze layer9"}, "layer9.*layer"),
    Stop("/?model=timm:resnett18", {"model": "timm:resnett18"}, "resnett18.*resnet18"),
    Stop("/?model=ftp:resnet18&lang=ja", {"model": "tf_efficientnet_lite0", "lang": "日本語"}, "model", scheme="dark"),
    Stop(f"{RESNET}&rules=freeze+{SCRIPT}", {"rules": "freeze <script>document.title=1</script>"}, "script"),
    Stop(f"{RESNET}&rules=freeze+http://evil.example", {"rules": "freeze http://evil.example"}, "evil"),
    Stop(f"{RESNET}&{SCRIPT}=1", {"rules": "freeze all\ntrain head"}, "script"),
    Stop(f"{RESNET}&batch={HUGE}&size={HUGE}&labels={HUGE}", {"batch": "32"}, "batch, size, labels"),
    Stop(f"{RESNET}&run=no-such-run", {"rules": "freeze all\ntrain head"}, "no-such-run"),
    Stop("/learn?lesson=race&class=no-such-class", {"heading": "An unfair race"}, "class"),
)
VALUES = {"diff": ".st-key-w_diff_first textarea", "rules": ".st-key-w_rules textarea"}
TEXTS = {"heading": "h2, h3", "guess": "label:has(input:checked)", "pane": ".st-key-w_pane [aria-checked=true]"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_link_opens_what_it_names_or_says_why_not(page_at, scheme):
    page = page_at("/class", scheme=scheme)
    for stop in TOUR:
        if stop.scheme == scheme:
            page.goto(urljoin(page.url, stop.link))
            settled(page)
            arrived(page, stop)


def arrived(page: Page, stop: Stop) -> None:
    """The page holds what the link names, and says what it has to say, once."""
    for name, text in stop.holds.items():
        if name in TEXTS:
            expect(page.locator(TEXTS[name]).filter(has_text=text), stop.link).not_to_have_count(0)
        else:
            field = page.locator(VALUES.get(name, f".st-key-w_{name} input"))
            wanted = text if name in VALUES else re.compile(re.escape(text))
            expect(field, stop.link).to_have_value(wanted, timeout=TRACED_MS)
    sentences = page.locator("[data-testid=stAlert]").filter(has_not_text="No run yet")
    if stop.says:
        expect(sentences.first, stop.link).to_have_text(re.compile(stop.says, re.DOTALL))
    expect(sentences, stop.link).to_have_count(1 if stop.says else 0)
    assert not sentences.locator("a").count(), f"{stop.link}: somebody's word became a link"
    assert "Traceback" not in page.inner_text("body"), stop.link
    assert page.title() == "Freeze Explorer", stop.link


def stays(page: Page, selection: str) -> None:
    """A reload shows the same selection at the same address."""
    query = Link(model="timm:resnet18", rules=selection.replace("\n", "; ")).query()
    expect(page).to_have_url(re.compile(re.escape(query)))  # the box shows a tick's rules before the address does
    settled(page)
    here = page.url
    page.reload()
    expect(rules(page)).to_have_value(selection)
    settled(page)
    assert page.url == here


def test_a_walk_survives_reload_and_back_at_every_step(page_at):
    page = page_at(RESNET)
    traced(page)
    begun = page.evaluate("history.length")
    tick(page, "conv1")
    expect(rules(page)).not_to_have_value("freeze all\ntrain head")
    ticked = rules(page).input_value()
    stays(page, ticked)
    page.get_by_role("button", name="Biases + head").or_(page.get_by_role("radio", name="Biases + head")).click()
    expect(rules(page)).not_to_have_value(ticked)
    preset = rules(page).input_value()
    stays(page, preset)
    assert page.evaluate("history.length") == begun, "a tick or a preset became a step of the history"

    pages = page.locator("[data-testid=stTopNavLink]")
    pages.nth(1).click()
    first = page.locator(".st-key-w_diff_first textarea")
    expect(first).to_have_value(preset.replace("\n", "; "))
    expect(page).to_have_url(re.compile("compare.*model=timm:resnet18&rules="))
    settled(page)
    page.reload()
    expect(first).to_have_value(preset.replace("\n", "; "))
    pages.nth(2).click()
    expect(page.locator(".st-key-w_lesson")).to_be_visible()
    page.go_back()
    expect(first).to_have_value(preset.replace("\n", "; "))
    page.go_back()
    stays(page, preset)
