"""Wrong calls of every public verb, one table: each is a FreezeError with a hint, never an error of Python's own."""

import inspect
from pathlib import Path

import pytest
import torch
from torch import nn

import freezecore as fc

RULES = "freeze all; train head"
NAME = "timm:test_vit"
X = torch.zeros(2, 4)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def net() -> nn.Module:
    return Net()


def tree():
    return fc.read_tree(Net())


def mask():
    return fc.resolve(RULES, tree())


def other():
    return fc.read_tree(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)))


def loss(output, target):
    return nn.functional.cross_entropy(output, target)


BATCHES = [(X, torch.zeros(2, dtype=torch.long))] * 8

# What is called, and what is said.
CALLS = [
    # of another class
    (lambda: fc.read_tree(None), "as 'model', not an object of the class NoneType"),
    (lambda: fc.read_tree(3), "as 'model', not 3"),
    (lambda: fc.read_tree(Net), "not the type Net"),
    (lambda: fc.read_tree(net().state_dict()), "object of the class OrderedDict"),
    (lambda: fc.read_tree(net().parameters()), "object of the class generator"),
    (lambda: fc.read_tree(NAME, allow_python=3), "True or False as 'allow_python', not 3"),
    (lambda: fc.trace(Net), "the type Net"),
    (lambda: fc.trace(net(), X), "a Workload as 'workload'"),
    (lambda: fc.trace(net(), 8), "not 8"),
    (lambda: fc.trace(net(), batch="x"), "A batch cannot be a str"),
    (lambda: fc.trace(net(), batch=3), "A batch cannot be an int"),
    (lambda: fc.trace(NAME, batch=X), "goes with a model object"),
    (lambda: fc.pricer(None), "as 'model', not an object of the class NoneType"),
    (lambda: fc.pricer(net(), batch=3.5), "A batch cannot be a float"),
    (lambda: fc.pricer(NAME, batch=X), "goes with a model object"),
    (lambda: fc.pricer(net(), batch=X).estimate(RULES), "This takes a Mask"),
    (lambda: fc.estimate(None, RULES), "as 'model', not an object of the class NoneType"),
    (lambda: fc.estimate(Net, RULES), "the type Net"),
    (lambda: fc.estimate(net(), None), "as 'rules', not an object of the class NoneType"),
    (lambda: fc.estimate(net(), 3), "as 'rules', not 3"),
    (lambda: fc.estimate(net(), tree()), "object of the class LayerTree"),
    (lambda: fc.estimate(net(), RULES, batch="8"), "A batch cannot be a str"),
    (lambda: fc.estimate(NAME, RULES, batch="8"), "goes with a model object"),
    (lambda: fc.estimate(NAME, RULES, batch=True), "goes with a model object"),
    (lambda: fc.estimate(NAME, RULES, precision=16), "text as 'precision', not 16"),
    (lambda: fc.estimate(NAME, RULES, checkpointing="yes"), "as 'checkpointing', not 'yes'"),
    (lambda: fc.estimate(fc.trace(net(), batch=X), RULES), "a Mask beside a trace"),
    (lambda: fc.estimate(fc.trace(net(), batch=X), mask(), batch=3), "has its workload already"),
    (lambda: fc.fits(net(), 3), "as 'rules', not 3"),
    (lambda: fc.fits(net(), RULES, card=16), "text as 'card', not 16"),
    (lambda: fc.diff(net(), RULES, None), "as 'other', not an object of the class NoneType"),
    (lambda: fc.summary(3), "as 'model', not 3"),
    (lambda: fc.summary(net(), 3), "as 'rules', not 3"),
    (lambda: fc.resolve(None, tree()), "as 'spec', not an object of the class NoneType"),
    (lambda: fc.resolve(RULES, net()), "a LayerTree as 'tree'"),
    (lambda: fc.resolve(RULES, NAME), "a LayerTree as 'tree', not 'timm:test_vit'"),
    (lambda: fc.resolve(RULES, tree(), 1.5), "a whole number as 'epoch', not 1.5"),
    (lambda: fc.review(net(), mask()), "a LayerTree as 'tree'"),
    (lambda: fc.review(tree(), RULES), "a Mask as 'mask', not 'freeze all; train head'"),
    (lambda: fc.presets(net()), "a LayerTree as 'tree'"),
    (lambda: fc.shortest_rules(RULES), "a Mask as 'mask'"),
    (lambda: fc.export(net(), RULES), "a ModelSource or text as 'source'"),
    (lambda: fc.export(NAME, None), "as 'spec', not an object of the class NoneType"),
    (lambda: fc.export(NAME, RULES, 3), "text as 'to', not 3"),
    (lambda: fc.export(NAME, RULES, learning_rate="1e-3"), "a number as 'learning_rate', not '1e-3'"),
    (lambda: fc.apply(NAME, RULES), "a Module as 'model', not 'timm:test_vit'"),
    (lambda: fc.apply(Net, RULES), "the type Net"),
    (lambda: fc.apply(net(), ["freeze all"]), "object of the class list"),
    (lambda: fc.apply(net(), RULES, reset="yes"), "as 'reset', not 'yes'"),
    (lambda: fc.frozen(None, RULES), "as 'model', not an object of the class NoneType"),
    (lambda: fc.release(NAME), "a Module as 'model'"),
    (lambda: fc.parameter_groups(net(), "1e-3"), "a number as 'lr', not '1e-3'"),
    (lambda: fc.parameter_groups(net().parameters(), 1e-3), "object of the class generator"),
    (lambda: fc.proof(NAME), "a Module as 'model'"),
    (lambda: fc.proof(net(), "adamw"), "an optimizer as 'optimizer', not 'adamw'"),
    (lambda: fc.trainable_parameters(tree()), "object of the class LayerTree"),
    (lambda: fc.unfreezing(net(), None), "as 'rules', not an object of the class NoneType"),
    (lambda: fc.unfreezing(net(), RULES).begin_epoch("1"), "a whole number as 'epoch', not '1'"),
    (lambda: fc.save(NAME, X, "m.json"), "a Module as 'model'"),
    (lambda: fc.save(net(), X, None), "as 'path', not an object of the class NoneType"),
    (lambda: fc.run_probe(net(), RULES), "as 'request'"),
    (lambda: fc.run_probe(NAME, 3), "as 'rules', not 3"),
    (lambda: fc.run_probe(NAME, RULES, steps="20"), "a whole number as 'steps', not '20'"),
    (lambda: fc.run_probe(NAME, RULES, data=None), "text as 'data', not an object of the class NoneType"),
    (lambda: fc.run_sweep(net()), "a ModelSource or text as 'source'"),
    (lambda: fc.run_sweep(NAME, over=3), "a list as 'over', not 3"),
    (lambda: fc.run_sweep(NAME, specs=[3]), "as 'specs', not 3"),
    (lambda: fc.run_sweep(NAME, emit=3), "a function as 'emit', not 3"),
    (lambda: fc.run_find(NAME, minutes="1"), "a number as 'minutes', not '1'"),
    (lambda: fc.run_find(NAME, minutes=1, budget_bytes="16GB"), "as 'budget_bytes', not '16GB'"),
    (lambda: fc.run_suggest(None), "as 'source', not an object of the class NoneType"),
    (lambda: fc.compare(3, [RULES], BATCHES, loss), "a function as 'make_model', not 3"),
    (lambda: fc.compare(net(), [RULES], BATCHES, loss), "a function that builds one"),
    (lambda: fc.compare(tree, [RULES], BATCHES, loss), "object of the class LayerTree"),
    (lambda: fc.compare(net, [RULES], 3, loss), "a list as 'batches', not 3"),
    (lambda: fc.compare(net, [RULES], [X], loss), "not a pair"),
    (lambda: fc.compare(net, [RULES], BATCHES, None), "a function as 'loss', not an object of the class NoneType"),
    (lambda: fc.compare(net, [RULES], BATCHES, loss, factors=["1"]), "a number as 'factors', not '1'"),
    (lambda: fc.FreezeSpec.parse(None), "text as 'text', not an object of the class NoneType"),
    (lambda: fc.ModelSource.parse(Path("model.json")), "text as 'text', not"),
    (lambda: fc.ProbeRequest(net(), RULES), "as 'source'"),
    # misspelt, missing, too many
    (lambda: fc.estimate(NAME, RULES, batchsize=8), "no argument 'batchsize'"),
    (lambda: fc.estimate(NAME, RULES, optimiser="sgd"), "no argument 'optimiser'"),
    (lambda: fc.apply(net(), rule=RULES), "no argument 'rule'"),
    (lambda: fc.apply(net()), "needs 'rules'"),
    (lambda: fc.apply(net(), RULES, True), "too many arguments"),
    (lambda: fc.run_probe(NAME), "needs rules"),
    (lambda: fc.run_probe(NAME, RULES, step=20), "no argument 'step'"),
    (lambda: fc.run_sweep(NAME, seed_count=3), "no argument 'seed_count'"),
    (lambda: fc.run_find(NAME), "needs 'minutes'"),
    (lambda: fc.run_suggest(NAME, minutes=3), "no argument 'minutes'"),
    (lambda: fc.parameter_groups(net(), learning_rate=1), "no argument 'learning_rate'"),
    (lambda: fc.Workload(batchsize=3), "no argument 'batchsize'"),
    (lambda: fc.ProbeRequest(NAME, RULES, stepz=3), "no argument 'stepz'"),
    (lambda: fc.ProofCallback(1), "too many arguments"),
    (lambda: fc.read_tree(), "needs 'model'"),
    # out of range
    (lambda: fc.estimate(NAME, RULES, batch=-1), "batch size -1 is out of range"),
    (lambda: fc.estimate(NAME, RULES, batch=0), "batch size 0 is out of range"),
    (lambda: fc.estimate(NAME, RULES, optimizer="adam"), "no optimizer called 'adam'"),
    (lambda: fc.fits(NAME, RULES, card="T5"), "no card called 'T5'"),
    (lambda: fc.fits(NAME, RULES, card="A100"), "more than one card"),
    (lambda: fc.fits(NAME, RULES, card=""), "no card called ''"),
    (lambda: fc.resolve(RULES, tree(), -1), "no epoch -1"),
    (lambda: fc.unfreezing(net(), RULES).begin_epoch(-1), "no epoch -1"),
    (lambda: fc.parameter_groups(net(), -1.0), "lr=-1.0 is out of range"),
    (lambda: fc.parameter_groups(net(), float("nan")), "lr=nan is out of range"),
    (lambda: fc.export(NAME, RULES, "kubernetes"), "no target called 'kubernetes'"),
    (lambda: fc.run_probe(NAME, RULES, steps=-1), "Steps -1 is out of range"),
    (lambda: fc.run_probe(NAME, RULES, optimizer="adam"), "no optimizer called 'adam'"),
    (lambda: fc.run_probe(NAME, RULES, device="gpu"), "no device called 'gpu'"),
    (lambda: fc.run_sweep(NAME, over=["width"]), "cannot go over 'width'"),
    (lambda: fc.run_sweep(NAME, seeds=0), "0 seeds are out of range"),
    (lambda: fc.run_find(NAME, minutes=-1), "-1 minutes are out of range"),
    (lambda: fc.run_suggest(NAME, by="magic"), "no suggestion by 'magic'"),
    (lambda: fc.compare(net, [RULES], BATCHES, loss, seeds=0), "nothing to compare"),
    (lambda: fc.compare(net, [RULES], BATCHES, loss, steps=-1), "-1 steps are out of range"),
    (lambda: fc.compare(net, [], BATCHES, loss), "nothing to compare"),
    (lambda: fc.compare(net, [RULES], BATCHES[:1], loss), "too few"),
    # not there, and not of one model
    (lambda: fc.read_tree("file:nowhere.json"), "'nowhere.json' cannot be read"),
    (lambda: fc.read_tree("nowhere.json"), "does not say where the model comes from"),
    (lambda: fc.run_probe(NAME, RULES, data="nowhere.csv"), "nowhere.csv"),
    (lambda: fc.save(net(), X, "nowhere/model.json"), "'nowhere/model.json' cannot be written"),
    (lambda: fc.save(net(), X, "."), "'.' cannot be written"),
    (lambda: fc.apply(net(), "freeze layr"), "matches 'layr'"),
    (lambda: fc.estimate(net(), "freeze layr"), "matches 'layr'"),
    (lambda: fc.diff(net(), RULES, "frieze all"), "Cannot read the rule 'frieze all'"),
    (lambda: fc.estimate(net(), fc.resolve("freeze 0", other())), "mask is that of Sequential"),
    (lambda: fc.diff(net(), RULES, fc.resolve("freeze 0", other())), "mask is that of Sequential"),
    (lambda: fc.review(other(), mask()), "mask is that of Net"),
    (lambda: fc.estimate(fc.trace(net(), batch=X), fc.resolve("freeze 0", other())), "trace is that of Net"),
    (lambda: fc.estimate(fc.trace(net(), batch=X), fc.resolve("freeze all", fc.read_tree(NAME))), "trace is that of"),
    (lambda: fc.export(NAME, RULES, tree=fc.read_tree("timm:test_resnet")), "tree is that of timm:test_resnet"),
    (lambda: mask().apply_to(nn.Linear(2, 2)), "so nothing was changed"),
]


@pytest.mark.parametrize(("call", "said"), CALLS, ids=[said for _, said in CALLS])
def test_a_wrong_call_is_a_sentence_with_a_hint(call, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fc.FreezeError) as caught:
        call()
    assert said in caught.value.problem
    assert caught.value.hint
    assert caught.value.problem.isprintable()


def test_every_verb_refuses_a_misspelt_argument():
    verbs = [verb for name in fc.__all__ if inspect.isfunction(verb := getattr(fc, name))]
    assert len(verbs) > 20
    for verb in verbs:
        with pytest.raises(fc.FreezeError, match="has no argument 'nonsense'"):
            verb(nonsense=1)


def test_a_refused_call_changes_nothing():
    model = net()
    with pytest.raises(fc.FreezeError):
        fc.apply(model, "freeze all", rezet=True)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_verb_keeps_its_name_its_signature_and_what_python_says_of_it():
    assert fc.apply.__name__ == "apply"
    assert list(inspect.signature(fc.apply).parameters) == ["model", "rules", "reset"]
    assert fc.apply.__doc__.startswith("Freeze and train")
