"""The objects of a JSON lines file, or of one JSON list."""

from __future__ import annotations

import json
from pathlib import Path

from freezecore.datasets import MOST_JSON_BYTES, MOST_ROWS
from freezecore.errors import DataError, shortened
from freezecore.sentences import say


def read_json_rows(path: Path) -> list[dict]:
    """One dictionary a line, or an item of the list.

    Raises:
        DataError: it is no such file, or holds more than is read; names the file and the line.
    """
    name = shortened(path.name)
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.read(1)
            while first.isspace():
                first = file.read(1)
            if first == "[":
                return _listed(path, name)
            file.seek(0)
            rows = []
            for number, line in enumerate(file, 1):
                if line.strip():
                    rows.append(_object(_parsed(line, name, number), name, number))
                if len(rows) > MOST_ROWS:
                    raise DataError(
                        "{name} has more than {most:,} rows.", "Take a sample of it.", name=name, most=MOST_ROWS
                    )
    except UnicodeDecodeError as error:
        raise DataError("{name} is not in UTF-8.", "Save it as UTF-8.", name=name) from error
    except OSError as error:
        raise DataError("{name} cannot be read: {cause}.", "", name=name, cause=error.strerror) from error
    if not rows:
        raise DataError("{name} is empty.", "Write one JSON object a line.", name=name)
    return rows


def _listed(path: Path, name: str) -> list[dict]:
    size = path.stat().st_size
    if size > MOST_JSON_BYTES:
        raise DataError(
            "{name} is one JSON list of {size:.1f} GB.",
            "Write one object a line instead (.jsonl), which is read line by line.",
            name=name,
            size=size / 1e9,
        )
    rows = _parsed(path.read_text(encoding="utf-8-sig"), name, 1)
    if not rows:
        raise DataError("{name} is empty.", "Write one JSON object a line.", name=name)
    return [_object(row, name, number) for number, row in enumerate(rows, 1)]


def _parsed(text: str, name: str, number: int):
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(
            "Line {line:,} of {name} is nested too deeply.", "Write one flat object a line.", line=number, name=name
        ) from error
    except ValueError as error:
        cause = shortened(str(error), 80)
        raise DataError(
            "Line {line:,} of {name} is no JSON: {cause}.",
            "Write one JSON object a line, such as {example}.",
            line=number,
            name=name,
            cause=cause,
            example='{"text": "…"}',
        ) from error


def _object(row: object, name: str, number: int) -> dict:
    if isinstance(row, dict):
        return row
    raise DataError(
        "Row {row:,} of {name} is no object: it holds {value}.",
        "Write one JSON object a line, such as {example}.",
        row=number,
        name=name,
        value=shortened(say("nothing") if row is None else json.dumps(row, ensure_ascii=False), 40),
        example='{"text": "…"}',
    )
