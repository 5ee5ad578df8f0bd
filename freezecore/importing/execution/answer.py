"""What a script means for the open model: its undecided conditions tried both ways, and what all ways agree on."""

from __future__ import annotations

import re
import time
from functools import cached_property
from itertools import combinations

from freezecore.importing.execution.run import NOT_PLACED, ScriptRun
from freezecore.importing.execution.script import Script
from freezecore.importing.execution.standins.model import Blueprint, Open
from freezecore.importing.execution.standins.module import Module
from freezecore.sentences import say

MOST_RUNS = 48
MOST_SECONDS = 1.5
TOGETHER = 4


def answer(text: str, tree: dict) -> dict:
    """Run a script against a tree; the answer is plain data.

    Raises:
        NotPython: it cannot be compiled.
        SyntaxError: it is no Python.
    """
    Open.blueprint = Blueprint(tree)
    script = Script(text)
    run = script.run({}, None)
    chosen = max(dict.fromkeys(run.names), key=lambda name: _alike(name, Open.blueprint.source), default=None)
    base = _Outcome(run if chosen == run.chosen else script.run({}, chosen))
    outcomes, asked = _explored(script, chosen, base)
    standing = [each for each in outcomes if not each.run.failed] or [base]
    standing = [each for each in standing if each.root is not None] or standing  # `if …: model = …`, `elif …`
    first = base if base in standing else standing[0]
    asked_for = next((each for each in standing if each.run.adapters and len(each.choices) == 1), None)
    if asked_for is not None and not first.run.said and not first.run.events:  # `if args.use_lora:`
        for place in asked_for.choices:
            line, what = asked[place]
            asked_for.run.tell(
                "it depends on '{name}', which this text does not tell; it was taken as true", line, name=what
            )
        return _told(asked_for, [asked_for], asked)
    return _told(first, standing, asked)


def _alike(name: str, source: str) -> float:
    """How much a model's name in a script is like the name of the open one."""
    one, other = (
        re.sub(r"[^a-z0-9]", "", each.rpartition(":")[2].rpartition("/")[2].lower()) for each in (name, source)
    )
    if not one or not other:
        return 0
    if one == other:
        return 3
    common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return (2 if one in other or other in one else 0) + common / max(len(one), len(other))


def _explored(script: Script, chosen: str | None, base: _Outcome) -> tuple[list, dict]:
    """Each undecided condition taken the other way, alone and with those that matter; bounded in number and time."""
    end = time.process_time() + MOST_SECONDS
    outcomes, asked = [base], dict(base.run.asked)
    tried, waiting = {frozenset()}, [({place: True}) for place in base.run.asked]
    matters: list = []
    while waiting and len(outcomes) < MOST_RUNS and time.process_time() < end:
        choices = waiting.pop(0)
        if frozenset(choices) in tried:
            continue
        tried.add(frozenset(choices))
        outcome = _Outcome(script.run(choices, chosen))
        outcomes.append(outcome)
        outcome.choices = choices
        waiting += [{**choices, place: True} for place in outcome.run.asked if place not in asked]
        asked.update(outcome.run.asked)
        if outcome.signature != base.signature and len(choices) == 1:
            matters += list(choices)
    for place in {place for choices in waiting if frozenset(choices) not in tried for place in choices}:
        line, what = asked[place]
        base.run.tell("it depends on '{name}', which this text does not tell", line, name=what)  # no time to try it
    for size in range(2, TOGETHER + 1):
        for places in combinations(matters[:6], size):
            if frozenset(places) not in tried and len(outcomes) < 2 * MOST_RUNS and time.process_time() < end:
                outcomes.append(_Outcome(script.run(dict.fromkeys(places, True), chosen)))
    return outcomes, asked


class _Outcome:
    """One run's result: what trains at first and from which epochs on, by position in the tree."""

    def __init__(self, run: ScriptRun) -> None:
        self.run, self.choices = run, {}
        self.root = self._main()
        self.found, self.removed = self._parameters()
        self.phases = self._phases()
        self.adapters = [list(row[:-1]) for row in run.adapters if row[0] is not None]
        self.signature = repr((self.phases, self.adapters))

    def _main(self) -> Module | None:
        """The model that is trained, where several were built: an optimizer's or a trainer's that is set."""
        roots = self.run.models
        touched = {id(event[0]) for event in self.run.events}
        given = self.trained or [r for r in roots if any(id(p) in touched for p in r.parameters())]
        said = [each for each in given if any(id(p) in touched for p in each.parameters())]
        own = None if given else self._written_out()
        return own or (said or given or roots or [None])[0]

    def _written_out(self) -> Module | None:
        """A model of a class that the script itself defines, where most of the tree's names are its own."""
        names = {name for name, *_ in Open.blueprint.parameters}
        common = lambda module: sum(name in names for name, _ in module.named_parameters())  # noqa: E731
        best = max(self.run.own, key=common, default=None)
        return best if best is not None and 2 * common(best) > len(names) else None

    @cached_property
    def trained(self) -> list[Module]:
        """The models of which an optimizer or a trainer was given something."""
        built = (*self.run.models, *self.run.copies)
        return [each for each in built if any(id(p) in self.run.optimised for p in each.parameters())]

    @cached_property
    def left_out(self) -> set[int]:
        """Ids of the model's parameters that no class of the script's own took over: `children()[:-1]` and the like."""
        held = set() if self.root is None else {id(p) for p in self.root.parameters()}
        taken = [ids for each in self.run.own if (ids := {id(p) for p in each.parameters()}) & held]
        return held - set().union(*taken) if taken else set()

    @cached_property
    def differently(self) -> int:
        """How many models are trained, where they are not frozen alike; 0 where they are."""
        found = self.trained
        states = {tuple((name, p._fx_value) for name, p in each.named_parameters()) for each in found}
        return len(found) if len(states) > 1 else 0

    def _parameters(self) -> tuple[list, list]:
        """What stands for each parameter of the tree now; a list of parameters where its module was replaced."""
        found: list = []
        removed: list = []
        held = {} if self.root is None else {id(p): p for p in self.root.parameters()}
        by_name = {p._fx_name: p for p in held.values() if p._fx_name}
        paths = {} if self.root is None else dict(self.root.named_parameters())
        for name, *_ in Open.blueprint.parameters:
            one = by_name.get(name) or paths.get(name)
            if one is None and self.root is not None:
                one = self._replaced(name)
                if not one:
                    removed.append(name)
            found.append([one] if one is not None and not isinstance(one, list) else one or [])
        return found, removed

    def _replaced(self, name: str) -> list:
        """Parameters of what took the place of the module that held this one."""
        at = self.root
        for part in name.split("."):
            below = at._modules.get(part)
            if below is None:
                break
            at = below
        return [p for p in at.parameters() if not p._fx_name] if at is not self.root else []

    def _phases(self) -> list:
        """(epoch, values) at first and where something changes; a value of None is not known."""
        frozen = [row[3] for row in Open.blueprint.parameters]
        if self.root is None:
            return [(0, [not each for each in frozen])]
        history: dict[int, list] = {}
        born = self.root._fx_born  # its epochs begin with it, after those of models that were trained before
        for parameter, value, epoch, line, _ in self.run.events:
            placed = epoch if NOT_PLACED in (epoch, born) else epoch - born
            history.setdefault(id(parameter), []).append((placed, value, line))
        epochs = sorted({epoch for rows in history.values() for epoch, *_ in rows if epoch > 0})
        phases: list = []
        for at in (0, *epochs):
            values = [self._at(held, history, at) for held in self.found]
            if not phases or values != phases[-1][1]:
                phases.append((at, values))
        return phases

    def _at(self, held: list, history: dict, epoch: int):
        """What trains at an epoch; of a removed module's parameter, what trains in what the script adds."""
        if not held:
            return True
        values = set()
        for parameter in held:
            value = parameter._fx_first
            for when, new, _ in history.get(id(parameter), ()):
                if when != NOT_PLACED and when <= epoch:
                    value = new
            values.add(value)
        return values.pop() if len(values) == 1 else None


def _told(first: _Outcome, standing: list, asked: dict) -> dict:
    run = first.run
    values = [list(phase[1]) for phase in first.phases]
    epochs = [phase[0] for phase in first.phases]
    unread = dict(run.unread)
    for other in standing:
        for line, why in other.run.unread.items():
            unread.setdefault(line, why)
        if other.signature == first.signature:
            continue
        for place in other.choices or {}:
            line, what = asked.get(place, (0, ""))
            unread.setdefault(line, say("it depends on '{name}', which this text does not tell", name=what))
        later = dict(other.phases)
        for at, epoch in enumerate(epochs):
            rows = max((e for e in later if e <= epoch), default=0)
            values[at] = [a if a is b else None for a, b in zip(values[at], later[rows], strict=True)]
        if [e for e, _ in other.phases if e] != [e for e in epochs if e]:
            run.note("When it changes what trains depends on what this text does not tell.")
    late = sorted({line for _, _, epoch, line, _ in run.events if epoch == NOT_PLACED})
    for line in late:
        unread.setdefault(line, say("it happens after a training whose length is not known, and was left out"))
    stand_ins = [module for module in (first.root, *run.models, *run.copies) if module is not None]
    own = {id(p) for held in first.found for p in held} | {id(p) for each in stand_ins for p in each.parameters()}
    foreign = bool(run.events) and not any(id(event[0]) in own for event in run.events)
    if foreign:
        unread.setdefault(run.events[0][3], say("what is set here is no part of this model"))
    author = [not row[3] for row in Open.blueprint.parameters]
    settled = [[known if value is None else value for value, known in zip(row, author, strict=True)] for row in values]
    names = [row[0] for row in Open.blueprint.parameters]
    unsure = [name for name, value in zip(names, values[0], strict=True) if value is None]
    adapters = [row for row in _adapters(first) if all(row in each.adapters for each in standing)]
    return {
        "kind": run.kind, "touched": first.root is not None,
        "said": run.said or bool(run.events) and not foreign or bool(run.configs),
        "phases": [[epoch, row] for epoch, row in zip(epochs, settled, strict=True)], "unsure": unsure,
        "lines": _lines(first), "unread": [[line, why] for line, why in sorted(unread.items()) if line],
        "notes": [*run.notes, *_notes(first)], "missing": list(run.missing),
        "stated": run.stated, "built": list(dict.fromkeys(run.names)), "adapters": adapters, "tokens": first.run.tokens,
        "rates": [[rate, names] for rate, names in run.rates if isinstance(rate, (int, float))],
    }  # fmt: skip


def _adapters(first: _Outcome) -> list:
    """Each layer with an adapter that trains: its path, rank, alpha, dropout, whether it is rsLoRA and DoRA."""
    rows = [row for row in first.run.adapters if row[0] is not None]
    trained = [row for row in rows if all(parameter._fx_value for parameter in row[-1].adapter())]
    if len(trained) < len(rows):
        first.run.note("Of its {total} adapters {count} train; the others were left out.", total=len(rows),
                       count=len(trained))  # fmt: skip
    return [list(row[:-1]) for row in trained]


def _lines(first: _Outcome) -> list:
    """How many parameters each line froze and trained."""
    own = {id(p) for held in first.found for p in held}
    counted: dict[int, list] = {}
    for parameter, value, _, line, before in first.run.events:
        if id(parameter) in own and value is not before and value is not None:
            counted.setdefault(line, [set(), set()])[value].add(id(parameter))
    return [[line, len(froze), len(trained)] for line, (froze, trained) in sorted(counted.items())]


def _notes(first: _Outcome) -> list[str]:
    notes, run = [], first.run
    name = run.chosen
    if name and len(run.models) and _alike(name, Open.blueprint.source) < 0.5:
        notes.append(
            say("The script builds '{name}'; it was read for {source}.", name=name, source=Open.blueprint.source)
        )
    if first.differently:
        notes.append(
            say(
                "It trains {count} models that are not frozen alike; the first on which something is set was read.",
                count=first.differently,
            )
        )
    elif len(run.models) > 1 and len(run.names) > 1:
        notes.append(say("It builds the model {count} times; the one that is trained was read.", count=len(run.models)))
    if first.removed:
        notes.append(say("It takes '{name}' out of the model; here it stays, and trains.", name=first.removed[0]))
    still = sum(len(names) for rate, names in run.rates if type(rate) in (int, float) and rate == 0)
    if still:
        notes.append(
            say("Its optimizer gives {count} parameters a rate of 0, which changes nothing of them.", count=still)
        )
    trains = [p for held in first.found for p in held if p._fx_value and id(p) not in first.left_out]
    if run.optimised and trains and any(id(p) in run.optimised for p in trains):
        left = sum(id(p) not in run.optimised for p in trains)
        if left:
            notes.append(
                say(
                    "Its optimizer is given only {count} of the {total} parameters that train.",
                    count=len(trains) - left,
                    total=len(trains),
                )
            )
    return notes
