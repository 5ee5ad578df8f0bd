"""The page beside pictures of how it should look; `pytest tests/browser/test_pictures.py --update-pictures` takes them.

Pictures are halved and blurred, so that the edges of letters may differ a little between machines, and a place counts
as different when a colour is off by more than SHADE of 255. TOLERANCE is the share of such places that passes.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import Page, expect

from tests.browser.page_room import RESNET, TRACED_MS, settled, traced

PICTURES = Path(__file__).parent / "pictures"
SIZE = (640, 450)
COLOURS = 256  # a page is flat: with a palette its picture is a third as large
BLUR = 1.5
SHADE = 24
TOLERANCE = 0.01


def standing_still(page: Page) -> None:
    """Everything has come, and nothing is left that changes with time or with what else was tried on this server."""
    if page.locator(".st-key-layers-room").count():
        traced(page)
        conv1 = page.get_by_role("treeitem", name="conv1", exact=True)
        expect(conv1.locator(".price")).to_have_text(re.compile("%"), timeout=TRACED_MS)
    settled(page)
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    page.add_style_tag(content="[data-testid=stCaptionContainer] { visibility: hidden }")
    page.evaluate("document.fonts.ready")
    page.mouse.move(0, 0)


def taken(page: Page) -> Image.Image:
    """What is in sight, at half its size."""
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    return shot.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The share of places, 0 to 1, where the two pictures differ by more than a shade."""
    pair = [picture.convert("RGB").filter(ImageFilter.GaussianBlur(BLUR)) for picture in (one, other)]
    red, green, blue = ImageChops.difference(*pair).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return sum(largest.histogram()[SHADE + 1 :]) / (one.width * one.height)


@pytest.mark.parametrize(
    ("name", "address", "scheme"),
    [
        ("explore-en-light", RESNET + "&rules=freeze+all;+train+layer4&lang=en", "light"),
        ("explore-ja-dark", RESNET + "&rules=freeze+stem;+freeze+blocks:0-2&lang=ja", "dark"),
        ("learn-en-light", "/learn?lesson=position&lang=en", "light"),
    ],
)
def test_the_page_looks_as_in_its_picture(page_at, request, tmp_path, name, address, scheme):
    page = page_at(address, scheme=scheme)
    standing_still(page)
    picture, file = taken(page), PICTURES / f"{name}.png"
    if request.config.getoption("--update-pictures"):
        PICTURES.mkdir(exist_ok=True)
        picture.quantize(COLOURS).save(file, optimize=True)
    picture.save(tmp_path / file.name)
    differs = difference(picture, Image.open(file))
    assert differs <= TOLERANCE, f"{differs:.1%} of {tmp_path / file.name} differs from {file}"


def test_a_moved_row_or_another_colour_is_more_than_the_tolerance():
    reference = Image.open(PICTURES / "explore-en-light.png").convert("RGB")
    moved = ImageChops.offset(reference, 0, 3)
    warm = Image.new("RGB", (160, 20), "#d9541e")
    assert difference(reference, reference) == 0
    assert difference(reference, moved) > TOLERANCE
    painted = reference.copy()
    painted.paste(warm, (20, 300))
    assert difference(reference, painted) > TOLERANCE
