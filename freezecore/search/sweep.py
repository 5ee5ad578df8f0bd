"""Sweep: many selections of one model tried alike; what is asked for, and how the results compare, as plain data.

The runs themselves are made by `freezecore.runtime.search.sweep`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from freezecore._presets import first_blocks_rules, presets
from freezecore._resolve import resolve_phases
from freezecore.adapter import Adapter, parse_adapters, print_adapters
from freezecore.errors import ProbeError, RuleError, none_called
from freezecore.probe import ProbeRequest
from freezecore.report import bytes_text, html_table, number_text, seconds_text
from freezecore.rules.grammar import parse_spec
from freezecore.search.measured import Candidate, MeasuredSelection
from freezecore.sentences import say
from freezecore.tree import LayerTree

OVER = ("depth", "presets", "rank")
USUAL = ("depth", "presets")
RANKS = (4, 16, 64)
MOST_FACTORS = 10
MOST_SEEDS = 20
MOST_SPECS = 200


@dataclass(frozen=True)
class SweepRequest:
    """What to try.

    Attributes:
        base: the probe that every selection gets; its own rules do not count.
        over: families of selections: `depth` (0, 1, … all blocks frozen from the input side), `presets`, `rank` (LoRA
            of several ranks, on all blocks and on the last half of them).
        specs: further selections, as rules.
        seeds: runs of each selection, from `base.seed` upwards.
        ray: address of a Ray cluster, or `auto`; None stays on this machine.
        factors: learning rates of each selection, as multiples of its default ones.
    """

    base: ProbeRequest
    over: tuple[str, ...] = USUAL
    specs: tuple[str, ...] = ()
    seeds: int = 1
    ray: str | None = None
    factors: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name in self.over:
            if name not in OVER:
                raise none_called(ProbeError, "A sweep cannot go over '{name}'.", name, OVER)
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise ProbeError(
                "{count} seeds are out of range.", "Choose between 1 and {most}.", count=self.seeds, most=MOST_SEEDS
            )
        if not 1 <= len(self.factors) <= MOST_FACTORS or not all(1e-4 <= factor <= 1e4 for factor in self.factors):
            raise ProbeError(
                "The factors of the learning rates are out of range.",
                "Give 1 to {most} of them, such as 0.3,1,3.",
                most=MOST_FACTORS,
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
        rest["factors"] = list(self.factors)
        return {**rest, "base": base, "source": base["source"], "data": base["data"]}

    @classmethod
    def from_json(cls, data: dict) -> SweepRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        base = ProbeRequest.from_json(data["base"])
        factors = tuple(data.get("factors", (1.0,)))
        return cls(base, tuple(data["over"]), tuple(data["specs"]), data["seeds"], data["ray"], factors)


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
                " · ".join(filter(None, (run.adapter, run.rules))),
            )
            for i, run in enumerate(self.runs)
        ]
        header = ("", metric, "spread", "peak", "step", "rules")
        return html_table(header, rows, right=[1, 2, 3, 4], below=[f"{self.message} {self.hint}".strip()])

    def to_json(self) -> dict:
        """The last line that the command line's `sweep --json` prints."""
        return {"event": "result", **asdict(self), "runs": [entry.to_json() for entry in self.runs]}


def candidates(
    tree: LayerTree,
    over: Sequence[str],
    specs: Sequence[str] = (),
    adapter: str | None = None,
    *,
    keeps_head: bool = False,
) -> tuple[Candidate, ...]:
    """The selections of these families, each mask once; what trains nothing is left out.

    Args:
        adapter: what the model was asked for with: of it, `rank` varies the rank alone.
        keeps_head: the head is the model's own and knows its task, so that beside an adapter it stays frozen.

    Raises:
        RuleError: one of `specs` cannot be read, or hits nothing.
    """
    found: dict[tuple, Candidate] = {}
    for candidate in (*_families(tree, over, adapter, keeps_head), *(Candidate(rules, (rules,)) for rules in specs)):
        spec = parse_spec(candidate.rules)
        if candidate.adapter:  # its rules speak of a model that is not built yet
            found[candidate.adapter,] = candidate
            continue
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


def at_rates(found: Sequence[Candidate], factors: Sequence[float]) -> tuple[Candidate, ...]:
    """Each selection at each of these multiples of its learning rates."""
    return tuple(replace(candidate, factor=factor) for factor in factors for candidate in found)


def _families(tree: LayerTree, over: Sequence[str], adapter: str | None, keeps_head: bool) -> Iterable[Candidate]:
    if "depth" in over:
        for n in range(len(tree.blocks) + 1):
            label = say("1 block frozen" if n == 1 else "{n} blocks frozen", n=n)
            yield Candidate(first_blocks_rules(tree, n) if n else "train all", (label,), n)
    if "presets" in over:
        for preset in presets(tree):
            yield Candidate(preset.rules, (preset.label,))
    if "rank" in over:
        yield from _ranks(tree, adapter, keeps_head)


def _ranks(tree: LayerTree, asked: str | None, keeps_head: bool) -> Iterable[Candidate]:
    """LoRA of each rank that the blocks' matrices have, scaled alike (alpha is the rank): on all linear layers but the
    head, and on those of the last half of the blocks, so that what stands before need not be computed again."""
    widest = max((min(p.shape) for p in tree.parameters if p.kind == "block" and len(p.shape) == 2), default=RANKS[-1])
    rules = "freeze all; train adapters" if keeps_head else "freeze all; train adapters head"
    half = len(tree.blocks) // 2
    for rank in (r for r in RANKS if r <= widest):
        given = tuple(replace(one, r=rank, alpha=rank) for one in (parse_adapters(asked) if asked else (Adapter(),)))
        yield Candidate(rules, (say("LoRA of rank {rank}", rank=rank),), adapter=print_adapters(given))
        if half and not asked:
            label = say("LoRA of rank {rank} on the last {half} blocks", rank=rank, half=half)
            yield Candidate(rules, (label,), adapter=f"{print_adapters(given)} on blocks:last{half}")
