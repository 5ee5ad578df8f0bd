"""Findings about one tensor or module in several places, each found and each silent."""

from dataclasses import replace

import pytest

from tests.freezecore.review.cases import mends, reviewed
from tests.freezecore.samples import load


@pytest.mark.parametrize(
    "rules",
    [
        "freeze transformer.wte; train lm_head",
        "train lm_head; freeze transformer.wte",
        "freeze embeddings; train head",
    ],
)
def test_two_rules_for_two_names_of_one_tensor_are_a_conflict_in_either_order(rules):
    finding = reviewed("gpt2", rules)["tied-conflict"]
    assert finding.severity == "warning"
    assert set(finding.layers) == {"transformer.wte.weight", "lm_head.weight"}
    assert mends("gpt2", rules, "tied-conflict")


def test_no_conflict_where_rules_agree_or_nothing_is_tied():
    assert "tied-conflict" not in reviewed("gpt2", "freeze transformer.wte lm_head")
    assert "tied-conflict" not in reviewed("llama", "freeze embeddings; train head")


def test_training_a_tied_head_trains_the_embedding():
    finding = reviewed("gpt2", "freeze all; train head")["tied-trains"]
    assert finding.facts == {"head": "lm_head.weight", "other": "transformer.wte.weight", "count": "38,597,376"}
    assert not {"tied-trains", "tied-frozen"} & set(reviewed("llama", "freeze all; train head"))


def test_freezing_a_tied_embedding_freezes_the_head():
    assert "tied-frozen" in reviewed("gpt2", "freeze embeddings; freeze blocks:0-2")
    assert not {"tied-trains", "tied-frozen"} & set(reviewed("gpt2", ""))
    assert not {"tied-trains", "tied-frozen"} & set(reviewed("gpt2", "freeze all"))


def test_one_module_that_runs_twelve_times_is_one_choice():
    tree = load("albert")
    block = tree.blocks[0]
    shared = replace(
        tree, layers=tuple(replace(layer, uses=12) if layer.path == block else layer for layer in tree.layers)
    )
    assert reviewed(shared, "freeze embeddings")["shared-module"].facts == {"name": block, "uses": "12"}
    assert "shared-module" not in reviewed(shared, "")
    assert "shared-module" not in reviewed("bert", "freeze embeddings")


def test_the_first_blocks_table_that_all_blocks_read_is_told():
    tree = load("t5")
    block = "encoder.block.0"
    finding = reviewed(tree, f"freeze {block}")["shared-table"]
    assert finding.layers == (f"{block}.layer.0.SelfAttention.relative_attention_bias.weight",)
    assert mends(tree, f"freeze {block}", "shared-table")
    assert "shared-table" not in reviewed(tree, "freeze encoder.block.1")
    assert "shared-table" not in reviewed("bert", "freeze blocks:0")
