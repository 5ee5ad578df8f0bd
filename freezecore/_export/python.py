"""Python text: values, comments and imports as they may stand in generated code, whatever is in them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence

from freezecore._export.series import Series, series

WIDTH = 88


def quoted(text: str) -> str:
    """A Python literal for any text, in double quotes where that reads best, ASCII escapes for what does not print."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in text:
        literal = '"' + literal[1:-1].replace("\\'", "'") + '"'
    return literal


def printable(text: str) -> str:
    """The text on one line: line ends, control characters and lone surrogates as escapes."""
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape", "surrogatepass").decode() for ch in text)


def comment(text: str) -> str:
    """The text as comment lines, wrapped; nothing in it ends the comment."""
    lines = textwrap.wrap(printable(text), WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines or [""])


def items(paths: Iterable[str]) -> list[str]:
    """Tuple items for paths that end in a dot: literals, and generators over numbered neighbours."""
    texts = []
    for item in series(paths):
        if isinstance(item, Series):
            span = f"{item.start}, {item.stop}" if item.start else f"{item.stop}"
            texts.append(f'*(f"{item.before}{{i}}{item.after}." for i in range({span}))')
        else:
            texts.append(quoted(f"{item}."))
    return texts


def assigned(name: str, texts: Sequence[str], brackets: str = "()", width: int = WIDTH) -> str:
    """`NAME = (item, item)` on one line where it fits, else an item a line."""
    comma = "," if brackets == "()" and len(texts) == 1 else ""
    line = f"{name} = {brackets[0]}{', '.join(texts)}{comma}{brackets[1]}"
    if len(line) <= width:
        return line
    body = "\n".join(f"    {text}," for text in texts)
    return f"{name} = {brackets[0]}\n{body}\n{brackets[1]}"


def imports(lines: Iterable[str]) -> str:
    """Import lines, sorted as ruff sorts them: the standard library first, `import` before `from`."""
    plain: dict[bool, set[str]] = {True: set(), False: set()}
    for line in lines:
        plain[line.split()[1].split(".")[0] in sys.stdlib_module_names].add(line)
    groups = [sorted(plain[std], key=lambda line: (line.startswith("from"), line.split()[1])) for std in (True, False)]
    return "\n\n".join("\n".join(_merged(group)) for group in groups if group)


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
