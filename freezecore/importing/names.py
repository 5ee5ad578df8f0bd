"""Lists of names: one a line, with True or False or without, as `print(name, p.requires_grad)` writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from freezecore.errors import ExportError, did_you_mean
from freezecore.importing.imported import Imported, Unread, spec_of
from freezecore.mask import Mask
from freezecore.sentences import joined, say
from freezecore.tree import LayerTree

STATES = {"true": True, "trainable": True, "train": True, "1": True}
STATES |= {"false": False, "frozen": False, "freeze": False, "0": False}
WRAPPERS = ("module.", "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
LINE = re.compile(
    r"""^[\s\-*(\['",]*                                     # a list's dash, a bracket, a quote
    (?P<name>[^\s'",:=()\[\]|]+)
    ['"]?[\s,:=|]*(?:torch\.Size\([^)]*\)|\([\d,\s]*\)|\[[\d,\s]*\])?[\s,:=|]*
    (?:requires_grad\s*[=:]?\s*)?
    (?P<state>true|false|trainable|frozen|train|freeze|[01])?
    [\s)\]'",]*$""",
    re.VERBOSE | re.IGNORECASE,
)
BARE = say("The names stand without True or False: they were taken as what trains, and everything else as frozen.")
MOST_UNREAD = 200
MOST_LINES = 200_000


def read_names(text: str, tree: LayerTree) -> Imported:
    """A selection from names: where no line has a state, the named ones train and everything else is frozen."""
    if text.count("\n") > MOST_LINES:
        raise ExportError(
            "More than {most:,} lines are too many for a list of names.", "Name whole modules.", most=MOST_LINES
        )
    rows, unread = [], []
    for number, line in _lines(text):
        match = LINE.match(line) if len(line) < 2_000 else None
        if match is None:
            unread.append(Unread(number, line, say("it is no name")))
        else:
            state = match["state"]
            rows.append((number, line, match["name"], None if state is None else STATES[state.lower()]))
    bare = all(state is None for *_, state in rows)
    trains = [False] * len(tree.parameters) if bare else list(Mask.as_author(tree).trains)
    seen: set[int] = set()
    mapped, missing = {}, []
    for number, line, name, state in rows:
        path = find(name, tree)
        if path is None:
            looks = "." in name or state is not None
            if looks:
                missing.append(name)
            elif len(unread) < MOST_UNREAD:  # looking for like names takes long
                unread.append(Unread(number, line, _unknown(name, tree)))
            continue
        if path != name:
            mapped[name] = path
        for position in tree.under(path):
            trains[position] = True if bare else bool(state)
            seen.add(position)
    new = () if bare else tuple(p.name for i, p in enumerate(tree.parameters) if i not in seen)
    spec = spec_of(tree, trains) if seen else None
    notes = (BARE,) if bare and seen else ()
    return Imported(
        "names", spec, mapped, tuple(missing), new if seen else (), tuple(unread[:MOST_UNREAD]), notes=notes
    )


def find(name: str, tree: LayerTree) -> str | None:
    """The parameter or module of this tree that a name stands for, wrappers and a missing prefix aside."""
    for wrapper in WRAPPERS:
        name = name.removeprefix(wrapper) if wrapper == "module." else name.replace(wrapper, "")
    for candidate in (name, name.removesuffix(".")):
        if candidate and tree.under(candidate):
            return candidate
    shorter = name
    while "." in shorter:  # a wrapper of the person's own: backbone.layer1.0.conv1.weight
        shorter = shorter.partition(".")[2]
        if tree.under(shorter) and "." in shorter:
            return shorter
    longer = [top for top in tree.below if top and "." not in top and tree.under(f"{top}.{name}")]
    return f"{longer[0]}.{name}" if len(longer) == 1 else None


def _unknown(name: str, tree: LayerTree) -> str:
    close = did_you_mean(name, tree.below)
    return joined((say("there is no such name in this model."), *filter(None, [close])), " ")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a list in brackets is taken apart at its commas."""
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        try:
            items = json.loads(stripped.replace("'", '"'))
        except (ValueError, RecursionError):
            items = None
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            yield from ((1, item) for item in items)
            return
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split(" #")[0]
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line
