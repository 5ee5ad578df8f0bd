"""Sweep: many selections of one model tried alike; what is asked for, and how the results compare, as plain data.

The runs themselves are made by `freezecore.runtime.search.sweep`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from freezecore._presets import first_blocks_rules, presets
from freezecore._resolve import resolve_phases
from freezecore.errors import ProbeError, RuleError, none_called
from freezecore.probe import ProbeRequest
from freezecore.report import bytes_text, html_table, number_text, seconds_text
from freezecore.rules.grammar import parse_spec
from freezecore.search.measured import Candidate, MeasuredSelection
from freezecore.sentences import say
from freezecore.tree import LayerTree

OVER = ("depth", "presets")
MOST_SEEDS = 20
MOST_SPECS = 200


@dataclass(frozen=True)
class SweepRequest:
    """What to try.

    Attributes:
        base: the probe that every selection gets; its own rules do not count.
        over: families of selections: `depth` (0, 1, … all blocks frozen from the input side), `presets`.
        specs: further selections, as rules.
        seeds: runs of each selection, from `base.seed` upwards.
        ray: address of a Ray cluster, or `auto`; None stays on this machine.
    """

    base: ProbeRequest
    over: tuple[str, ...] = OVER
    specs: tuple[str, ...] = ()
    seeds: int = 1
    ray: str | None = None

    def __post_init__(self) -> None:
        for name in self.over:
            if name not in OVER:
                raise none_called(ProbeError, "A sweep cannot go over '{name}'.", name, OVER)
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise ProbeError(
                "{count} seeds are out of range.", "Choose between 1 and {most}.", count=self.seeds, most=MOST_SEEDS
            )
        if not self.over and not self.specs:
            raise ProbeError("There is nothing to sweep over.", "Choose depth, presets, or rules of your own.")
        if len(self.specs) > MOST_SPECS:
            raise ProbeError(
                "{count} selections are too many.", "Choose at most {most}.", count=len(self.specs), most=MOST_SPECS
            )

    def to_json(self) -> dict:
        """The request as JSON values."""
        base = self.base.to_json()
        rest = {"over": list(self.over), "specs": list(self.specs), "seeds": self.seeds, "ray": self.ray}
        return {**rest, "base": base, "source": base["source"], "data": base["data"]}

    @classmethod
    def from_json(cls, data: dict) -> SweepRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        base = ProbeRequest.from_json(data["base"])
        return cls(base, tuple(data["over"]), tuple(data["specs"]), data["seeds"], data["ray"])


@dataclass(frozen=True)
class SweepResult:
    """All selections, and which of them are worth choosing.

    Attributes:
        runs: in the order in which they were asked for.
        pareto: positions of those that no other beats in accuracy, memory and step time at once.
        best: position of the best; None where nothing was measured.
        as_good: positions of those that the best beats by no more than noise, itself among them.
    """

    state: str
    runs: tuple[MeasuredSelection, ...] = ()
    pareto: tuple[int, ...] = ()
    best: int | None = None
    as_good: tuple[int, ...] = ()
    seconds: float | None = None
    message: str = ""
    hint: str = ""
    request: dict = field(default_factory=dict)

    def _repr_html_(self) -> str:
        metric = next((run.metric for run in self.runs if run.metric), "accuracy")
        rows = [
            (
                "best" if i == self.best else "as good" if i in self.as_good else run.state.removeprefix("done"),
                number_text(run.score if run.metric_after is None else run.metric_after, 4),
                "" if run.spread is None else f"±{run.spread:.3f}",
                bytes_text(run.peak_bytes),
                seconds_text(run.step_s),
                run.rules,
            )
            for i, run in enumerate(self.runs)
        ]
        header = ("", metric, "spread", "peak", "step", "rules")
        return html_table(header, rows, right=[1, 2, 3, 4], below=[f"{self.message} {self.hint}".strip()])

    def to_json(self) -> dict:
        """The last line that the command line's `sweep --json` prints."""
        return {"event": "result", **asdict(self), "runs": [entry.to_json() for entry in self.runs]}


def candidates(tree: LayerTree, over: Sequence[str], specs: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """The selections of these families, each mask once; what trains nothing is left out.

    Raises:
        RuleError: one of `specs` cannot be read, or hits nothing.
    """
    found: dict[tuple, Candidate] = {}
    for candidate in (*_families(tree, over), *(Candidate(rules, (rules,)) for rules in specs)):
        spec = parse_spec(candidate.rules)
        masks = tuple(mask.trains for mask in resolve_phases(spec, tree).values())
        if not any(map(any, masks)):
            continue
        key = (masks, spec.epochs, spec.norms, spec.dropout)
        known = found.setdefault(key, candidate)
        if known is not candidate:
            depth = candidate.frozen_blocks if known.frozen_blocks is None else known.frozen_blocks
            found[key] = replace(known, labels=(*known.labels, *candidate.labels), frozen_blocks=depth)
    if not found:
        raise RuleError(
            "{source} has no selection of this kind in which something trains.", "Write rules.", source=tree.source
        )
    return tuple(found.values())


def _families(tree: LayerTree, over: Sequence[str]) -> Iterable[Candidate]:
    if "depth" in over:
        for n in range(len(tree.blocks) + 1):
            label = say("1 block frozen" if n == 1 else "{n} blocks frozen", n=n)
            yield Candidate(first_blocks_rules(tree, n) if n else "train all", (label,), n)
    if "presets" in over:
        for preset in presets(tree):
            yield Candidate(preset.rules, (preset.label,))
