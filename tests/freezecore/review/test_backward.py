"""Findings about where the backward pass runs, each found and each silent."""

from collections import namedtuple

import pytest

from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.freezecore.review.cases import mends, reviewed

Price = namedtuple("Price", "share_backward")


def test_a_forgotten_position_embedding_makes_the_whole_backward_pass_run():
    finding = reviewed("vit_tiny", "freeze all; train head; train pos_embed")["leak"]
    assert (finding.severity, finding.layers, finding.fix) == ("warning", ("pos_embed",), "freeze pos_embed")
    assert finding.facts == {"names": "pos_embed", "share": "0.7 %", "blocks": "12"}
    assert mends("vit_tiny", "freeze all; train head; train pos_embed", "leak")


def test_its_price_is_named_where_it_is_known():
    prices = {"pos_embed": Price(0.58), "cls_token": Price(None)}
    found = reviewed("vit_tiny", "freeze all; train head; train pos_embed", prices=prices)
    assert "leak" not in found
    assert found["leak-priced"].facts["price"] == "58.0 %"
    assert "58.0 % of that of full fine-tuning" in found["leak-priced"].message


def test_freezing_patch_embed_and_blocks_leaves_what_stands_beside_them():
    finding = reviewed("vit_tiny", "freeze patch_embed blocks")["leak"]
    assert set(finding.layers) == {"cls_token", "pos_embed"}
    assert mends("vit_tiny", "freeze patch_embed blocks", "leak")


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "freeze all; train head",
        "freeze embeddings; freeze blocks:0-5",
        "freeze all; train norms; train head",
        "freeze all; train biases; train head",
        "freeze all; train blocks:last2; train head",
        "freeze blocks:11",
    ],
)
def test_a_frozen_prefix_and_a_role_throughout_are_no_leak(rules):
    assert not {"leak", "leak-priced", "frozen-behind"} & set(reviewed("vit_tiny", rules))


def test_a_frozen_middle_saves_less_than_it_seems():
    finding = reviewed("vit_tiny", "freeze blocks:3-8")["frozen-behind"]
    assert (finding.severity, finding.facts) == ("note", {"blocks": "6"})
    assert "leak" not in reviewed("vit_tiny", "freeze blocks:3-8")


def test_each_tower_has_its_own_start():
    found = reviewed("clip", "freeze vision_model; train vision_model.embeddings.class_embedding")
    assert found["leak"].layers == ("vision_model.embeddings.class_embedding",)


CHECKPOINTING = Workload(checkpointing=True)


def test_checkpointing_in_transformers_runs_backward_through_a_frozen_prefix():
    finding = reviewed("bert", "freeze embeddings; freeze blocks:0-5", workload=CHECKPOINTING)["phantom-backward"]
    assert (finding.severity, finding.facts) == ("warning", {"blocks": "6"})


@pytest.mark.parametrize(
    ("model", "rules", "workload"),
    [
        ("bert", "freeze embeddings; freeze blocks:0-5", Workload()),
        ("bert", "freeze blocks:0-5", CHECKPOINTING),
        ("bert", "freeze embeddings", CHECKPOINTING),
        ("vit_tiny", "freeze embeddings; freeze blocks:0-5", CHECKPOINTING),
        ("bert", "freeze all", CHECKPOINTING),
    ],
)
def test_without_checkpointing_or_a_frozen_prefix_or_transformers_nothing_runs_for_nothing(model, rules, workload):
    assert "phantom-backward" not in reviewed(model, rules, workload=workload)


def test_reentrant_checkpointing_starves_all_blocks_behind_frozen_patches():
    finding = reviewed("vit_hf", "freeze embeddings", workload=CHECKPOINTING)["reentrant-checkpointing"]
    assert (finding.severity, finding.facts) == ("note", {"blocks": "12"})
    for model, rules, workload in [
        ("vit_hf", "freeze embeddings", Workload()),
        ("vit_hf", "freeze blocks:0-5", CHECKPOINTING),
        ("bert", "freeze embeddings", CHECKPOINTING),
        ("vit_tiny", "freeze embeddings", CHECKPOINTING),
    ]:
        assert "reentrant-checkpointing" not in reviewed(model, rules, workload=workload)


def test_the_source_tells_the_library_where_the_tree_does_not():
    source = ModelSource.parse("timm:resnet18")
    rules = "freeze embeddings; freeze blocks:0-5"
    assert "phantom-backward" not in reviewed("bert", rules, workload=CHECKPOINTING, source=source)


def test_a_downsampling_left_between_frozen_blocks_is_behind_the_others():
    rules = "freeze stem; freeze blocks:0-11"
    finding = reviewed("convnext_tiny", rules)["leak"]
    assert finding.facts["blocks"] == "9"
    assert finding.fix == "freeze stages.[12].downsample"
    assert mends("convnext_tiny", rules, "leak")
    assert not {"leak", "frozen-behind"} & set(reviewed("convnext_tiny", "freeze all; train head"))
