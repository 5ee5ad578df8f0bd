"""Estimates that engineers reported as wrong, each at the report's own setting, or against the real allocator."""

import copy
from pathlib import Path

import pytest
import timm
import transformers

import freezecore as fc
from freezecore._estimate.cost import estimate_names, trained
from freezecore.mask import Mask
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.workload import Workload
from tests.benchmarks.heldout import in_half
from tests.benchmarks.memory_truth import on_cpu

LLAMA = fc.ModelSource.parse(
    f"config:{Path(__file__).parents[2] / 'data' / 'configs' / 'llama_3_8b.json'}", task="causal-lm"
)
LANGUAGE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


def priced(source, rules="train all", **workload):
    return fc.estimate(source, rules, **workload).required()


def error(model, trains, workload, next_token=False):
    """By how much the estimate with scratch memory is off what the allocator shows, of that."""
    names = [name for name, _ in model.named_parameters() if trains(name)]
    mask = Mask.from_names(read_module(model, "reported"), names)
    trace = module_pricer(model, workload).complete([mask])
    cost = estimate_names(trace, trained(trace, mask), mask.held).required()
    inputs, real = tracer_of(model, workload).inputs, copy.deepcopy(model)
    if workload.precision == "bf16":
        real, inputs = real.bfloat16(), in_half(inputs)
    return cost.peak_with_scratch / on_cpu(real, set(names), mask.held, workload, inputs, next_token).peak_bytes - 1


def test_autocast_for_a_card_saves_on_a_machine_without_one():
    one, other = (priced("timm:resnet50", batch=32, precision="fp16-autocast", device=of) for of in ("cpu", "cuda"))
    assert other.peak_bytes == pytest.approx(one.peak_bytes, rel=0.001)
    assert other.peak_bytes == pytest.approx(1.79e9, rel=0.01)


def test_an_8_billion_model_keeps_31_gb_on_a_card_where_math_attention_would_keep_102():
    cost = priced(LLAMA, batch=1, precision="bf16", sequence_length=4096, device="cuda")
    assert cost.activations_saved == pytest.approx(31.2e9, rel=0.01)


def test_trainers_fused_step_takes_64_gb_where_a_plain_loops_takes_80():
    setting = {"batch": 1, "precision": "bf16", "sequence_length": 128, "device": "cuda"}
    assert priced(LLAMA, **setting).peak_bytes == pytest.approx(80.3e9, rel=0.005)
    assert priced(LLAMA, trainer="transformers-trainer", **setting).peak_bytes == pytest.approx(64.3e9, rel=0.005)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_byobnet"])
def test_in_pure_half_precision_inputs_are_half_too(name):
    workload = Workload(batch_size=2, precision="bf16", implementation="loop")
    assert abs(error(timm.create_model(name), lambda _: True, workload)) < 0.02


@pytest.mark.parametrize("head", [True, False], ids=["head trains", "head frozen"])
def test_a_large_vocabulary_under_autocast_is_counted_whole(head):
    config = transformers.LlamaConfig(**LANGUAGE, num_key_value_heads=4, vocab_size=32_000, tie_word_embeddings=False)
    model = transformers.LlamaForCausalLM(config)
    workload = Workload(batch_size=2, sequence_length=32, precision="bf16-autocast", implementation="loop")
    assert abs(error(model, lambda name: head or "lm_head" not in name, workload, next_token=True)) < 0.01
