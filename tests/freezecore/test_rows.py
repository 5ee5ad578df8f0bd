"""The feature table of the research notes: a test for each row about the map, the rules and the findings.

The other rows name the tests that hold them, and a test here sees that those exist.
"""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore._export.spec import save_spec
from freezecore._presets import presets
from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.rules.grammar import parse_spec, print_spec
from freezecore.rules.shortest import shortest_rules
from freezecore.saved_spec import carry, load_spec
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.freezecore.review.cases import marked, reviewed
from tests.freezecore.runtime.own.test_apply import tiny_whisper
from tests.freezecore.samples import load

ROOT = Path(__file__).parents[2]
ROWS = range(1, 39)

# Rows whose features other parts of the program hold: the file of their tests, and one of them.
RUNTIME = "tests/freezecore/runtime/"
ELSEWHERE = {
    1: ("tests/browser/test_tree_mouse.py", ""),
    14: ("", ""),  # a learning rate for each layer is left to the trainer: here is chosen what trains
    19: (RUNTIME + "own/test_unfreezing.py", "test_the_optimizer_holds_exactly_what_trains_and_no_state_of_the_rest"),
    20: ("tests/freezecore/test_repros.py", "test_p4_the_proof_names_a_stale_gradient_before_any_step"),
    21: (RUNTIME + "own/test_unfreezing.py", "test_each_epoch_trains_what_its_phase_says"),
    26: (RUNTIME + "trace/test_trace_model.py", ""),
    29: (RUNTIME + "search/test_suggest.py", "test_noise_has_no_signal_and_what_is_hidden_in_it_is_found"),
    30: (RUNTIME + "search/test_suggest.py", "test_each_way_gives_rules_a_reason_a_score_for_each_block_and_a_price"),
    31: (RUNTIME + "search/test_compare.py", ""),
    33: (RUNTIME + "trace/test_trace_model.py", ""),
    35: ("tests/freezecore/export/test_executed.py", ""),
    37: (RUNTIME + "own/test_proof.py", "test_a_plain_loop_over_the_trainable_parameters_holds"),
}


def frozen(text: str, model: str, epoch: int = 0) -> set[str]:
    return set(resolve(parse_spec(text), load(model), epoch).names(trainable=False))


def trained(text: str, model: str, epoch: int = 0) -> set[str]:
    return set(resolve(parse_spec(text), load(model), epoch).names())


def test_every_row_is_held_here_or_by_tests_that_exist():
    here = {int(row) for row in re.findall(r"^def test_row_(\d\d)_", Path(__file__).read_text(), re.MULTILINE)}
    assert here | ELSEWHERE.keys() == set(ROWS) and not here & ELSEWHERE.keys()
    for file, test in filter(any, ELSEWHERE.values()):
        assert f"def {test or 'test_'}" in (ROOT / file).read_text(encoding="utf-8"), file


def test_row_02_a_module_or_a_parameter_by_its_exact_path():
    assert len(frozen("freeze layer1.0", "resnet18")) == 6
    assert frozen("freeze layer1.0.conv1.weight", "resnet18") == {"layer1.0.conv1.weight"}


def test_row_03_raw_parameters_are_selectable():
    assert frozen("freeze cls_token pos_embed", "vit_tiny") == {"cls_token", "pos_embed"}
    assert "cls_token" in frozen("freeze embeddings", "vit_tiny")


def test_row_04_globs():
    assert frozen("freeze layer*.0.conv1", "resnet18") == {f"layer{i}.0.conv1.weight" for i in range(1, 5)}


def test_row_05_regular_expressions():
    assert len(frozen(r"freeze regex:^blocks\.[0-2]\.attn\.qkv\.weight$", "vit_tiny")) == 3


def test_row_06_substrings_and_suffixes_and_their_overmatch_is_a_finding():
    assert len(frozen("freeze contains:layer.1", "bert")) == 16 * 3
    assert len(frozen("freeze *.query.weight", "bert")) == 12
    assert "index-prefix" in reviewed("bert", "freeze contains:layer.1")


def test_row_07_ranges_and_lists_of_layers():
    assert len(frozen("freeze blocks:0-2,5 blocks:last1", "bert")) == 16 * 5


@pytest.mark.parametrize("text", ["freeze fc.weight[0:3]", "freeze fc.weight.0"])
def test_row_08_rows_of_a_tensor_are_refused_since_it_trains_whole(text):
    with pytest.raises(RuleError):
        resolve(parse_spec(text), load("resnet18"))


def test_row_09_by_the_class_of_the_module():
    assert len(trained("freeze all; train type:LayerNorm", "bert")) == 50


def test_row_10_by_the_kind_of_parameter():
    assert {name.rpartition(".")[2] for name in trained("freeze all; train biases", "vit_tiny")} == {"bias"}
    assert len(trained("freeze all; train norms", "llama")) == 65
    assert frozen("freeze embeddings", "llama") == {"model.embed_tokens.weight"}


@pytest.mark.parametrize("model", ["resnet18", "convnext_tiny", "bert", "t5", "clip", "vit_hf", "llama"])
def test_row_11_by_depth_whatever_the_model(model):
    tree = load(model)
    first = {tower.blocks[0] for tower in tree.towers}
    assert frozen("freeze blocks:0", model) == {tree.parameters[i].name for path in first for i in tree.under(path)}


def test_row_12_presets_probe_last_n_bitfit_norms_embeddings_and_first_n():
    keys = {preset.key for preset in presets(load("bert"))}
    assert keys >= {"linear-probe", "last-blocks", "biases-only", "norms-only", "embeddings-frozen", "first-blocks"}


def test_row_13_gradual_unfreezing():
    text = "freeze all; train head; from epoch 2: train blocks:last2"
    assert [len(trained(text, "bert", epoch)) for epoch in (0, 1, 2)] == [2, 2, 34]
    assert print_spec(parse_spec(text)) == text


def test_row_15_frozen_norms_are_held_and_those_that_move_are_a_finding():
    assert len(resolve(parse_spec("freeze all; train head"), load("resnet18")).norms_held) == 20
    assert "norms-move" in reviewed("resnet18", "freeze all; train head; norms update")


def test_row_16_dropout_in_frozen_layers_is_a_choice():
    off, on = (resolve(parse_spec(f"freeze all; train head; dropout {word}"), load("bert")) for word in ("off", "on"))
    assert len(off.dropout_off) > 20 and on.dropout_off == ()


def test_row_17_tied_weights_go_together_and_are_told():
    assert "transformer.wte.weight" in trained("freeze all; train lm_head", "gpt2")
    assert "tied-trains" in reviewed("gpt2", "freeze all; train head")


def test_row_18_a_module_used_many_times_is_one_choice():
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
            self.head = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.block(self.block(self.block(x))))

    tree = fc.read_tree(Shared())
    assert tree.layer_at["block"].uses == 3
    assert reviewed(tree, "freeze block.0")["shared-module"].facts["uses"] == "3"


def test_row_22_a_pattern_that_matches_nothing_is_an_error_with_the_nearest_name():
    with pytest.raises(RuleError, match="'layer1'"):
        resolve(parse_spec("freeze layr1"), load("resnet18"))


def test_row_23_what_each_rule_hit_is_known_before_training():
    mask = resolve(parse_spec("freeze stem; freeze layer1"), load("resnet18"))
    assert [(hit.rule, len(hit.positions)) for hit in mask.hits] == [("freeze stem", 3), ("freeze layer1", 12)]


def test_row_24_what_the_author_froze_is_remembered():
    assert frozen("train all", "whisper") == {"model.encoder.embed_positions.weight"}
    model = tiny_whisper()
    fc.apply(model, "freeze all")
    assert fc.apply(model, "train all").names(trainable=False) == ("encoder.embed_positions.weight",)


def test_row_25_where_the_backward_pass_starts_is_a_finding():
    assert reviewed("vit_tiny", "freeze all; train head pos_embed")["leak"].facts["blocks"] == "12"


def test_row_27_gradient_checkpointing_is_looked_at():
    found = reviewed("bert", "freeze embeddings; freeze blocks:0-5", workload=Workload(checkpointing=True))
    assert found["phantom-backward"].facts == {"blocks": "6"}


def test_row_28_what_several_gpus_cannot_bear_is_a_finding():
    unused = marked(load("resnet18"), "fc.", used=False)
    assert "unused-ddp" in reviewed(unused, "freeze layer1")
    assert "schedule-ddp" in reviewed("bert", "freeze all; train head; from epoch 1: train all")


def test_row_32_counts_by_role_and_in_all():
    mask = resolve(parse_spec("freeze all; train head"), load("resnet18"))
    assert (mask.trainable, mask.tree.total) == (513_000, 11_689_512)
    assert {p.kind for p in mask.tree.parameters if mask[p.name]} == {"head"}


def test_row_34_a_spec_is_written_and_read_back():
    tree = load("bert")
    assert load_spec(save_spec(parse_spec("freeze embeddings"), tree)).spec == parse_spec("freeze embeddings")


def test_row_36_a_spec_is_verified_where_it_is_applied_again():
    saved = load_spec(save_spec(parse_spec("freeze embeddings; freeze blocks:0-2"), load("bert_base")))
    carried = carry(saved, load("bert"))
    assert len(resolve(carried.spec, load("bert")).names(trainable=False)) == 5 + 3 * 16
    assert {"classifier.weight", "classifier.bias"} <= set(carried.new)


def test_row_38_two_selections_are_compared_and_ticks_become_rules():
    mask = resolve(parse_spec("freeze conv1 bn1 layer1.0 layer1.1"), load("resnet18"))
    assert resolve(shortest_rules(mask), mask.tree).trains == mask.trains
    assert len(print_spec(shortest_rules(mask))) <= len("freeze conv1 bn1 layer1")


def test_row_38_a_source_and_its_rules_are_one_line_each():
    assert str(ModelSource.parse("timm:resnet18")) == "timm:resnet18"
