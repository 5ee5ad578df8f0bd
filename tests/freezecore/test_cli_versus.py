"""`estimate --versus`: what people choose between, side by side."""

import json
from pathlib import Path

import freezecore as fc
from freezecore.cli import main
from freezecore.source import ModelSource
from freezecore.workload import Workload

TINY = f"config:{Path(__file__).parent / 'runtime' / 'tiny_vit.json'}"


def test_ways_of_training_stand_side_by_side_each_priced_as_it_is_alone(capsys):
    rules = "freeze all; train blocks:last1 head"
    assert main(["estimate", TINY, "--rules", rules, "--batch-size", "2", "--versus", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in document["versus"]}
    assert list(rows) == ["this selection", "full", "head", "LoRA", "QLoRA"]
    assert rows["this selection"]["peak_bytes"] == document["peak_bytes"]
    assert rows["full"]["peak_bytes"] == document["full"]["peak_bytes"]
    for name in ("LoRA", "QLoRA"):
        row = rows[name]
        source = ModelSource.parse(TINY, adapter=row["adapter"], quantize=row["quantize"])
        mask = fc.resolve(row["rules"], fc.read_tree(source))
        cost = fc.pricer(source, Workload(2)).estimate(mask)
        assert (row["peak_bytes"], row["flops_backward"]) == (cost.peak_bytes, cost.flops_backward)
        assert row["trainable"] == mask.trainable == row["checkpoint_bytes"] // 4
    rank = document["equal_memory"]["rank"]
    found = [
        fc.pricer(one, Workload(2)).estimate(fc.resolve(rows["LoRA"]["rules"], fc.read_tree(one))).peak_bytes
        for one in (ModelSource.parse(TINY, adapter=f"lora r={r}") for r in (rank, rank + 1) if r)
    ]
    assert found[-1] > document["peak_bytes"] and all(peak <= document["peak_bytes"] for peak in found[:-1])
    within = fc.resolve(document["equal_memory"]["rules"], fc.read_tree(TINY))
    assert fc.pricer(TINY, Workload(2)).estimate(within).peak_bytes <= rows["LoRA"]["peak_bytes"]


def test_a_way_that_a_model_has_not_is_told_in_its_row(capsys):
    assert main(["estimate", "timm:resnet18", "--batch-size", "1", "--image-size", "32", "--versus"]) == 0
    said = capsys.readouterr().out
    assert "has no linear layer beside its head that could be quantized" in said


def test_adapters_that_the_rules_freeze_are_told_beside_the_numbers(capsys):
    adapter = ("--adapter", "lora r=2", "--batch-size", "2")
    assert main(["estimate", TINY, *adapter, "--rules", "freeze all; train head"]) == 0
    assert "of the adapters are frozen: they add nothing" in capsys.readouterr().out
    assert main(["estimate", TINY, *adapter, "--rules", "freeze all; train head adapters", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
