"""Blocks are what is applied one after another: as many as a library's config says, and in models of one's own."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText

from freezecore._resolve import resolve
from freezecore._review import review
from freezecore.rules.grammar import parse_spec
from freezecore.runtime.build.source import meta
from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource


def counts(tree):
    return {tower.path: len(tower.blocks) for tower in tree.towers}


FAMILIES = {
    "config:tests/data/configs/qwen3_vl.json": lambda c: {
        "model.visual": c.vision_config.depth,
        "model.language_model": c.text_config.num_hidden_layers,
    },
    "config:qwen2_5_vl": lambda c: {
        "visual": c.vision_config.depth,
        "language_model": c.text_config.num_hidden_layers,
    },
    "config:idefics3": lambda c: {
        "vision_model": c.vision_config.num_hidden_layers,
        "text_model": c.text_config.num_hidden_layers,
    },
    "config:gemma3": lambda c: {
        "vision_tower": c.vision_config.num_hidden_layers,
        "language_model": c.text_config.num_hidden_layers,
    },
    "config:internvl": lambda c: {
        "vision_tower": c.vision_config.num_hidden_layers,
        "language_model": c.text_config.num_hidden_layers,
    },
    "config:whisper": lambda c: {"encoder": c.encoder_layers, "decoder": c.decoder_layers},
    "config:segformer": lambda c: {"": sum(c.depths)},
    "config:pvt": lambda c: {"": sum(c.depths)},
    "config:swin": lambda c: {"": sum(c.depths)},
    "config:pixtral": lambda c: {"": c.num_hidden_layers},
    "config:xlm": lambda c: {"": c.n_layers},
    "config:flaubert": lambda c: {"": c.n_layers},
    "config:lxmert": lambda c: {"": c.l_layers, "encoder.r_layers": c.r_layers, "encoder.x_layers": c.x_layers},
    "config:idefics": lambda c: {
        "vision_model": c.vision_config.num_hidden_layers,
        "": c.num_hidden_layers,
    },
    "config:bridgetower": lambda c: {
        "text_model": c.text_config.num_hidden_layers,
        "vision_model": c.vision_config.num_hidden_layers,
        "": c.num_hidden_layers,
    },
    "config:levit": lambda c: {"": sum(c.depths) + len(c.depths) - 1},  # a shrinking layer is one as well
    "config:blt": lambda c: {
        "local_encoder": c.encoder_config.num_hidden_layers,
        "patcher": c.patcher_config.num_hidden_layers,
        "global_transformer": c.global_config.num_hidden_layers,
        "local_decoder": c.decoder_config.num_hidden_layers,
    },
    "config:funnel": lambda c: {"encoder": sum(c.block_sizes), "decoder": c.num_decoder_layers},
}


DEAR = ("config:qwen2_5_vl", "config:idefics")  # of a dozen seconds and more each


@pytest.mark.parametrize("text", [pytest.param(text, marks=[pytest.mark.slow] * (text in DEAR)) for text in FAMILIES])
def test_a_familys_blocks_are_as_many_as_its_config_says(text):
    source = ModelSource.parse(text)
    assert counts(read_source(source)) == FAMILIES[text](meta(source).config)


class Block(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(self.up(x))


class Gated(Block):
    """Whose last layer by definition is not its last to run."""

    def __init__(self, width=8):
        super().__init__(width)
        self.gate = nn.Linear(width, 2 * width)

    def forward(self, x):
        return x + self.down(self.up(x) * self.gate(x))


def projector(inside, outside):
    return nn.Sequential(nn.Linear(inside, inside), nn.GELU(), nn.Linear(inside, outside))


class Taps(nn.Module):
    """A stack of six, with something for each of three depths beside it, as large as a block."""

    def __init__(self, block, beside, *, second_input=False):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.beside = nn.ModuleList(beside() for _ in range(3))
        self.blocks = nn.ModuleList(block() for _ in range(6))
        self.second_input = second_input

    def forward(self, x, *more):
        x, taken = self.first(x), []
        if self.second_input:
            x = x + more[0]  # what nobody can make up
        for at, block in enumerate(self.blocks):
            x = block(x)
            if at % 2:
                taken.append(self.beside[at // 2](x))
        return sum(each.mean() for each in taken) + x.mean()


@pytest.mark.parametrize("second_input", [False, True], ids=["followed", "not followed"])
@pytest.mark.parametrize("block", [Block, Gated])
@pytest.mark.parametrize(
    "beside",
    [
        lambda: projector(16, 12),
        lambda: projector(8, 24),
        lambda: nn.ModuleDict({"a": nn.Linear(8, 30), "b": nn.Linear(30, 3)}),
    ],
    ids=["mergers", "scales", "heads"],
)
def test_what_is_read_beside_the_stack_at_some_depths_is_no_block(second_input, block, beside):
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = beside()

        def forward(self, x):
            first = next(module for module in self.modules() if isinstance(module, nn.Linear))
            x = nn.functional.pad(x, (0, first.in_features - x.shape[-1]))
            for each in self.layers.values() if isinstance(self.layers, nn.ModuleDict) else self.layers:
                x = each(x)
            return x

    tree = read_module(Taps(block, Beside, second_input=second_input))
    assert tree.order == ("defined" if second_input else "executed")
    assert tree.blocks == tuple(f"blocks.{i}" for i in range(6))
    assert not any(p.kind == "block" for p in tree.parameters if p.name.startswith("beside.")) or not second_input


def test_encoders_side_by_side_are_towers_and_not_blocks():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Linear(8, 8)
            self.layers = nn.ModuleList(Block() for _ in range(4))

        def forward(self, x):
            x = self.stem(x)
            for layer in self.layers:
                x = layer(x)
            return x

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoders = nn.ModuleList(Encoder() for _ in range(3))
            self.classifier = nn.Linear(24, 2)

        def forward(self, x):
            return self.classifier(torch.cat([encoder(x) for encoder in self.encoders], -1))

    tree = read_module(Both())
    assert counts(tree) == {f"encoders.{i}": 4 for i in range(3)}
    assert tree.head == ("classifier",)


def staged(make):
    class Staged(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Linear(8, 8)
            self.stages = nn.ModuleList(make(depth) for depth in (2, 3, 1))
            self.out = nn.Linear(8, 3)

        def forward(self, x):
            x = self.stem(x)
            for stage in self.stages:
                x = stage(x)
            return self.out(x)

    return Staged()


class InChild(nn.Module):
    """A stage that keeps its blocks in a child, behind a layer that changes the size."""

    def __init__(self, blocks, inside=None):
        super().__init__()
        self.downsample = nn.Sequential(nn.Linear(8, inside), nn.Linear(inside, 8)) if inside else nn.Linear(8, 8)
        self.body = blocks

    def forward(self, x):
        x = self.downsample(x)
        for block in self.body:
            x = block(x)
        return x


def blocks(depth):
    return (Block() for _ in range(depth))


@pytest.mark.parametrize(
    "make",
    [
        lambda depth: nn.Sequential(*blocks(depth)),
        lambda depth: nn.Sequential(nn.Linear(8, 8), nn.Sequential(*blocks(depth))),
        lambda depth: InChild(nn.ModuleList(blocks(depth))),
        lambda depth: InChild(nn.Sequential(*blocks(depth))),
        lambda depth: InChild(nn.Sequential(*blocks(depth)), inside=13),
        lambda depth: InChild(nn.Sequential(*[nn.Sequential(nn.Linear(8, 8))] * (depth > 1), *blocks(depth))),
        lambda depth: nn.Sequential(nn.Sequential(*blocks(depth))),
    ],
    ids=["plain", "after a downsampling", "in a list", "in a sequence", "nearly as large", "with a layer", "wrapped"],
)
def test_nested_stages_are_counted_by_their_blocks(make):
    tree = read_module(staged(make))
    assert (len(tree.blocks), [len(stage.blocks) for stage in tree.towers[0].stages]) == (6, [2, 3, 1])


class Boxes(nn.Module):
    """A detector's end: in eval mode it asks a tensor for a number, which there is none of without weights."""

    def __init__(self):
        super().__init__()
        self.norm, self.out = nn.BatchNorm1d(8), nn.Linear(8, 4)
        self.register_buffer("stride", torch.ones(1))

    def forward(self, x):
        x = self.out(self.norm(x))
        return x if self.training else x.new_full((3,), self.stride.numpy().item())


def test_what_only_eval_mode_does_is_no_reason_not_to_follow_a_step_of_training():
    tree = read_module(nn.Sequential(nn.Linear(8, 8), *blocks(3), Boxes()))
    assert (tree.order, tree.notes) == ("executed", ())
    assert [layer.path for layer in tree.layers if layer.moves] == ["4.norm"]


def test_a_codebook_and_the_layer_behind_it_are_no_blocks():
    class Codebook(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.quantize = nn.Linear(8, 8), nn.ModuleDict({"codes": nn.Embedding(4, 8)})
            self.behind = nn.Linear(8, 8)

        def forward(self, x):
            return self.behind(self.encoder(x) @ self.quantize["codes"].weight.T @ self.quantize["codes"].weight)

    assert "quantize" not in read_module(Codebook()).blocks


def test_a_table_defined_after_the_blocks_is_an_embedding_and_no_head():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(Block() for _ in range(3))
            self.out = nn.Linear(8, 2)
            self.tokens = nn.Embedding(10, 8)

        def forward(self, ids, other=None):
            x = self.tokens(ids)
            for layer in self.layers:
                x = layer(x)
            return self.out(x)

    class Unfollowed(Late):
        def forward(self, ids, other):
            return super().forward(ids + other.whatever)

    class Untied(Late):
        def __init__(self):
            super().__init__()
            del self.out

    for model, head in ((Late(), ("out",)), (Unfollowed(), ("out",)), (Untied(), ())):
        tree = read_module(model)
        assert (tree.head, tree.towers[0].embeddings) == (head, ("tokens",)), model


class Sees(nn.Module):
    """Text, and a picture that may be left out, whose projector only then runs."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 8)
        self.projector = nn.Linear(4, 8)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.never = nn.Linear(8, 8)
        self.out = nn.Linear(8, 2)

    def forward(self, ids, image=None):
        x = self.tokens(ids)
        if image is not None:
            x = x + self.projector(image)
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


class OnlyReads(Sees):
    def forward(self, ids, attention_mask=None, labels=None, return_dict=None):
        return super().forward(ids)


def codes(model):
    tree = read_module(model)
    spec = parse_spec("train all")
    return {finding.code: finding for finding in review(tree, resolve(spec, tree), spec=spec)}


def test_nothing_is_said_to_be_unread_where_an_input_was_left_out():
    assert "unused-ddp" not in codes(Sees())
    assert codes(OnlyReads())["unused-ddp"].layers[-2:] == ("never.weight", "never.bias")


def test_a_projectors_norm_is_no_embedding():
    tree = read_source(ModelSource.parse("config:gemma3"))
    hit = resolve(parse_spec("freeze embeddings"), tree)
    assert not any("projector" in p.name for p, trains in zip(tree.parameters, hit.trains, strict=True) if not trains)


def test_a_small_encoder_beside_a_large_model_is_a_tower_and_no_embedding():
    class Layer(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
            self.mlp = Block(width)

        def forward(self, x):
            return self.mlp(x + self.proj(self.qkv(x)))

    class Chat(nn.Module):
        def __init__(self):
            super().__init__()
            self.vision = nn.ModuleDict({"patch": nn.Linear(8, 8), "layers": nn.ModuleList(Layer(8) for _ in range(4))})
            self.tokens = nn.Embedding(10, 64)
            self.projector = nn.Linear(8, 64)
            self.language = nn.ModuleList(Layer(64) for _ in range(6))
            self.out = nn.Linear(64, 10)

        def forward(self, ids, image):
            for layer in (self.vision["patch"], *self.vision["layers"]):
                image = layer(image)
            x = torch.cat([self.projector(image), self.tokens(ids)], 1)
            for layer in self.language:
                x = layer(x)
            return self.out(x)

    tree = read_module(Chat())
    assert counts(tree) == {"vision": 4, "": 6}
    assert {p.kind for p in tree.parameters if p.name.startswith("vision.layers.")} == {"block"}


TEXT = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 100,
}


def qwen():
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    vision = {"depth": 4, "hidden_size": 32, "num_heads": 4, "intermediate_size": 48, "patch_size": 16}
    vision |= {"out_hidden_size": 64, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1, 2]}
    ids = torch.tensor([[1, 92, 90, 90, 90, 90, 93, 5, 6]])
    batch = {"pixel_values": torch.randn(16, 1536), "image_grid_thw": torch.tensor([[1, 4, 4]])}
    special = {"image_token_id": 90, "video_token_id": 91, "vision_start_token_id": 92, "vision_end_token_id": 93}
    text = {**TEXT, "head_dim": 16, "rope_scaling": rope}
    made = AutoConfig.for_model("qwen3_vl", text_config=text, vision_config=vision, **special)
    return made, {"input_ids": ids, "mm_token_type_ids": (ids == 90).int(), **batch}


def llava():
    vision = {"model_type": "clip_vision_model", "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4}
    vision |= {"intermediate_size": 48, "image_size": 32, "patch_size": 16}
    text = {**TEXT, "model_type": "llama"}
    made = AutoConfig.for_model("llava", text_config=text, vision_config=vision, image_token_index=90)
    ids = torch.tensor([[1, 90, 90, 90, 90, 5, 6]])
    return made, {"input_ids": ids, "pixel_values": torch.randn(1, 3, 32, 32)}


@pytest.mark.parametrize(("make", "beside"), [(qwen, "deepstack_merger_list"), (llava, "multi_modal_projector")])
def test_what_a_picture_gives_a_gradient_is_not_said_to_be_unread(make, beside):
    config, batch = make()
    model = AutoModelForImageTextToText.from_config(config)
    model(**batch, labels=batch["input_ids"]).loss.backward()
    learns = {name for name, p in model.named_parameters() if p.grad is not None}
    assert any(beside in name for name in learns)
    model.zero_grad()
    tree = read_module(model)
    assert sorted(counts(tree).values()) == [4, 4]
    for rules in ("train all", f"freeze all; train contains:vis contains:{beside}", "freeze contains:language_model"):
        spec = parse_spec(rules)
        found = [each for each in review(tree, resolve(spec, tree), spec=spec) if each.code == "unused-ddp"]
        assert not learns.intersection(name for each in found for name in each.layers)


class Turns(nn.Module):
    """The parts of each layer stand in lists of their own, or in turn in one."""

    def __init__(self, layers=3, every=1):
        super().__init__()
        self.mixers = nn.ModuleList(Block() for _ in range(layers // every))
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(layers))
        self.layers = nn.ModuleList(Block() for _ in range(layers))
        self.head, self.every = nn.Linear(8, 2), every

    def forward(self, x):
        for number, layer in enumerate(self.layers):
            if number % self.every == 0:
                x = self.mixers[number // self.every](x)
            x = layer(self.norms[number](x))
        return self.head(x)


@pytest.mark.parametrize(("every", "last"), [(1, {"layers.3", "norms.3", "mixers.3"}), (2, {"layers.3", "norms.3"})])
def test_lists_that_take_turns_are_one_row_of_blocks(every, last):
    tree = read_module(Turns(4, every))
    assert counts(tree) == {"": 4}
    trains = resolve(parse_spec("freeze all; train blocks:last1"), tree).names()
    assert {name.rpartition(".")[0].removesuffix(".up").removesuffix(".down") for name in trains} == last
    assert {parameter.kind for parameter in tree.parameters} == {"block", "head"}


class Attention(Block):
    pass


class FeedForward(Block):
    pass


def test_attention_and_feed_forward_in_turn_are_a_block_together():
    model = nn.Sequential(*(kind() for _ in range(3) for kind in (Attention, FeedForward)), nn.Linear(8, 2))
    tree = read_module(model)
    assert len(tree.blocks) == 3
    assert tree.towers[0].parts == (("0",), ("2",), ("4",))
    mask = resolve(parse_spec("freeze blocks:first1"), tree)
    assert list(mask.names(False)) == [name for name, _ in model.named_parameters() if name[0] in "01"]


class SideBySide(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.ModuleList(Block() for _ in range(4))
        self.pictures = nn.ModuleList(Block() for _ in range(3))
        self.together = nn.ModuleList(Block() for _ in range(2))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        words, pictures = x, x
        for layer in self.words:
            words = layer(words)
        for layer in self.pictures:
            pictures = layer(pictures)
        both = words + pictures
        for layer in self.together:
            both = layer(both)
        return self.head(both)


def test_lists_that_run_side_by_side_are_towers_of_their_own():
    tree = read_module(SideBySide())
    assert {tower.name: len(tower.blocks) for tower in tree.towers} == {"model": 4, "pictures": 3, "together": 2}


def test_lists_of_which_one_runs_after_the_other_are_one_tower():
    class Chain(SideBySide):
        def forward(self, x):
            for layer in (*self.words, *self.pictures, *self.together):
                x = layer(x)
            return self.head(x)

    assert counts(read_module(Chain())) == {"": 9}


def branch(kind):
    return {
        "layers": lambda: nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU()),
        "two layers each": lambda: nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU(), nn.Conv2d(16, 8, 1)),
    }[kind]()


class Around(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(8), inner

    def forward(self, x):
        return self.inner(self.norm(x)) + x


class Listed(nn.Module):
    """Each layer is a list of its parts that nothing calls, as many vision transformers are written."""

    def __init__(self, parts):
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleList(parts()) for _ in range(4))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        for layer in self.layers:
            for part in layer:
                x = part(x)
        return self.head(x)


LISTED = {
    "attention and feed-forward": (lambda: [Attention(), FeedForward()], 4),
    "the same within a wrapper of one class": (lambda: [Around(Attention()), Around(FeedForward())], 4),
    "two attentions": (lambda: [Attention(), Attention(), FeedForward()], 4),
    "two layers each": (lambda: [Attention(), FeedForward(), Attention(), FeedForward()], 8),
    "two blocks each": (lambda: [Block(), Block()], 8),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_list_of_one_layer_s_parts_is_a_block(name):
    parts, blocks = LISTED[name]
    tree = read_module(Listed(parts))
    assert len(tree.blocks) == blocks


class DownAndUp(nn.Module):
    """A U-Net: a way down, and a way up by blocks of another class and name, which read what the way down made."""

    def __init__(self):
        super().__init__()
        self.inc = nn.Linear(8, 8)
        self.down1, self.down2, self.down3 = Block(), Block(), Block()
        self.up1, self.up2, self.up3 = Around(Block()), Around(Block()), Around(Block())
        self.outc = nn.Linear(8, 2)

    def forward(self, x):
        first = self.down1(self.inc(x))
        second = self.down2(first)
        x = self.up1(self.down3(second))
        return self.outc(self.up3(self.up2(x + second) + first))


def test_the_way_up_of_a_u_net_is_blocks_behind_those_of_its_way_down():
    tree = read_module(DownAndUp())
    assert list(tree.blocks) == ["down1", "down2", "down3", "up1", "up2", "up3"]
    assert tree.head == ("outc",)


class Branches(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.gates = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(3))
        self.branches = nn.ModuleList(branch(kind) for _ in range(3))
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.stem(x)
        gated = zip(self.gates, self.branches, strict=True)
        return self.fc(sum(gate * each(x) for gate, each in gated).mean((2, 3)))


@pytest.mark.parametrize("kind", ["layers", "two layers each"])
def test_branches_that_run_beside_each_other_are_no_blocks_and_nothing_runs_back_through_them(kind):
    model, through = Branches(kind), []
    spec = parse_spec("freeze all; train gates fc")
    tree = read_module(model)
    assert (tree.order, tree.blocks, tree.head) == ("executed", (), ("fc",))
    mask = resolve(spec, tree)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name in mask.names()
    for each in model.branches:
        each[0].register_full_backward_hook(lambda *_: through.append(1))
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    assert not through
    assert "leak" not in {finding.code for finding in review(tree, mask, spec=spec)}


class Halving(nn.Module):
    """A stage whose downsampling is by far the largest thing in it."""

    def __init__(self, width):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.shrink = nn.Linear(width, 40 * width)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x + self.shrink(x)[..., : x.shape[-1]]


class HalvingStage(Halving): ...


@pytest.mark.parametrize(("kind", "inside"), [(Halving, ""), (HalvingStage, ".blocks.{}")])
def test_a_module_that_is_called_a_stage_is_one_however_large_its_downsampling(kind, inside):
    model = nn.Sequential(*(kind(8) for _ in range(3)), nn.Linear(8, 2))
    found = [f"{stage}{inside.format(block)}" for stage in range(3) for block in range(2 if inside else 1)]
    assert read_module(model).blocks == tuple(found)


def test_a_stage_begins_with_a_layer_and_ends_with_a_norm_that_are_no_blocks_of_it():
    def stage():
        return nn.Sequential(nn.Linear(8, 8), Block(), Block(), nn.LayerNorm(8))

    tree = read_module(nn.Sequential(stage(), stage(), stage(), nn.Linear(8, 2)))
    assert tree.blocks == tuple(f"{outer}.{inner}" for outer in range(3) for inner in (1, 2))


def test_a_weight_normed_layer_is_one_matrix_and_no_block():
    def layer():
        return nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))

    tree = read_module(nn.Sequential(*(layer() for _ in range(2)), *(Block() for _ in range(4)), nn.Linear(8, 2)))
    assert tree.blocks == ("2", "3", "4", "5")
