"""Learn and Class in real browsers: a guess, a measurement on the spot, and a teacher who sees both."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from app.text import Words
from tests.browser.page_room import TRAINED_MS, settled


def guess(page: Page, label: str) -> None:
    page.locator("[data-testid=stRadio]").get_by_text(label, exact=True).click()
    expect(page).to_have_url(re.compile("guess="))
    settled(page)


def outcome(page: Page, lang: str = "en") -> Locator:
    """The heading over what was measured: on a machine that is shared, noise may hide what it shows."""
    words = Words(lang)
    return page.get_by_text(re.compile("|".join(map(re.escape, (words("learn.showed"), words("learn.showed_noisy"))))))


def begun(teacher: Page) -> str:
    """Begin a class on the teacher's page; the link to its lesson on the position."""
    teacher.get_by_role("button", name="Begin a class").click()
    expect(teacher).to_have_url(re.compile("class="))
    expect(teacher.get_by_text("Nobody has guessed yet.")).to_be_visible()
    expect(teacher.get_by_role("img", name="QR code")).to_be_visible()
    address = teacher.locator("[data-testid=stCode]").first.inner_text().strip()
    return address[address.index("/learn") :] + "&lesson=position"


def called(page: Page, name: str, label: str = "Nickname") -> None:
    page.get_by_role("textbox", name=label).fill(name)
    page.keyboard.press("Enter")


def test_a_teacher_sees_what_two_students_guessed_and_measured(page_at):
    teacher = page_at("/class")
    link = begun(teacher)
    yuki, aoi = page_at(link), page_at(link + "&lang=ja", locale="ja-JP")
    called(yuki, "Yuki")
    settled(yuki)
    yuki.get_by_text("The one near the input", exact=True).click()
    settled(yuki)
    guess(yuki, "The head")
    guess(aoi, "ステム")
    called(aoi, "あおい", "ニックネーム")  # guessed first, typed the name later
    settled(aoi)
    revealed(teacher, yuki)

    yuki.get_by_role("button", name="Measure it").click()
    expect(outcome(yuki)).to_be_visible(timeout=TRAINED_MS)
    table = yuki.locator("[data-testid=stTable] tbody")
    expect(table).to_have_text(re.compile(r"stem[\d.]+ m?s928head[\d.]+ m?s12.8 klast three stages[\d.]+ m?s2.7 M"))

    yuki.get_by_text("In the last layer", exact=True).click()
    expect(teacher.get_by_text("Right before: 1, right after: 1, of 1.")).to_be_visible()
    with teacher.expect_download() as download:
        teacher.get_by_role("button", name="Download CSV").click()
    assert "Yuki,position,a,1,head,b,1,stem," in download.value.path().read_text()

    found_again(yuki)
    called(aoi, "Yuki", "ニックネーム")
    expect(aoi.get_by_text("この授業には 'Yuki' という人がすでにいます。")).to_be_visible()
    shared = page_at(yuki.url[yuki.url.index("/learn") :] + "&lang=ja")
    expect(outcome(shared, "ja")).to_be_visible()
    expect(shared.get_by_role("radio", name="ヘッド", exact=True)).to_be_checked()


def revealed(teacher: Page, student: Page) -> None:
    """The teacher counts two guesses, and shows them to everybody, where nobody saw them before."""
    teacher.get_by_role("combobox", name="Lesson").click()
    teacher.get_by_role("option", name="928 weights").click()
    heads = teacher.locator("[data-testid=stMetric]")
    for place, count in enumerate("220"):  # there, guessed, measured
        expect(heads.nth(place).locator("[data-testid=stMetricValue]")).to_have_text(count)
    votes = "Guesses: 2"
    assert not teacher.get_by_text(votes).count() and not student.get_by_text(votes).count()
    teacher.get_by_role("button", name="Reveal to the class").click()
    for page in (teacher, student):
        shown = page.locator("[class*=st-key-guesses_position]")
        expect(shown).to_be_visible()
        expect(shown.locator(".bars text")).to_have_text(["1", "1", "0"])  # the stem, the head, the last three stages


def found_again(student: Page) -> None:
    """After a reload the outcome stands there, with the student's name and answer."""
    student.reload()
    expect(outcome(student)).to_be_visible()
    expect(student.get_by_role("textbox", name="Nickname")).to_have_value("Yuki")
    expect(student.get_by_role("radio", name="In the last layer")).to_be_checked()


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_nothing_covers_the_code_that_a_class_scans(page_at, width):
    teacher = page_at("/class", width=width, height=1000)
    teacher.get_by_role("button", name="Begin a class").click()
    code = teacher.get_by_role("img", name="QR code")
    expect(code).to_be_visible()
    settled(teacher)
    box = code.bounding_box()
    assert box["width"] >= 150 and abs(box["width"] - box["height"]) < 2
    corners = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x in (0.1, 0.9) for y in (0.1, 0.5, 0.9)]
    seen = "points => points.map(([x, y]) => document.elementFromPoint(x, y).className)"
    assert teacher.evaluate(seen, corners) == ["qr"] * len(corners)


def test_a_lesson_is_guessed_measured_and_stopped_by_keyboard(page_at):
    page = page_at("/learn?lesson=race&lang=ja", scheme="dark")
    choice = page.locator(".st-key-w_guess_race input").first
    choice.focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("guess="))
    measure = page.get_by_role("button", name="測ってみる")
    expect(measure).to_be_enabled()
    measure.press("Enter")
    page.get_by_role("button", name="停止").press("Enter")
    expect(measure).to_be_visible()


def test_a_lesson_link_with_runs_of_nobody_opens_the_lesson(page_at):
    page = page_at("/learn?lesson=race&guess=head&runs=no-such-run,another")
    expect(page.get_by_role("button", name="Measure it")).to_be_enabled()
    page = page_at("/learn?lesson=nonsense&guess=%3Cb%3E&runs=../..")
    expect(page.get_by_text("Is 0.4 % enough?").first).to_be_visible()
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("guess, runs")
