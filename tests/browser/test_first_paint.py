"""A browser that has just come sees the tree before the page around it."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.page_room import MAIN, RESNET, figure, rules, settled, tick, traced
from tests.browser.test_access import OPTIONS

STANDS = "y => Math.abs(document.querySelector('.st-key-layers').getBoundingClientRect().y - y) < 2"


def test_the_tree_comes_first_in_its_place_and_a_tick_before_the_rest_is_kept(page_at, chromium, serve):
    traced(page_at(RESNET))  # the model is known to the server from now on
    said, let_go = [], []

    def hold(browser: WebSocketRoute) -> None:
        """Let the browser's first message through, which asks for the page, and those after it once they may go."""
        server = browser.connect_to_server()

        def say(message: str | bytes) -> None:
            said.append(message)
            if len(said) == 1 or let_go:
                server.send(message)

        browser.on_message(say)
        server.on_message(browser.send)
        routes.append(server)

    routes: list[WebSocketRoute] = []
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.route_web_socket(re.compile("_stcore/stream"), hold)
    page.goto(serve(MAIN) + RESNET)
    tree = page.locator(".st-key-layers")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    expect(page.locator(".st-key-top")).to_have_count(0)
    assert Axe().run(page, options=OPTIONS).response["violations"] == []
    place = tree.bounding_box()
    tick(page, "conv1")
    page.wait_for_timeout(500)
    let_go.append(True)
    for message in said[1:]:
        routes[0].send(message)
    settled(page)
    traced(page)
    expect(rules(page)).to_have_value(re.compile("conv1|stem"))
    page.wait_for_function(STANDS, arg=place["y"])  # once the boxes above it have come
    expect(figure(page, 0)).to_have_text(re.compile("B$"))
    page.close()
