"""What `isinstance` would say of each module, kept in the tree."""

from torch import nn

from freezecore.runtime.tree.read import read_module
from freezecore.tree import LayerTree


def test_a_layer_names_its_class_and_what_it_derives_from():
    class Norm(nn.BatchNorm1d):
        pass

    tree = read_module(nn.Sequential(nn.Linear(2, 2), Norm(2)))
    assert [layer.bases for layer in tree.layers] == [
        ("nn.Sequential",),
        ("nn.Linear",),
        ("Norm", "nn.BatchNorm1d", "nn._BatchNorm", "nn._NormBase"),
    ]
    assert LayerTree.from_json(tree.to_json()).layers == tree.layers
