"""Looks at a model's file that a visitor dropped, in a process of its own: what it takes, it takes from nobody else.

`python -m freezecore.serving.file_check NAME` reads the content from its standard input, and writes one line of JSON.
"""

from __future__ import annotations

import sys
from typing import Literal

from freezecore import model_file
from freezecore.errors import SourceError, shortened
from freezecore.schema import parse
from freezecore.serving import one_answer

Scheme = Literal["config", "file"]


def scheme_of(content: bytes, name: str) -> Scheme:
    """Whether this is a Hugging Face configuration, or a file that `fc.save` wrote.

    Raises:
        SourceError: it is neither, or looking takes too long or too much memory.
    """
    return one_answer.ask("freezecore.serving.file_check", shortened(name), content, _too_much(name))["scheme"]


def look(content: bytes, name: str) -> Scheme:
    """What `scheme_of` answers, in this process."""
    try:
        data = parse(content)
    except ValueError:
        raise SourceError(
            "'{name}' is no JSON file.", "Drop a model.json or a config.json.", name=shortened(name)
        ) from None
    if isinstance(data, dict) and isinstance(data.get("model_type"), str):
        return "config"
    del data
    model_file.loads(content, name)
    return "file"


def _too_much(name: str) -> SourceError:
    return SourceError(
        "'{name}' takes more time or memory than reading a model is given.", model_file.WRITE_ONE, name=shortened(name)
    )


if __name__ == "__main__":
    one_answer.answer(lambda content: {"scheme": look(content, sys.argv[1])}, _too_much(sys.argv[1]))
