"""Python text: values, comments and imports as they may stand in generated code, whatever is in them."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from freezecore._export.selection import Cover, NameSelection
from freezecore._export.series import Series, series

WIDTH = 88


def quoted(text: str) -> str:
    """A Python literal for any text, in double quotes where that reads best, ASCII escapes for what does not print."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in text:
        literal = '"' + literal[1:-1].replace("\\'", "'") + '"'
    return literal


def quoted_tuple(texts: Sequence[str]) -> str:
    """A Python tuple of texts; one of a single text keeps its comma."""
    return f"({', '.join(map(quoted, texts))}{',' if len(texts) == 1 else ''})"


def number(value: float) -> str:
    """A float as a person writes it: 1e-3, 0.05, 2e-5."""
    text = f"{value:.3e}" if value < 1e-2 else f"{value:g}"
    mantissa, e, exponent = text.partition("e")
    return f"{float(mantissa):g}e{int(exponent)}" if e else text


def printable(text: str) -> str:
    """The text on one line: line ends, control characters and lone surrogates as escapes."""
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape", "surrogatepass").decode() for ch in text)


def comment(text: str) -> str:
    """The text as comment lines, wrapped; nothing in it ends the comment."""
    lines = textwrap.wrap(printable(text), WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines or [""])


def call(function: str, arguments: Sequence[str], *, taken: int = 0) -> str:
    """`function(a, b)` on one line where it fits, else its arguments on one line of their own, else one a line.

    `taken` counts the characters that stand before it on its line.
    """
    inner = ", ".join(arguments)
    if taken + len(function) + len(inner) + 2 <= WIDTH:
        return f"{function}({inner})"
    if 4 + len(inner) <= WIDTH:
        return f"{function}(\n    {inner}\n)"
    return f"{function}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def on_lines(argument: str) -> str:
    """A call's argument on a line of its own: a list or mapping that is too long for it, one value a line."""
    name, _, value = argument.partition("=")
    if len(argument) <= WIDTH - 5 or value[0] not in "[{":
        return argument
    inner = "".join(f"        {each},\n" for each in re.split(r", (?![^(]*\))", value[1:-1]))
    return f"{name}={value[0]}\n{inner}    {value[-1]}"


def signature(name: str, arguments: Iterable[str], returns: str) -> str:
    """`def name(a, b) -> returns:`, broken like a call where it is too long."""
    arguments = [argument for argument in arguments if argument]
    line = f"def {name}({', '.join(arguments)}) -> {returns}:"
    return line if len(line) <= WIDTH else f"{call(f'def {name}', arguments, taken=WIDTH)} -> {returns}:"


def constant_items(paths: Iterable[str]) -> list[str]:
    """Tuple items for paths that end in a dot: literals, and generators over numbered neighbours."""
    texts = []
    for item in series(paths):
        if isinstance(item, Series):
            span = f"{item.start}, {item.stop}" if item.start else f"{item.stop}"
            texts.append(f'*(f"{item.before}{{i}}{item.after}." for i in range({span}))')
        else:
            texts.append(quoted(f"{item}."))
    return texts


class Condition(NamedTuple):
    """A selection as Python: a parameter trains where all tests hold.

    Attributes:
        constants: name, brackets and items of the tuples and sets that the tests compare with.
        tests: expressions over the constants, `path` (the name and a dot) and `parts` (the set of its dotted parts).
    """

    constants: list[tuple[str, str, list[str]]]
    tests: list[str]


def condition(selection: NameSelection, suffix: str = "") -> Condition:
    """A selection as Python; the names of its constants end in `suffix`."""
    found = Condition([], [])
    if selection.take:
        take = _tests(selection.take, f"TRAINABLE{{}}{suffix}", ("", "not "), found)
        joined = " or ".join(take)
        found.tests.append(f"({joined})" if len(take) > 1 and selection.leave else joined)
    found.tests.extend(_tests(selection.leave, f"FROZEN{{}}{suffix}", ("not ", ""), found))
    return found


def _tests(cover: Cover, name: str, negations: tuple[str, str], found: Condition) -> list[str]:
    """One test for the cover's paths and one for its words; their constants join those of `found`."""
    tests = []
    if cover.paths:
        found.constants.append((name.format(""), "()", constant_items(cover.paths)))
        tests.append(f"{negations[0]}path.startswith({name.format('')})")
    if cover.words:
        found.constants.append((name.format("_PARTS"), "{}", [quoted(word) for word in cover.words]))
        tests.append(f"{negations[1]}parts.isdisjoint({name.format('_PARTS')})")
    return tests


def sorted_imports(lines: str) -> str:
    """Import lines as ruff sorts them: the standard library first, `import` before `from`, members joined."""
    plain: dict[bool, set[str]] = {True: set(), False: set()}
    for line in filter(None, lines.splitlines()):
        plain[line.split()[1].split(".")[0] in sys.stdlib_module_names].add(line)
    groups = [sorted(plain[std], key=lambda line: (line.startswith("from"), line.split()[1])) for std in (True, False)]
    return "\n\n".join("\n".join(_merged(group)) for group in groups if group) + "\n"


def _merged(lines: Sequence[str]) -> list[str]:
    """`from a import b` and `from a import c` as one line."""
    members: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("from"):
            module, _, names = line.removeprefix("from ").partition(" import ")
            members.setdefault(module, set()).update(names.split(", "))
    plain = [line for line in lines if not line.startswith("from")]
    return plain + [_from(module, sorted(names, key=_by_kind)) for module, names in members.items()]


def _from(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _by_kind(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order in which ruff sorts the members of an import."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name
