"""What no training step could be, or nobody can follow: a sentence and a hint, and never a number instead of none."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore._estimate import budget
from freezecore.cache import store, traces
from freezecore.errors import FreezeError, TraceError, WorkloadError
from freezecore.mask import Mask
from freezecore.runtime.inputs.own import own_shapes
from freezecore.runtime.trace import shapes_pricer, trace_module, trace_source
from freezecore.runtime.tree.read import read_module
from freezecore.workload import Workload


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)))


@pytest.fixture(scope="module")
def net():
    model = Net()
    return read_module(model, "Net"), trace_module(model, Workload(4, image_size=16), "Net")


@pytest.mark.parametrize(
    ("source", "options", "sentence", "hint"),
    [
        ("timm:vit_tiny_patch16_224", {"image_size": 100}, "refuses an image size of 100", "img_size=100"),
        ("config:bert", {"sequence_length": 4096}, "has 512 positions", "at most 512"),
    ],
)
def test_a_step_that_the_model_refuses_is_refused_by_name(source, options, sentence, hint):
    with pytest.raises(WorkloadError) as caught:
        trace_source(fc.ModelSource.parse(source), Workload(**options))
    assert sentence in caught.value.problem
    assert hint in caught.value.hint


class Mixed(Net):
    """Its mask is made in fp32 whatever the model's type, as detectors make their positions."""

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)) @ torch.eye(8))


def test_code_that_half_precision_alone_stops_is_not_said_to_refuse_a_size(capfd):
    trace = trace_module(Mixed(), Workload(4, image_size=16, precision="bf16"), "Mixed")
    assert "mixes types when all of it is in bf16" in trace.problem
    assert "autocast" in trace.problem
    assert not capfd.readouterr().err
    assert trace_module(Mixed(), Workload(4, image_size=16, precision="bf16-autocast"), "Mixed").problem == ""


def test_checkpointing_that_a_model_does_not_have_is_refused():
    with pytest.raises(WorkloadError, match="Net has no gradient checkpointing of its own. Leave it off."):
        trace_module(Net(), Workload(4, image_size=16, checkpointing=True), "Net")


def test_a_batch_beyond_all_batches_is_refused_when_a_trace_is_evaluated_too(net):
    tree, trace = net
    with pytest.raises(WorkloadError, match="The batch size 1000000000 is out of range"):
        fc.estimate(trace, Mask(tree, (True,) * len(tree.parameters)), batch_size=10**9)


def test_a_budget_smaller_than_the_weights_is_said_to_be(net):
    tree, trace = net
    found = budget.least_frozen(trace, tree, 100)
    assert found.rules is None
    assert found.problem.startswith("The weights alone take")
    assert found.problem.endswith("a larger budget.")


def test_with_everything_frozen_only_the_forward_pass_is_left(net):
    tree, trace = net
    cost = fc.estimate(trace, Mask(tree, (False,) * len(tree.parameters)))
    assert (cost.gradients, cost.optimizer, cost.flops_backward) == (0, 0, 0)
    assert [phase.name for phase in cost.phases] == ["forward"]
    assert cost.weights < cost.peak_bytes


def test_a_mask_of_another_model_is_refused(net):
    tree, trace = net
    other = read_module(nn.Sequential(nn.Linear(2, 2)), "other")
    with pytest.raises(TraceError, match="Trace the model whose tree this is"):
        fc.estimate(trace, Mask(other, (True, True)))
    assert tree.parameters


@pytest.mark.parametrize("content", [b"", b"half a trace", b"\x78\x9c\x00"])
def test_a_stored_trace_that_cannot_be_read_is_forgotten_and_made_again(content, net, tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))
    source, trace = fc.ModelSource.parse("timm:resnet18"), net[1]
    key = traces.key_of(source, trace.workload)
    store.write(traces.FOLDER, key, content)
    assert traces.stored(source, trace.workload) is None
    assert store.read(traces.FOLDER, key) is None
    traces.keep(source, trace)
    assert traces.stored(source, trace.workload).source == "Net"


def test_a_config_file_that_was_edited_is_traced_again(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "bert"}))
    source = fc.ModelSource.parse(f"config:{config}")
    before = traces.key_of(source, Workload())
    config.write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 2}))
    assert traces.key_of(source, Workload()) != before


def test_what_an_estimate_leaves_out_is_listed(net):
    tree, trace = net
    mask = Mask(tree, (True,) * len(tree.parameters))
    assert any("kernels" in text for text in fc.estimate(trace, mask).left_out)
    assert any("device cuda follows them" in text for text in fc.estimate(trace, mask).left_out)
    eight_bit = trace.under(Workload(4, optimizer="adamw-8bit"))
    assert any("by formula" in text for text in fc.estimate(eight_bit, mask).left_out)


def test_accumulated_gradients_live_through_the_next_forward(net):
    tree, trace = net
    mask = Mask(tree, (True,) * len(tree.parameters))
    once, many = fc.estimate(trace, mask), fc.estimate(trace.under(Workload(4, accumulate=4)), mask)
    forward = {cost: next(p.peak_bytes for p in cost.phases if p.name == "forward") for cost in (once, many)}
    assert forward[many] - forward[once] == tree.total * 4


def test_every_sentence_of_a_refusal_has_a_hint():
    with pytest.raises(FreezeError) as caught:
        Workload(batch_size=0)
    assert caught.value.hint


def test_inputs_of_a_persons_own_shapes_are_followed():
    source = fc.ModelSource.parse("timm:test_vit")
    tree = fc.read_tree(source)
    everything = Mask(tree, (True,) * len(tree.parameters))
    workload = Workload(4)
    own = shapes_pricer(source, workload, ["3x160x160"])
    made_up = trace_source(source, replace(workload, image_size=160))
    assert own.estimate(everything).peak_bytes == fc.estimate(made_up, everything).peak_bytes


@pytest.mark.parametrize("text", ["", "3x", "big", "ids=128:int6", "3x9999999x3", "x=1;2"])
def test_what_is_no_shape_is_refused(text):
    with pytest.raises(WorkloadError) as caught:
        own_shapes([text])
    assert caught.value.hint


def test_shapes_that_the_model_does_not_take_are_refused():
    with pytest.raises(TraceError, match="does not run on 5x160x160"):
        shapes_pricer(fc.ModelSource.parse("timm:test_vit"), Workload(4), ["5x160x160"])


@pytest.mark.parametrize("trainer", ["accelerate", "transformers-trainer", "lightning"])
def test_a_trainer_is_taken_over_where_its_step_is_the_same(trainer, net):
    tree, trace = net
    mask = Mask(tree, (True,) * len(tree.parameters))
    moved = trace.under(replace(trace.workload, trainer=trainer))
    assert moved.workload.trainer == trainer
    assert any(f"{trainer} takes a model's own loss" in note for note in moved.notes)
    followed = trace_module(Net(), moved.workload, "Net")
    assert fc.estimate(moved, mask).peak_bytes == fc.estimate(followed, mask).peak_bytes


def test_a_trainer_whose_step_keeps_something_else_is_told(net):
    _, trace = net
    kept = trace.under(replace(trace.workload, trainer="fastai"))
    assert kept.workload.trainer == "pytorch"
    assert any("trainer fastai, which was asked for: the step was followed with pytorch" in note for note in kept.notes)
