"""The timeline's highest moment is the estimate's peak, whatever the model, the mask and the workload."""

import random

import pytest

from freezecore import read_tree, timeline
from freezecore._estimate.moments import highest
from freezecore._estimate.moments import timeline as moments_of
from freezecore._trace import Trace
from freezecore.api import pricer
from freezecore.errors import UnknownCost
from freezecore.mask import Mask
from freezecore.workload import Workload

MODELS = {
    "timm:test_vit": {"image_size": 160},
    "timm:test_resnet": {"image_size": 160},
    "timm:test_convnext": {"image_size": 160},
    "timm:test_mambaout": {"image_size": 160},
    "gpt2": {"sequence_length": 16},
    "bert": {"sequence_length": 16},
}
WORKLOADS = (
    {},
    {"optimizer": "sgd"},
    {"device": "cuda"},
    {"precision": "bf16-autocast"},
    {"accumulate": 2},
    {"checkpointing": True},
    {"trainer": "lightning"},
    {"trainer": "fastai"},
)


def built(source):
    """A source's name, or a small language model."""
    if ":" in source:
        return source
    from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

    if source == "gpt2":
        return GPT2LMHeadModel(GPT2Config(vocab_size=500, n_embd=64, n_layer=2, n_head=2))
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    return BertForMaskedLM(BertConfig(vocab_size=500, **sizes))


def drawn(tree, draw):
    names = [p.name for p in tree.parameters]
    share = draw.choice([0, 0.1, 0.5, 1])
    return Mask.from_names(tree, [name for name in names if draw.random() < share])


@pytest.mark.parametrize("source", MODELS)
def test_the_highest_moment_is_the_peak_to_the_byte(source):
    model, draw = built(source), random.Random(source)
    tree = read_tree(model)
    for options in draw.sample(WORKLOADS, 4):
        price = pricer(model, Workload(batch_size=4, **MODELS[source] | options))
        for mask in (Mask.as_author(tree), *(drawn(tree, draw) for _ in range(5))):
            for batch in (3, 4):
                cost = price.estimate(mask, batch_size=batch)
                told = moments_of(price.trace, mask, batch_size=batch)
                assert told.peak_bytes == cost.peak_bytes == max(point["bytes"] for point in told.to_json()), options
                peak = told.to_json()[told.peak]
                assert peak["bytes"] == sum(peak[part] for part in PARTS)
                phases = {phase.name: phase.peak_bytes for phase in cost.phases}
                found = {p: max(told.bytes_at(m) for m in told.moments if m.phase == p) for p in phases}
                assert found == phases


PARTS = ("weights", "gradients", "optimizer", "activations", "temporaries")


def test_the_moments_are_in_the_order_in_which_the_step_runs():
    told = timeline("timm:test_vit", "freeze all; train blocks:last1 head", batch=2, image_size=160)
    phases = [moment.phase for moment in told.moments]
    assert phases == sorted(phases, key=["forward", "backward", "optimizer step"].index)
    backward = [moment for moment in told.moments if moment.phase == "backward"]
    ready = [moment.gradients for moment in backward]
    assert ready == sorted(ready) and ready[0] < ready[-1]
    assert "blocks.0" not in {moment.layer[:8] for moment in backward}  # nothing trains there or before it


def test_few_moments_hold_the_peak_and_stand_in_order():
    told = timeline("timm:test_resnet", "train all", batch=2, image_size=160)
    for most in (1, 7, 60, 10**6):
        few = told.highest(most)
        assert len(few) <= most and max(few, key=lambda moment: moment.total).total == told.moments[told.peak].total
    assert highest([3, 1, 2, 9, 4], 2, int) == [3, 9]
    assert highest([], 5, int) == []


def test_a_step_that_was_not_followed_has_no_timeline_but_a_reason():
    tree = read_tree("timm:test_vit")
    parameters = pricer("timm:test_vit", Workload(batch_size=2)).trace.parameters
    trace = Trace("timm:test_vit", Workload(), parameters, problem="It asks the weather.")
    with pytest.raises(UnknownCost, match="It asks the weather"):
        moments_of(trace, Mask.as_author(tree))
