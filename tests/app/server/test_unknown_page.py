"""An address that is no page leads to the first page, and everything else passes."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.link import read_link
from app.server.unknown_page import PAGES, UnknownPage

HTML = {"accept": "text/html,*/*;q=0.8"}
SERVED = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("passed"))])


def asked(path: str, base: str = "", headers=HTML):
    return TestClient(UnknownPage(SERVED, base)).get(path, headers=headers, follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "base", "to"),
    [
        ("/nowhere", "", "/?nowhere="),
        ("/nowhere?lang=ja", "", "/?lang=ja&nowhere="),
        ("/learn/more", "", "/?more="),
        ("/tool/nowhere", "tool", "/tool/?nowhere="),
        ("//evil.example/x&y", "", "/?x%26y="),
    ],
)
def test_what_is_no_page_leads_to_the_first_and_is_named_there(path, base, to):
    answer = asked(path, base)
    assert (answer.status_code, answer.headers["location"]) == (303, to)
    assert to.startswith("/") and not to.startswith("//")


@pytest.mark.parametrize("path", ["/", "/explore", "/learn/", "/class?class=abc", "/logo.svg", "/_stcore/health"])
def test_pages_and_files_pass(path):
    assert asked(path).text == "passed"


def test_what_is_no_browsers_request_passes():
    assert asked("/tick", headers={"accept": "application/json"}).text == "passed"


def test_the_pages_are_those_of_the_entry():
    entry = (Path(__file__).parents[3] / "app" / "page.py").read_text(encoding="utf-8")
    assert ("", *re.findall(r'url_path="(\w+)"', entry)) == PAGES


def test_the_first_page_says_which_it_was():
    assert read_link({"nowhere": "", "lang": "ja"})[1] == ("nowhere",)
