"""The rule language as text: reads a FreezeSpec from it, and prints one back so that it reads the same.

    spec       statements between ';' or new lines; '#' starts a comment
    statement  ('freeze' | 'train') selector…
             | 'norms' ('hold' | 'update') | 'dropout' ('off' | 'on')
             | 'from' 'epoch' N ':' statement        opens a phase: every rule below belongs to it
    selector   PATH-OR-GLOB | ROLE | 'path:'… | 'contains:'… | 'regex:'… | 'type:'… | 'kind:'…
             | 'part:'… | ('blocks' | 'stages') ['@' TOWER] ':' ('0-2' | '0,3' | 'first3' | 'last2')

Double quotes protect spaces, ';' and '#'; a doubled quote inside them is a quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn, cast

from freezecore.errors import RuleError, did_you_mean, shortened
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import say
from freezecore.spec import ROLES, Action, Form, FreezeSpec, Phase, Rule, Selector
from freezecore.tree import PARTS

LONGEST = 400_000
MOST_RULES = 1_000
MOST_PATTERNS = 500
LAST_EPOCH = 1_000_000
ACTIONS = ("freeze", "train")
SYNONYMS = {  # what people call the two elsewhere
    **dict.fromkeys(("unfreeze", "thaw", "unlock", "enable", "trainable", "finetune", "fine-tune"), "train"),
    **dict.fromkeys(("lock", "disable", "frozen", "fix"), "freeze"),
}
SETTINGS = {"norms": ("hold", "update"), "dropout": ("off", "on")}

_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\n]|"")*")|(?P<plain>[^\s;#"]+)|(?P<end>[;\n])|(?P<comment>#[^\n]*)|(?P<space>[^\S\n]+)'
)
LONGEST_PATH = 2_000
MOST_CROSSINGS = 4
FORMS = ("path", "contains", "regex", "type", "kind", "part", "blocks", "stages")
FORM_SYNONYMS = {
    **dict.fromkeys(("layer", "layers", "block"), "blocks"),
    **dict.fromkeys(("stage",), "stages"),
    **dict.fromkeys(("name", "module", "prefix"), "path"),
    **dict.fromkeys(("class", "cls"), "type"),
    **dict.fromkeys(("parts", "tower", "modality"), "part"),
    **dict.fromkeys(("re", "pattern"), "regex"),
}
KIND_WORDS = {
    "embedding": "embeddings",
    "norm": "norms",
    "bias": "biases",
    "adapter": "adapters",
    "router": "routers",
} | {word: word for word in (*ROLES, "block", "other")}
_POSITIONS = re.compile(r"(?:first|last)[1-9][0-9]{0,5}|[0-9]{1,6}(?:-[0-9]{1,6})?(?:,[0-9]{1,6}(?:-[0-9]{1,6})?)*")


class Word(NamedTuple):
    """A word of the rules, quotes removed, and the offset at which it begins."""

    text: str
    at: int


def parse_spec(text: str) -> FreezeSpec:
    """Read rules.

    Raises:
        RuleError: with the offset of the first word that cannot be read.
    """
    if len(text) > LONGEST:
        raise RuleError(
            "The rules are {count:,} characters long; {most:,} are the most that can be read.",
            "Name whole modules, or use globs such as '*.bias'.",
            count=len(text),
            most=LONGEST,
        )
    reading = _Reading()
    for words in statements(text):
        reading.statement(words)
    return reading.finish()


def print_spec(spec: FreezeSpec, separator: str = "; ") -> str:
    """The rules on one line, or with another separator between statements; `parse_spec` reads back the same spec."""
    lines = [print_rule(rule) for rule in spec.rules]
    lines += ["norms update"] * (spec.norms != "hold") + ["dropout on"] * (spec.dropout != "off")
    for phase in spec.phases:
        first, *others = (print_rule(rule) for rule in phase.rules)
        lines += [f"from epoch {phase.epoch}: {first}", *others]
    return separator.join(lines)


def print_rule(rule: Rule) -> str:
    """One rule as text, such as `freeze conv1 bn1 layer1`."""
    return " ".join((rule.action, *map(print_selector, rule.selectors)))


class _Reading:
    """The spec as read so far."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.settings: dict[str, Any] = {}
        self.phases: list[tuple[int, list[Rule]]] = []
        self.phase_at = 0
        self.patterns = 0
        self.count = 0

    def statement(self, words: list[Word]) -> None:
        """Read one statement; an empty one says nothing."""
        if not words:
            return
        verb, *others = words
        if verb.text in ACTIONS:
            self.count += 1
            if self.count > MOST_RULES:
                fail("These are more than {most:,} rules.", "Put several selectors in one rule.", verb, most=MOST_RULES)
            self._current().append(self._rule(verb, others))
        elif verb.text in SETTINGS:
            self._setting(verb, others)
        elif verb.text == "from":
            self._phase(verb, others)
        else:
            meant = SYNONYMS.get(verb.text.lower())
            close = did_you_mean(meant or verb.text, (*ACTIONS, *SETTINGS, "from"))
            line = " ".join(word.text for word in words)
            fail(
                "Cannot read the rule '{line}'.",
                close or "Begin it with 'freeze' or 'train'.",
                verb,
                line=shortened(line),
            )

    def finish(self) -> FreezeSpec:
        """The whole spec; a phase without rules is an error."""
        self._close_phase()
        phases = tuple(Phase(epoch, tuple(rules)) for epoch, rules in self.phases)
        return FreezeSpec(tuple(self.rules), phases=phases, **self.settings)

    def _current(self) -> list[Rule]:
        return self.phases[-1][1] if self.phases else self.rules

    def _rule(self, verb: Word, words: list[Word]) -> Rule:
        if not words:
            fail("'{verb}' names nothing.", "Say what, such as '{verb} embeddings'.", verb, verb=verb.text)
        selectors = tuple(map(parse_selector, words))
        self.patterns += sum(not is_plain(selector) for selector in selectors)
        if self.patterns > MOST_PATTERNS:
            fail(
                "These are more than {most} patterns.", "Name modules by their paths instead.", verb, most=MOST_PATTERNS
            )
        return Rule(cast(Action, verb.text), selectors)

    def _setting(self, verb: Word, words: list[Word]) -> None:
        choices = SETTINGS[verb.text]
        if self.phases:
            fail("'{verb}' holds for the whole run.", "Write it above the first 'from epoch'.", verb, verb=verb.text)
        if len(words) != 1 or words[0].text not in choices:
            said = shortened(" ".join(word.text for word in words))
            fail(
                "'{verb} {said}' is no setting." if said else "'{verb}' says nothing.",
                "Write '{verb} {first}' or '{verb} {second}'.",
                words[0] if words else verb,
                verb=verb.text,
                said=said,
                first=choices[0],
                second=choices[1],
            )
        self.settings[verb.text] = words[0].text

    def _phase(self, verb: Word, words: list[Word]) -> None:
        head, rest = _split_phase(verb, words)
        epoch = int(head.text)
        self._close_phase()
        if self.phases and epoch <= self.phases[-1][0]:
            last = self.phases[-1][0]
            fail(
                "Epoch {epoch} stands below epoch {last}.",
                "Write the phases in the order they begin.",
                head,
                epoch=epoch,
                last=last,
            )
        self.phases.append((epoch, []))
        self.phase_at = verb.at
        self.statement(rest)

    def _close_phase(self) -> None:
        if self.phases and not self.phases[-1][1]:
            epoch = self.phases[-1][0]
            raise RuleError(
                "'from epoch {epoch}:' changes nothing.", "Write a rule after it.", self.phase_at, epoch=epoch
            )


def _split_phase(verb: Word, words: list[Word]) -> tuple[Word, list[Word]]:
    """The epoch of `epoch N: …` and the words after the colon, which may stand alone or stick to either side."""
    texts = [word.text for word in words]
    if len(words) >= 2 and texts[0] == "epoch":
        number, colon, stuck = texts[1].partition(":")
        number_at, rest = words[1].at, words[2:]
        if not colon and rest and rest[0].text.startswith(":"):
            colon, stuck, words, rest = ":", rest[0].text[1:], words[1:], rest[1:]
        if colon and re.fullmatch("[0-9]{1,7}", number) and int(number) <= LAST_EPOCH:
            after = Word(stuck, words[1].at + len(words[1].text) - len(stuck))
            return Word(number, number_at), ([after] if stuck else []) + rest
    said = shortened(" ".join(("from", *texts)))
    return fail(
        "Cannot read the phase '{said}'.", "Write something like 'from epoch 2: train blocks:last2'.", verb, said=said
    )


def statements(text: str) -> Iterator[list[Word]]:
    """The words of each statement; pieces that touch, such as `contains:"a b"`, are one word."""
    words: list[Word] = []
    end = -1
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise RuleError("A double quote is opened and not closed.", "Close it on the same line.", at)
        at = token.end()
        if token.lastgroup == "end":
            yield words
            words = []
        elif token.lastgroup in ("quoted", "plain"):
            piece = token[0] if token.lastgroup == "plain" else token[0][1:-1].replace('""', '"')
            if words and end == token.start():
                words[-1] = Word(words[-1].text + piece, words[-1].at)
            else:
                words.append(Word(piece, token.start()))
            end = at
    yield words


def parse_selector(word: Word | str) -> Selector:
    """Read one selector.

    Raises:
        RuleError: an unknown form, positions that are none, or a regular expression that is broken or unbounded.
    """
    word = Word(word, 0) if isinstance(word, str) else word
    if not word.text or not word.text.isprintable():
        fail(
            "'{text}' names nothing.",
            "Write a path such as 'layer1' or a role such as 'head'.",
            word,
            text=shortened(word.text),
        )
    form, colon, value = word.text.partition(":")
    if not colon:
        return Selector("kind", form) if form in ROLES else Selector("path", _checked_path(word, form))
    form, at, tower = form.partition("@")
    if at and form in FORMS and form not in ("blocks", "stages"):
        fail("'{form}' takes no tower.", "Only blocks@TOWER:… and stages@TOWER:… do.", word, form=form)
    if form not in FORMS:
        meant = FORM_SYNONYMS.get(form.lower())
        close = _example(meant) if meant else did_you_mean(form, FORMS)
        fail(
            "There is no kind of selector called '{form}:'.",
            close or say("If it is a name, write path:{text}", text=shortened(word.text)),
            word,
            form=shortened(form),
        )
    if not value or (at and not tower):
        fail(
            "'{text}' says nothing after the @." if value else "'{text}' says nothing after the colon.",
            _example(form),
            word,
            text=shortened(word.text),
        )
    return Selector(cast(Form, form), _value(form, value, word), tower or None)


def _value(form: str, value: str, word: Word) -> str:
    """The value in its plain form, once it has been read as this form wants it."""
    inside = Word(value, word.at + len(word.text) - len(value))
    if form == "regex":
        compile_bounded(value, inside.at)
    elif form == "kind":
        if value not in KIND_WORDS:
            fail(
                "There is no role called '{value}'.",
                did_you_mean(value, ROLES) or ", ".join(ROLES),
                inside,
                value=shortened(value),
            )
        return KIND_WORDS[value]
    elif form == "part" and value not in PARTS:
        fail(
            "There is no part called '{value}'.",
            did_you_mean(value, PARTS) or ", ".join(PARTS),
            inside,
            value=shortened(value),
        )
    elif form == "path":
        return _checked_path(inside, value)
    elif form in ("blocks", "stages"):
        if not _POSITIONS.fullmatch(value):
            fail("'{value}' is no position of {form}.", _example(form), inside, value=shortened(value), form=form)
        runs = [part.split("-") for part in value.split(",")] if value[0].isdigit() else []
        if any(int(run[0]) > int(run[-1]) for run in runs):
            fail("'{value}' runs backwards.", _example(form), inside, value=shortened(value))
    return value


def _checked_path(word: Word, path: str) -> str:
    if len(path) > LONGEST_PATH:
        fail(
            "'{path}' is too long for a path.",
            "{most:,} characters are the most.",
            word,
            path=shortened(path),
            most=LONGEST_PATH,
        )
    if path.count("**") > MOST_CROSSINGS:
        fail(
            "'{path}' has more than {most} '**'.",
            "Write several rules.",
            word,
            path=shortened(path),
            most=MOST_CROSSINGS,
        )
    return path


def _example(form: str) -> str:
    examples = {
        "blocks": say("Write blocks:0-2, blocks:0,3, blocks:first3 or blocks:last2."),
        "stages": say("Write stages:0-1, stages:0,3, stages:first2 or stages:last1."),
        "regex": say(r"Write something like regex:^encoder\.layer\.[0-5]\."),
        "contains": say("Write something like contains:layer1.0."),
        "type": say("Write something like type:BatchNorm*"),
        "kind": say("Write one of {names}.", names=", ".join(f"kind:{role}" for role in ROLES)),
        "path": say("Write something like path:head."),
        "part": say("Write one of {names}.", names=", ".join(map(whole_part, PARTS))),
    }
    return examples[form]


def whole_part(name: str) -> str:
    """The selector of a multimodal model's part, which no module's path can be taken for."""
    return f"part:{name}"


def print_selector(selector: Selector) -> str:
    """One selector as text, quoted where it must be."""
    form, value, tower = selector.form, selector.value, selector.tower
    if form == "kind" and value in ROLES:
        return value
    if form == "path" and value not in ROLES and ":" not in value:
        return _quoted(value)
    return _quoted(f"{form}@{tower}" if tower else form) + ":" + _quoted(value)


def _quoted(text: str) -> str:
    return text if re.fullmatch(r'[^\s;#"]+', text) else '"' + text.replace('"', '""') + '"'


def is_plain(selector: Selector) -> bool:
    """It is looked up and not searched for, so thousands of it cost nothing."""
    return selector.form not in ("contains", "regex", "type") and not any(mark in selector.value for mark in "*?[")


def fail(problem: str, hint: str, word: Word, **values: object) -> NoReturn:
    """Say what cannot be read, and where."""
    raise RuleError(problem, hint, word.at, **values)
