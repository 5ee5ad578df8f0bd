"""A model with PEFT's adapters opens as what they are injected into: here as PEFT 0.21 builds it, name for name."""

import pytest
import torch
from torch import nn

import freezecore as fc


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.down = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(24, 8)

    def forward(self, x):
        return x + self.down(self.qkv(self.norm(x)))


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 8)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.out = nn.Linear(8, 2)

    def forward(self, ids):
        x = self.tokens(ids)
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


class LoraLinear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base_layer = base.requires_grad_(False)
        self.lora_A = nn.ModuleDict({"default": nn.Linear(base.in_features, 2, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(2, base.out_features, bias=False)})

    def forward(self, x):
        return self.base_layer(x) + self.lora_B["default"](self.lora_A["default"](x))


class ModulesToSaveWrapper(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.original_module = base
        self.modules_to_save = nn.ModuleDict({"default": nn.Linear(base.in_features, base.out_features)})

    def forward(self, x):
        return self.modules_to_save["default"](x)


class BaseTuner(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args):
        return self.model(*args)


class LoraModel(BaseTuner):
    pass


class PeftModel(nn.Module):
    def __init__(self, base_model):
        super().__init__()
        self.base_model = base_model

    def forward(self, *args):
        return self.base_model(*args)


class PeftModelForCausalLM(PeftModel):
    pass


def adapted():
    model = Reader().requires_grad_(False)
    for layer in model.layers:
        layer.qkv = LoraLinear(layer.qkv)
    model.out = ModulesToSaveWrapper(model.out)
    return model


WRAPPERS = {
    "peft": lambda model: PeftModelForCausalLM(LoraModel(model)),
    "the tuner alone": LoraModel,
    "compiled": lambda model: torch.compile(PeftModel(LoraModel(model))),
    "around a compiled one": lambda model: PeftModel(LoraModel(torch.compile(model))),
    "data parallel": lambda model: nn.DataParallel(PeftModel(LoraModel(model))),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_an_adapted_model_opens_as_what_it_wraps(wrap):
    tree = fc.read_tree(wrap(adapted()))
    assert (tree.towers[0].embeddings, tree.blocks) == (("tokens",), ("layers.0", "layers.1", "layers.2"))
    assert tree.head == ("out",)
    of = {p.name: p for p in tree.parameters}
    assert {of[f"layers.1.qkv.{name}.weight"].kind for name in ("lora_A.default", "lora_B.default", "base_layer")} == {
        "block"
    }
    assert of["layers.1.qkv.base_layer.weight"].fused
    assert of["out.modules_to_save.default.weight"].kind == "head"


def test_rules_reach_an_adapted_model_through_its_wrapper():
    model = adapted()
    fc.apply(PeftModel(LoraModel(model)), "freeze all; train contains:lora_ head")
    training = {name for name, p in model.named_parameters() if p.requires_grad}
    assert training == {name for name, _ in model.named_parameters() if "lora_" in name or name.startswith("out.")}


def test_an_adapted_model_inside_ones_own_has_its_head():
    class Wrap(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = PeftModel(LoraModel(adapted()))

        def forward(self, ids):
            return self.net(ids)

    tree = fc.read_tree(Wrap())
    assert (len(tree.blocks), tree.head) == (3, ("net.base_model.model.out",))


def test_a_learnt_prompt_beside_the_model_is_kept_and_is_an_embedding():
    class Prompted(PeftModel):
        def __init__(self):
            super().__init__(Reader())
            self.prompt_encoder = nn.ModuleDict({"default": nn.Embedding(4, 8)})

        def forward(self, ids):
            x = torch.cat(
                [self.prompt_encoder["default"].weight.expand(len(ids), -1, -1), self.base_model.tokens(ids)], 1
            )
            for layer in self.base_model.layers:
                x = layer(x)
            return self.base_model.out(x)

    tree = fc.read_tree(Prompted())
    assert set(tree.towers[0].embeddings) == {"base_model.tokens", "prompt_encoder"}
    assert (len(tree.blocks), tree.head) == (3, ("base_model.out",))
