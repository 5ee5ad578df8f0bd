"""One run of a pasted script: what it set, at which line and epoch, and what could not be followed."""

from __future__ import annotations

import contextlib
import sys

from freezecore.sentences import say

PASTED = "<pasted>"
PASTED_MODULE = "__main__"
MOST_TOLD = 200
NOT_PLACED = -1  # an epoch that cannot be told
MOST_EPOCHS = 40
FARTHEST_EPOCH = 400  # of those that the script itself compares an epoch with
GUARDED_READ: list = []  # how a script's values are read; the guards put their own way here, and nothing else may


class ScriptStopped(Exception):
    """The script ended itself, as `sys.exit` does."""


class ScriptRun:
    """What one run notes.

    Attributes:
        choices: how undecided conditions are taken, by place; what is not in it is taken as False.
        asked: the undecided conditions met, by place: line and what they ask.
        events: (parameter, value, epoch from which it holds, line, value before); None is a value that is not known.
        unread: why a line is not followed, by line.
        notes: sentences on how the script was read.
        missing: module paths that the model does not have.
        clock: epochs trained so far; `NOT_PLACED` after a training of unknown length.
        epoch: the epoch of the training that runs now; None outside of one.
        stepped: in this epoch steps were taken, so that what is set now holds from the next one on.
        limit: how many epochs of a training are gone through.
        stated: batch size, rates, precision and the like.
        models: stand-ins made of the tree; `copies` are copies of these that the script made.
        own: modules of classes that the script defines.
        optimised: ids of the parameters given to an optimizer or trainer.
        built: names of the script's classes that it built.
        pending: trainers that were made and not run.
        rounds: how often a `while` on something unknown went round, by place.
        loops_uncounted: how many loops of unknown length the script is in; what it counts there is not known.
        rates: (rate, names of parameters) of each group of an optimizer.
        configs: adapter configurations; `adapted` says that one was used.
        adapters: each layer that an adapter joined: its path in the tree, rank, alpha, dropout, whether it is rsLoRA,
            whether it is DoRA, and what stands for it.
        callbacks: callbacks that freeze whether or not a trainer has them; `handed` are those that one has.
        decorated: functions of the script that a library's decorator was put on.
        handed_over: functions and arguments of the script given to calls that are not known.
        said: something of the tree was set, even to what it was.
        framework_line: the line that stands for what a framework runs later.
        kind: `python`, or the library whose way to freeze it uses.
        lightning: gives the script's LightningModule, or the model.
        trying: how many `try` statements enclose what runs now.
        raised: what the script itself raised; `failed` says that the run ended by an error.
        names: names of the models that the script builds; `chosen` is the one that the tree stands for.
    """

    def __init__(self, choices: dict | None = None, limit: int = 12) -> None:
        self.choices = choices or {}
        self.asked: dict = {}
        self.events: list = []
        self.unread: dict[int, str] = {}
        self.notes: dict[str, None] = {}
        self.missing: dict[str, None] = {}
        self.clock = 0
        self.epoch: int | None = None
        self.stepped = False
        self.limit = limit
        self.stated: dict = {}
        self.models: list = []
        self.copies: list = []
        self.own: list = []
        self.optimised: set[int] = set()
        self.built: set[int] = set()
        self.pending: list = []
        self.rounds: dict = {}
        self.loops_uncounted = 0
        self.rates: list = []
        self.configs: list = []
        self.adapters: list = []
        self.tokens: list[int] = []
        self.callbacks: list = []
        self.handed: list = []
        self.decorated: list = []
        self.handed_over: list = []
        self.adapted = False
        self.said = False
        self.framework_line = 0
        self.kind = "python"
        self.lightning = lambda: None
        self.trying = 0
        self.raised: BaseException | None = None
        self.failed = False
        self.names: list[str] = []
        self.chosen: str | None = None

    def set(self, parameter, value, **known) -> None:
        self.events.append((parameter, value, self.now(), self.line(), known.get("was", parameter._fx_value)))

    def line(self) -> int:
        """The line that is being run, or that handed over what a framework runs."""
        return pasted_line() or self.framework_line

    def swapped(self, parent, name: str, old, new) -> None:
        """A module was replaced: what was frozen trains anew."""
        before = dict(old.named_parameters())
        frozen = bool(before) and not any(each._fx_value for each in before.values())
        for local, each in new.named_parameters():
            was = before[local]._fx_value if local in before else not frozen
            if each._fx_value is not was and not any(event[0] is each for event in self.events[-200:]):
                self.events.append((each, each._fx_value, self.now(), self.line(), was))

    def now(self) -> int:
        """The epoch from which a change holds."""
        if self.clock == NOT_PLACED:
            return NOT_PLACED
        return self.clock + ((self.epoch or 0) + self.stepped if self.epoch is not None else 0)

    def tell(self, why: str, at: int | None = None, /, **values: object) -> None:
        """Why a line was not read, as a clause whose fields the values fill in."""
        if len(self.unread) < MOST_TOLD:
            self.unread.setdefault(at or self.line(), say(why, **values) if values else why)

    def note(self, sentence: str, /, **values: object) -> None:
        """What was made of the script, as a sentence whose fields the values fill in."""
        if len(self.notes) < MOST_TOLD:
            self.notes[say(sentence, **values)] = None

    def state(self, key: str, value) -> None:
        """Keep what the script states, where it is a plain value."""
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            self.stated[key] = value

    @contextlib.contextmanager
    def uncounted(self):
        """Within a loop of which one round stands for nobody knows how many."""
        self.loops_uncounted += 1
        try:
            yield
        finally:
            self.loops_uncounted -= 1

    def trained(self, epochs) -> None:
        """That a training of so many epochs has ended."""
        if isinstance(epochs, int) and self.clock != NOT_PLACED:
            self.clock += max(0, epochs)
        else:
            self.clock = NOT_PLACED

    def epochs(self, number):
        """Go through a training's epochs: of many as many as the script's own numbers can tell apart after the last
        change, up to `MOST_EPOCHS` or the last epoch that it names."""
        known = number if isinstance(number, int) else None
        most = max(MOST_EPOCHS, self.limit)
        done = changed = 0
        try:
            for epoch in range(most if known is None else min(known, most)):
                if epoch >= changed + self.limit:
                    break
                self.epoch, self.stepped = epoch, False
                before = len(self.events)
                yield epoch
                if any(value is not was for _, value, _, _, was in self.events[before:]):
                    changed = epoch + 1
                done = epoch + 1
            done = known
        finally:
            self.epoch, self.stepped = None, False
            self.trained(done)


class _Now:
    run = ScriptRun()


def begin(run: ScriptRun) -> ScriptRun:
    _Now.run = run
    return run


def now() -> ScriptRun:
    return _Now.run


def pasted_line() -> int:
    """The line of the pasted text that is being run; 0 where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == PASTED:
            return frame.f_lineno
        frame = frame.f_back
    return 0


def pasted_locals() -> dict:
    """The local names of the pasted function that is being run."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != PASTED:
        frame = frame.f_back
    return {} if frame is None else {name: value for name, value in frame.f_locals.items() if name[0] not in "_."}


def pasted_place() -> tuple:
    """The instruction of the pasted text that is being run, the same in every run, and its line."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == PASTED:
            return (frame.f_code.co_name, frame.f_code.co_firstlineno, frame.f_lasti), frame.f_lineno
        frame = frame.f_back
    return ("", 0, 0), 0
