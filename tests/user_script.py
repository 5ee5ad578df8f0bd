"""A script as a person writes it, for the type checker: the README's lines, and what is asked most. It also runs."""

from pathlib import Path

import torch

import freezecore as fc

source = fc.ModelSource.parse("timm:resnet18")
tree = fc.read_tree(source)  # shapes only: no weights, no download
spec = fc.FreezeSpec.parse("freeze all; train head")
mask = fc.resolve(spec, tree)  # an error when a rule hits nothing
cost = fc.estimate(fc.trace(source, fc.Workload(batch_size=32)), mask).required()  # raises where it is unknown
print(f"{mask.trainable:,} of {tree.total:,} train; peak {cost.peak_bytes / 1e6:.0f} MB, {cost.peak_moment}")

model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))
mask = fc.apply(model, "freeze all; train 2")  # norms held and dropout off through every model.train()
optimizer = torch.optim.AdamW(fc.trainable_parameters(model))
with fc.proof(model, optimizer):  # raises, by name, if anything frozen moved
    model.train()
    model(torch.randn(4, 8)).sum().backward()
    optimizer.step()
fc.save(model, torch.randn(4, 8), "model.json")  # tree and trace for the page: no code, no weights
print(fc.read_tree(model))
print(fc.estimate(fc.trace(model, batch=torch.randn(4, 8)), mask).required().peak_bytes, "bytes at the peak")

print(fc.summary("timm:resnet18", "freeze all; train head"))  # layers, parameters, frozen or trainable
print(fc.estimate("timm:resnet18", "freeze all; train head", batch=8, precision="bf16-autocast"))
print(fc.fits("timm:resnet18", "freeze all; train head", card="T4"))  # and the largest batch
print(fc.timeline("timm:resnet18", "freeze all; train head", batch=8))  # what is alive at each moment of a step
print(fc.per_device("timm:resnet18", "train all", batch=8, world=2, sharding="fsdp"))  # one of two devices
print(fc.diff("timm:resnet18", "freeze stem", "freeze all; train head", batch=8))  # what changes sides, what it saves

partial = fc.estimate(model, "freeze all; train 2", batch=torch.randn(4, 8))
if partial.known:
    megabytes: float = partial.peak_bytes / 1e6
batch_there: int | None = fc.fits(model, "train all", card="16GB", batch=torch.randn(4, 8)).largest_batch
cards: list[str] = [fit.card for fit in fc.fits(source, spec) if fit.fits]
gone: tuple[str, ...] = fc.diff(model, "train all", mask, batch=torch.randn(4, 8)).frozen_by_other
groups = torch.optim.AdamW(fc.parameter_groups(model, 1e-3, head_lr=1e-2))
held: list[bool] = [proof.ok for proof in fc.ProofCallback().proofs]
fc.save(model, torch.randn(4, 8), Path("model.json"))
code: str = fc.export("timm:resnet18", "freeze all; train head", to="pytorch")
findings = [finding.message for finding in fc.review(tree, fc.resolve(spec, tree))]


def sweep() -> list[str]:
    """A verb's typed result."""
    result = fc.run_sweep("timm:resnet18", over=["depth"], steps=5, seeds=2)
    return [entry.rules for entry in result.runs]


def probe() -> float | None:
    """Options by name."""
    return fc.run_probe("timm:resnet18", "freeze all; train head", data="shapes", steps=20).accuracy_after
