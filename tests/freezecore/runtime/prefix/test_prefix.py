"""The frozen prefix computed once: the same numbers as the plain loop, or no cache and the reason."""

import copy

import pytest
import torch
from torch import nn

from freezecore.mask import Mask
from freezecore.runtime.own.hold import hold
from freezecore.runtime.prefix import CachedPart, NotCuttable, PrefixCache, find_prefix
from freezecore.runtime.prefix.shapes import shaped
from freezecore.runtime.prefix.store import Store
from freezecore.runtime.tree.read import read_module

CPU = torch.device("cpu")
TOLERANCE = 1e-4


class Part:
    """Random samples for a model that takes one tensor."""

    device = CPU

    def __init__(self, model, shape, count=20):
        generator = torch.Generator().manual_seed(1)
        self.model = model
        self.x = torch.randn(count, *shape, generator=generator)
        self.y = torch.randint(0, 3, (count,), generator=generator)

    def __len__(self):
        return len(self.y)

    def forward(self, positions, blank=False):
        x = self.x[positions]
        return self.model(torch.zeros(()).expand(x.shape) if blank else x)

    def loss(self, logits, positions):
        return nn.functional.cross_entropy(logits, self.y[positions])


class Residual(nn.Module):
    """What goes into the second layer also goes around it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(6, 6)
        self.block = Around()
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.block(self.stem(x).relu()))


class Around(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)

    def forward(self, x):
        return x + self.second(self.first(x).relu())


class Bypass(nn.Module):
    """The head also sees the stem's output, past every module that could be cut."""

    def __init__(self):
        super().__init__()
        self.stem, self.middle, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        early = self.stem(x)
        return self.head(self.middle(early).relu()) + early[:, :3]


class Shared(nn.Module):
    """One layer called three times, then a head."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        for _ in range(3):
            x = self.layer(x).tanh()
        return self.head(x)


class Unsampled(nn.Module):
    """Mixes the samples of a batch before the head: no sample has a value of its own."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = self.stem(x)
        return self.head(x - x.mean(0))


class Projected(nn.Module):
    """A trainable layer whose weight its parent reads, without ever calling it."""

    def __init__(self):
        super().__init__()
        self.stem, self.middle, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(nn.functional.linear(self.stem(x), self.middle.weight))


def conv():
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 3))


def trained(model, mask, shape, cached, steps=6):
    """Losses of a few steps, and the parameters after them."""
    model = copy.deepcopy(model)
    mask.apply_to(model)
    part, losses = Part(model, shape), []
    with hold(model, mask):
        model.train()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
        order = [torch.arange(i, i + 7) for i in range(steps)]
        if cached:
            part = CachedPart(find_prefix(model, part, order[0], TOLERANCE), part, tolerance=TOLERANCE)
        torch.manual_seed(3)
        for positions in order:
            losses.append(one(optimizer, part.forward(positions), Part(model, shape), positions))
    return losses, {name: p.detach().clone() for name, p in model.named_parameters()}


def one(optimizer, logits, part, positions):
    optimizer.zero_grad()
    loss = part.loss(logits, positions)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def masked(model, trains):
    names = [n for n, _ in model.named_parameters() if any(n.startswith(t) for t in trains)]
    return Mask.from_names(read_module(model), names)


CASES = [
    pytest.param(Residual, (6,), ["head"], id="head"),
    pytest.param(Residual, (6,), ["block.second", "head"], id="inside a residual"),
    pytest.param(Shared, (6,), ["head"], id="a layer called three times"),
    pytest.param(conv, (3, 6, 6), ["9"], id="a convolution with dropout before its head"),
    pytest.param(conv, (3, 6, 6), ["3", "4", "9"], id="a convolution with a trainable norm"),
]


@pytest.mark.parametrize(("make", "shape", "trains"), CASES)
def test_losses_and_weights_are_the_same_with_and_without(make, shape, trains):
    torch.manual_seed(0)
    model = make()
    mask = masked(model, trains)
    plain, plain_weights = trained(model, mask, shape, cached=False)
    cached, cached_weights = trained(model, mask, shape, cached=True)
    assert cached == pytest.approx(plain, rel=1e-5)
    for name, weight in plain_weights.items():
        assert torch.allclose(weight, cached_weights[name], rtol=1e-4, atol=1e-6), name


def cut(model, trains, shape=(6,), norms="hold", dropout="off"):
    mask = masked(model, trains)
    mask = Mask(mask.tree, mask.trains, norms, dropout)
    mask.apply_to(model)
    part = Part(model, shape)
    with hold(model, mask):
        model.train()
        return find_prefix(model, part, torch.arange(7), TOLERANCE)


def test_the_innermost_cut_that_is_right_is_taken():
    assert cut(Residual(), ["head"]).path == "head"
    assert cut(Residual(), ["block.second", "head"]).path == "block"  # inside, the residual would be lost
    assert cut(conv(), ["9"], (3, 6, 6)).path == "8"  # the dropout before the head goes on dropping


@pytest.mark.parametrize(
    ("make", "trains", "why"),
    [
        (Bypass, ["head"], "the output of the model differs"),
        (Unsampled, ["head"], "bypass|differs"),
        (Projected, ["middle", "head"], "before any layer has finished"),
        (Residual, ["stem"], "before any layer has finished"),
    ],
)
def test_where_no_cut_is_right_there_is_none_and_a_reason(make, trains, why):
    torch.manual_seed(0)
    with pytest.raises(NotCuttable, match=why):
        cut(make(), trains)


def test_norms_that_update_and_dropout_that_stays_on_are_never_skipped():
    assert cut(conv(), ["9"], (3, 6, 6), norms="update").path == "1"
    on = cut(nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), nn.Linear(6, 6), nn.Linear(6, 3)), ["3"], dropout="on")
    assert on.path == "1"


def test_looking_for_a_cut_leaves_the_model_as_it_was():
    torch.manual_seed(0)
    model = conv()
    before = copy.deepcopy(model.state_dict())
    seeds = torch.get_rng_state()
    cut(model, ["3", "4", "9"], (3, 6, 6))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), seeds)
    assert all("forward" not in vars(module) for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())


def test_too_few_samples_to_check_on_is_a_reason():
    model = Residual()
    mask = masked(model, ["head"])
    mask.apply_to(model)
    with pytest.raises(NotCuttable, match="too few samples"):
        find_prefix(model, Part(model, (6,), count=2), torch.arange(2), TOLERANCE)


def kept_of(model, trains, shape=(6,), **more):
    return CachedPart(cut(model, trains, shape), Part(model, shape), tolerance=TOLERANCE, **more)


EVERY = torch.arange(20)


def test_a_sample_is_computed_when_it_is_first_used_and_only_then():
    model = Residual()
    kept = kept_of(model, ["head"])
    calls = []
    model.stem.register_forward_hook(lambda module, args, out: calls.append(len(out)))
    kept.ensure(torch.tensor([3, 5, 3]))
    kept.ensure(torch.tensor([5, 9]))
    assert calls == [2, 1]
    assert kept.have.nonzero().flatten().tolist() == [3, 5, 9]


def test_beyond_the_budget_it_lies_on_disk_and_the_file_goes_when_it_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    torch.manual_seed(0)
    model = conv()
    on_disk, in_memory = (kept_of(model, ["9"], (3, 6, 6), budget=budget) for budget in (0, None))
    some = torch.tensor([3, 3, 17])
    for kept in (on_disk, in_memory):
        kept.ensure(some)
    assert (on_disk.store.on_disk, in_memory.store.on_disk) == (True, False)
    assert torch.equal(on_disk.store.take(some)[0], in_memory.store.take(some)[0])
    assert len(list(tmp_path.iterdir())) == 1
    on_disk.store.close()
    assert not list(tmp_path.iterdir())


def test_where_neither_memory_nor_disk_has_room_there_is_no_cache(monkeypatch):
    monkeypatch.setattr("freezecore.runtime.prefix.store.DISK_SHARE", 0)
    with pytest.raises(NotCuttable, match="memory and disk"):
        kept_of(conv(), ["9"], (3, 6, 6), budget=0)


def test_a_full_disk_is_a_reason_and_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(NotCuttable, match="do not fit on the disk"):
        kept_of(conv(), ["9"], (3, 6, 6), budget=0)
    assert not list(tmp_path.iterdir())


def chain():
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Sequential(nn.Linear(6, 6), nn.Tanh()) for _ in range(4)), nn.Linear(6, 3))


def test_a_deeper_cut_is_computed_from_a_shallower_one_with_the_same_values():
    model = chain()
    part, cache = Part(model, (6,)), PrefixCache()
    shallow = cache.parts(cut(model, ["2", "3", "4"]), {"train": part}, None, TOLERANCE)["train"]
    shallow.ensure(EVERY)
    deep_cut = cut(model, ["4"])
    deep = cache.parts(deep_cut, {"train": part}, None, TOLERANCE)["train"]
    assert deep.base is shallow
    real = []
    model[0][0].register_forward_hook(lambda module, args, out: real.append(len(out)))
    deep.ensure(EVERY)
    assert real == [3]  # only the samples that are compared went through the first layer
    direct = CachedPart(deep_cut, part, tolerance=TOLERANCE)
    direct.ensure(EVERY)
    assert torch.allclose(deep.store.take(EVERY)[0], direct.store.take(EVERY)[0], atol=1e-6)
    assert cache.parts(deep_cut, {"train": part}, None, TOLERANCE)["train"] is deep
    cache.close()


def test_a_base_that_gives_other_values_is_not_used():
    model = chain()
    wrong, deep = kept_of(model, ["2", "3", "4"]), kept_of(model, ["4"])
    wrong.ensure(EVERY)
    wrong.store.kept[0] += 1
    deep.base = wrong
    deep.ensure(EVERY)
    assert deep.base is None
    right = kept_of(model, ["4"])
    right.ensure(EVERY)
    assert torch.allclose(deep.store.take(EVERY)[0], right.store.take(EVERY)[0], atol=1e-6)


def test_the_oldest_go_when_there_are_too_many():
    model = chain()
    part, cache = Part(model, (6,)), PrefixCache(budget=20 * 6 * 4)
    for trains in (["2", "3", "4"], ["3", "4"], ["4"]):
        cache.parts(cut(model, trains), {"train": part}, None, TOLERANCE)
    assert [path for path, _, _ in cache.kept] == ["4"]
    assert cache.kept["4", 0, None]["train"].base is None
    cache.close()


def test_what_is_kept_can_follow_the_batch_in_any_dimension_and_in_multiples():
    second = shaped(torch.zeros(5, 2, 3), torch.zeros(5, 3, 3), (2, 3))
    fourfold = shaped(torch.zeros(8, 3), torch.zeros(12, 3), (2, 3))
    store = Store([second, fourfold], 6, CPU)
    a, b = torch.randn(5, 6, 3), torch.randn(24, 3)
    store.put(torch.arange(6), [a, b])
    some = torch.tensor([4, 1])
    taken = store.take(some)
    assert torch.equal(taken[0], a[:, some])
    assert torch.equal(taken[1], b.view(6, 4, 3)[some].reshape(8, 3))
    with pytest.raises(NotCuttable):
        shaped(torch.zeros(5), torch.zeros(7), (2, 3))
