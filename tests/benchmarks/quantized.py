"""A base in 8 and 4 bits as transformers loads it, on a CPU: `python -m tests.benchmarks.quantized`.

Three kinds of small models are saved and loaded again by bitsandbytes with the very options that exported code names,
LoRA of rank 8 is put into them by PEFT, and a step is taken on the CPU's real allocator, beside the estimate.
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers

import freezecore as fc
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.runtime.build.source import build, meta
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks import memory_truth

ADAPTER, RULES, WORKLOAD = "lora r=8", "freeze all; train adapters", Workload(4, sequence_length=64)
SIZES = {
    "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024,
    "vocab_size": 2000, "max_position_embeddings": 128,
}  # fmt: skip
CONFIGS = {
    "bert": SIZES | {"num_labels": 2},
    "gpt2": {"n_embd": 256, "n_layer": 4, "n_head": 4, "vocab_size": 2000, "n_positions": 128},
    "llama": SIZES | {"num_key_value_heads": 4},
}
TASKS = {"bert": "sequence-classification", "gpt2": "causal-lm", "llama": "causal-lm"}


def loaded(model: torch.nn.Module, folder: Path, source: ModelSource) -> torch.nn.Module:
    """The saved model as transformers loads it, quantized as exported code says."""
    code = fc.export(source, "freeze all; train norms", "pytorch", tree=fc.read_tree(source))
    skipped = re.search(r"llm_int8_skip_modules=(\[.*?\])", code, re.DOTALL)
    options = {"llm_int8_skip_modules": ast.literal_eval(skipped[1]) if skipped else None}
    if source.quantize == "int8":
        options |= {"load_in_8bit": True}
    else:
        options |= {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}
        options |= {"bnb_4bit_compute_dtype": torch.float32}
    how = transformers.BitsAndBytesConfig(**options)
    found = type(model).from_pretrained(folder, quantization_config=how, dtype=torch.float32)
    for layer in found.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False  # another layout, for inference alone
    return found


def peaks(name: str, kind: str, folder: Path) -> tuple[int, int]:
    """What is estimated, and what the step really takes, in bytes."""
    file = folder / "config.json"
    file.write_text(json.dumps({"model_type": name, "pad_token_id": 0, **CONFIGS[name]}))
    plain = build(ModelSource.parse(f"config:{file}", weights="random", task=TASKS[name])).model
    plain.save_pretrained(folder / "model")
    base = ModelSource.parse(f"hf:{folder / 'model'}", task=TASKS[name])
    source = base.with_(quantize=kind, adapter=ADAPTER)
    mask = fc.resolve(RULES + "; train head" * (name == "bert"), fc.read_tree(source))
    estimated = fc.pricer(source, WORKLOAD).estimate(mask).peak_bytes
    model = loaded(plain, folder / "model", base.with_(quantize=kind))
    targets = list(adapter_targets(parse_adapters(ADAPTER), fc.read_tree(base)))
    model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules=targets)).base_model.model
    named = {each.replace(".base_layer.", "."): each for each, _ in model.named_parameters()}
    inputs = tracer_of(meta(base).model, WORKLOAD).inputs
    trains = {named[each] for each in mask.names()}
    return estimated, memory_truth.on_cpu(model, trains, mask.held, WORKLOAD, inputs, predicts_next(model)).peak_bytes


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in CONFIGS:
        for kind in ("int8", "nf4"):
            with tempfile.TemporaryDirectory() as folder:
                estimated, true = peaks(name, kind, Path(folder))
            print(f"{name} {kind}: {estimated:,} estimated, {true:,} taken, {100 * (estimated / true - 1):+.2f} %")


if __name__ == "__main__":
    main()
