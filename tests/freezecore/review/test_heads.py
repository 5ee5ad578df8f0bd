"""Findings about what makes the prediction, each found and each silent."""

import pytest

from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from tests.freezecore.review.cases import marked, mends, reviewed
from tests.freezecore.samples import load


def test_everything_frozen_is_an_error_that_training_the_head_mends():
    finding = reviewed("resnet18", "freeze all")["everything-frozen"]
    assert (finding.severity, finding.facts) == ("error", {"count": "62"})
    assert mends("resnet18", "freeze all", "everything-frozen")


def test_a_model_without_a_head_is_not_offered_to_train_it():
    assert reviewed("bert_base", "freeze all")["everything-frozen"].fix is None


@pytest.mark.parametrize("rules", ["", "freeze all; train conv1.weight"])
def test_one_trained_tensor_is_enough_not_to_be_everything_frozen(rules):
    assert "everything-frozen" not in reviewed("resnet18", rules)


def test_an_empty_model_has_no_findings():
    assert reviewed(LayerTree("empty", (), ()), "") == {}


def test_a_linear_probe_over_a_random_pooler_is_found_and_mended():
    tree = marked(marked(load("bert"), "classifier", new=True), "bert.pooler", new=True)
    finding = reviewed(tree, "freeze all; train head")["new-frozen"]
    assert finding.severity == "warning"
    assert "bert.pooler.dense" in finding.message
    assert finding.fix == "train bert.pooler.dense"
    assert mends(tree, "freeze all; train head", "new-frozen")


def test_a_new_layer_that_trains_is_as_it_should_be():
    tree = marked(load("bert"), "classifier", new=True)
    assert "new-frozen" not in reviewed(tree, "freeze all; train head")


def test_a_head_that_is_made_anew_for_other_labels_must_not_be_frozen():
    source = ModelSource.parse("timm:resnet18", num_labels=10)
    finding = reviewed("resnet18", "freeze layer4 fc", source=source)["head-replaced"]
    assert (finding.severity, finding.layers, finding.facts["labels"]) == ("warning", ("fc",), "10")
    assert mends("resnet18", "freeze layer4 fc", "head-replaced", source=source)
    assert "head-replaced" not in reviewed("resnet18", "freeze layer4", source=source)


def test_a_frozen_head_of_the_models_own_classes_is_a_note():
    finding = reviewed("resnet18", "freeze fc")["head-frozen"]
    assert finding.severity == "note"
    assert not {"head-frozen", "head-replaced"} & set(reviewed("resnet18", "freeze layer1"))
    assert not {"head-frozen", "head-replaced"} & set(reviewed("bert_base", "freeze embeddings"))


def test_a_recipe_that_would_select_nothing_is_named_with_its_reason():
    finding = reviewed("t5", "freeze blocks:0")["preset-unmatched"]
    assert finding.severity == "note"
    assert "BitFit" in finding.message and "no biases" in finding.message
    assert "preset-unmatched" not in reviewed("bert", "freeze blocks:0")
