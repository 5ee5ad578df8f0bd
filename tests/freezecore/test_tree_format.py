"""A tree for people: every layer with parameters is said, like blocks once, and no name breaks out of the HTML."""

import re

import pytest

from freezecore import Mask, resolve
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter
from tests.freezecore.samples import load as tree


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny", "bert", "t5"])
def test_blocks_that_are_alike_are_said_once_and_nothing_is_lost(name):
    whole = tree(name)
    printed = str(whole)
    more = sum(int(count) for count in re.findall(r"… (\d+) more like it", printed))
    assert more > 1 or name == "resnet18"
    assert len(printed.splitlines()) < len(whole.layers)
    for path in whole.head:
        assert f" {path} " in printed
    assert f"{whole.total:,} scalars" in printed


def test_parameters_that_hang_beside_modules_have_rows_of_their_own():
    printed = str(tree("vit_tiny"))
    assert re.search(r"^ +pos_embed +Parameter +embedding +37,824$", printed, re.MULTILINE)


def test_html_says_of_each_layer_whether_it_trains():
    resnet = tree("resnet18")
    shown = resolve(FreezeSpec.parse("freeze all; train head"), resnet)._repr_html_()
    assert re.search(r"<b>fc</b>[^<]*<span[^>]*>trainable</span>", shown)
    assert re.search(r"<b>conv1</b>[^<]*<span[^>]*>frozen</span>", shown)
    assert shown.count("<details") == shown.count("</details>")
    assert "62 parameters of 11.7 M scalars, 2 train (513 k)" in shown
    assert "trainable" not in resnet._repr_html_()


def test_blocks_that_a_mask_treats_differently_are_not_said_to_be_alike():
    vit = tree("vit_tiny")
    shown = resolve(FreezeSpec.parse("freeze all; train head blocks:last2"), vit)._repr_html_()
    assert "… 9 more like it" in shown
    assert re.search(r"<b>10</b>[^<]*<span[^>]*>trainable</span>", shown)
    assert "… 11 more like it" in vit._repr_html_()


def test_no_name_breaks_out_of_the_html():
    evil = '</div><script>alert("x")</script>'
    layers = (Layer("", evil, parameters=2), Layer(evil.replace(".", ""), evil, parameters=2))
    made = LayerTree(evil, layers, (Parameter(f"{evil}.w", evil, (2,)),))
    shown = Mask(made, (True,))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_mask_prints_its_counts_and_not_thousands_of_flags():
    resnet = tree("resnet18")
    said = repr(resolve(FreezeSpec.parse("freeze all; train head"), resnet))
    assert said == f"Mask('{resnet.source}', 2 of 62 parameters train: 513,000 of 11,689,512 scalars)"
