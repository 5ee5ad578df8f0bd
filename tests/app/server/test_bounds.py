"""One visitor is bounded in rate, size and time; sixty browsers behind one address are sixty visitors."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.server import bounds
from app.service import visitors
from freezecore.cache import store

PAGE = {"accept": "text/html"}


async def _length(request):
    return PlainTextResponse(str(len(await request.body())))


async def _greet(socket):
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def client():
    """`client()` is another browser at the same address."""
    routes = [Route("/{path:path}", _length, methods=["GET", "POST", "PUT"]), WebSocketRoute("/socket", _greet)]
    app = Starlette(routes=routes, middleware=[Middleware(bounds.Bounds)])
    return lambda: TestClient(app, base_url="http://here")


def flood(browser, times: int = 100) -> list[int]:
    return [browser.get("/").status_code for _ in range(times)]


def test_a_class_of_sixty_behind_one_address_loses_nobody_while_one_floods(client, monkeypatch):
    monkeypatch.setattr(bounds, "BURST", 20.0)
    monkeypatch.setattr(bounds, "PER_S", 0.1)
    browsers = [client() for _ in range(60)]
    for browser in browsers:
        assert browser.get("/", headers=PAGE).status_code == 200
        assert visitors.cookie() in browser.cookies
    assert flood(browsers[0]).count(429) > 70
    assert all(flood(browser, 10) == [200] * 10 for browser in browsers[1:])


def test_made_up_tokens_are_one_visitor_together(client, monkeypatch):
    monkeypatch.setattr(bounds, "BURST", 1.0)
    monkeypatch.setattr(bounds, "PER_S", 0.01)
    statuses = [
        client().get("/", headers={"cookie": f"{visitors.cookie()}=made{i}.{'0' * 32}"}).status_code for i in range(60)
    ]
    assert statuses.count(200) == visitors.PER_ADDRESS


def test_an_address_cannot_have_tokens_without_end(client, monkeypatch):
    monkeypatch.setattr(bounds, "NAMES_BURST", 5.0)
    monkeypatch.setattr(bounds, "NAMES_PER_S", 0.01)
    given = ["set-cookie" in client().get("/", headers=PAGE).headers for _ in range(9)]
    assert given == [True] * 5 + [False] * 4


def test_a_browsers_name_is_signed_out_of_scripts_reach_and_outlives_a_restart(client):
    browser = client()
    given = browser.get("/", headers=PAGE).headers["set-cookie"]
    name = visitors.known(browser.cookies)
    assert "HttpOnly" in given and name
    visitors._key.cache_clear()  # as a restart does
    assert visitors.known(browser.cookies) == name
    assert visitors.known({visitors.cookie(): browser.cookies[visitors.cookie()][:-1]}) is None
    browser.get("/", headers=PAGE)
    assert visitors.known(browser.cookies) == name, "a later page renews it"
    assert (store.home() / "visitors.key").stat().st_mode & 0o077 == 0


def test_a_browser_of_an_earlier_version_keeps_what_it_has_started(client):
    browser, owner = client(), "somebody-22-letters-ab"
    browser.cookies.set(visitors.EARLIER_COOKIE, owner, domain="here.local", path="/")
    browser.get("/", headers=PAGE)
    assert visitors.known(browser.cookies) == owner
    assert visitors.EARLIER_COOKIE not in browser.cookies, "one cookie is enough"


def test_two_servers_on_one_host_leave_each_other_s_cookie_alone(client, monkeypatch):
    browser = client()
    browser.get("/", headers=PAGE)
    name = visitors.known(browser.cookies)
    monkeypatch.setattr(visitors, "_key", lambda: b"another server's")
    assert visitors.known(browser.cookies) is None
    browser.get("/", headers=PAGE)
    other = visitors.known(browser.cookies)
    monkeypatch.undo()
    assert other and visitors.known(browser.cookies) == name


def test_the_cookie_that_all_servers_shared_is_still_read_and_gives_way(client):
    browser, token = client(), visitors.token("somebody")
    browser.cookies.set(visitors.SHARED_COOKIE, token, domain="here.local", path="/")
    browser.get("/", headers=PAGE)
    assert visitors.known({visitors.cookie(): browser.cookies[visitors.cookie()]}) == "somebody"
    assert visitors.SHARED_COOKIE not in browser.cookies


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/tick", bounds.LONGEST_BODY, 200),
        ("/tick", bounds.LONGEST_BODY + 1, 413),
        ("/elsewhere", 10**6, 413),
        ("/_stcore/upload_file/s/f", 10**6, 200),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_bounded_by_its_route_whatever_its_header_says(client, path, size, status, chunked):
    content = b"x" * size
    sent = (content[i : i + 10_000] for i in range(0, size, 10_000)) if chunked else content
    assert client().post(path, content=sent).status_code == status


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(bounds, "BODY_S", 0.2)
    sent = []

    async def never():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def reads(scope, receive, send):
        await receive()

    scope = {"type": "http", "method": "POST", "path": "/tick", "headers": [(b"content-length", b"10")],
             "client": ("1.2.3.4", 5)}  # fmt: skip
    asyncio.run(asyncio.wait_for(bounds.Bounds(reads)(scope, never, send), 5))
    assert sent[0]["status"] == 408


def test_sockets_are_counted_too(client, monkeypatch):
    monkeypatch.setattr(bounds, "BURST", 0.1)
    monkeypatch.setattr(bounds, "PER_S", 0.01)
    browser = client()
    for _ in range(2):
        with browser.websocket_connect("/socket") as socket:
            assert socket.receive_text() == "hello"
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect("/socket"):
        pass


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),
        ({"origin": "http://here"}, False),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://here"}, False),
    ],
)
def test_another_sites_page_is_told_by_what_its_browser_sends(headers, elsewhere):
    assert bounds.is_elsewhere(bounds.Headers({"host": "here", **headers})) is elsewhere
