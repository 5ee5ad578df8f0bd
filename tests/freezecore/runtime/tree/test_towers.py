"""Where things stand in a model, and what each parameter is: on small models with one oddity each."""

import functools

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from freezecore.runtime.build.source import build
from freezecore.runtime.tree.order import execution_order
from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource


@functools.cache
def tree_of(text, task=None):
    return read_source(ModelSource.parse(text, task=task))


def of(tree, name):
    return tree.parameters[tree.index[name]]


class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 8), nn.Linear(8, width)

    def forward(self, x):
        return x + self.down(self.up(self.norm(x)))


class Transformer(nn.Module):
    """Tokens, a position added raw, blocks, a norm defined before the blocks and run after, an unused token, a head."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 4)
        self.positions = nn.Parameter(torch.zeros(1, 1, 4))
        self.mask_token = nn.Parameter(torch.zeros(4))
        self.last_norm = nn.LayerNorm(4)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.out = nn.Linear(4, 2)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.out(self.last_norm(x))


def test_a_model_of_ones_own_is_understood_by_how_it_runs():
    tree = read_module(Transformer())
    (tower,) = tree.towers
    assert tree.order == "executed"
    assert set(tower.embeddings) == {"tokens", "positions", "mask_token"}
    assert tower.blocks == ("layers.0", "layers.1", "layers.2")
    assert tree.head == ("out",)
    assert {p.name for p in tree.parameters if p.kind == "other"} == {"last_norm.weight", "last_norm.bias"}
    assert [p.name for p in tree.parameters if p.used is False] == ["mask_token"]


def test_blocks_run_in_another_order_than_they_are_defined():
    class Backwards(Transformer):
        def forward(self, ids):
            x = self.tokens(ids)
            for layer in reversed(self.layers):
                x = layer(x)
            return self.out(x)

    assert read_module(Backwards()).blocks == ("layers.2", "layers.1", "layers.0")


def test_a_backbone_with_a_new_head_beside_it_has_that_head():
    import timm

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = timm.create_model("resnet10t", num_classes=0)
            self.top = nn.Sequential(nn.Linear(512, 16), nn.ReLU(), nn.Linear(16, 3))

        def forward(self, x):
            return self.top(self.backbone(x))

    tree = read_module(Classifier())
    assert tree.head == ("top",)
    assert tree.blocks == tuple(f"backbone.layer{i}.0" for i in (1, 2, 3, 4))


def test_a_layer_that_runs_three_times_is_one_layer_with_three_uses():
    class Shared(Transformer):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([Block()] * 3)

    tree = read_module(Shared())
    assert tree.layer_at["layers.0"].uses == 3
    assert tree.layer_at["layers.0"].aliases == ("layers.1", "layers.2")
    assert of(tree, "layers.0.up.weight").aliases == ("layers.1.up.weight", "layers.2.up.weight")


class Recurrent(nn.Module):
    """One block that runs three times, and an output that is tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(50, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.scale = nn.Parameter(torch.ones(16))
        self.out = nn.utils.parametrizations.weight_norm(nn.Linear(16, 5))

    def forward(self, ids):
        x = self.tokens(ids)
        for _ in range(3):
            x = self.block(x)
        return self.out(x * self.scale)


def test_a_block_that_stands_once_and_runs_often_is_the_block():
    tree = read_module(Recurrent())
    assert (tree.blocks, tree.head) == (("block",), ("out",))
    assert tree.towers[0].embeddings == ("tokens",)
    assert {p.kind for p in tree.parameters if p.name.startswith("block.")} == {"block"}


def test_a_model_that_repeats_nothing_still_has_its_embeddings_and_its_head():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(50, 8)
            self.rnn = nn.LSTM(8, 8, 2, batch_first=True)
            self.out = nn.Linear(8, 2)

        def forward(self, ids):
            return self.out(self.rnn(self.tokens(ids))[0][:, -1])

    tree = read_module(Reader())
    assert (tree.towers[0].embeddings, tree.blocks, tree.head) == (("tokens",), (), ("out",))


def test_albert_calls_its_one_group_twelve_times():
    tree = tree_of("config:albert")
    (block,) = tree.blocks
    assert tree.layer_at[block].uses == 12


def test_an_empty_model_has_one_tower_and_no_leaf():
    tree = read_module(nn.Sequential())
    assert tree.parameters == ()
    assert len(tree.towers) == 1


def test_a_module_that_contains_itself_is_read_once():
    model = Transformer()
    model.layers[0].back = model
    assert len(read_module(model).parameters) == len(list(model.parameters()))


def test_names_with_unicode_and_spaces_are_kept():
    model = nn.Sequential()
    model.add_module("größe 層", nn.Linear(2, 3))
    assert [p.name for p in read_module(model).parameters] == ["größe 層.weight", "größe 層.bias"]


@pytest.mark.parametrize(
    ("text", "task", "towers", "blocks", "embeddings", "head"),
    [
        ("config:t5", "seq2seq-lm", ["encoder", "decoder"], 12, {"shared"}, ("lm_head",)),
        ("config:clip", None, ["vision_model", "text_model"], 24, None, None),
        ("config:gpt2", "causal-lm", ["model"], 12, {"transformer.wte", "transformer.wpe"}, ("lm_head",)),
        ("timm:densenet121", None, ["model"], 58, {"features.conv0", "features.norm0"}, ("classifier",)),
        ("timm:vgg11_bn", None, ["model"], 8, set(), ("head.fc",)),
        ("timm:inception_v3", None, ["model"], 11, None, ("fc",)),
        ("timm:cait_xxs24_224", None, ["model"], 26, {"pos_embed", "patch_embed"}, ("head",)),
        ("timm:poolformer_s12", None, ["model"], 12, {"stem"}, ("head.fc",)),
        ("timm:shvit_s2", None, ["model"], 11, {"patch_embed"}, ("head",)),
        ("config:clip", "image-classification", ["model"], 12, None, ("classifier",)),
        ("config:timm_wrapper", "image-classification", ["model"], 16, None, ("timm_model.fc",)),
        ("config:timm_wrapper", None, ["model"], 16, None, ()),
        ("config:clip_vision_model", None, ["model"], 12, None, ()),
    ],
)
def test_families_that_differ_are_found_by_one_rule(text, task, towers, blocks, embeddings, head):
    tree = tree_of(text, task)
    assert [tower.name for tower in tree.towers] == towers
    assert len(tree.blocks) == blocks
    if embeddings is not None:
        before = {i for tower in tree.towers for path in (*tower.embeddings, *tower.stem) for i in tree.under(path)}
        assert before == {i for path in embeddings for i in tree.under(path)}
    if head is not None:
        assert tree.head == head


def test_p3_tied_tensors_are_one_parameter_under_all_their_names():
    tree = tree_of("config:t5", "seq2seq-lm")
    assert of(tree, "shared.weight").aliases == (
        "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight",
        "lm_head.weight",
    )
    assert tree.total == sum(
        p.numel() for p in build(ModelSource.parse("config:t5", task="seq2seq-lm")).model.parameters()
    )


P10 = [
    "timm:vit_tiny_patch16_224",
    "timm:deit_tiny_distilled_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:convnext_atto",
    "timm:beit_base_patch16_224",
    "timm:eva02_tiny_patch14_224",
    "timm:regnety_002",
    "timm:mobilenetv4_conv_small",
    "config:wav2vec2",
    "config:whisper",
    "config:mamba",
    "config:t5",
    "config:clip",
]


@pytest.mark.parametrize("text", P10)
def test_p10_the_leaves_are_exactly_the_parameters(text):
    model = build(ModelSource.parse(text)).model
    tree = read_module(model, own=True)
    tensors = dict(model.named_parameters(remove_duplicate=False))
    assert sorted(name for p in tree.parameters for name in p.names) == sorted(tensors)
    assert len(tree.parameters) == len({id(tensor) for tensor in tensors.values()})
    assert sum(layer.own_parameters for layer in tree.layers) == tree.total == tree.layer_at[""].parameters


@pytest.mark.parametrize(
    ("text", "name"),
    [("config:whisper", "encoder.embed_positions.weight"), ("config:marian", "encoder.embed_positions.weight")],
)
def test_p10_what_the_author_froze_is_marked(text, name):
    assert of(tree_of(text), name).frozen_by_author


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("timm:vit_tiny_patch16_224", "blocks.0.attn.qkv.weight"),
        ("config:gpt2", "h.0.attn.c_attn.weight"),
        ("config:modernbert", "layers.0.attn.Wqkv.weight"),
        ("config:mixtral", "layers.0.mlp.experts.gate_up_proj"),
    ],
)
def test_p11_fused_tensors_are_marked(text, name):
    assert of(tree_of(text), name).fused


def test_p11_a_recurrent_cells_gates_are_fused_and_a_plain_layer_is_not():
    tree = read_module(nn.ModuleDict({"cell": nn.LSTM(4, 4), "plain": nn.Linear(4, 12)}))
    assert [p.fused for p in tree.parameters] == [True] * 4 + [False] * 2


def test_p12_parametrized_tensors_take_the_mark_of_what_they_make():
    tree = read_module(nn.ModuleDict({"norm": parametrizations.weight_norm(nn.LayerNorm(4)), "bias": nn.Linear(4, 4)}))
    assert of(tree, "norm.parametrizations.weight.original1").norm
    assert of(tree, "norm.bias").bias
    tree = tree_of("config:wav2vec2")
    magnitude = of(tree, "encoder.pos_conv_embed.conv.parametrizations.weight.original0")
    assert (magnitude.kind, magnitude.bias, magnitude.norm) == ("embedding", False, False)


class MyRMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))


@pytest.mark.parametrize(
    ("module", "norms"),
    [
        (nn.BatchNorm2d(4), 2),
        (nn.GroupNorm(2, 4), 2),
        (nn.InstanceNorm1d(4, affine=True), 2),
        (MyRMSNorm(), 1),
        (nn.Linear(4, 4), 0),
        (nn.PReLU(4), 0),
    ],
)
def test_norms_are_known_by_what_they_are(module, norms):
    assert sum(p.norm for p in read_module(nn.ModuleDict({"part": module})).parameters) == norms


@pytest.mark.parametrize(("text", "norms"), [("config:llama", 65), ("config:t5", 32), ("config:mamba", 33)])
def test_norms_of_other_classes_are_known_too(text, norms):
    assert sum(p.norm for p in tree_of(text).parameters) == norms


@pytest.mark.parametrize(
    ("text", "name", "bias"),
    [
        ("config:t5", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", False),
        ("timm:swin_tiny_patch4_window7_224", "layers.0.blocks.0.attn.relative_position_bias_table", False),
        ("timm:beit_base_patch16_224", "blocks.0.attn.q_bias", True),
        ("config:bert", "encoder.layer.0.output.dense.bias", True),
        ("config:mamba", "layers.0.mixer.conv1d.bias", True),
    ],
)
def test_only_an_additive_bias_is_a_bias(text, name, bias):
    assert of(tree_of(text), name).bias == bias


def test_a_forward_that_never_ends_is_given_up(monkeypatch):
    class Endless(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            while True:
                x = self.layer(x)

    monkeypatch.setattr("freezecore.runtime.tree.order.MOST_SECONDS", 0.2)
    found = execution_order(Endless())
    assert not found
    assert "takes longer" in found.reason
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("timm:convnextv2_atto", {"stages.1.blocks.0": ("stages.1.downsample",)}),
        ("timm:cait_xxs24_224", {"blocks_token_only.0": ("cls_token",)}),  # defined before all blocks
        ("timm:twins_pcpvt_small", {"blocks.0.1": ("pos_block.0",), "blocks.1.0": ("patch_embeds.1",)}),
        ("config:t5", {"decoder.block.0": ("encoder.final_layer_norm",)}),
        ("config:llava", {"language_model.layers.0": ("vision_tower.post_layernorm", "multi_modal_projector")}),
        ("timm:vit_tiny_patch16_224", {}),
    ],
)
def test_what_runs_between_blocks_stands_with_the_block_that_it_runs_before(text, between):
    towers = tree_of(text).towers
    found = {path: paths for tower in towers for path, paths in zip(tower.blocks, tower.between, strict=True) if paths}
    assert dict(list(found.items())[: len(between)]) == between and bool(found) == bool(between)


class Ends(nn.Module):
    """Layers, then two linear layers in the same module, joined in one of three ways."""

    def __init__(self, joined, widths):
        super().__init__()
        self.first, self.second, self.joined = nn.Linear(8, 8), nn.Linear(8, 8), joined
        self.left, self.right = (nn.Linear(8, width) for width in widths)

    def forward(self, x):
        early = self.first(x).relu()
        x = self.second(early).relu()
        if self.joined == "after":
            return self.right(self.left(x) + x)
        if self.joined == "earlier":
            return self.left(early), self.right(x)
        return self.left(x), self.right(x)


@pytest.mark.parametrize(
    ("joined", "widths", "head"),
    [
        ("beside", (3, 3), ("left", "right")),
        ("beside", (2, 5), ("left", "right")),
        ("after", (8, 8), ("right",)),
        ("earlier", (3, 3), ("right",)),
    ],
)
def test_layers_that_end_side_by_side_on_the_same_features_are_all_heads(joined, widths, head):
    tree = read_module(Ends(joined, widths))
    assert tree.head == head
    assert not set(tree.head) & set(tree.blocks)
    assert {p.kind for p in tree.parameters if p.owner in head} == {"head"}


class TwoHeads(nn.Module):
    """One head over what was pooled, in a row of layers; one over every token; two more in a dictionary."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 4)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.pooler = nn.Linear(4, 4)
        self.intent = nn.Sequential(nn.Dropout(0.1), nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
        self.slots = nn.Linear(4, 5)
        self.more = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 1)})

    def forward(self, ids):
        x = self.tokens(ids)
        for layer in self.layers:
            x = layer(x)
        first = self.pooler(x[:, 0]).tanh()
        return {"intent": self.intent(first), "slots": self.slots(x), **{k: v(first) for k, v in self.more.items()}}


def test_all_that_ends_beside_the_last_layer_is_head_whatever_it_reads():
    assert read_module(TwoHeads()).head == ("intent.3", "slots", "more.a", "more.b")


class Gated(nn.Module):
    """A mixture at the root, whose gate runs before the blocks."""

    def __init__(self, gate, experts):
        super().__init__()
        self.tokens = nn.Embedding(10, 4)
        self.add_module(gate, nn.Linear(4, 3))
        self.add_module(experts, nn.ModuleList(nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4)) for _ in range(3)))
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.out = nn.Linear(4, 2)
        self.names = gate, experts

    def forward(self, ids):
        gate, experts = (getattr(self, name) for name in self.names)
        x = self.tokens(ids)
        scores = gate(x).softmax(-1)
        x = sum(scores[..., i : i + 1] * expert(x) for i, expert in enumerate(experts))
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


@pytest.mark.parametrize("names", [("gate", "experts"), ("router", "nets")])
def test_a_gate_before_the_blocks_is_no_embedding(names):
    tree = read_module(Gated(*names))
    kinds = {
        each: {p.kind for p in tree.parameters if p.name.startswith(each)} for each in ("tokens", "layers", *names)
    }
    assert kinds == {"tokens": {"embedding"}, "layers": {"block"}, names[0]: {"other"}, names[1]: {"other"}}


class Beside(nn.Module):
    """What reads the input beside the blocks and is added behind them."""

    def __init__(self):
        super().__init__()
        self.stem, self.short = nn.Linear(4, 4), nn.Linear(4, 4)
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        beside, x = self.short(x), self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.out(x + beside)


def test_what_runs_before_the_blocks_and_feeds_none_is_no_stem():
    tree = read_module(Beside())
    assert tree.towers[0].stem == ("stem",)
    assert of(tree, "short.weight").kind == "other"
