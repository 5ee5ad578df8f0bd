"""Compares selections on a person's own model and data, and tells differences from noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

import torch
from torch import Tensor, nn

from freezecore.errors import DataError, ProofError
from freezecore.live.hold import hold
from freezecore.live.proof import ProofCheck
from freezecore.live.read import read_module
from freezecore.metrics import bootstrap_wins
from freezecore.probe import Proof
from freezecore.resolve import resolve
from freezecore.spec import FreezeSpec

Loss = Callable[[nn.Module, object], Tensor]
Make = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True)
class Compared:
    """One selection on one's own data.

    Attributes:
        rules: its rules as text.
        scores: of the held-out samples (or batches), higher is better, mean over the seeds.
        score: their mean.
        loss_first, loss_last: of the first seed's training.
        trainable: scalars that train.
    """

    rules: str
    scores: tuple[float, ...]
    score: float
    loss_first: float
    loss_last: float
    trainable: int


@dataclass(frozen=True)
class Comparison:
    """Selections side by side.

    Attributes:
        runs: in the order in which the rules were given.
        wins: `wins[i][j]`, share of resamples of the held-out samples in which i beats j; a tie counts half.
    """

    runs: tuple[Compared, ...]
    wins: tuple[tuple[float, ...], ...]

    @property
    def best(self) -> Compared:
        return max(self.runs, key=lambda run: run.score)

    def __str__(self) -> str:
        """One line a selection: its score, and how often the best beats it."""
        at = self.runs.index(self.best)
        lines = []
        for i, run in enumerate(self.runs):
            beaten = "best" if i == at else f"beaten in {round(100 * self.wins[at][i])} of 100 resamples"
            lines.append(f"{run.score:10.4f}  {beaten:<32}  {run.rules}")
        return "\n".join(lines)


def compare(
    make_model: Callable[[], nn.Module],
    specs: Sequence[FreezeSpec | str],
    batches: Sequence[object],
    loss: Loss,
    *,
    held_out: Sequence[object] | None = None,
    score: Loss | None = None,
    optimizer: Make = torch.optim.AdamW,
    epochs: int = 1,
    seeds: int = 1,
) -> Comparison:
    """Train a fresh model under each selection on the same batches, and score all on the same held-out ones.

    Args:
        make_model: builds the model with its first weights; called once for each selection and seed.
        specs: selections, as rules or as text.
        batches: what to train on, in order; gone through once each epoch.
        loss: of a model and a batch; a scalar with a gradient.
        held_out: what to score on; None scores on every fourth of `batches`, which then are not trained on.
        score: of a model and a held-out batch, higher is better; a number, or one for each sample. None takes
            the loss, negated.
        optimizer: makes an optimizer from the trainable parameters.

    Raises:
        RuleError: a rule hits nothing.
        DataError: there are too few batches.
        ProofError: something frozen moved.
    """
    batches = list(batches)
    if held_out is None:
        held_out = batches[::4]
        batches = [batch for i, batch in enumerate(batches) if i % 4]
    if not batches or not held_out:
        raise DataError("There are too few batches to train and to score on.", "Give at least two, or `held_out`.")
    score = score or (lambda model, batch: -loss(model, batch))
    runs = []
    for spec in specs:
        spec = FreezeSpec.parse(spec) if isinstance(spec, str) else spec
        trained = [_trained(make_model, spec, batches * epochs, loss, optimizer, seed) for seed in range(seeds)]
        scored = [_scores(model, held_out, score) for model, _, _ in trained]
        means = tuple(map(mean, zip(*scored, strict=True)))
        _, losses, trainable = trained[0]
        runs.append(Compared(str(spec), means, mean(means), losses[0], losses[-1], trainable))
    wins = tuple(tuple(bootstrap_wins(a.scores, b.scores) for b in runs) for a in runs)
    return Comparison(tuple(runs), wins)


def _trained(
    make_model: Callable[[], nn.Module], spec: FreezeSpec, batches: list, loss: Loss, make: Make, seed: int
) -> tuple[nn.Module, list[float], int]:
    """A model after training, its losses, and how many scalars trained."""
    torch.manual_seed(seed)
    model = make_model()
    mask = resolve(spec, read_module(model))
    mask.apply_to(model)
    losses = []
    with hold(model, mask):
        model.train()
        check = ProofCheck(model, mask)
        optimizer = make([parameter for parameter in model.parameters() if parameter.requires_grad])
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            value = loss(model, batch)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        _require(check.verify(optimizer), spec)
    return model, losses, mask.trainable


def _require(proof: Proof, spec: FreezeSpec) -> None:
    if not proof.ok:
        names = ", ".join([*proof.changed, *proof.with_gradient, *proof.optimizer_strangers][:3])
        raise ProofError(f"Under '{spec}' something frozen did not stay so: {names}.", "Look at what `loss` changes.")


@torch.no_grad()
def _scores(model: nn.Module, batches: Sequence[object], score: Loss) -> list[float]:
    model.eval()
    found: list[float] = []
    for batch in batches:
        value = torch.as_tensor(score(model, batch), dtype=torch.float64)
        found += value.flatten().tolist()
    return found
