"""A model that cannot be followed: its layers stand where its code names them, not where they are defined."""

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from freezecore.runtime.tree.read import read_module


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        return x + self.down(self.up(x))


class FirstIsLast(nn.Module):
    """What nobody can make up goes in: a batch of one's own."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 2)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.first = nn.Linear(4, 8)

    def forward(self, batch):
        x = self.first(batch.pixels)
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


class InOneExpression(FirstIsLast):
    def forward(self, batch):
        return self.out(nn.Sequential(*self.layers)(self.first(batch.pixels)))


class ByMethods(FirstIsLast):
    def forward(self, batch):
        return self.predict(self.features(batch))

    def features(self, batch):
        return [x := self.first(batch.pixels), *(x := layer(x) for layer in self.layers)][-1]

    def predict(self, x):
        return self.out(x)


class ByItsParent(ByMethods):
    def forward(self, batch):
        return super().forward(batch).softmax(-1)


@pytest.mark.parametrize("make", [FirstIsLast, InOneExpression, ByMethods, ByItsParent])
def test_what_is_defined_last_and_named_first_stands_before_the_blocks(make):
    tree = read_module(make())
    assert (tree.order, tree.head, tree.towers[0].stem) == ("defined", ("out",), ("first",))
    assert tree.blocks == tuple(f"layers.{i}" for i in range(3))


def test_a_model_without_a_head_has_none():
    class Body(FirstIsLast):
        def __init__(self):
            super().__init__()
            self.out = nn.Identity()

    tree = read_module(Body())
    assert (tree.head, tree.towers[0].stem) == ((), ("first",))


def test_stacks_stand_in_the_order_in_which_they_are_called():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.bridge = nn.Linear(8, 8)
            self.decoder = nn.ModuleList(Block() for _ in range(2))
            self.encoder = nn.ModuleList(Block() for _ in range(3))

        def forward(self, batch):
            x = batch.pixels
            for layer in self.encoder:
                x = layer(x)
            x = self.bridge(x)
            for layer in self.decoder:
                x = layer(x)
            return x

    tree = read_module(Turned())
    assert tree.blocks == (*(f"encoder.{i}" for i in range(3)), *(f"decoder.{i}" for i in range(2)))
    assert tree.towers[0].between[3] == ("bridge",)


def test_a_method_without_source_leaves_the_order_of_definition():
    made: dict = {"nn": nn}
    exec("class Made(nn.Module):\n def forward(self, batch):\n  return self.b(self.a(batch.pixels))", made)
    model = made["Made"]()
    model.a, model.b = nn.Linear(4, 4), nn.Linear(4, 4)
    assert read_module(model).order == "defined"


def test_beside_a_part_that_could_be_followed_the_head_is_what_is_called_last():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16}
            self.classifier = nn.Linear(8, 2)
            self.bert = BertModel(BertConfig(vocab_size=50, **sizes))
            self.before, self.unused = nn.Linear(4, 8), nn.Linear(8, 8)

        def forward(self, batch):
            found = self.bert(inputs_embeds=self.before(batch.pixels))
            return self.classifier(found.last_hidden_state[:, 0])

    tree = read_module(Wrapped())
    assert (len(tree.blocks), tree.head) == (3, ("classifier",))
    assert not any("classifier" in paths for paths in tree.towers[0].between)
    with torch.no_grad():  # and it is what the class really does
        assert Wrapped()(type("Batch", (), {"pixels": torch.zeros(1, 3, 4)})).shape == (1, 2)


def test_a_forward_that_was_put_on_the_object_is_the_one_that_is_read():
    model = FirstIsLast()
    model.prediction = nn.Linear(2, 5)
    model.second = nn.Linear(4, 4)

    def forward(self, batch):
        batch.pixels = self.second(batch.pixels)
        return self.prediction(FirstIsLast.forward(self, batch))

    model.forward = forward.__get__(model)
    tree = read_module(model)
    assert tree.head == ("prediction",)


class Momentum(nn.Module):
    """An encoder, and another that follows it by its weights and runs without gradients."""

    def __init__(self):
        super().__init__()
        self.encoder, self.momentum = (
            nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 4)) for _ in range(2)
        )
        for parameter in self.momentum.parameters():
            parameter.requires_grad = False

    def forward(self, query, key):
        found = self.encoder(query)
        with torch.no_grad():
            wanted = self.momentum(key)
        return found @ wanted.T


class MomentumByMethod(Momentum):
    def forward(self, query, key):
        return self.encoder(query) @ self.follow(key).T

    @torch.no_grad()
    def follow(self, key):
        return self.momentum(key)


class MomentumFirst(Momentum):
    def forward(self, query, key):
        with torch.no_grad():
            wanted = self.momentum(key)
        return self.encoder(query) @ wanted.T


@pytest.mark.parametrize("make", [Momentum, MomentumByMethod, MomentumFirst])
def test_a_momentum_encoder_holds_neither_the_head_nor_the_blocks(make):
    model = make()
    model(torch.randn(2, 3, 3, 3), torch.randn(2, 3, 3, 3)).sum().backward()
    assert {name.partition(".")[0] for name, p in model.named_parameters() if p.grad is not None} == {"encoder"}
    tree = read_module(model)
    assert tree.head == ("encoder.3",)
    assert not any(path.startswith("momentum") for path in tree.blocks)


class AskedFirst(FirstIsLast):
    """Its last layer is asked for its width before it runs, and its first stands behind a property."""

    @property
    def entry(self):
        return self.first

    def forward(self, batch):
        width = self.out.config.width
        x = self.entry(batch.pixels)[..., :width]
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


def test_a_module_that_is_only_asked_has_not_run_and_a_property_names_what_it_returns():
    tree = read_module(AskedFirst())
    assert tree.order == "defined"
    assert tree.towers[0].stem == ("first",)
    assert tree.head == ("out",)
