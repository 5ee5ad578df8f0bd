import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.components.tree.bits import encode
from app.link import Link
from app.service import beside, findings, pricing
from app.service import selection as selections
from app.service.selection import select, ticked
from app.text import Words
from app.tick import quick_route
from freezecore._estimate import missing
from freezecore.cache.memory import Recent
from freezecore.serving.pricing import client
from tests.app.conftest import QUICK_S
from tests.app.test_explore import RESNET, figures, sent

LINK = Link(model=RESNET, batch=8)


@pytest.fixture
def selection(helpers):
    """A model whose step has been followed."""
    found = select(LINK)
    pricing._trace_future(found).result(timeout=QUICK_S)
    return found


@pytest.fixture
def ask(selection):
    client = TestClient(Starlette(routes=[quick_route.route()]), base_url="http://127.0.0.1")

    def asked(body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post("/tick", content=content, headers=headers)

    return asked


def question(selection, trains, **other):
    about = quick_route.question(selection.link, "en")["about"]
    return about | {"tree": selection.tree.fingerprint, "bits": encode(trains), "sequence": 1} | other


def everything(selection):
    return (True,) * len(selection.tree.parameters)


def test_a_request_is_answered_with_what_the_pages_own_run_sends(ask, selection, opened):
    parts = ask(question(selection, everything(selection))).json()
    page = opened(model=RESNET, batch="8", rules="train all")
    assert parts == [part for part in sent(page) if part["part"] in ("selection", "text")]
    assert figures(page)["Peak memory"] == parts[0]["numbers"][0][0]


def test_both_answers_together_look_for_findings_once(ask, selection, opened, monkeypatch):
    looks, review = [], findings.review

    def counted(tree, mask, **options):
        looks.append(str(options["spec"]))
        return review(tree, mask, **options)

    monkeypatch.setattr(findings, "review", counted)
    monkeypatch.setattr(findings, "_findings", Recent(8))
    pricing._reference_future(selection).result(timeout=QUICK_S)
    assert ask(question(selection, everything(selection))).status_code == 200
    page = opened(model=RESNET, batch="8", rules="train all")
    assert figures(page)["Peak memory"]
    assert looks == ["train all"]


def test_a_tick_that_is_priced_beside_is_priced_nowhere_else(ask, selection, monkeypatch, tmp_path):
    asked = question(selection, tuple(i % 3 == 0 for i in range(len(selection.tree.parameters))))
    pricing._reference_future(selection).result(timeout=QUICK_S)
    alone = ask(asked).json()
    for caches in ((selections, "_rules"), (pricing, "_estimates"), (findings, "_findings")):
        monkeypatch.setattr(*caches, Recent(8))
    monkeypatch.setattr(client, "LIMIT_S", QUICK_S)
    monkeypatch.setattr(client.store, "home", lambda: tmp_path)
    process = client.PricingProcess()
    monkeypatch.setattr(client, "shared", lambda: process)
    step = pricing.known_step(selection)
    beside._told(selection, step)
    full = pricing.full_of(selection, step[0])
    for place, name in ((selections, "shortest_rules"), (missing, "estimate"), (findings, "review"), (pricing, "fits")):
        monkeypatch.setattr(place, name, None)  # calling it fails
    try:
        assert ask(asked).json() == alone
        chosen = ticked(selection, tuple(i % 3 == 0 for i in range(len(selection.tree.parameters))))
        known = pricing.known_cost(chosen)
        assert (known.full, pricing.fit_of(chosen, known).card) == (full, chosen.card.name)
    finally:
        process.close()


def test_ticks_become_the_shortest_rules_and_keep_what_no_tick_changes(selection):
    link = Link(model=RESNET, rules="freeze all; norms update")
    found = ticked(select(link), everything(selection))
    assert found.link.rules == "train all; norms update"
    assert found.mask.norms == "update"


def test_the_answer_is_in_the_visitors_language(ask, selection):
    part, _ = ask(question(selection, everything(selection), lang="ja")).json()
    assert part["numbers"][1][0] == Words("ja")("fits.True")


def test_what_is_not_known_at_once_is_left_to_the_pages_own_run(ask, selection):
    untraced = quick_route.question(Link(model=RESNET, size=40), "en")["about"]
    assert ask(question(selection, everything(selection)) | untraced).status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"bits": "x"},
        {"bits": None},
        {"tree": "another"},
        {"lang": "xx"},
        {"query": None},
        {"query": "model=timm:no_such_model"},
        {"query": "model=" + "x" * 3_000},
        {"query": f"model={RESNET}&rules=freeze+nothing_like_it"},
    ],
)
def test_hostile_questions_get_no_answer(ask, selection, change):
    assert ask(question(selection, everything(selection)) | change).status_code == 204


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 60_000])
def test_what_is_no_question_gets_no_answer(ask, body):
    assert ask(body).status_code == 204


def test_a_long_body_is_refused_unread(ask):
    assert ask(b" " * (quick_route.LONGEST + 1)).status_code == 413


def test_it_answers_only_under_the_pages_own_names(selection, monkeypatch):
    monkeypatch.setattr(
        quick_route.st, "get_option", {"server.allowedHosts": ["here"], "server.baseUrlPath": "/base/"}.get
    )
    client = TestClient(Starlette(routes=[quick_route.route()]))
    asked = question(selection, everything(selection))
    assert client.post("/base/tick", json=asked, headers={"host": "here:8501"}).status_code == 200
    assert client.post("/base/tick", json=asked, headers={"host": "elsewhere"}).status_code == 400


def test_models_that_no_page_has_opened_are_asked_of_nobody(ask, selection, helpers):
    """150 posts with unknown models and sizes wait for nothing, and begin nothing."""
    asked, begun = len(helpers[0].asked), len(pricing._futures._kept)
    for number in range(150):
        unknown = f"model=hf:nobody/has-{number}" if number % 2 else f"model={RESNET}&size={64 + number}"
        assert ask(question(selection, everything(selection)) | {"query": unknown}).status_code == 204
    assert (len(helpers[0].asked), len(pricing._futures._kept)) == (asked, begun)


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_sites_page_gets_no_answer(ask, selection, headers):
    assert ask(question(selection, everything(selection)), **headers).status_code == 403
