"""Globs over dotted paths, part by part: `*` stays inside a part, `**` crosses parts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

_EMBEDDED = re.compile(r"(?<=[^.])\*\*|\*\*(?=[^.])")


def is_glob(path: str) -> bool:
    """It has a character that globs give a meaning."""
    return any(mark in path for mark in "*?[")


class Node:
    """A dotted path, what follows it, and the run of sorted names below it: from `low` up to `high`.

    `depth` counts the dots in the path; the root's is -1.
    """

    __slots__ = ("children", "depth", "high", "low", "path")

    def __init__(self, path: str, depth: int, low: int) -> None:
        self.path = path
        self.depth = depth
        self.low = low
        self.high = low
        self.children: dict[str, Node] = {}

    def family(self) -> list[Node]:
        """The node and everything below it."""
        found = [self]
        for node in found:
            found.extend(node.children.values())
        return found

    @property
    def run(self) -> int:
        """The names below it, as bits."""
        return (1 << self.high) - (1 << self.low)


def path_tree(names: Sequence[str]) -> Node:
    """Sorted names as a tree of their dotted parts."""
    root = Node("", -1, 0)
    within = [(root, "")]  # the way down to the last name, each node with what the names below it begin with
    for i, name in enumerate(names):
        while not name.startswith(within[-1][1]):
            within.pop()[0].high = i
        node, start = within[-1]
        for part in name[len(start) :].split("."):
            start += part
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = Node(start, node.depth + 1, i)
            start += "."
            within.append((child, start))
            node = child
    for node, _ in within:
        node.high = len(names)
    return root


def by_last_part(root: Node) -> dict[str, list[Node]]:
    """The nodes below the root by the last part of their path."""
    found: dict[str, list[Node]] = {}
    for node in root.family():
        for part, child in node.children.items():
            found.setdefault(part, []).append(child)
    return found


def matching(root: Node, glob: str, by_last: dict[str, list[Node]] | None = None) -> list[Node]:
    """Every node that a glob reaches; a leading `*.` and a part `**` stand for any depth, none included.

    `by_last` is `by_last_part(root)`, for whoever asks more than once.
    """
    by_last = by_last_part(root) if by_last is None else by_last
    return [node for parts in variants(glob) for node in _reached(root, parts, by_last)]


def variants(glob: str) -> list[list[str]]:
    """A glob as lists of parts in which `**` stands alone: `a**b` is `a*b`, or `a*`, anything, `*b`."""
    glob = re.sub(r"\*{3,}", "**", glob)
    if glob.startswith("*."):
        glob = "*" + glob
    embedded = _EMBEDDED.search(glob)
    if embedded is None:
        return [glob.split(".")]
    before, after = glob[: embedded.start()], glob[embedded.end() :]
    return variants(f"{before}*{after}") + variants(f"{before}*.**.*{after}")


def _reached(root: Node, parts: list[str], by_last: dict[str, list[Node]]) -> list[Node]:
    """The nodes that a list of part patterns reaches; `**` reaches any depth, no depth included."""
    nodes = [root]
    if parts[0] == "**" and len(parts) > 1 and parts[1] != "**":
        matches = PartMatch(parts[1])
        nodes = [node for part, found in by_last.items() if matches[part] for node in found]
        parts = parts[2:]
    for part in parts:
        if part == "**":
            seen = {node.path: node for start in nodes for node in start.family()}
            nodes = list(seen.values())
        elif is_glob(part):
            matches = PartMatch(part)
            nodes = [child for node in nodes for name, child in node.children.items() if matches[name]]
        else:
            nodes = [node.children[part] for node in nodes if part in node.children]
    return nodes


class PartMatch(dict):
    """Whether one dotted part matches a pattern, asked once for each spelling: blocks repeat their names."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self.match = re.compile(fnmatch.translate(pattern)).match

    def __missing__(self, part: str) -> bool:
        self[part] = self.match(part) is not None
        return self[part]
