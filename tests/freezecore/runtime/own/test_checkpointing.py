"""Frozen layers stay checkpointed, and drop nothing all the same: counted in the real step, and priced so."""

from collections import Counter
from dataclasses import dataclass

import pytest
import torch
import transformers
from torch import nn
from torch.utils import checkpoint

import freezecore as fc
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu

WORKLOAD = Workload(4, implementation="loop", checkpointing=True)
CLOSE = 0.01  # of the peak: a state of the random numbers, which in these models is much
TOKENS = {"input_ids": torch.arange(4 * 24).reshape(4, 24) % 60 + 2}


@dataclass
class Case:
    """A tiny model, where its blocks are, and the name of a module inside a block that runs once a pass."""

    model: type
    config: transformers.PreTrainedConfig
    blocks: str
    inner: str

    def build(self):
        torch.manual_seed(0)
        return self.model(self.config)

    @property
    def batch(self):
        if self.model is transformers.ViTForImageClassification:
            return {"pixel_values": torch.linspace(-1, 1, 4 * 3 * 32 * 32).reshape(4, 3, 32, 32)}
        return TOKENS


SIZES = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 128}
BART = {"d_model": 64, "decoder_layers": 4, "decoder_attention_heads": 2, "decoder_ffn_dim": 128}
CASES = {
    "Llama": Case(
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(vocab_size=64, num_key_value_heads=2, attention_dropout=0.1, **SIZES),
        "model.layers",
        "mlp",
    ),
    "BERT": Case(
        transformers.BertForSequenceClassification,
        transformers.BertConfig(vocab_size=64, **SIZES),
        "bert.encoder.layer",
        "intermediate",
    ),
    "ViT": Case(
        transformers.ViTForImageClassification,
        transformers.ViTConfig(image_size=32, patch_size=8, hidden_dropout_prob=0.1, **SIZES),
        "vit.layers",
        "mlp",
    ),
    "GPT-2": Case(
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config(vocab_size=64, n_embd=64, n_layer=4, n_head=2),
        "transformer.h",
        "mlp",
    ),
    "BART, whose layers drop by functions": Case(
        transformers.BartForCausalLM,
        transformers.BartConfig(vocab_size=64, max_position_embeddings=32, **BART),
        "model.decoder.layers",
        "fc1",
    ),
    "Falcon, whose layers read the chance from the configuration": Case(
        transformers.FalconForCausalLM,
        transformers.FalconConfig(vocab_size=64, hidden_dropout=0.1, attention_dropout=0.1, **SIZES),
        "transformer.h",
        "mlp",
    ),
}


def applied(case, rules=None):
    """The model with checkpointing on, its first block trained and all else frozen."""
    model = case.build()
    fc.apply(model, rules or f"freeze all; train {case.blocks}.0")
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False
    return model.train()


@pytest.mark.parametrize("name", CASES)
def test_checkpointing_stays_on_in_frozen_layers(name):
    case = CASES[name]
    model = applied(case)
    inner = [block.get_submodule(case.inner) for block in model.get_submodule(case.blocks)]
    calls = Counter()
    for module in inner:
        module.register_forward_pre_hook(lambda module, _: calls.update([module]))
    model(**case.batch)[0].square().mean().backward()
    assert [calls[module] for module in inner] == [2] * 4  # once forward, once more on the way back


@pytest.mark.parametrize("name", CASES)
def test_frozen_layers_drop_nothing_while_they_are_checkpointed(name):
    case = CASES[name]
    model = applied(case, "freeze all")
    with torch.no_grad():
        once, again = (model.train()(**case.batch)[0] for _ in range(2))
        assert torch.equal(once, again)
        assert torch.allclose(once, model.eval()(**case.batch)[0], atol=1e-6)
    fc.release(model)
    with torch.no_grad():
        assert not torch.equal(model.train()(**case.batch)[0], once)


@pytest.mark.parametrize("rules", ["freeze all; train {0}.0", "freeze all; train {0}.2 {0}.3", "freeze {0}.1"])
@pytest.mark.parametrize("name", CASES)
def test_the_estimate_with_checkpointing_is_the_real_step_of_the_applied_model(name, rules):
    case = CASES[name]
    model = case.build()
    mask = fc.apply(model, rules.format(case.blocks))
    shifted = "input_ids" in case.batch and "Causal" in str(case.model)
    cost = module_pricer(model, WORKLOAD, batch=case.batch).estimate(mask).required()
    real = on_cpu(model, set(mask.names()), (), WORKLOAD, own_batch(case.batch)[1], shifted)
    assert cost.peak_bytes == pytest.approx(real.peak_bytes, rel=CLOSE)


class Block(nn.Module):
    """Checkpoints itself in train mode, as many write it."""

    def __init__(self, chance):
        super().__init__()
        self.wide, self.narrow = nn.Linear(8, 64), nn.Linear(64, 8)
        self.drop_rate = chance

    def inner(self, x):
        return x + nn.functional.dropout(self.narrow(self.wide(x).relu()), self.drop_rate, self.training)

    def forward(self, x):
        if self.training:
            return checkpoint.checkpoint(self.inner, x, use_reentrant=False)
        return self.inner(x)


class AtAChanceInTheCode(Block):
    def inner(self, x):
        return x + nn.functional.dropout(self.narrow(self.wide(x).relu()), 0.1, self.training)


class Net(nn.Module):
    def __init__(self, block, chance):
        super().__init__()
        self.stem = nn.Linear(8, 8)
        self.blocks = nn.Sequential(*(block(chance) for _ in range(3)))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


@pytest.mark.parametrize(("block", "chance", "in_train_mode"), [
    (Block, 0.0, True), (Block, 0.2, True), (AtAChanceInTheCode, 0.0, False),
])  # fmt: skip
def test_a_block_of_one_s_own_is_checkpointed_where_it_can_stand_still_so_and_is_priced_as_it_runs(
    block, chance, in_train_mode
):
    model, x = Net(block, chance), torch.randn(4, 300, 8)
    mask = fc.apply(model, "freeze all; train stem")
    model.train()
    assert [each.training for each in model.blocks] == [in_train_mode] * 3
    with torch.no_grad():
        assert torch.equal(model(x), model(x))
    workload = Workload(4, implementation="loop")
    cost = module_pricer(model, workload, batch=x).estimate(mask).required()
    real = on_cpu(model, set(mask.names()), (), workload, own_batch(x)[1], False)
    assert cost.peak_bytes == pytest.approx(real.peak_bytes, rel=CLOSE)
