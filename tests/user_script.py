"""A script as a person writes it, for the type checker: the README's lines, and what is asked most. It also runs."""

from pathlib import Path

import torch

import freezecore as fc

source = fc.ModelSource.parse("timm:resnet18")
tree = fc.read_tree(source)
spec = fc.FreezeSpec.parse("freeze all; train head")
mask = fc.resolve(spec, tree)
cost = fc.estimate(fc.trace(source, fc.Workload(batch_size=32)), mask)
if cost.known:
    print(f"{mask.trainable:,} of {tree.total:,} train; peak {cost.peak_bytes / 1e6:.0f} MB, {cost.peak_moment}")

model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))
applied = fc.apply(model, "freeze all; train 2")
optimizer = torch.optim.AdamW(fc.parameter_groups(model, 1e-3))
with fc.proof(model, optimizer):
    model.train()
    model(torch.randn(4, 8)).sum().backward()
    optimizer.step()
fc.save(model, torch.randn(4, 8), Path("model.json"))
code: str = fc.export(source, spec, to="pytorch")
findings = [finding.message for finding in fc.review(tree, mask)]


def sweep() -> list[str]:
    """A verb's typed result."""
    result = fc.run_sweep(source, over=["depth"], steps=5, seeds=2)
    return [entry.rules for entry in result.runs]
