"""The command line, the second door: a command is a parser, a function that gathers, and one that shows.

`--json` prints what was gathered as one document (`probe`, `sweep` and `find` as a stream of JSON lines, the last one
the result). Exit code 0 is done, 1 a problem told in a sentence and a hint on standard error, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from freezecore.cli.colour import painted
from freezecore.cli.commands import COMMANDS
from freezecore.errors import FreezeError

UNFINISHED = ("failed", "out-of-memory", "not-a-number")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(arguments[:1]).parse_args(arguments)
    try:
        document = options.gather(options)
        print(json.dumps(document, ensure_ascii=False) if options.json else options.show(document), flush=True)
    except FreezeError as error:
        problem = painted(f"freezecore: {error.problem}", "red", sys.stderr)
        print(problem, *filter(None, [error.hint]), sep="\n  ", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("freezecore: stopped.", file=sys.stderr)
        return 1
    return 1 if document.get("same") is False or document.get("state") in UNFINISHED else 0


def parser(wanted: Iterable[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Every command, each with an example; only those `wanted` get their arguments, which costs imports."""
    root = argparse.ArgumentParser(
        prog="freezecore",
        description="Choose which layers to freeze: see what it costs, try it, prove it, take the code away.",
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    whole = {COMMANDS[name].module for name in wanted if name in COMMANDS}
    for module in dict.fromkeys(command.module for command in COMMANDS.values()):
        if module in whole:
            import_module(f"freezecore.cli.{module}").add(commands)
        else:
            for name, command in COMMANDS.items():
                if command.module == module:
                    commands.add_parser(name, help=command.summary)
    return root
