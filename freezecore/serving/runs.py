"""Runs: everything that was ever tried, in one SQLite file that many processes may write and a crash leaves whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from freezecore import __version__, sentences
from freezecore.cache import keys, store, uploads, whole_file
from freezecore.cache.keys import file_stamp, versions
from freezecore.errors import ProbeError, shortened
from freezecore.packaged import PACKAGED
from freezecore.sentences import say
from freezecore.serving.run_log import RunLogReader, partial_result, prune, thinned
from freezecore.serving.server_lock import ServerLock

LIVE = ("queued", "running")
INTERRUPTED = say("The server ended before this run did; what was measured until then is kept.")
NEVER_BEGAN = say("The server ended before this run began.")
LIBRARIES = (*keys.LIBRARIES, *(package.distribution for package in PACKAGED))
JSON_FIELDS = ("request", "result", "curve", "versions")
MIGRATIONS = (
    """
    CREATE TABLE runs (
        token TEXT PRIMARY KEY, kind TEXT, key TEXT, owner TEXT, state TEXT, folder TEXT, server TEXT,
        created REAL, started REAL, ended REAL, request TEXT, result TEXT, curve TEXT, versions TEXT
    );
    CREATE INDEX runs_by_key ON runs (key, state);
    CREATE INDEX runs_by_time ON runs (created);
    """,
)


@dataclass(frozen=True)
class Run:
    """One run as it is stored.

    Attributes:
        token: names the run in a link; who has it may watch.
        kind: one of `job_types`.
        key: equal for requests that would give the same answer; see `key_of`.
        owner: who asked, as the page names people.
        state: `queued`, `running`, a result's state, or `interrupted`.
        created, started, ended: seconds since 1970; None where it has not come to that.
        request: what was asked for, as JSON values.
        result: what was measured, as JSON values; None before the end.
        curve: the events, thinned; empty in a list of runs.
    """

    token: str
    kind: str
    key: str
    owner: str
    state: str
    folder: str
    server: str
    created: float
    started: float | None = None
    ended: float | None = None
    request: dict = field(default_factory=dict)
    result: dict | None = None
    curve: list[dict] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def took_s(self) -> float | None:
        """Seconds from its start to its end; None where it did not finish."""
        return self.ended - self.started if self.state == "done" and self.started and self.ended else None


class DamagedError(ProbeError):
    """The file was damaged, and has been moved aside."""


class Runs:
    """The store. Every call opens the file anew, so that any thread may call it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open or make the store in this folder, and mark the runs that a dead server left behind.

        Raises:
            ProbeError: the folder cannot be used, or a newer version wrote it. A full disk lets every call raise it.
        """
        self.folder = folder or store.home() / "runs"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = ServerLock(self.folder / "servers")
        except OSError as error:
            raise ProbeError(
                "The folder {folder} for runs cannot be used: {cause}.",
                whole_file.hint(error),
                folder=shortened(str(self.folder), 200),
                cause=error.strerror or type(error).__name__,
            ) from error
        try:
            self._migrate()
            self.recover()
        except DamagedError:  # it was moved away
            self._migrate()
        self._tidy_up()

    @property
    def server(self) -> str:
        """This process's name in the runs that it has begun."""
        return self._lock.name

    def add(self, run: Run) -> None:
        """Store a new run."""
        names = list(Run.__dataclass_fields__)
        with self._open() as db:
            marks = ", ".join("?" * len(names))
            db.execute(f"INSERT INTO runs ({', '.join(names)}) VALUES ({marks})", [_cell(run, name) for name in names])

    def change(self, token: str, **fields: object) -> None:
        """Replace fields of a run."""
        changes = ", ".join(f"{name} = ?" for name in fields)
        values = [sentences.dumps(value) if name in JSON_FIELDS else value for name, value in fields.items()]
        with self._open() as db:
            db.execute(f"UPDATE runs SET {changes} WHERE token = ?", [*values, token])

    def find(self, token: str) -> Run | None:
        """The run of this token, its curve included."""
        return next(iter(self._select("*", "WHERE token = ?", token)), None)

    def delete(self, token: str, owner: str) -> bool:
        """Forget a run that has ended, its log too, if this owner started it; whether it is gone."""
        run = self.find(token)
        if run is None or run.owner != owner or run.state in LIVE:
            return run is None
        with self._open() as db:
            db.execute("DELETE FROM runs WHERE token = ?", [token])
        if Path(run.folder).parent == self.folder:
            shutil.rmtree(run.folder, ignore_errors=True)
        return True

    def forget(self, owner: str, dropped: Sequence[str] = ()) -> set[str]:
        """Delete all runs of this owner that have ended.

        Returns:
            Uploads that no run uses any more: theirs, and those `dropped` without one.
        """
        runs = self.listed(limit=-1)
        gone = [run for run in runs if run.owner == owner and self.delete(run.token, owner)]
        tokens = {run.token for run in gone}
        kept = {name for run in runs if run.token not in tokens for name in _uploads(run)}
        return {*dropped, *(name for run in gone for name in _uploads(run))} - kept

    def answer(self, key: str) -> Run | None:
        """The newest finished run that answers a request of this key."""
        return next(iter(self._select("*", "WHERE key = ? AND state = 'done' ORDER BY ended DESC LIMIT 1", key)), None)

    def listed(self, owner: str | None = None, kind: str | None = None, limit: int = 200) -> tuple[Run, ...]:
        """Runs without their curves, newest first."""
        names = ", ".join(name for name in Run.__dataclass_fields__ if name != "curve")
        where = "WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR kind = ?2) ORDER BY created DESC LIMIT ?3"
        return self._select(names, where, owner, kind, limit)

    def recover(self) -> int:
        """Mark the runs of servers that are gone, with what their logs hold; how many there were."""
        live = self._select("*", "WHERE state IN (?, ?)", *LIVE)
        left = [run for run in live if not self._lock.is_held(run.server)]
        for run in left:
            self.store_end(ended(run, "interrupted", INTERRUPTED if run.started else NEVER_BEGAN))
            with contextlib.suppress(OSError):
                (Path(run.folder) / "reserve").unlink()
        return len(left)

    def _tidy_up(self) -> None:
        """Forget what servers that were killed left behind, where no other runs: reserves, and logs without a run."""
        if self._lock.alone:
            for left in (*self.folder.glob("*/reserve"), *self.folder.glob("worker-*.log")):
                with contextlib.suppress(OSError):
                    left.unlink()
        prune(self.folder)

    def store_end(self, run: Run) -> None:
        """Store a run that has ended."""
        self.change(run.token, state=run.state, result=run.result, curve=run.curve, ended=run.ended)

    def _select(self, names: str, where: str, *values: object) -> tuple[Run, ...]:
        with self._open() as db:
            rows = db.execute(f"SELECT {names} FROM runs {where}", values).fetchall()
        found = [(row, _run(row)) for row in rows]
        damaged = [(row["token"],) for row, run in found if run is None]
        if damaged:
            with contextlib.suppress(ProbeError), self._open() as db:
                db.executemany("DELETE FROM runs WHERE token = ?", damaged)
            count = len(damaged)
            store.tell(
                say(
                    "1 stored run in {folder} could not be read and was dropped."
                    if count == 1
                    else "{count} stored runs in {folder} could not be read and were dropped.",
                    folder=str(self.folder),
                    count=count,
                )
            )
        return tuple(run for _, run in found if run is not None)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        file = self.folder / "runs.sqlite"
        db = None
        try:
            db = sqlite3.connect(file, timeout=20)
            opened = file.stat().st_ino
            db.row_factory = sqlite3.Row
            db.text_factory = lambda content: content.decode("utf-8", "replace")
            db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a power cut the last run
            with db:
                yield db
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                if db:
                    db.close()
                self._move_away(file, opened)
            raise ProbeError(
                "The runs in {where} cannot be read or written: {cause}.",
                _hint(error),
                where=str(file),
                cause=str(error),
            ) from error
        finally:
            if db:
                db.close()

    def _move_away(self, file: Path, opened: int) -> None:
        """Move a damaged file aside, unless another server has done so, and raise `DamagedError`."""
        aside = file.with_name(f"damaged-{time.time_ns()}.sqlite")
        with contextlib.suppress(OSError):
            if file.stat().st_ino == opened:
                os.replace(file, aside)
                for rest in ("-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        os.replace(f"{file}{rest}", f"{aside}{rest}")
                store.tell(
                    say(
                        "The runs in {where} were damaged; they were moved to {aside}, and new ones are stored.",
                        where=str(file),
                        aside=aside.name,
                    )
                )
        raise DamagedError(
            say("The stored runs were damaged and have been moved aside."),
            say("Start the run again: new ones are stored."),
        )

    def _migrate(self) -> None:
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")  # two servers that start together take turns
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise ProbeError(
                    "The runs in {folder} were written by a newer version of this program.",
                    "Install that version, or set FREEZE_EXPLORER_HOME to another folder.",
                    folder=str(self.folder),
                )
            for script in MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def ended(run: Run, state: str, message: str, hint: str = "") -> Run:
    """The run with its curve and its result: that of its log, else what is known from its events."""
    log = RunLogReader(Path(run.folder))
    events = log.read()
    result = log.result or partial_result(run.kind, run.request, events, state, message, hint)
    return replace(run, state=result["state"], result=result, curve=thinned(events), ended=time.time())


def versions_here() -> dict[str, str]:
    """Versions of all that a run's numbers depend on."""
    return {**versions(LIBRARIES), "freezecore": __version__}


def key_of(kind: str, request: dict) -> str:
    """Equal for requests that would give the same answer: same request, same libraries, same files."""
    named = [request.get("data"), (request.get("source") or {}).get("name")]
    stamps = [file_stamp(name) or None for name in named]
    text = json.dumps([kind, request, versions_here(), stamps], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _uploads(run: Run) -> list[str]:
    """Names of the uploads that a run has opened."""
    return uploads.NAME.findall(json.dumps(run.request))


def _cell(run: Run, name: str) -> object:
    value = getattr(run, name)
    return sentences.dumps(value) if name in JSON_FIELDS else value


def _run(row: sqlite3.Row) -> Run | None:
    """The run of a row; None for a row that holds none."""
    values = dict(row)
    try:
        run = Run(**values | {name: sentences.loads(values[name] or "null") for name in JSON_FIELDS if name in values})
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    texts = (run.token, run.kind, run.key, run.owner, run.state, run.folder, run.server)
    times = (run.created, run.started or 0.0, run.ended or 0.0)
    source = run.request.get("source", {}) if isinstance(run.request, dict) else None
    is_whole = (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(moment, (int, float)) for moment in times)
        and isinstance(source, dict)
        and isinstance(run.result, dict | None)
        and isinstance(run.versions, dict)
        and isinstance(run.curve, list)
        and all(isinstance(event, dict) for event in run.curve)
    )
    return run if is_whole else None


def _hint(error: Exception) -> str:
    """What to do when SQLite cannot do its work."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return say("Try again in a moment.")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return say("Make room on the disk.")
    return say("Set FREEZE_EXPLORER_HOME to a folder that may be written.")
