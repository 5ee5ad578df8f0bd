"""The command line, the second door: a command is a parser, a function that gathers, and one that prints.

`--json` prints what was gathered as one document (`probe`, `sweep` and `find` as a stream of JSON lines, the last one
the result). Exit code 0 is done, 1 a problem told in a sentence and a hint on standard error, 2 wrong usage.
"""

from __future__ import annotations

import json
import keyword
import os
import sys
from collections.abc import Sequence

from freezecore.cli.parser import parser
from freezecore.errors import FreezeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except FreezeError as error:
        print(f"freezecore: {error.problem}", *filter(None, [error.hint]), sep="\n  ", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("freezecore: stopped.", file=sys.stderr)
        return 1


def _run(options) -> int:
    from freezecore.cli import gather, tables

    name = f"{options.command}_" if keyword.iskeyword(options.command) else options.command
    document = getattr(gather, name)(options)
    print(json.dumps(document, ensure_ascii=False) if options.json else getattr(tables, name)(document), flush=True)
    return 1 if document.get("same") is False or document.get("state") in ("failed", "out-of-memory") else 0
