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

LONGEST_NICKNAME = 24
MOST_ENTRIES = 5_000
MOST_CLASSES = 2_000
KEPT_S = 90 * 86_400
TABLES = """
CREATE TABLE IF NOT EXISTS classes (token TEXT PRIMARY KEY, created REAL);
CREATE TABLE IF NOT EXISTS entries (
    class TEXT, nickname TEXT, lesson TEXT, guess TEXT, runs TEXT, at REAL, PRIMARY KEY (class, nickname, lesson)
);
"""


@dataclass(frozen=True)
class ClassEntry:
    """What one person guessed in one lesson, and the tokens of the runs that answered."""

    nickname: str
    lesson: str
    guess: str
    runs: tuple[str, ...]


class Classes:
    """All classes of this server.

    Args:
        file: the database; None takes the one beside the runs.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or store.home() / "classes.sqlite"

    def open(self) -> str:
        """Begin a class: a token for its link."""
        token = secrets.token_urlsafe(6)
        with self._connection() as db:
            db.execute("DELETE FROM classes WHERE created < ?", (time.time() - KEPT_S,))
            db.execute("DELETE FROM entries WHERE class NOT IN (SELECT token FROM classes)")
            if db.execute("SELECT count(*) FROM classes").fetchone()[0] >= MOST_CLASSES:
                raise FreezeError("There are too many classes on this server.", "Old ones end after 90 days.")
            db.execute("INSERT INTO classes VALUES (?, ?)", (token, time.time()))
        return token

    def exists(self, token: str) -> bool:
        """Whether a link's class was begun on this server."""
        with self._connection() as db:
            return db.execute("SELECT 1 FROM classes WHERE token = ?", (token,)).fetchone() is not None

    def note(self, token: str, entry: ClassEntry) -> None:
        """Write down a guess and its runs; a person's newer entry for the same lesson takes the older one's place.

        Raises:
            FreezeError: no such class, or it holds as much as it may.
        """
        if not self.exists(token):
            raise FreezeError(
                "There is no class '{token}'.", "Ask your teacher for the link again.", token=shortened(token, 20)
            )
        with self._connection() as db:
            if db.execute("SELECT count(*) FROM entries WHERE class = ?", (token,)).fetchone()[0] >= MOST_ENTRIES:
                raise FreezeError("This class is full.", "Begin a new one.")
            db.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                (token, nickname(entry.nickname), entry.lesson, entry.guess, " ".join(entry.runs), time.time()),
            )

    def entries(self, token: str, lesson: str | None = None) -> tuple[ClassEntry, ...]:
        """Everybody's entries, in the order of their names."""
        where, values = "class = ?", [token]
        if lesson:
            where, values = f"{where} AND lesson = ?", [*values, lesson]
        with self._connection() as db:
            rows = db.execute(
                f"SELECT nickname, lesson, guess, runs FROM entries WHERE {where} ORDER BY lesson, nickname", values
            ).fetchall()
        return tuple(ClassEntry(name, key, guess, tuple(runs.split())) for name, key, guess, runs in rows)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._file, timeout=10)) as db, db:
            db.executescript(TABLES)
            yield db


def nickname(text: str) -> str:
    """A nickname as it is kept: printable, without spaces around it, short.

    Raises:
        FreezeError: nothing of it is left.
    """
    clean = "".join(ch for ch in text if ch.isprintable()).strip()[:LONGEST_NICKNAME]
    if not clean:
        raise FreezeError("A nickname needs at least one letter.", "Type any name your class knows you by.")
    return clean
