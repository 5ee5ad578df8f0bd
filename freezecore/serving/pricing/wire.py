"""What goes to the pricing process and comes back, with its form as JSON values."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from freezecore._estimate import CardFit, Estimate, PhasePeak, Price
from freezecore._review import Finding
from freezecore._trace import Trace
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload


@dataclass(frozen=True)
class KnownStep:
    """A model and the training step that prices what of it trains.

    Attributes:
        tree, trace, source, workload: the model and its step; the batch size is that of each question.
        prices: what each module costs to train, by path.
    """

    tree: LayerTree
    trace: Trace
    source: ModelSource
    workload: Workload
    prices: dict[str, Price]

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return {
            "tree": self.tree.to_json(),
            "trace": self.trace.to_json(),
            "source": asdict(self.source),
            "workload": self.workload.to_json(),
            "prices": {path: asdict(price) for path, price in self.prices.items()},
        }

    @classmethod
    def from_json(cls, data: dict) -> KnownStep:
        """Rebuild it from what `to_json` gives; raises ValueError or FreezeError for anything else."""
        return cls(
            LayerTree.from_json(data["tree"]),
            Trace.from_json(data["trace"]),
            ModelSource(**data["source"]),
            Workload(**data["workload"]),
            {path: Price(**price) for path, price in data["prices"].items()},
        )


@dataclass(frozen=True)
class PricedTicks:
    """What ticks come to: their shortest rules and, where known, the cost of a step, what is wrong, and how it fits on
    the card."""

    rules: str
    cost: Estimate | None = None
    findings: tuple[Finding, ...] = ()
    fit: CardFit | None = None

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict) -> PricedTicks:
        """Rebuild it from what `to_json` gives and a line of JSON brought."""
        cost, fit = data["cost"], data["fit"]
        if cost:
            phases = tuple(PhasePeak(**phase) for phase in cost["phases"])
            cost = Estimate(**{**cost, "phases": phases, "left_out": tuple(cost["left_out"])})
        findings = tuple(Finding(**{**each, "layers": tuple(each["layers"])}) for each in data["findings"])
        return cls(data["rules"], cost, findings, fit and CardFit(**fit))
