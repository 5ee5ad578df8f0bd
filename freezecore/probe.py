"""Probe: a short, real fine-tuning run under a selection; what is asked for and what was measured, as plain data.

The run itself is `freezecore.runtime.train.run`; a server's runs are processes that `freezecore.serving.worker_pool`
starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal, TypedDict

from freezecore.arguments import checked_fields
from freezecore.epoch_time import EpochTime, epoch_time
from freezecore.errors import ProbeError, did_you_mean, shortened
from freezecore.report import accuracy_text, bytes_text, html_table, number_text, seconds_text
from freezecore.sentences import joined, say
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

Emit = Callable[[dict], None]  # is handed each event of a run as it happens
ShouldStop = Callable[[], bool]  # is asked between the steps of a run
ProbeOptimizer = Literal["sgd", "sgd-momentum", "adamw", "adafactor"]
ProbeDevice = Literal["auto", "cpu", "cuda", "mps"]
State = Literal["done", "stopped", "out-of-memory", "not-a-number", "failed"]
LIMITS: dict[str, tuple[float, float]] = {
    "steps": (1, 100_000),
    "seconds": (1, 86_400),
    "batch_size": (1, 4_096),
    "train_size": (2, 1_000_000),
    "test_size": (2, 1_000_000),
    "image_size": (8, 1_024),
    "sequence_length": (4, 8_192),
    "learning_rate": (1e-8, 100),
    "head_learning_rate": (1e-8, 100),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "sgd-momentum", "adamw", "adafactor"),
    "device": ("auto", "cpu", "cuda", "mps"),
}
NAMES = {
    "steps": say("Steps"),
    "seconds": say("Seconds"),
    "batch_size": say("Batch size"),
    "train_size": say("Train size"),
    "test_size": say("Test size"),
    "image_size": say("Image size"),
    "sequence_length": say("Sequence length"),
    "learning_rate": say("Learning rate"),
    "head_learning_rate": say("Head learning rate"),
}


def silent(event: dict) -> None:
    """The `emit` of a caller who wants no events."""


def never() -> bool:
    """The `should_stop` of a run that goes on to its end."""
    return False


@checked_fields
@dataclass(frozen=True)
class ProbeRequest:
    """What to try.

    Attributes:
        source: the model; its `weights` say whether the features are pretrained.
        spec: the selection.
        data: `shapes`, `digits`, `docstrings`, a path to a person's own, or `hub:NAME`, a data set of the Hub.
        steps: optimizer steps; `seconds` ends earlier when it is given.
        seed: repeats data order, head and dropout.
        learning_rate: None takes a default for the selection, written into the result.
        head_learning_rate: None takes a higher default for the head.
        cache: compute the frozen prefix once where that is exact.
        train_size: samples to train on; None takes the data's own split.
        test_size: samples held out; None takes the data's own split.
        metric: a key of `freezecore.metrics.METRICS`; None takes accuracy for classes and RMSE for values.
        target: the column to predict in a table of one's own; None finds it, as the next four, by its usual names.
        text: the column of texts.
        text_pair: the column of each text's second part.
        group: samples of one group are never split between training and held-out data.
        fold: rows in whose column `held_out_fold` stands are held out.
    """

    source: ModelSource
    spec: FreezeSpec
    data: str = "shapes"
    steps: int = 60
    seconds: float | None = None
    batch_size: int = 32
    seed: int = 0
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    optimizer: ProbeOptimizer = "adamw"
    train_size: int | None = None
    test_size: int | None = None
    image_size: int | None = None
    sequence_length: int | None = None
    cache: bool = True
    device: ProbeDevice = "auto"
    metric: str | None = None
    target: str | None = None
    text: str | None = None
    text_pair: str | None = None
    group: str | None = None
    fold: str | None = None
    held_out_fold: str | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ProbeError(
                    "{name} {value} is out of range.",
                    "Choose between {low} and {high}.",
                    name=NAMES[name],
                    value=number_text(value),
                    low=number_text(low),
                    high=number_text(high),
                )
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ProbeError(
                    "There is no {name} called '{value}'.",
                    did_you_mean(value, choices) or "Choose one of {names}.",
                    names=", ".join(choices),
                    name=name,
                    value=shortened(value),
                )

    def to_json(self) -> dict:
        """The request as JSON values; the spec as its text."""
        return {**asdict(self), "spec": str(self.spec)}

    @classmethod
    def from_json(cls, data: dict) -> ProbeRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        return cls(**{**data, "source": ModelSource(**data["source"]), "spec": FreezeSpec.parse(data["spec"])})


class ProbeOptions(TypedDict, total=False):
    """Fields of `ProbeRequest` beside the model and the selection, for verbs that choose the selections themselves."""

    data: str
    steps: int
    seconds: float | None
    batch_size: int
    seed: int
    learning_rate: float | None
    head_learning_rate: float | None
    optimizer: ProbeOptimizer
    train_size: int | None
    test_size: int | None
    image_size: int | None
    sequence_length: int | None
    cache: bool
    device: ProbeDevice
    metric: str | None
    target: str | None
    text: str | None
    text_pair: str | None
    group: str | None
    fold: str | None
    held_out_fold: str | None


@dataclass(frozen=True)
class Proof:
    """What did not move. `ok` only when all of it holds.

    Attributes:
        parameters: frozen parameters compared bit by bit.
        buffers: buffers of held modules compared bit by bit.
        changed: names of those that moved.
        with_gradient: frozen parameters that had a gradient.
        optimizer_strangers: frozen parameters that the optimizer holds.
        optimizer_missing: trainable parameters that it does not hold.
        optimizer_twice: trainable parameters that it holds more than once, and would step twice.
        unfrozen: frozen parameters that somebody has set to train since.
        modes: held modules that were found in train mode.
        beside: state that moved and that no rule speaks of; it breaks no freeze, and `note` tells it.
    """

    parameters: int
    buffers: int
    changed: tuple[str, ...] = ()
    with_gradient: tuple[str, ...] = ()
    optimizer_strangers: tuple[str, ...] = ()
    optimizer_missing: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    optimizer_twice: tuple[str, ...] = ()
    unfrozen: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """What was found, a clause each; empty when the freeze held."""
        found = ((clause, getattr(self, field)) for field, clause in FAULTS.items())
        return tuple(say(clause, names=_named(names)) for clause, names in found if names)

    @property
    def ok(self) -> bool:
        return not self.faults

    def sentence(self) -> str:
        """What held, or by name what did not."""
        if self.ok:
            return say(
                "Nothing frozen moved: {parameters} parameters and {buffers} buffers, to the bit.",
                parameters=self.parameters,
                buffers=self.buffers,
            )
        return say("The freeze did not hold: {faults}.", faults=joined(self.faults, "; "))

    def note(self) -> str:
        """What moved beside; empty where nothing did."""
        if not self.beside:
            return ""
        said = say("{names} moved, and whether that was to stand still no rule says.", names=_named(self.beside))
        hint = say("'freeze' or 'train' with a module's path says so for its buffers; plain tensors and modules in a "
                   "Python list no rule can reach.")  # fmt: skip
        return f"{said} {hint}"

    def remedy(self) -> str:
        """What to do about the first fault."""
        if self.optimizer_strangers or self.optimizer_missing or self.optimizer_twice or self.with_gradient:
            return say("Freeze first, then build the optimizer from the parameters that train, each once.")
        if self.modes:
            return say("Hold frozen modules in eval mode: fc.apply does it, also after model.train().")
        if self.changed:
            name = self.changed[0]
            return say("Look for what writes to '{name}'; 'train' and a module's path let its buffers move.", name=name)
        return "" if self.ok else say("Look for code that sets requires_grad after the freeze.")

    def to_json(self) -> dict:
        return {"ok": self.ok, "sentence": self.sentence(), **asdict(self)}


def _named(names: tuple[str, ...], most: int = 3) -> str:
    first, more = ", ".join(f"'{name}'" for name in names[:most]), len(names) - most
    return say("{first} and {more} more", first=first, more=more) if more > 0 else first


FAULTS = {
    "changed": say("{names} moved"),
    "with_gradient": say("{names} had a gradient"),
    "optimizer_strangers": say("{names} is frozen, yet in the optimizer"),
    "optimizer_missing": say("{names} trains, yet is not in the optimizer"),
    "optimizer_twice": say("{names} is in the optimizer twice"),
    "unfrozen": say("{names} was set to train again"),
    "modes": say("{names} was found in train mode"),
}


@dataclass(frozen=True)
class CacheUse:
    """Whether the frozen prefix was computed once, and what that brought.

    Attributes:
        used: it was.
        why: a sentence: what was cached, or why not.
        cut: path of the module at which the training step starts.
        capture_s: seconds spent to compute it.
        speedup: plain step time over cached step time, both measured in this run.
    """

    used: bool = False
    why: str = ""
    cut: str | None = None
    capture_s: float | None = None
    speedup: float | None = None


@dataclass(frozen=True)
class SampleChange:
    """A held-out sample that training turned from wrong to right, or from right to wrong.

    Attributes:
        position: its place among the held-out samples.
        target: the class it is.
        before: what was predicted untrained.
        after: what was predicted at the end.
        text: its beginning, where it is text.
        picture: a small JPEG as a `data:` address, where it is a picture.
    """

    position: int
    target: str
    before: str
    after: str
    text: str | None = None
    picture: str | None = None

    @property
    def better(self) -> bool:
        return self.after == self.target


@dataclass(frozen=True)
class ProbeResult:
    """What was measured; None where it was not.

    `accuracy_*` are shares of the held-out samples from 0 to 1, `interval` the 95 % interval of `accuracy_after`;
    `peak_bytes` is the allocator's peak during one plain step, `rss_bytes` the process's. `metric_*` are in the
    metric's own unit. `per_sample` says what each held-out sample adds to the metric afterwards, higher is better, so
    that their mean ranks runs as the metric does; `baseline` is that mean for a model that has learnt nothing but how
    common each class is. Where a model answers at each token there is no `accuracy_*`: `held_out_loss_*` is the mean
    loss of a held-out token in nats, `perplexity_*` its exponential (language models), `span_f1_*` the F1 of tagged
    spans; `metric_interval` is the 95 % interval of `metric_after`, `train_metric_after` the metric on training data.
    `flops` is the work of one plain step, forward and backward, by the estimate.
    """

    state: State
    device: str
    steps: int = 0
    train_size: int = 0
    test_size: int = 0
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    interval: tuple[float, float] | None = None
    train_accuracy_after: float | None = None
    loss_first: float | None = None
    loss_last: float | None = None
    step_s: float | None = None
    samples_per_s: float | None = None
    seconds: float | None = None
    peak_bytes: int | None = None
    rss_bytes: int | None = None
    estimated_peak_bytes: int | None = None
    trainable: int | None = None
    total: int | None = None
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    proof: Proof | None = None
    cache: CacheUse = field(default_factory=CacheUse)
    message: str = ""
    hint: str = ""
    request: dict = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    metric: str | None = None
    metric_before: float | None = None
    metric_after: float | None = None
    per_sample: tuple[float, ...] = ()
    baseline: float | None = None
    changed_samples: tuple[SampleChange, ...] = ()
    notes: tuple[str, ...] = ()
    flops: int | None = None
    metric_interval: tuple[float, float] | None = None
    train_metric_after: float | None = None
    held_out_loss_before: float | None = None
    held_out_loss_after: float | None = None
    perplexity_before: float | None = None
    perplexity_after: float | None = None
    span_f1_before: float | None = None
    span_f1_after: float | None = None

    @property
    def epoch_s(self) -> EpochTime | None:
        """How long an epoch over the training data takes; None where no step was measured."""
        return epoch_time(asdict(self))

    def _repr_html_(self) -> str:
        metric = self.metric or "accuracy"
        before, after = self.accuracy_before, self.accuracy_after
        rows = [] if after is None else [("accuracy", accuracy_text(before), accuracy_text(after, self.interval))]
        if metric != "accuracy":
            rows.append((metric, number_text(self.metric_before, 4), number_text(self.metric_after, 4)))
        rows += [
            ("peak memory", f"{bytes_text(self.estimated_peak_bytes)} estimated", bytes_text(self.peak_bytes)),
            ("step", "", seconds_text(self.step_s)),
        ]
        ended = f"{self.state} after {self.steps} steps on {self.device}. {self.message} {self.hint}"
        proof = self.proof.sentence() if self.proof else ""
        return html_table(
            ("", "before", "after"), rows, right=[1, 2], below=[ended, proof, self.cache.why, *self.notes]
        )

    def to_json(self) -> dict:
        """The last line that the command line's `probe --json` prints."""
        epoch = self.epoch_s
        proof = self.proof.to_json() if self.proof else None
        return {"event": "result", **asdict(self), "proof": proof, "epoch_s": epoch.to_json() if epoch else None}
