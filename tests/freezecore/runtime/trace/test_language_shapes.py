"""State-space, hybrid and mixture language models: blocks, routers, and the estimate against the real allocator."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from freezecore import FreezeSpec, resolve
from freezecore.errors import RuleError
from freezecore.runtime.build.source import build
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu

TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 128, "max_position_embeddings": 256, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
LINEAR = {
    "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "linear_conv_kernel_dim": 4,
}  # fmt: skip
EXPERTS = {
    "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32,
    "decoder_sparse_step": 1,
}  # fmt: skip
LATENT = {
    "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_group": 2,
    "topk_group": 1, "first_k_dense_replace": 1, "n_shared_experts": 1,
}  # fmt: skip
MAMBA = {
    "hidden_size": 32, "num_heads": 8, "head_dim": 8, "expand": 2, "state_size": 16, "n_groups": 2,
    "num_hidden_layers": 4, "vocab_size": 128, "chunk_size": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
# of each shape: its config, its routers' layers, how far the estimate may be off, a package whose kernels it would take
SHAPES: dict[str, tuple[dict, tuple[int, ...], float, str]] = {
    "gpt_oss": (
        TEXT | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 16}, (0, 1, 2, 3), 0.005, "",
    ),
    "deepseek_v3": (TEXT | LATENT, (1, 2, 3), 0.005, ""),
    "qwen3_next": (TEXT | LINEAR | EXPERTS, (0, 1, 2, 3), 0.006, "fla"),
    "qwen3_5_text": (TEXT | LINEAR, (), 0.006, "fla"),
    "qwen3_5_moe_text": (TEXT | LINEAR | EXPERTS, (0, 1, 2, 3), 0.006, "fla"),
    "jamba": (
        TEXT | {"num_experts": 4, "num_experts_per_tok": 2, "attn_layer_period": 4, "attn_layer_offset": 2,
                "mamba_d_state": 8, "use_mamba_kernels": False},
        (1, 3), 0.007, "mamba_ssm",
    ),
    "mamba2": (MAMBA, (), 0.005, "mamba_ssm"),
}  # fmt: skip
ALWAYS = ("gpt_oss",)


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in ALWAYS else pytest.mark.slow) for k in SHAPES])
def test_a_shape_has_its_blocks_and_routers_and_takes_what_the_allocator_shows(kind: str, tmp_path: Path) -> None:
    config, routed, within, package = SHAPES[kind]
    place = tmp_path / "config.json"
    place.write_text(json.dumps({"model_type": kind, **config}))
    model = build(ModelSource.parse(f"config:{place}", task="causal-lm", weights="random")).model
    workload = Workload(batch_size=2, sequence_length=16, implementation="loop")
    tree, pricer, tracer = read_module(model, kind), module_pricer(model, workload), tracer_of(model, workload)
    blocks = [f"{tree.blocks[0].rpartition('.')[0]}.{number}" for number in range(4)]
    assert list(tree.blocks) == blocks  # an expert is no block
    assert tree.head == ("lm_head",)
    rules = ["train all", "freeze all; train head", "freeze blocks:first2"]
    if routed:
        names = resolve(FreezeSpec.parse("freeze all; train routers"), tree).names()
        assert {int(name.split(".")[2]) for name in names} == set(routed)
        rules.append("freeze all; train routers")
    else:
        with pytest.raises(RuleError, match="no routers"):
            resolve(FreezeSpec.parse("train routers"), tree)
    for each in rules:
        mask = resolve(FreezeSpec.parse(each), tree)
        told = pricer.estimate(mask).required().peak_with_scratch
        real = on_cpu(copy.deepcopy(model), set(mask.names()), mask.held, workload, tracer.inputs, tracer.shifted)
        assert told == pytest.approx(real.peak_bytes, rel=within), each
    assert any(package in note for note in pricer.trace.notes if note.startswith("kernels")) == bool(package)
