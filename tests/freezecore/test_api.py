"""The public verbs on a person's own model: apply, prove, unfreeze, save, and open the file again."""

import dataclasses

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore.errors import ProofError, RuleError
from freezecore.probe import ProbeOptions, ProbeRequest


def own_model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def one_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model.train()
    model(torch.randn(4, 3, 8, 8)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_five_lines_freeze_and_prove():
    model = own_model()
    mask = fc.apply(model, "freeze all; train 4")
    optimizer = torch.optim.AdamW(fc.trainable_parameters(model))
    assert mask.names() == ("4.weight", "4.bias")
    with fc.proof(model, optimizer):
        one_step(model, optimizer)
        one_step(model, optimizer)


def test_the_proof_raises_by_name_when_a_frozen_tensor_moves():
    model = own_model()
    fc.apply(model, "freeze 0 1")
    with pytest.raises(ProofError, match="0.weight"), fc.proof(model):
        model[0].weight.data.add_(1)


def test_rules_that_hit_nothing_leave_the_model_as_it_was():
    model = own_model()
    with pytest.raises(RuleError, match="matches 'layer1'"):
        fc.apply(model, "freeze layer1")
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_schedule_unfreezes_and_the_optimizer_follows():
    model = own_model()
    schedule = fc.unfreezing(model, "freeze all; train 4; from epoch 1: train 0")
    optimizer = torch.optim.SGD(fc.trainable_parameters(model), lr=0.1)
    counts = []
    for epoch in range(2):
        schedule.begin_epoch(epoch, optimizer)
        counts.append(sum(len(group["params"]) for group in optimizer.param_groups))
        one_step(model, optimizer)
    assert counts == [2, 4]


def test_a_saved_model_opens_without_its_code_and_costs_the_same(tmp_path):
    model, batch = own_model(), torch.randn(4, 3, 8, 8)
    fc.save(model, batch, tmp_path / "model.json")
    source = fc.ModelSource.parse(f"file:{tmp_path / 'model.json'}")
    tree = fc.read_tree(source)
    mask = fc.resolve(fc.FreezeSpec.parse("freeze 0 1"), tree)
    assert [p.name for p in tree.parameters] == [name for name, _ in model.named_parameters()]
    head_only = fc.estimate(fc.trace(source, fc.Workload(batch_size=4)), mask)
    full = fc.estimate(fc.trace(source, fc.Workload(batch_size=4)), fc.resolve(fc.FreezeSpec(), tree))
    assert 0 < head_only.peak_bytes < full.peak_bytes


def test_what_a_saved_model_was_not_followed_with_is_told_with_its_price(tmp_path):
    fc.save(own_model(), torch.randn(4, 3, 8, 8), tmp_path / "model.json")
    source = f"file:{tmp_path / 'model.json'}"
    plain = fc.trace(source, fc.Workload(batch_size=8, optimizer="sgd"))
    other = fc.trace(source, fc.Workload(precision="bf16", checkpointing=True))
    told = "precision bf16, which was asked for: the step was followed with fp32"
    assert told in other.notes and any(note.startswith("checkpointing True") for note in other.notes)
    assert not any("which was asked for" in note for note in plain.notes)
    assert told in fc.estimate(source, "train all", batch=4, precision="bf16").left_out


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other/9"}', "\x80\x04pickle", "[" * 100_000])
def test_a_file_that_is_no_model_file_is_told_in_a_sentence(content, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(fc.FreezeError, match="so no model can be read from it. Write one with fc.save"):
        fc.read_tree(f"file:{path}")


def test_the_public_names_are_all_there():
    assert sorted(fc.__all__) == fc.__all__
    assert all(getattr(fc, name).__doc__ for name in fc.__all__)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model, tree: fc.estimate(tree, fc.apply(model, "freeze all; train 4")), "or a Trace as 'model'"),
        (lambda model, tree: fc.estimate(fc.trace(model), "freeze all"), "This takes a Mask"),
        (lambda model, tree: fc.trace(model, torch.zeros(2, 3, 8, 8)), "This takes a Workload"),
        (lambda model, tree: fc.resolve(3, tree), "This takes a FreezeSpec"),
        (lambda model, tree: fc.resolve(fc.FreezeSpec.parse("freeze all"), model), "This takes a LayerTree"),
        (lambda model, tree: fc.apply(model, 3), "This takes a FreezeSpec"),
        (lambda model, tree: fc.trainable_parameters(type(model)), "This takes a Module"),
        (lambda model, tree: fc.proof(None).__enter__(), "This takes a Module"),
    ],
)
def test_an_argument_of_another_class_is_a_sentence(call, said):
    model = own_model()
    with pytest.raises(fc.FreezeError, match=said):
        call(model, fc.read_tree(model))


def test_an_estimate_and_a_trace_print_as_a_line_each():
    model = own_model()
    mask = fc.apply(model, "freeze all; train 4")
    trace = fc.trace(model, batch=torch.zeros(2, 3, 8, 8))
    told = str(fc.estimate(trace, mask))
    assert told.startswith("peak ")
    assert "weights" in told
    assert "backward" in told
    assert len(repr(trace)) < 400


def test_the_verbs_of_many_runs_take_every_field_of_a_probe_by_name():
    fields = [f.name for f in dataclasses.fields(ProbeRequest) if f.name not in ("source", "spec")]
    assert list(ProbeOptions.__annotations__) == fields
