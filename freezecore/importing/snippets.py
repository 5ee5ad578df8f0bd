"""Pasted Python: what a snippet would freeze, read from its syntax tree statement by statement; nothing is run."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import replace

from freezecore.errors import ExportError, shortened
from freezecore.importing.expressions import Scope, Unknown, assign, by_epoch, evaluate
from freezecore.importing.helpers import HELPERS, Setting, heard_of
from freezecore.importing.imported import Imported, Unread, spec_of
from freezecore.importing.modules import Place, each, looped, place_of
from freezecore.spec import FreezeSpec, Phase, Rule, Selector
from freezecore.tree import LayerTree

LONGEST = 400_000
ALL = Selector("kind", "all")
MARKS = re.compile(r"requires_grad|\bfreeze\w*\(|\bunfreeze\w*\(|modules_to_save|BackboneFinetuning|make_trainable\(")
CODE = re.compile(r"^\s*(for|import|from \w|def|class|model\.|with|if|@)\b|[\w\])]\(|\w\s*=\s*", re.MULTILINE)


def looks_like_python(text: str) -> bool:
    """Whether the text sets `requires_grad` or calls something that freezes, and parses."""
    if not MARKS.search(text) or not CODE.search(text):
        return False
    try:
        ast.parse(textwrap.dedent(text[:LONGEST]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(re.search(r"^\s*(for|def|import|class)\b|\.requires_grad\s*=", text, re.MULTILINE))
    return True


def read_python(text: str, tree: LayerTree) -> Imported:
    """The selection after the snippet's last statement that freezes or unfreezes.

    Raises:
        ExportError: it is no Python, or too long.
    """
    if len(text) > LONGEST:
        raise ExportError(f"{len(text):,} characters of Python are too many.", "Paste the lines that freeze.")
    text = textwrap.dedent(text)
    try:
        parsed = ast.parse(text)
    except SyntaxError as error:
        raise ExportError(f"Line {error.lineno} is no Python: {error.msg}.", "Paste whole statements.") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExportError("This Python is nested too deeply.", "Paste the lines that freeze.") from None
    reading = _Reading(tree, text.splitlines())
    try:
        reading.block(parsed.body, Scope())
    except RecursionError:
        raise ExportError("This Python is nested too deeply.", "Paste the lines that freeze.") from None
    return reading.finish()


class _Reading:
    """What trains after the statements read so far."""

    def __init__(self, tree: LayerTree, lines: list[str]) -> None:
        self.tree = tree
        self.lines = lines
        self.trains = [not p.frozen_by_author for p in tree.parameters]
        self.said = False
        self.kind = "python"
        self.later: list[tuple[int, list[bool]]] = []
        self.timeline: dict[int, dict[int, bool]] = {}
        self.unread: list[Unread] = []
        self.missing: dict[str, None] = {}

    def finish(self) -> Imported:
        """The selection; None as its spec where no statement said anything."""
        spec = spec_of(self.tree, self.trains) if self.said else None
        for epoch, values in self.timeline.items():
            self.later.append((epoch, [values.get(i, now) for i, now in enumerate(self.trains)]))
        if spec is not None and self.later:
            spec = _scheduled(spec, self.later, self.tree)
        return Imported(self.kind, spec, missing=tuple(self.missing), unread=tuple(self.unread))

    def block(self, body: list[ast.stmt], scope: Scope) -> None:
        """Read statements in order; what is not understood and could freeze is noted."""
        scope.functions.update({s.name: s for s in body if isinstance(s, ast.FunctionDef)})
        for statement in body:
            try:
                self.statement(statement, scope)
            except Unknown as error:
                self.note(statement, str(error))

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, ast.ClassDef):
            self.block(node.body, scope.within())
        elif isinstance(node, ast.FunctionDef):
            self.block(node.body, _with_defaults(node, scope))
        elif isinstance(node, ast.For):
            self.loop(node, scope)
        elif isinstance(node, ast.If):
            self.branch(node, scope)
        elif isinstance(node, (ast.With, ast.Try)):
            self.block(node.body, scope)
        elif isinstance(node, ast.Assign):
            self.assignment(node, scope)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.call(node.value, node, scope)

    def loop(self, node: ast.For, scope: Scope) -> None:
        """A loop over parameters, named parameters, modules or values."""
        places = looped(node.iter, scope, self.tree)
        if places is not None:
            self.over_parameters(node, places, scope)
            return
        for item in each(node.iter, scope, self.tree):
            inner = scope.within()
            assign(node.target, item, inner)
            self.block(node.body, inner)

    def over_parameters(self, node: ast.For, places: tuple[Place, bool], scope: Scope) -> None:
        place, named = places
        target = node.target
        if named and not (isinstance(target, ast.Tuple) and len(target.elts) == 2):
            raise Unknown("a loop over named_parameters needs a name and a parameter")
        for position in place.positions:
            parameter = self.tree.parameters[position]
            inner = scope.within()
            one = Place(parameter.name, (position,))
            if named:
                local = parameter.name.removeprefix(f"{place.path}.") if place.path else parameter.name
                assign(target.elts[0], local, inner)
                assign(target.elts[1], one, inner)
            else:
                assign(target, one, inner)
            for statement in node.body:
                self.statement(statement, inner)

    def branch(self, node: ast.If, scope: Scope) -> None:
        """The branch that is taken; where that cannot be said, neither, and its freezing statements are noted."""
        self.block(node.body if evaluate(node.test, scope) else node.orelse, scope)

    def assignment(self, node: ast.Assign, scope: Scope) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and target.attr == "requires_grad":
            place = place_of(target.value, scope, self.tree)
            self.set(place, bool(evaluate(node.value, scope)))
            for epoch, value in by_epoch(node.value, scope):
                self.timeline.setdefault(epoch, {}).update(dict.fromkeys(place.positions, value))
            return
        if isinstance(node.value, ast.Call):
            self.call(node.value, node, scope)
        try:
            assign(target, evaluate(node.value, scope), scope)
        except Unknown:
            if isinstance(target, ast.Name):
                scope.values.pop(target.id, None)

    def call(self, node: ast.Call, statement: ast.stmt, scope: Scope) -> None:
        """A call of `requires_grad_` or of a library's helper; any other is no matter of ours."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        own = isinstance(node.func, ast.Name) and name in scope.functions
        if name == "requires_grad_" and isinstance(node.func, ast.Attribute):
            given = node.args[0] if node.args else next((k.value for k in node.keywords), ast.Constant(True))
            self.set(place_of(node.func.value, scope, self.tree), bool(evaluate(given, scope)))
        elif name in HELPERS and not own:
            self.apply(HELPERS[name](node, scope, self.tree))
        elif heard_of(name) and not own:
            raise Unknown(f"'{shortened(name)}' decides by itself what it freezes")

    def apply(self, setting: Setting) -> None:
        """What a helper does, now and from a later epoch on."""
        self.kind = setting.kind or self.kind
        for place, value in setting.now:
            self.set(place, value)
        for epoch, place, value in setting.later:
            trains = list(self.trains)
            for position in place.positions:
                trains[position] = value
            self.later.append((epoch, trains))

    def set(self, place: Place, value: bool) -> None:
        """Freeze or train what lies under a place."""
        if not place.positions:
            self.missing[place.path] = None
            return
        self.said = True
        for position in place.positions:
            self.trains[position] = value

    def note(self, node: ast.stmt, why: str) -> None:
        """Remember a statement that could not be read, where it could have frozen something."""
        known = any(row.line == node.lineno for row in self.unread)
        if not known and len(self.unread) < 200 and any(map(_acts, ast.walk(node))):
            self.unread.append(Unread(node.lineno, self.lines[node.lineno - 1].strip(), why))


def _acts(node: ast.AST) -> bool:
    """Whether it sets `requires_grad`, or calls something that does."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and target.attr == "requires_grad" for target in node.targets)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in HELPERS or heard_of(name)
    return False


def _with_defaults(function: ast.FunctionDef, scope: Scope) -> Scope:
    """The scope of a function's body: its arguments have their defaults, where these are plain values."""
    names = [argument.arg for argument in function.args.args]
    defaults = zip(reversed(names), reversed(function.args.defaults), strict=False)
    return scope.within(**{name: value.value for name, value in defaults if isinstance(value, ast.Constant)})


def _scheduled(first: FreezeSpec, later: list[tuple[int, list[bool]]], tree: LayerTree) -> FreezeSpec:
    """The spec with a phase for each later selection, whose rules say all of it again."""
    phases = []
    for epoch, trains in sorted(later, key=lambda item: item[0]):
        rules = spec_of(tree, trains).rules
        again = () if rules and ALL in rules[0].selectors else (Rule("train", (ALL,)),)
        phases.append(Phase(epoch, (*again, *rules)))
    return replace(first, phases=tuple(phases))
