"""State that is no parameter: held by rules, named by rules, and seen by the proof."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import freezecore as fc
from freezecore.errors import ProofError, RuleError


class Codebook(nn.Module):
    """Vector quantization whose codes are a moving average, as VQ-VAE's."""

    def __init__(self, codes=16, width=8):
        super().__init__()
        self.register_buffer("codes", torch.randn(codes, width))
        self.register_buffer("uses", torch.ones(codes))
        self.register_buffer("sums", self.codes.clone())

    def forward(self, x):
        near = torch.cdist(x, self.codes).argmin(1)
        if self.training:
            with torch.no_grad():
                hot = nn.functional.one_hot(near, len(self.codes)).float()
                self.uses.lerp_(hot.sum(0), 0.1)
                self.sums.lerp_(hot.t() @ x, 0.1)
                self.codes.copy_(self.sums / self.uses.clamp_min(1e-5)[:, None])
        return x + (self.codes[near] - x).detach()


class Restarting(Codebook):
    """Cannot be followed without values: dead codes are found and replaced."""

    def forward(self, x):
        out = super().forward(x)
        dead = (self.uses < 1e-3).nonzero().flatten()
        if self.training and len(dead) > 0:
            self.codes[dead] = x[torch.randperm(len(x))[: len(dead)]].detach()
        return out


class Replaced(nn.Module):
    """A centre that is a new tensor in every step, as DINO's."""

    def __init__(self):
        super().__init__()
        self.register_buffer("center", torch.zeros(1, 8))

    def forward(self, x):
        if self.training:
            self.center = self.center * 0.9 + x.mean(0, keepdim=True).detach() * 0.1
        return x - self.center


class Plain(nn.Module):
    """Its state is a plain tensor, which torch does not know."""

    def __init__(self):
        super().__init__()
        self.center = torch.zeros(8)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.center.lerp_(x.mean(0), 0.1)
        return x - self.center


class Always(nn.Module):
    """A queue that goes on in either mode, as MoCo's."""

    def __init__(self):
        super().__init__()
        self.register_buffer("queue", torch.randn(64, 8))
        self.register_buffer("place", torch.zeros(1, dtype=torch.long))

    def forward(self, x):
        with torch.no_grad():
            self.queue.copy_(torch.cat([self.queue[len(x) :], x.detach()])[-64:])
            self.place.add_(len(x)).remainder_(64)
        return x


class Net(nn.Module):
    def __init__(self, middle):
        super().__init__()
        self.enc, self.mid, self.dec = nn.Linear(8, 8), middle, nn.Linear(8, 8)

    def forward(self, x):
        return self.dec(self.mid(self.enc(x)))


STATES = {
    "codebook": Codebook,
    "codebook that cannot be followed": Restarting,
    "centre": Replaced,
    "plain tensor": Plain,
    "BatchNorm without parameters": lambda: nn.BatchNorm1d(8, affine=False),
    "InstanceNorm with statistics": lambda: Wide(nn.InstanceNorm1d(8, track_running_stats=True)),
    "both": lambda: nn.Sequential(Codebook(), nn.BatchNorm1d(8, affine=False)),
}


class Wide(nn.Module):
    """Gives a norm of sequences what it wants."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.t()[None]).squeeze(0).t()


def trained(model, steps=3, proved=True):
    """Trains for some steps under the proof; returns what is warned of."""
    optimizer = torch.optim.AdamW(fc.trainable_parameters(model), lr=0.1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        with fc.proof(model, optimizer):
            for _ in range(steps):
                model.train()
                optimizer.zero_grad()
                model(torch.randn(32, 8) + 2).square().mean().backward()
                optimizer.step()
    return [str(each.message) for each in said if "no rule says" in str(each.message)]


def state_of(module):
    plain = {name: value for name, value in vars(module).items() if isinstance(value, torch.Tensor)}
    return {name: value.clone() for name, value in (*module.named_buffers(), *plain.items())}


def moved(before, module):
    now = state_of(module)
    return [name for name, old in before.items() if not torch.equal(old, now[name])]


@pytest.mark.parametrize("rules", ["freeze all; train dec", "train all; freeze mid", "freeze enc mid", "freeze mid"])
@pytest.mark.parametrize("name", STATES)
def test_state_without_parameters_is_held_where_a_rule_freezes_it(name, rules):
    model = Net(STATES[name]())
    fc.apply(model, rules)
    before, x = state_of(model.mid), torch.randn(5, 8)
    features = model.eval().mid(x)
    assert not trained(model)
    assert moved(before, model.mid) == []
    assert torch.equal(model.eval().mid(x), features)


@pytest.mark.parametrize("rules", ["freeze all; train dec mid", "train all", "freeze all; train mid; train dec"])
@pytest.mark.parametrize("name", STATES)
def test_it_moves_where_a_rule_lets_it_and_the_proof_says_nothing(name, rules):
    model = Net(STATES[name]())
    fc.apply(model, rules)
    before = state_of(model.mid)
    assert not trained(model)
    assert moved(before, model.mid)


@pytest.mark.parametrize("selector", ["mid", "type:Codebook", "contains:codes", "mid.codes", "m*", "regex:^mid"])
def test_any_selector_that_can_name_a_module_names_its_state(selector):
    model = Net(Codebook())
    assert fc.apply(model, f"freeze {selector}").held == ("mid",)


def test_the_last_rule_counts_and_a_later_apply_goes_on_from_it():
    model = Net(Codebook())
    assert fc.apply(model, "freeze all; train mid; freeze mid").held == ("mid",)
    assert fc.apply(model, "train dec").held == ("mid",)
    assert fc.apply(model, "train mid").held == ()
    assert fc.apply(model, "freeze dec").held == ()
    assert fc.apply(model, "", reset=True).held == ()


def test_norms_without_parameters_are_norms():
    model = Net(nn.BatchNorm1d(8, affine=False))
    assert fc.apply(model, "freeze norms").held == ("mid",)


@pytest.mark.parametrize(("rules", "said"), [
    ("freeze mid", "'mid' holds no parameters"), ("freeze norms", "no norms"), ("freeze mid.weight", "mid"),
])  # fmt: skip
def test_a_module_without_parameters_and_without_state_is_still_no_name(rules, said):
    with pytest.raises(RuleError, match=said):
        fc.apply(Net(nn.ReLU()), rules)


def test_a_queue_that_moves_in_either_mode_fails_the_proof_unless_a_rule_lets_it():
    model = Net(Always())
    fc.apply(model, "freeze all; train dec")
    with pytest.raises(ProofError, match=r"'mid.queue'.* moved"):
        trained(model)
    fc.apply(model, "train mid")
    assert not trained(model)


def test_an_average_of_the_weights_kept_as_buffers_fails_the_proof_unless_a_rule_lets_it():
    class Averaged(Net):
        def __init__(self):
            super().__init__(nn.Identity())
            self.average = nn.Module()
            self.average.register_buffer("dec", self.dec.weight.detach().clone())

        def forward(self, x):
            self.average.dec.lerp_(self.dec.weight.detach(), 0.5)
            return super().forward(x)

    model = Averaged()
    fc.apply(model, "freeze all; train dec")
    with pytest.raises(ProofError, match=r"'average.dec' moved"):
        trained(model)
    fc.apply(model, "train average")
    assert not trained(model)


def by_hand(model):
    """Freezes as people do without this library."""
    model.requires_grad_(False)
    model.dec.requires_grad_(True)
    return model


def test_state_of_which_no_rule_speaks_is_told():
    said = trained(by_hand(Net(Codebook())))
    assert len(said) == 1 and "'mid.codes', 'mid.uses', 'mid.sums' moved" in said[0]
    assert not trained(by_hand(Net(nn.Identity())))


def test_a_buffer_of_a_module_in_which_something_trains_is_told():
    class Rooted(Net):
        def __init__(self):
            super().__init__(nn.Identity())
            self.register_buffer("center", torch.zeros(8))

        def forward(self, x):
            x = self.enc(x)
            self.center.lerp_(x.detach().mean(0), 0.1)
            return self.dec(x - self.center)

    assert "'center' moved" in trained(by_hand(Rooted()))[0]
    model = Rooted()
    fc.apply(model, "freeze all; train dec")
    with pytest.raises(ProofError, match="'center' moved"):
        trained(model)


@pytest.mark.parametrize(("keep", "name"), [
    (lambda: [nn.BatchNorm1d(8)], "hidden.0.running_mean"),
    (lambda: {"norm": nn.BatchNorm1d(8)}, "hidden.norm.running_mean"),
    (lambda: [torch.zeros(8)], "hidden.0"),
])  # fmt: skip
def test_modules_and_tensors_in_a_python_list_are_told(keep, name):
    class Listed(Net):
        def __init__(self):
            super().__init__(nn.Identity())
            self.hidden = keep()

        def forward(self, x):
            x = self.enc(x)
            for one in self.hidden.values() if isinstance(self.hidden, dict) else self.hidden:
                x = one(x) if isinstance(one, nn.Module) else x + one.add_(1)
            return self.dec(x)

    model = Listed()
    fc.apply(model, "freeze all; train dec")
    assert f"'{name}'" in trained(model)[0]


@pytest.mark.parametrize(
    "made",
    [
        torch.nn.utils.spectral_norm,
        torch.nn.utils.weight_norm,
        torch.nn.utils.parametrizations.spectral_norm,
        lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
    ],
    ids=["spectral_norm", "weight_norm", "parametrization", "pruning"],
)
def test_a_weight_that_is_made_anew_of_frozen_parameters_is_no_movement(made):
    model = Net(made(nn.Linear(8, 8)))
    fc.apply(model, "freeze all; train dec")
    assert trained(model) == []


def test_a_counter_alone_is_no_movement():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros((), dtype=torch.long))

        def forward(self, x):
            self.seen += 1
            return x

    model = Net(Counting())
    fc.apply(model, "freeze all; train dec")
    assert not trained(model)
    assert model.mid.seen


@pytest.mark.parametrize("rules", [
    "freeze all; train dec; norms update", "freeze all; train dec; dropout on", "freeze all; train dec mid",
    "norms update; dropout on; freeze enc",
])  # fmt: skip
def test_the_proof_is_silent_where_the_rules_allow_movement(rules):
    model = Net(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.BatchNorm1d(8, affine=False), nn.Dropout(0.5)))
    fc.apply(model, rules)
    assert not trained(model)
    assert not trained(model)  # and again, further on


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), saved,
                                    lambda model: torch.optim.swa_utils.AveragedModel(model).module],
                         ids=["deepcopy", "pickle", "torch.save", "AveragedModel"])  # fmt: skip
def test_a_copy_is_held_like_the_original_and_released_apart(copied):
    model = Net(nn.Sequential(Codebook(), nn.BatchNorm1d(8), nn.Dropout(0.5)))
    mask = fc.apply(model, "freeze all; train dec; train mid.1")
    assert mask.held == ("mid.0",)
    twin = copied(model).requires_grad_(True)
    fc.apply(twin, "freeze all; train dec; train mid.1")
    twin = copied(model)
    before = state_of(twin.mid[0])
    assert not trained(twin)
    assert moved(before, twin.mid[0]) == []
    fc.release(twin)
    assert all(each.training for each in twin.train().modules())
    assert [each.training for each in model.train().mid] == [False, True, True]
    assert fc.apply(twin, "freeze mid.0").held == ("mid.0",)


def test_a_method_of_one_s_own_by_the_name_of_train_is_not_touched():
    def train(model, steps):
        return trained(model, steps)

    model = Net(nn.BatchNorm1d(8))
    fc.apply(model, "freeze all; train dec")
    assert not train(model, 2)
    assert model.train() is model


@pytest.mark.parametrize("averaged", [False, True])
def test_update_bn_leaves_held_norms_alone_and_renews_the_others(averaged):
    model = Net(nn.Sequential(nn.BatchNorm1d(8), nn.BatchNorm1d(8, affine=False), nn.BatchNorm1d(8)))
    trained(model)
    fc.apply(model, "freeze all; train dec mid.2")
    if averaged:
        model = torch.optim.swa_utils.AveragedModel(model)
    middle = getattr(model, "module", model).mid
    before = [state_of(norm) for norm in middle]
    torch.optim.swa_utils.update_bn([torch.randn(32, 8) * 3], model)
    assert [bool(moved(old, norm)) for old, norm in zip(before, middle, strict=True)] == [False, False, True]
    assert all(norm.momentum == 0.1 for norm in middle)
    fc.release(getattr(model, "module", model))
    middle[0].reset_running_stats()
    assert moved(before[0], middle[0])
