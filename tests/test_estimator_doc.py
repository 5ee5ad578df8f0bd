"""The estimator's document: its sums are right, and its table is what the code says of the same network."""

import re
from pathlib import Path

import torch
from torch import nn

import freezecore as fc
from freezecore.mask import Mask
from freezecore.workload import Workload

TEXT = (Path(__file__).parents[1] / "docs" / "estimator.md").read_text().replace(",", "")


def test_every_sum_in_the_document_is_right():
    sums = re.findall(r"((?:\d+ [*+] )+\d+) = (\d+)", TEXT)
    assert len(sums) > 20
    assert [one for one in sums if eval(one[0]) != int(one[1])] == []


def test_the_table_is_what_the_code_says():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    pricer, tree = fc.pricer(model, Workload(implementation="loop"), batch=torch.zeros(10, 8)), fc.read_tree(model)
    masks = (Mask(tree, (True,) * 4), Mask.from_names(tree, ["2.weight", "2.bias"]))
    found = []
    for mask in masks:
        cost = pricer.estimate(mask).required()
        found.append(cost.to_json() | {f"phase {phase.name}": phase.peak_bytes for phase in cost.phases})
    rows = re.findall(r"^\| `?([a-z_ ]+?)`? \| (\d+) \| (\d+) \|$", TEXT, re.M)
    assert len(rows) == 13
    assert {name: [int(one), int(other)] for name, one, other in rows} == {
        name: [one[name] for one in found] for name, *_ in rows
    }
