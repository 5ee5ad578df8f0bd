"""Modules become layer trees."""

import pytest
from torch import nn

from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource
from freezecore.tree import LayerTree


def tree_of(text, **options):
    return read_source(ModelSource.parse(text, **options))


def test_resnet18_has_a_stem_four_stages_eight_blocks_and_a_head():
    tree = tree_of("timm:resnet18")
    assert len(tree.parameters) == 62
    (tower,) = tree.towers
    assert tower.stem == ("conv1", "bn1")
    assert [stage.path for stage in tower.stages] == ["layer1", "layer2", "layer3", "layer4"]
    assert tower.blocks == tuple(f"layer{s}.{b}" for s in (1, 2, 3, 4) for b in (0, 1))
    assert tree.head == ("fc",)


@pytest.mark.parametrize(
    ("task", "prefix", "head"), [("base", "", ()), ("sequence-classification", "bert.", ("classifier",))]
)
def test_bert_has_embeddings_and_twelve_blocks_with_or_without_a_prefix(task, prefix, head):
    tree = tree_of("config:bert", task=task)
    assert tree.towers[0].embeddings == (f"{prefix}embeddings",)
    assert tree.blocks == tuple(f"{prefix}encoder.layer.{i}" for i in range(12))
    assert tree.head == head


def test_a_stored_tree_equals_the_one_that_was_read():
    first, second = tree_of("timm:resnet18"), tree_of("timm:resnet18")
    assert first == second == LayerTree.from_json(first.to_json())


def test_tied_weights_are_one_parameter_with_aliases():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
            self.out.weight = self.embed.weight

    tree = read_module(Tied())
    assert [(p.name, p.aliases) for p in tree.parameters] == [("embed.weight", ("out.weight",))]
    assert tree.total == 28
