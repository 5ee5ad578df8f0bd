"""What is random in train mode by a function in a forward stands still when frozen, and only that is held."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import freezecore as fc


class Body(nn.Module):
    """Something trained, then what a test adds."""

    def __init__(self):
        super().__init__()
        self.inside = nn.Linear(8, 8)
        self.chance, self.rates = 0.3, {"path": 0.3}

    def forward(self, x):
        return self.add(self.inside(x))


class AtAChanceInTheCode(Body):
    def add(self, x):
        return F.dropout(x, 0.3, self.training)


class ByAnAttributeOfAnyName(Body):
    def add(self, x):
        return F.dropout(x, self.chance, self.training)


class ByAMask(Body):
    def add(self, x):
        return x * torch.bernoulli(torch.full_like(x, 0.7)) if self.training else x


class ByNoise(Body):
    def add(self, x):
        return x + torch.randn_like(x) * 0.1 if self.training else x


class ByAttention(Body):
    def add(self, x):
        x = x[None]
        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.3 if self.training else 0.0)[0]


class ByAHelper(Body):
    def add(self, x):
        return drop_path(x, self.rates["path"], self.training)


class WhereItCannotBeFollowed(Body):
    def add(self, x):
        best = x.abs().sum(0).nonzero().flatten().tolist()  # asks for values
        return F.dropout(x[:, best[:8]], 0.3, self.training)


class StochasticDepth(Body):
    def __init__(self):
        super().__init__()
        self.p = 0.3

    def add(self, x):
        return x * torch.empty(len(x), 1).bernoulli_(1 - self.p) if self.training else x


class ByAChild(Body):
    """As timm's attention, which reads its dropout's chance and never calls it."""

    def __init__(self):
        super().__init__()
        self.attn_drop = nn.Dropout(0.3)

    def add(self, x):
        return F.dropout(x, self.attn_drop.p if self.training else 0.0)


class ByTorch(Body):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3)

    def add(self, x):
        return self.attention(x, x, x)[0]


class ByRecurrence(Body):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 8, 2, dropout=0.3)

    def add(self, x):
        return self.lstm(x)[0]


def drop_path(x, chance, training):
    return x * (torch.rand(len(x), 1, device=x.device) > chance) if training else x


class Net(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body, self.head = body, nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.body(x))


RANDOM = (AtAChanceInTheCode, ByAnAttributeOfAnyName, ByAMask, ByNoise, ByAttention, ByAHelper,
          WhereItCannotBeFollowed, StochasticDepth, ByAChild, ByTorch, ByRecurrence)  # fmt: skip


@pytest.mark.parametrize("body", RANDOM)
def test_it_stands_still_when_frozen_and_not_when_dropout_is_on(body):
    model, x = Net(body()), torch.randn(64, 8)
    fc.apply(model, "freeze all; train head")
    expected = model.eval().body(x)
    assert torch.equal(model.train().body(x), expected)
    assert model.head.training and model.body.inside.training
    fc.apply(model, "dropout on")
    assert not torch.equal(model.train().body(x), expected)
    fc.apply(model, "train all")
    assert all(each.training for each in model.train().modules())


def test_what_is_random_in_either_mode_or_asks_for_the_mode_alone_is_left_in_train_mode():
    class InEitherMode(Body):
        def add(self, x):
            return x + torch.randn_like(x)

    class AsksForTheMode(Body):
        def add(self, x):
            return x if self.training else x.relu()

    for body in (InEitherMode, AsksForTheMode):
        assert fc.apply(Net(body()), "freeze all; train head").held == ()


def test_a_block_applied_for_a_while_gives_an_earlier_hold_back():
    model = Net(AtAChanceInTheCode())
    fc.apply(model, "freeze body")
    with fc.frozen(model, "train all"):
        assert model.train().body.training
    assert not model.train().body.training
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
