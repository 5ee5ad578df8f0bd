"""The teacher's page without a server: the codes of a class, read, counted and charted as a server's class is."""

from __future__ import annotations

from app.figures import classroom as figures
from app.figures.style import CONFIG, palette_of
from app.link import Link
from app.service import class_table, lessons
from app.service.class_entry import ClassEntry
from app.service.lessons import Lesson
from app.text import Words
from static import class_codes, recorded
from static.class_codes import Answers
from static.lessons import is_measured_here, lesson_of

ROW_HEIGHT, AXIS_HEIGHT = 44, 50  # pixels
MOST_WRONG = 3  # codes that are named

Blocks = list[dict]


def board(link: Link, words: Words, asked: dict) -> dict:
    """What a class has answered, by the codes in a text."""
    lesson = lesson_of(link)
    given = str(asked.get("text") or "")
    found, wrong = class_codes.read_all(given)
    return {
        "lesson": lesson.key,
        "lessons": [[key, lessons.title(key, words)] for key in lessons.BY_KEY],
        "blocks": [*told(given, found, wrong, words), *charts(found, lesson, words, asked)],
        "csv": as_csv(found) if found else "",
    }


def told(given: str, found: list[Answers], wrong: list[str], words: Words) -> Blocks:
    """How many answers there are, and which codes could not be read."""
    blocks: Blocks = []
    if wrong:
        named = ", ".join(wrong[:MOST_WRONG]) + (" …" if len(wrong) > MOST_WRONG else "")
        problem = words("site.class_wrong", count=len(wrong), codes=named)
        blocks.append({"is": "error", "problem": problem, "hint": words("site.class_wrong_hint")})
    if found:
        counts: dict[str, int] = {}
        for answers in found:
            counts[answers.lesson.key] = counts.get(answers.lesson.key, 0) + 1
        ordered = [(key, counts[key]) for key in lessons.BY_KEY if key in counts]
        people = len({answers.mark for answers in found})
        each = words("between.items", one="{one}", other="{other}")
        text = ""
        for key, count in ordered:
            item = f"{lessons.title(key, words)}: {count}"
            text = each.format(one=text, other=item) if text else item
        blocks.append({"is": "text", "text": f"**{words('site.class_counted', count=people)}** {text}"})
    elif given.strip() and not wrong:
        blocks.append({"is": "error", "problem": words("site.class_none"), "hint": words("site.class_wrong_hint")})
    return blocks


def charts(answers: list[Answers], lesson: Lesson, words: Words, asked: dict) -> Blocks:
    """Guesses, results, before against after, and everybody's answers."""
    entries, read = entries_of(answers, lesson)
    if not entries:
        return [{"is": "caption", "text": words("class.nobody")}] if answers else []
    palette = palette_of(asked.get("theme"))
    names = {guess: words(f"lesson.{lesson.key}.guess.{guess}") for guess in lesson.guesses}
    votes = class_table.votes(entries, lesson)
    guessed = words("class.guesses", count=sum(votes.values()))
    blocks = [{"is": "beside", "of": [
        _figure(guessed, figures.guesses(names, votes, words, palette), len(names)),
        *_results(entries, lesson, read, words, palette),
    ]}]  # fmt: skip
    found = class_table.answered(entries, lesson)
    if found.count:
        rows = class_table.checked_rows(found, words)
        learnt = words("class.learnt", before=found.right_before, after=found.right_after, count=found.count)
        blocks += [
            {"is": "text", "text": f"**{words('class.checked')}**"},
            _table(rows),
            {"is": "caption", "text": learnt},
        ]
    text = class_table.value_text(lesson, words)
    rows = [class_table.row(entry, lesson, read, words) for entry in entries]
    return [*blocks, _table([{name: text(value) if isinstance(value, float) else value for name, value in row.items()}
                             for row in rows])]  # fmt: skip


def entries_of(answers: list[Answers], lesson: Lesson) -> tuple[list[ClassEntry], class_table.Read]:
    """A lesson's entries as a server has them, and what reads a run of theirs; who gave no name has a number."""
    marks = list(dict.fromkeys(one.mark for one in answers))
    measured = {
        f"{one.mark} {run}": {"accuracy_after": value}
        for one in answers
        if one.lesson is lesson
        for run, value in one.accuracies.items()
    }
    return [one.entry(marks.index(one.mark) + 1) for one in answers if one.lesson is lesson], measured.get


def as_csv(answers: list[Answers]) -> str:
    """Everybody's answers in all lessons as a table that a spreadsheet opens."""
    text = ""
    for lesson in lessons.LESSONS:
        entries, read = entries_of(answers, lesson)
        table = class_table.as_csv(entries, read)
        text += table if not text else table.partition("\n")[2]
    return text


def _results(entries: list[ClassEntry], lesson: Lesson, read: class_table.Read, words: Words, palette) -> Blocks:
    """What everybody's browser measured, and beside it what was recorded of the other runs."""
    points = class_table.points(entries, lesson, read)
    if not any(points):
        return [{"is": "caption", "text": words("class.nothing_measured")}]
    for place, (run, kept) in enumerate(zip(lesson.runs, recorded.of_lesson(lesson), strict=True)):
        if not is_measured_here(lesson, run):
            points[place].append((words("site.elsewhere"), kept[lesson.shows[0]]))
    runs = [words(f"lesson.{lesson.key}.run.{run.name}") for run in lesson.runs]
    text = class_table.value_text(lesson, words)
    figure = figures.results(runs, points, lesson.shows[0], text, words, palette)
    return [_figure(words("class.results"), figure, len(runs))]


def _figure(title: str, figure: dict, rows: int) -> dict:
    return {"is": "titled", "title": title, "figure": figure, "config": CONFIG, "alt": title,
            "height": ROW_HEIGHT * rows + AXIS_HEIGHT}  # fmt: skip


def _table(rows: list[dict]) -> dict:
    cells = [["–" if value is None else str(value) for value in row.values()] for row in rows]
    return {"is": "table", "head": list(rows[0]), "rows": cells}
