"""The command line: `freezecore/cli/NAME.py` is the command NAME, with the same four parts in each.

    EXAMPLE                  arguments that make sense together, for its help
    add_arguments(to)        what may be typed
    gather(options)          the answer as JSON values; `--json` prints it
    show(document)           the same in words, for a person

`probe`, `sweep` and `find` print events as JSON lines, their answer the last. Exit code 0 is done, 1 a problem told in
a sentence and a hint on standard error, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module

from freezecore import __version__
from freezecore.cli.output import as_json, leave_output, lines, others_aside, painted, take_any_terminal, tell, write
from freezecore.errors import FreezeError, told_if_missing

COMMANDS = {
    "models": "list models by name",
    "tree": "show a model's layers, blocks, embeddings and head",
    "mask": "show which parameters train",
    "estimate": "predict peak training memory and FLOPs",
    "calibrate": "measure steps on the card at hand beside what is estimated",
    "data": "look at what a probe would train on",
    "probe": "train for a moment and prove that the freeze held",
    "sweep": "try many selections side by side",
    "find": "find what to freeze in a given time and memory",
    "suggest": "suggest selections, each with its reason",
    "export": "write the selection as code for a trainer",
    "import": "read rules back from a file: a spec, names, a trainer's own settings",
    "lock": "write down every name that a selection means, for check",
    "check": "fail when a saved spec no longer gives the same set",
    "mcp": "answer an agent, over the Model Context Protocol",
    "schema": "print what --json answers, as a JSON Schema",
    "completion": "print a script by which bash, zsh or fish complete this command line",
}
UNFINISHED = ("failed", "out-of-memory", "not-a-number")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    take_any_terminal()
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # its notes on its own allocator, between our sentences
    options = parser(arguments[:1]).parse_args(arguments)
    try:
        with told_if_missing(), others_aside() as options.answers:
            document = options.gather(options)
        was_written = write(as_json(document) if options.json else options.show(document))
    except FreezeError as error:
        tell(lines(painted(f"freezecore: {error.problem}", "red", sys.stderr), error.hint and f"  {error.hint}"))
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        leave_output()
        return 0
    except KeyboardInterrupt:
        tell("freezecore: stopped.")
        return 1
    if not was_written:
        return 1
    return 1 if document.get("same") is False or document.get("state") in UNFINISHED else 0


def parser(wanted: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Every command; only those `wanted` get their arguments and an example, which costs imports."""
    root = argparse.ArgumentParser(
        prog="freezecore",
        description="Choose which layers to freeze: see what it costs, try it, prove it, take the code away.",
    )
    root.add_argument("--version", action="version", version=f"freezecore {__version__}", help="print the version")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name not in wanted:
            commands.add_parser(name, help=summary)
            continue
        command = import_module(f"freezecore.cli.{'import_' if name == 'import' else name}")
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example:\n  freezecore {name} {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.add_argument("--json", action="store_true", help="print JSON and nothing else")
        command.add_arguments(added)
        added.set_defaults(gather=command.gather, show=command.show)
    return root
