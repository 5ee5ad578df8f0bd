"""Single rows of the table of words that train, against PEFT's own model on the CPU's allocator."""

import pytest

import freezecore as fc
from freezecore.runtime.build.source import build, meta
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.workload import Workload
from tests.benchmarks import memory_truth
from tests.freezecore.export.models import source_of

peft = pytest.importorskip("peft")


@pytest.mark.parametrize(("name", "layer"), [("bert", "query"), ("gpt2", "c_attn"), ("t5", "q")])
def test_a_step_takes_what_it_takes_in_peft_s_own_model(name, layer, tmp_path):
    source = source_of(name, tmp_path).with_(adapter=f"lora r=2 tokens=3,9-11 on *.{layer}")
    mask = fc.resolve("freeze all; train adapters", fc.read_tree(source))
    workload = Workload(4, sequence_length=8)
    estimated = fc.pricer(source, workload).estimate(mask)
    inputs = tracer_of(meta(source.base).model, workload).inputs
    options = {"r": 2, "target_modules": [layer], "trainable_token_indices": [3, 9, 10, 11]}
    model = peft.get_peft_model(build(source.base).model, peft.LoraConfig(**options)).base_model.model
    trains = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    true = memory_truth.on_cpu(model, trains, mask.held, workload, inputs, predicts_next(model))
    assert estimated.peak_bytes == pytest.approx(true.peak_bytes, rel=0.002)
