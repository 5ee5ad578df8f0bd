"""A base in 4 or 8 bits, against bitsandbytes' own layers on a CPU."""

import ast
import re
from pathlib import Path

import bitsandbytes
import peft
import pytest
import torch
import transformers
from torch import nn

import freezecore as fc
from freezecore._estimate.quantized import layout, quantized_names
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.errors import FreezeError
from freezecore.runtime.build.source import build, meta
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks import memory_truth
from tests.freezecore.export.models import source_of

TINY = f"config:{Path(__file__).parents[1] / 'runtime' / 'tiny_vit.json'}"
RULES = "freeze all; train adapters head"


def converted(old: nn.Linear, kind: str) -> nn.Module:
    """The layer as bitsandbytes keeps it."""
    sizes, bias = (old.in_features, old.out_features), old.bias is not None
    if kind == "nf4":
        new = bitsandbytes.nn.Linear4bit(*sizes, bias, compute_dtype=torch.float32, quant_type="nf4")
        new.support_avx512bf16_for_cpu = False  # another layout, for inference alone
    else:
        new = bitsandbytes.nn.Linear8bitLt(*sizes, bias, has_fp16_weights=False)
    new.load_state_dict(old.state_dict())
    return new.to("cpu")


@pytest.mark.parametrize(("rows", "columns"), [(96, 64), (300, 77), (768, 3072)])
def test_the_layout_is_that_of_bitsandbytes(rows, columns):
    four, eight = (converted(nn.Linear(columns, rows), kind) for kind in ("nf4", "int8"))
    state = four.weight.quant_state
    held = [four.weight.data, state.absmax, state.state2.absmax, state.offset, state.code, state.state2.code]
    assert tuple(t.untyped_storage().nbytes() for t in held) == layout(rows * columns, rows, "nf4")
    eight(torch.randn(2, columns))
    held = [eight.state.CB, eight.state.SCB]
    assert tuple(t.untyped_storage().nbytes() for t in held) == layout(rows * columns, rows, "int8")


@pytest.mark.parametrize("name", ["bert", "gpt2", "llama", "t5"])
def test_what_is_quantized_is_what_transformers_quantizes_when_it_is_told_as_exported_code_tells_it(name, tmp_path):
    source = source_of(name, tmp_path)
    plain = build(source).model
    plain.save_pretrained(tmp_path / "model")
    of_folder = ModelSource.parse(f"hf:{tmp_path / 'model'}", task=source.task, quantize="nf4")
    tree = fc.read_tree(of_folder)
    code = fc.export(of_folder, "freeze all; train norms", "pytorch", tree=tree)
    skipped = re.search(r"llm_int8_skip_modules=(\[.*?\])", code)
    assert (name == "bert") is (skipped is not None)
    how = transformers.BitsAndBytesConfig(
        load_in_4bit=True, llm_int8_skip_modules=ast.literal_eval(skipped[1]) if skipped else None
    )
    theirs = type(plain).from_pretrained(tmp_path / "model", quantization_config=how)
    quantized = {f"{path}.weight" for path, x in theirs.named_modules() if isinstance(x, bitsandbytes.nn.Linear4bit)}
    assert {p.name for p in tree.parameters if p.dtype == "nf4"} == quantized


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_step_takes_what_it_takes_in_bitsandbytes_own_layers(kind):
    source = ModelSource.parse("timm:vit_tiny_patch16_224", adapter="lora r=8", quantize=kind, weights="random")
    mask, workload = fc.resolve(RULES, fc.read_tree(source)), Workload(1)
    estimated = fc.pricer(source, workload).estimate(mask)
    model, base = build(source.base).model, fc.read_tree(source.base)
    for path in (name.removesuffix(".weight") for name in quantized_names(base)):
        parent, _, last = path.rpartition(".")
        setattr(model.get_submodule(parent), last, converted(model.get_submodule(path), kind))
    targets = list(adapter_targets(parse_adapters(source.adapter), base))
    model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules=targets)).base_model.model
    named = {name.replace(".base_layer.", "."): name for name, _ in model.named_parameters()}
    inputs = tracer_of(meta(source.base).model, workload).inputs
    trains = {named[name] for name in mask.names()}
    true = memory_truth.on_cpu(model, trains, mask.held, workload, inputs, predicts_next(model))
    assert estimated.peak_bytes == pytest.approx(true.peak_bytes, rel=0.005)


@pytest.mark.parametrize("precision", ["fp32", "bf16-autocast"])
def test_what_is_quantized_cannot_train_and_its_bytes_are_its_layout_s(precision):
    source = ModelSource.parse(TINY, adapter="lora", quantize="nf4")
    plain, tree = fc.read_tree(source.with_(quantize=None)), fc.read_tree(source)
    names = set(quantized_names(plain))
    assert {p.name for p in tree.parameters if p.frozen_by_author} == names
    assert not names.intersection(fc.resolve("train all", tree).names())
    with pytest.raises(FreezeError, match="holds nf4 numbers, which have no gradient"):
        fc.resolve(f"train {min(names)}", tree)
    costs = [
        fc.pricer(one, Workload(2, precision=precision)).estimate(fc.resolve(RULES, fc.read_tree(one)))
        for one in (source, source.with_(quantize=None))
    ]
    kept = sum(sum(layout(p.numel, p.shape[0], "nf4")) - 4 * p.numel for p in plain.parameters if p.name in names)
    assert costs[0].weights - costs[1].weights == kept
    assert any("priced by its layout, not followed" in text for text in costs[0].left_out)


def test_a_combination_met_later_is_measured_in_the_step_itself():
    source = ModelSource.parse(TINY, adapter="lora", quantize="int8")
    pricer = fc.pricer(source, Workload(2))
    for rules in (RULES, "freeze all; train blocks:last1", "train all", "freeze all; train norms"):
        assert pricer.estimate(fc.resolve(rules, fc.read_tree(source))).known


def test_a_model_without_linear_layers_is_told():
    with pytest.raises(FreezeError, match="has no linear layer beside its head that could be quantized"):
        fc.read_tree(ModelSource.parse("timm:resnet18", quantize="nf4"))


def test_a_quantized_base_is_priced_and_not_trained():
    source = ModelSource.parse(TINY, weights="random", adapter="lora", quantize="nf4")
    with pytest.raises(FreezeError, match="A base in nf4 is priced here, not trained"):
        fc.run_probe(source, RULES, data="shapes", steps=1)
