"""YAML: texts as scalars of a file that is written here, and a stranger's file as plain values, within limits."""

from __future__ import annotations

import re
from types import ModuleType

from freezecore.errors import ExportError
from freezecore.sentences import say, shortened

LARGEST = 8_000_000  # characters
DEEPEST = 60
_NO_TEXT = r"(?:true|false|yes|no|on|off|null|~|y|n|[.~]?[0-9_.]*|\.inf|\.nan)"  # plain, these are other values
_PLAIN = re.compile(rf"(?!{_NO_TEXT}\Z)[a-z_./~][\w./-]*(?: [\w./-]+)*", re.ASCII | re.IGNORECASE)


def scalar(text: str, quote: str = '"') -> str:
    """The text as one scalar: plain where any reader takes it for text, else in `quote`s, or in `"` where it must."""
    if _PLAIN.fullmatch(text):
        return text
    import yaml

    style = quote if text.isascii() and text.isprintable() else '"'
    return yaml.safe_dump(text, default_style=style, width=float("inf"), allow_unicode=True).rstrip("\n")


def read_yaml(text: str) -> object:
    """Mappings, lists, texts, numbers, dates, true, false and None from a file whose author is not known.

    Aliases are refused: a few lines of them can stand for more than any memory holds, and no selection needs them.

    Raises:
        ExportError: it is no YAML, too large, too deep, or uses aliases.
    """
    if len(text) > LARGEST:
        raise ExportError(
            "The file has {count:,} characters; {most:,} are the most a spec can have.",
            "A saved spec holds rules and names, no weights: check which file this is.",
            count=len(text),
            most=LARGEST,
        )
    import yaml

    no_value = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError)  # such as '!!timestamp x'
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it: ten times faster
    try:
        _within_limits(yaml, text, loader)
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, *no_value) as error:
        place = getattr(error, "problem_mark", None)
        raise ExportError(
            "This YAML cannot be read near line {line}." if place else "This YAML cannot be read.",
            "Check its indentation, or save it again.",
            line=place.line + 1 if place else 0,
        ) from None


def _within_limits(yaml: ModuleType, text: str, loader: type) -> None:
    """Go through a text before anything is made of it.

    Raises:
        ExportError: it uses aliases, or nests too deep.
    """
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise ExportError(
                "This YAML uses the alias '*{name}'.", "Write its value out.", name=shortened(event.anchor)
            )
        if isinstance(event, yaml.NodeEvent) and depth >= DEEPEST:
            said = say("This YAML is nested more than {depth} deep.", depth=DEEPEST)
            raise ExportError(said, "A spec is a few lines of text.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
