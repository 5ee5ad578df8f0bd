"""Looks at a model's file that a visitor dropped, in a process of its own: what it takes, it takes from nobody else.

`python -m freezecore.serving.file_check NAME` reads the content from its standard input, and writes one line of JSON.
"""

from __future__ import annotations

import sys
from typing import Literal, TypedDict, cast

from freezecore import model_file
from freezecore.errors import SourceError, shortened
from freezecore.schema import parse
from freezecore.sentences import say
from freezecore.serving import one_answer

Scheme = Literal["config", "file"]


class Looked(TypedDict):
    """What a file is: its scheme, and the class name of its model, empty where it does not say."""

    scheme: Scheme
    title: str


def ask(content: bytes, name: str) -> Looked:
    """Whether this is a Hugging Face configuration, or a file that `fc.save` wrote, and of which model.

    Raises:
        SourceError: it is neither, or looking takes too long or too much memory.
    """
    answer = one_answer.ask("freezecore.serving.file_check", shortened(name), content, _too_much(name))
    return cast(Looked, answer)


def look(content: bytes, name: str) -> Looked:
    """What `ask` answers, in this process."""
    try:
        data = parse(content)
    except ValueError:
        hint = model_file.WRITE_ONE if name.endswith(".py") else say("Drop a model.json or a config.json.")
        raise SourceError("'{name}' is no JSON file.", hint, name=shortened(name)) from None
    if isinstance(data, dict) and isinstance(data.get("model_type"), str):
        named = data.get("architectures")
        title = named[0] if isinstance(named, list) and named else data["model_type"]
        return {"scheme": "config", "title": title if isinstance(title, str) else ""}
    del data
    return {"scheme": "file", "title": model_file.loads(content, name).tree.layers[0].type}


def _too_much(name: str) -> SourceError:
    return SourceError(
        "'{name}' takes more time or memory than reading a model is given.", model_file.WRITE_ONE, name=shortened(name)
    )


if __name__ == "__main__":
    one_answer.answer(lambda content: {**look(content, sys.argv[1])}, _too_much(sys.argv[1]))
