"""Lazy modules, whole-number and meta parameters, and what is not registered: a sentence everywhere, no raw error."""

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore.errors import FreezeError, ProofError, RuleError, SourceError

X = torch.randn(4, 16)


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.output = nn.Linear(16, 32), nn.LazyLinear(3)

    def forward(self, x):
        return self.output(self.encoder(x))


class LazyNorm(nn.Module):
    """Only buffers wait for a size."""

    def __init__(self):
        super().__init__()
        self.encoder, self.norm = nn.Linear(16, 32), nn.LazyBatchNorm1d(affine=False)

    def forward(self, x):
        return self.norm(self.encoder(x))


class Quantised(nn.Module):
    """Weights as weight-only quantisation keeps them."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randint(-8, 8, (32, 16), dtype=torch.int8), requires_grad=False)
        self.scale, self.head = nn.Parameter(torch.ones(32)), nn.Linear(32, 3)

    def forward(self, x):
        return self.head(x @ (self.weight.float() * self.scale[:, None]).t())


class Blocks(nn.Module):
    """Blocks in a plain list, an adapter in a dictionary, a scale in a tuple, and a table that needs no gradient."""

    def __init__(self):
        super().__init__()
        self.blocks = [nn.Linear(16, 16) for _ in range(2)]
        self.more = {"adapter": nn.Linear(16, 16), "names": ["a"]}
        self.scales = (nn.Parameter(torch.ones(16)),)
        self.table = torch.ones(4, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(self.more["adapter"](x) * self.scales[0] + self.table[0])


@pytest.mark.parametrize("model", [Lazy, LazyNorm])
@pytest.mark.parametrize(
    "verb",
    [
        lambda model, path: fc.apply(model, "freeze encoder"),
        lambda model, path: fc.read_tree(model),
        lambda model, path: fc.trace(model, batch=X),
        lambda model, path: fc.pricer(model),
        lambda model, path: fc.save(model, X, path),
        lambda model, path: fc.proof(model).__enter__(),
        lambda model, path: fc.unfreezing(model, "freeze encoder"),
        lambda model, path: fc.parameter_groups(model),
        lambda model, path: fc.frozen(model, "freeze encoder").__enter__(),
    ],
)
def test_a_lazy_model_is_refused_by_every_verb_until_it_has_run(model, verb, tmp_path):
    with pytest.raises(SourceError, match="is not known yet"):
        verb(model(), tmp_path / "model.json")


def test_a_lazy_model_that_has_run_is_like_any_other():
    model = Lazy()
    model(X)
    assert fc.apply(model, "freeze encoder").names() == ("output.weight", "output.bias")


def test_train_all_leaves_whole_numbers_frozen():
    model = Quantised()
    assert fc.apply(model, "train all").names() == ("scale", "head.weight", "head.bias")
    assert fc.apply(model, "freeze all; train **").names() == ("scale", "head.weight", "head.bias")


@pytest.mark.parametrize(
    "rules", ["freeze all; train weight", "freeze all; train weight head", "freeze scale; train weight"]
)
def test_whole_numbers_that_are_to_train_are_refused_and_nothing_changes(rules):
    model = Quantised()
    model.scale.requires_grad_(False)
    before = [p.requires_grad for p in model.parameters()]
    with pytest.raises(RuleError, match="'weight' holds int8 numbers"):
        fc.apply(model, rules)
    with pytest.raises(RuleError, match="'weight' holds int8 numbers"):
        fc.resolve(rules, fc.read_tree(model))
    with pytest.raises(FreezeError, match="'weight' holds int8 numbers"):
        fc.Mask.from_names(fc.read_tree(model), ["weight", "scale"]).apply_to(model)
    assert [p.requires_grad for p in model.parameters()] == before


def test_whole_numbers_are_priced_by_their_bytes():
    model = Quantised()
    cost = fc.pricer(model, batch=X).estimate(fc.apply(model, "train all")).required()
    assert cost.weights == sum(p.nbytes for p in model.parameters())
    assert cost.gradients_total == sum(p.nbytes for p in model.parameters() if p.requires_grad)


def test_the_proof_holds_whole_numbers():
    model = Quantised()
    fc.apply(model, "freeze all; train head")
    with pytest.raises(ProofError, match="weight"), fc.proof(model), torch.no_grad():
        model.weight += 1


def test_a_model_without_numbers_is_priced_and_not_proved(tmp_path):
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 2))
    mask = fc.apply(model, "freeze 0")
    assert fc.pricer(model, batch=X).estimate(mask).known
    fc.save(model, X, tmp_path / "model.json")
    with pytest.raises(FreezeError, match="meta device"), fc.proof(model):
        pass


def test_what_is_not_registered_is_named():
    for said in (fc.read_tree(Blocks()).notes, fc.trace(Blocks(), batch=X).notes):
        assert any("blocks[0], blocks[1], more['adapter'] and 1 more" in note for note in said)


def test_tensors_in_plain_attributes_are_counted_among_what_is_always_there():
    model = Blocks()
    cost = fc.pricer(model, batch=X).estimate(fc.apply(model, "train all")).required()
    hidden = [*model.blocks, model.more["adapter"]]
    everything = [*model.parameters(), *(p for m in hidden for p in m.parameters()), *model.scales, model.table]
    assert cost.weights == sum(tensor.nbytes for tensor in everything)


def test_what_is_registered_is_not_named():
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 3))
    model.first, model.known = model[0], {"again": model[1]}
    assert not any("egistered" in note for note in fc.read_tree(model).notes)
