"""The pitfalls of freezing, each as its smallest repro: what must hold, named by its number in the research notes.

`test_guards.py` takes each guard out of the code and sees the test here fail.
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore._presets import missing_presets, presets
from freezecore._resolve import resolve
from freezecore.errors import FreezeError, RuleError
from freezecore.rules.grammar import parse_spec
from freezecore.tree import Tower
from freezecore.workload import Workload
from tests.freezecore.review.cases import reviewed
from tests.freezecore.samples import load


def frozen(text: str, name: str) -> list[str]:
    return list(resolve(parse_spec(text), load(name)).names(trainable=False))


def moved(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}


def copied(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def test_p1_a_path_is_one_block_and_not_those_that_begin_like_it():
    hits = frozen("freeze layer3.1", "resnet101")
    assert len(hits) == 9 and all(name.startswith("layer3.1.") for name in hits)


def test_p1_a_role_is_the_same_with_and_without_a_prefix():
    from transformers import BertConfig, BertForMaskedLM, BertModel

    config = BertConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, intermediate_size=64, vocab_size=99)
    with torch.device("meta"):
        found = [
            resolve(parse_spec("freeze embeddings"), fc.read_tree(kind(config)))
            for kind in (BertModel, BertForMaskedLM)
        ]
    bare, headed = ({name.removeprefix("bert.") for name in mask.names(trainable=False)} for mask in found)
    assert bare == headed and len(bare) == 5


def test_p1_a_typo_is_an_error():
    with pytest.raises(RuleError, match="layr4"):
        resolve(parse_spec("freeze layr4"), load("resnet18"))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(6, affine=False), nn.BatchNorm1d(6)])
def test_p2_no_buffer_of_a_frozen_norm_moves_and_no_module_is_swapped(norm):
    model = nn.Sequential(nn.Sequential(nn.Linear(6, 6), norm), nn.Linear(6, 2))
    modules = list(model.modules())
    fc.apply(model, "freeze all; train 1")
    before, x = copied(model), torch.randn(8, 6)
    expected = model.eval()(x)
    for _ in range(3):
        model.train().train()
        assert torch.equal(model(x), expected)
    assert moved(model, before) == set()
    assert list(model.modules()) == modules


@pytest.mark.parametrize("text", ["train lm_head; freeze transformer.wte", "freeze transformer.wte; train lm_head"])
def test_p3_two_names_of_one_tensor_are_one_conflict_in_either_order(text):
    mask = resolve(parse_spec(text), load("gpt2"))
    assert [conflict.name for conflict in mask.conflicts] == ["transformer.wte.weight"]
    assert mask["lm_head.weight"] == mask["transformer.wte.weight"]


def test_p3_a_tied_tensor_is_counted_once():
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7, bias=False))
    model[1].weight = model[0].weight
    tree = fc.read_tree(model)
    assert (tree.total, len(tree.parameters)) == (28, 1)
    assert tree.parameters[0].aliases == ("1.weight",)


def _trained() -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor]:
    """Three steps with everything trainable, momentum and weight decay, gradients kept."""
    model, x = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)), torch.randn(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        _step(model, optimizer, x)
    return model, optimizer, x


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    optimizer.zero_grad(set_to_none=False)
    model(x).square().sum().backward()
    optimizer.step()


def test_p4_a_freeze_after_training_loses_the_stale_gradient_and_nothing_moves():
    model, optimizer, x = _trained()
    fc.apply(model, "freeze 0")
    before = copied(model)
    for _ in range(3):
        _step(model, optimizer, x)
    assert moved(model, before) == {"1.weight", "1.bias"}


def test_p4_the_proof_names_a_stale_gradient_before_any_step():
    from freezecore.runtime.own.proof import ProofCheck, mask_of

    model, optimizer, _ = _trained()
    model[0].requires_grad_(False)
    found = ProofCheck(model, mask_of(model)).verify(optimizer)
    assert not found.ok and not found.changed
    assert set(found.with_gradient) == set(found.optimizer_strangers) == {"0.weight", "0.bias"}


def test_p4r_a_saved_optimizer_of_another_freeze_is_refused():
    from freezecore.runtime.own.unfreezing import Unfreezing, trainable_parameters

    def run(rules: str) -> tuple[Unfreezing, torch.optim.Optimizer]:
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        schedule = Unfreezing(model, rules)
        optimizer = torch.optim.AdamW(trainable_parameters(model), lr=0.1)
        model(torch.randn(4, 3)).sum().backward()
        optimizer.step()
        return schedule, optimizer

    first, optimizer = run("freeze 0")
    saved = first.optimizer_state(optimizer)
    swapped, other = run("freeze 1")
    kept = [dict(state) for state in other.state.values()]
    with pytest.raises(FreezeError, match="Nothing was loaded"):
        swapped.load_optimizer_state(other, saved)
    assert [dict(state) for state in other.state.values()] == kept


def test_p6_a_parameter_that_only_looks_like_one_in_the_optimizer_joins_it():
    from freezecore.runtime.own.unfreezing import Unfreezing, trainable_parameters

    model = nn.Sequential(nn.LayerNorm(4), nn.LayerNorm(4))
    schedule = Unfreezing(model, "freeze all; train 1; from epoch 1: train 0")
    optimizer = torch.optim.AdamW(trainable_parameters(model))
    schedule.begin_epoch(1, optimizer)
    assert {id(p) for p in optimizer.param_groups[0]["params"]} == {id(p) for p in model.parameters()}


def test_p7_a_forgotten_pos_embed_is_named():
    finding = reviewed("vit_tiny", "freeze all; train head pos_embed")["leak"]
    assert finding.layers == ("pos_embed",)
    assert "leak" not in reviewed("vit_tiny", "freeze all; train head")


def test_p9_checkpointing_runs_backward_through_a_frozen_prefix():
    case = ("llama", "freeze embeddings; freeze blocks:0-3")
    assert "phantom-backward" in reviewed(*case, workload=Workload(checkpointing=True))


def test_p9_reentrant_checkpointing_gives_frozen_patches_no_gradient():
    found = reviewed("vit_hf", "freeze embeddings", workload=Workload(checkpointing=True))
    assert "no gradient" in found["reentrant-checkpointing"].message


def test_p10_raw_parameters_and_those_of_modules_with_children_are_leaves_each_once():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(4))
            self.inner = nn.Sequential(nn.Linear(4, 4))
            self.inner.register_parameter("gamma", nn.Parameter(torch.ones(4)))

    model = Odd()
    names = [parameter.name for parameter in fc.read_tree(model).parameters]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters()) and len(names) == 4


def test_p10_what_the_author_froze_stays_frozen_when_all_trains():
    assert frozen("train all", "whisper") == ["model.encoder.embed_positions.weight"]


def test_p11_half_of_a_fused_tensor_is_not_offered():
    tree = load("vit_tiny")
    with pytest.raises(RuleError, match="trains whole or not at all"):
        resolve(parse_spec("freeze blocks.0.attn.q_proj"), tree)
    model = nn.Module()
    model.qkv = nn.Linear(4, 12)
    assert all(parameter.fused for parameter in fc.read_tree(model).parameters)


def test_p12_a_parametrized_weight_is_marked_as_the_weight_that_it_makes():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3), name="bias", dim=0))
    model.norm = nn.utils.parametrizations.weight_norm(nn.LayerNorm(3))
    marks = {p.name: (p.bias, p.norm) for p in fc.read_tree(model).parameters}
    assert marks["0.parametrizations.bias.original1"] == (True, False)
    assert marks["norm.parametrizations.weight.original1"] == (False, True)


def test_p13_a_spec_for_another_head_is_stale():
    tree = load("resnet18")
    head = tuple(replace(p, shape=(5, *p.shape[1:])) if p.name.startswith("fc.") else p for p in tree.parameters)
    assert replace(tree, parameters=head).fingerprint != tree.fingerprint


def test_p15_a_preset_that_would_select_nothing_is_not_offered():
    assert "biases-only" not in {preset.key for preset in presets(load("llama"))}
    assert {preset.key: preset.hits for preset in missing_presets(load("llama"))}["biases-only"] == 0


class Ones:
    """Eight samples of ones, for a model that is to give minus ones."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __len__(self) -> int:
        return 8

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return self.model(torch.ones(len(positions), 4))

    def loss(self, outputs: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return (outputs + 1).square().sum()


def test_p15_a_scale_that_starts_at_zero_has_no_score_without_bound():
    from freezecore.runtime.search.block_scores import gradient_norms

    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    nn.init.zeros_(model[0].weight)
    tree = replace(fc.read_tree(model), towers=(Tower("model", "", blocks=("0", "1")),))
    session = SimpleNamespace(model=model, tree=tree, train=Ones(model), device=torch.device("cpu"))
    scores = gradient_norms(session, 0, 4, lambda: False)
    assert all(score is None or score < 1e6 for score in scores)
