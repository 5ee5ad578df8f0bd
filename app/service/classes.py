"""Classes: guesses and runs of the people in a room, by typed nickname, in one SQLite file; there are no accounts."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freezecore.cache import store
from freezecore.errors import FreezeError, shortened

from .class_entry import ClassEntry
from .visitors import ADDRESS, share

LONGEST_NICKNAME = 24
MOST_ENTRIES = 5_000
MOST_CLASSES = 2_000
MOST_BEGUN = 20  # classes of one visitor in a day
MOST_WRITTEN = 60  # entries of one visitor in a class: several people may share a computer
MOST_RUNS = 8
TYPED = "abcdefghjkmnpqrstuvwxyz23456789"  # a class's address is typed from a blackboard: no two look alike
TOKEN_LETTERS = 10  # of 31 kinds: as hard to guess as 49 bits
KEPT_S = 90 * 86_400
DAY_S = 86_400
OLDEST_EMPTY = """
DELETE FROM classes WHERE token IN (
    SELECT token FROM classes WHERE token NOT IN (SELECT class FROM entries) ORDER BY created LIMIT 1
)
"""
TABLES = """
CREATE TABLE IF NOT EXISTS classes (token TEXT PRIMARY KEY, created REAL);
CREATE TABLE IF NOT EXISTS entries (
    class TEXT, nickname TEXT, lesson TEXT, guess TEXT, runs TEXT, at REAL, PRIMARY KEY (class, nickname, lesson)
);
"""
LATER = (  # columns that older files lack
    ("classes", "visitor"),  # who began it
    ("classes", "teacher"),  # whose browser may change it
    ("classes", "shared"),
    ("classes", "revealed"),
    ("entries", "visitor"),  # who wrote it
    ("entries", "before"),
    ("entries", "after"),
)
JOINED = ""  # the lesson of an entry that says only that somebody is there


@dataclass(frozen=True)
class ClassSettings:
    """What the teacher has chosen.

    Attributes:
        teacher: whose browser began it; empty in a class of an earlier version, which anybody in it may lead.
        shared: an equal run of a classmate answers; else each measures for themselves.
        revealed: lessons whose guesses and results everybody in the class sees.
    """

    teacher: str = ""
    shared: bool = False
    revealed: frozenset[str] = frozenset()


class Classes:
    """All classes of this server.

    Args:
        file: the database; None takes the one beside the runs.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or store.home() / "classes.sqlite"

    def open(self, visitor: str = "", teacher: str = "") -> str:
        """Begin a class: a token for its link. `teacher` is the token of the browser that leads it.

        Where there are too many, the oldest in which nobody has written gives way.

        Raises:
            FreezeError: this visitor has begun as many in a day as one may, or all are in use.
        """
        token, now = "".join(secrets.choice(TYPED) for _ in range(TOKEN_LETTERS)), time.time()
        with self._connection() as db:
            db.execute("DELETE FROM classes WHERE created < ?", (now - KEPT_S,))
            db.execute("DELETE FROM entries WHERE class NOT IN (SELECT token FROM classes)")
            begun = "SELECT count(*) FROM classes WHERE visitor = ? AND created > ?"
            if _count(db, begun, visitor, now - DAY_S) >= MOST_BEGUN * share(visitor):
                raise FreezeError("You have begun many classes today.", "Use one of them, or begin more tomorrow.")
            if _count(db, "SELECT count(*) FROM classes") >= MOST_CLASSES and not db.execute(OLDEST_EMPTY).rowcount:
                raise FreezeError("There are too many classes on this server.", "Old ones end after 90 days.")
            db.execute(
                "INSERT INTO classes (token, created, visitor, teacher) VALUES (?, ?, ?, ?)",
                (token, now, visitor, teacher),
            )
        return token

    def exists(self, token: str) -> bool:
        """Whether a link's class was begun on this server."""
        with self._connection() as db:
            return db.execute("SELECT 1 FROM classes WHERE token = ?", (token,)).fetchone() is not None

    def settings(self, token: str) -> ClassSettings:
        """What its teacher has chosen; the usual where there is no such class."""
        with self._connection() as db:
            row = db.execute("SELECT teacher, shared, revealed FROM classes WHERE token = ?", (token,)).fetchone()
        return ClassSettings(row[0], bool(row[1]), frozenset(row[2].split())) if row else ClassSettings()

    def change(self, token: str, settings: ClassSettings) -> None:
        """Choose otherwise."""
        row = ("1" if settings.shared else "", " ".join(sorted(settings.revealed)), token)
        with self._connection() as db:
            db.execute("UPDATE classes SET shared = ?, revealed = ? WHERE token = ?", row)

    def present(self, token: str) -> int:
        """How many nicknames have written in it, if only that they are there."""
        with self._connection() as db:
            return _count(db, "SELECT count(DISTINCT nickname) FROM entries WHERE class = ?", token)

    def names(self, token: str, visitor: str) -> list[str]:
        """Nicknames that this browser has written under; none where only its address is known, which others share."""
        if visitor.startswith(ADDRESS):
            return []
        with self._connection() as db:
            mine = "SELECT DISTINCT nickname FROM entries WHERE class = ? AND visitor = ?"
            return [name for (name,) in db.execute(mine, (token, visitor))]

    def note(self, token: str, entry: ClassEntry, visitor: str = "") -> None:
        """Write down a guess and its runs; a person's newer entry for the same lesson takes the older one's place.

        Raises:
            FreezeError: no such class, another browser has this nickname, or the class holds as much as it may, of all
                or of this visitor.
        """
        if not self.exists(token):
            raise FreezeError(
                "There is no class '{token}'.", "Ask your teacher for the link again.", token=shortened(token, 20)
            )
        name, runs = nickname(entry.nickname), " ".join(entry.runs[:MOST_RUNS])
        row = (token, name, shortened(entry.lesson, 40), shortened(entry.guess, 40), shortened(runs, 400), time.time())
        answers = [shortened(entry.before, 4), shortened(entry.after, 4)]
        others = "SELECT count(*) FROM entries WHERE class = ? AND NOT (nickname = ? AND lesson = ?)"
        with self._connection() as db:
            _refuse_taken(db, token, name, visitor)
            if _count(db, f"{others} AND visitor = ?", *row[:3], visitor) >= MOST_WRITTEN * share(visitor):
                raise FreezeError("You have written under many names in this class.", "Write under one name.")
            if _count(db, others, *row[:3]) >= MOST_ENTRIES:
                raise FreezeError("This class is full.", "Begin a new one.")
            mine = "SELECT before, after FROM entries WHERE class = ? AND nickname = ? AND lesson = ?"
            known = db.execute(mine, row[:3]).fetchone() or ("", "")
            answers = [new or old for new, old in zip(answers, known, strict=True)]  # whoever reloads keeps theirs
            db.execute(
                "INSERT OR REPLACE INTO entries (class, nickname, lesson, guess, runs, at, visitor, before, after)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, visitor, *answers),
            )

    def rename(self, token: str, old: str, new: str, visitor: str = "") -> None:
        """Call a person of this visitor's otherwise: what they have answered goes with them.

        Raises:
            FreezeError: another browser has the new nickname.
        """
        with self._connection() as db:
            _refuse_taken(db, token, new, visitor)
            db.execute(
                "UPDATE OR REPLACE entries SET nickname = ? WHERE class = ? AND nickname = ? AND visitor = ?",
                (new, token, old, visitor),
            )

    def begun_by(self, teacher: str) -> list[tuple[str, float]]:
        """Classes that this browser leads and when they began (seconds since 1970), the newest first."""
        mine = "SELECT token, created FROM classes WHERE teacher = ? AND teacher != '' AND created > ?"
        with self._connection() as db:
            return db.execute(f"{mine} ORDER BY created DESC", (teacher, time.time() - KEPT_S)).fetchall()

    def last_joined(self, visitor: str, since: float) -> str | None:
        """The class in which this browser has written last, if it has since then (seconds since 1970)."""
        if visitor.startswith(ADDRESS):
            return None
        mine = "SELECT class FROM entries JOIN classes ON token = class WHERE entries.visitor = ? AND at > ?"
        with self._connection() as db:
            found = db.execute(f"{mine} ORDER BY at DESC LIMIT 1", (visitor, since)).fetchone()
        return found[0] if found else None

    def entries(self, token: str, lesson: str | None = None) -> tuple[ClassEntry, ...]:
        """Everybody's entries, in the order of their names; who is only there has none."""
        where, values = "class = ? AND lesson != ''", [token]
        if lesson:
            where, values = f"{where} AND lesson = ?", [*values, lesson]
        with self._connection() as db:
            rows = db.execute(
                f"SELECT nickname, lesson, guess, runs, before, after FROM entries WHERE {where}"
                " ORDER BY lesson, nickname",
                values,
            ).fetchall()
        return tuple(ClassEntry(name, key, guess, tuple(runs.split()), *more) for name, key, guess, runs, *more in rows)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._file, timeout=10)) as db, db:
            db.executescript(TABLES)
            for table, column in LATER:
                if column not in {row[1] for row in db.execute(f"PRAGMA table_info({table})")}:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT DEFAULT ''")
            yield db


def _refuse_taken(db: sqlite3.Connection, token: str, name: str, visitor: str) -> None:
    taken = "SELECT count(*) FROM entries WHERE class = ? AND nickname = ? AND visitor NOT IN ('', ?)"
    if _count(db, taken, token, name, visitor):
        raise FreezeError("Somebody else in this class is called '{name}'.", "Add a letter to yours.", name=name)


def _count(db: sqlite3.Connection, question: str, *values: object) -> int:
    return db.execute(question, values).fetchone()[0]


def nickname(text: str) -> str:
    """A nickname as it is kept: printable, without spaces around it, short.

    Raises:
        FreezeError: nothing of it is left.
    """
    clean = "".join(ch for ch in text if ch.isprintable()).strip()[:LONGEST_NICKNAME]
    if not clean:
        raise FreezeError("A nickname needs at least one letter.", "Type any name your class knows you by.")
    return clean
