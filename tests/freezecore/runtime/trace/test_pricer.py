"""The pricer: a mask of a kind that a trace was never followed under is priced too, and only then is more followed."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.runtime.trace import tracer
from freezecore.runtime.tree.read import read_module
from freezecore.workload import Workload


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 10)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


class Deep(nn.Sequential):
    """Convolutions whose backward steps take different work."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 3), nn.Conv2d(8, 5, 3), nn.Flatten())


def masks(tree):
    """Everything, its weights and its biases."""
    names = [p.name for p in tree.parameters]
    return [Mask.from_names(tree, [name for name in names if name.endswith(end)]) for end in ("", "weight", "bias")]


def emptied(trace):
    """The trace as if no mask had been asked for: all that its operations know is gone."""
    return replace(trace, operations=tuple(replace(o, saved={}, backward={}) for o in trace.operations))


def test_what_a_trace_is_missing_is_measured_and_prices_are_those_of_a_whole_trace():
    pricer, tree = fc.pricer(Net(), Workload(4, image_size=16)), read_module(Net())
    whole = [fc.estimate(pricer.trace, mask) for mask in masks(tree)]
    assert all(cost.peak_bytes for cost in whole)
    partial = fc.Pricer(emptied(pricer.trace), pricer.fill)
    assert fc.estimate(partial.trace, masks(tree)[0]).missing
    assert [partial.estimate(mask) for mask in masks(tree)] == whole
    assert not fc.estimate(partial.complete(masks(tree)), masks(tree)[2]).missing


def test_a_trace_that_is_complete_is_priced_without_asking_for_more():
    tree, trace = read_module(Net()), fc.trace(Net(), Workload(4, image_size=16))

    def fill(trace, missing):
        raise AssertionError(missing)

    mask = masks(tree)[1]
    assert fc.Pricer(trace, fill).estimate(mask, batch_size=9) == fc.estimate(trace, mask, batch_size=9)


def test_measuring_more_leaves_the_trace_at_hand_as_it_was():
    pricer, tree = fc.pricer(Net(), Workload(4, image_size=16)), read_module(Net())
    before = emptied(pricer.trace)
    for mask in masks(tree):
        after = fc.Pricer(before, pricer.fill)
        after.estimate(mask)
        assert len(after.trace.amounts) >= len(before.amounts)
        assert fc.estimate(before, mask).missing


def test_what_another_process_measured_stays_true_when_this_one_measures_more(monkeypatch):
    monkeypatch.setattr(tracer, "combinations", lambda able: ())  # nothing is measured ahead
    tree = read_module(Deep())
    first, last = (Mask.from_names(tree, [f"{i}.weight", f"{i + 1}.weight"]) for i in (0, 1))
    one, other, third = (fc.pricer(Deep(), Workload(4, image_size=16)) for _ in range(3))
    expected = [one.estimate(mask) for mask in (first, last)]
    stored = Trace.from_bytes(other.complete([first]).to_bytes())
    both = fc.Pricer(stored, third.fill).complete([last])
    assert [fc.estimate(both, mask) for mask in (first, last)] == expected


def test_an_example_batch_of_ones_own_is_followed_for_what_is_missing_too():
    pricer = fc.pricer(Net(), batch=torch.zeros(6, 3, 20, 20))
    mask = masks(read_module(Net()))[0]
    cost = pricer.estimate(mask)
    assert fc.Pricer(emptied(pricer.trace), pricer.fill).estimate(mask) == cost
    assert cost.activations > 6 * 3 * 20 * 20 * 4


def test_a_workload_is_not_mistaken_for_a_batch():
    with pytest.raises(fc.FreezeError, match="batch="):
        fc.pricer(Net(), torch.zeros(6, 3, 20, 20))
