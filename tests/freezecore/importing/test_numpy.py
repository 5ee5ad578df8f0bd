"""numpy in pasted scripts: what is followed comes to what numpy makes of it, and the rest is said to be unknown."""

import numpy
import pytest

from freezecore.importing import import_rules
from freezecore.importing.execution.standins import library
from freezecore.importing.execution.standins.numpy_array import Array
from freezecore.importing.execution.unknown import Unknown
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

FOLLOWED = """
np.arange(6)
np.arange(2, 12, 3)
np.arange(0, 1, 0.1)
np.arange(12, 0, -2)
np.arange(0.3, 5.1, 0.7)
np.linspace(0, 11, 4)
np.linspace(0, 11, 4, dtype=int)
np.linspace(0, 11, 5).astype(int)
np.linspace(1e-3, 0.1, 13)
np.linspace(0, 12, 4, endpoint=False)
np.linspace(3, 3, 4)
np.linspace(0, 1, 1)
np.ceil(2.3)
int(np.ceil(12 * 0.35))
np.ceil(3)
np.floor(np.array([1.5, -2.5]))
np.round(2.5)
np.round(2.567, 2)
np.round(np.array([0.5, 1.5, 2.345]), 1)
np.array([0, 2, 5])
np.array([0, 2.5, 5])
np.array([True, 2])
np.array([1, 2]) + np.array([3, 4])
np.array([1, 2]) * 2.5
12 - np.arange(5)
np.arange(12)[::2]
np.arange(12)[np.array([1, 3])]
np.arange(12)[np.arange(12) > 7]
np.arange(12)[-3:]
~(np.arange(4) > 2)
(np.arange(6) > 1) & (np.arange(6) < 4)
np.where(np.array([1, 0, 1]))[0]
np.setdiff1d(np.arange(6), [1, 2])
np.isin(np.arange(4), [1, 3])
np.concatenate([np.arange(2), np.array([7, 9])])
np.append(np.arange(2), 5)
np.array_split(np.arange(13), 4)
np.array_split(range(12), 3)
np.array_split(np.arange(10), [3, 7])
np.unique([3, 1, 3])
np.cumsum([1, 2, 3])
np.argsort([3, 1, 2])
np.argmax([3, 1, 2])
np.sum([1, 2, 3])
np.mean([1, 2, 4])
np.prod((3, 4, 5))
np.max(np.arange(4))
np.zeros(3)
np.ones(3, dtype=int)
np.full(2, 7)
np.clip(np.arange(5), 1, 3)
np.sqrt(2)
np.arange(6).tolist()
np.array([[0, 1], [2, 3]])
np.array([[0, 1], [2, 3]]) + 1
np.arange(6).max()
np.arange(6).size
np.arange(6).shape
np.arange(7) // 2
np.arange(7) % 2 == 0
np.diff([1, 4, 9])
np.flip(np.arange(3))
np.abs(np.array([-1, 2]))
-np.arange(3)
np.array(["a", "b"])
np.array([1, 2]) == np.array([1, 3])
np.int64(7.9)
np.int64(3) + 1
np.arange(3).astype(float)
np.array([1.7, -1.7]).astype(int)
np.maximum(3, 4)
np.square(3)
"""
UNKNOWN = """
np.sum([0.1, 0.2])
np.log2(8)
np.random.rand(3)
np.zeros((2, 3))
np.arange(100000000)
np.round(15, -1)
np.array([3, 1, 3]).argsort()
np.array([object()])
"""
BEGIN = "import numpy as np, timm\nmodel = timm.create_model('vit_base_patch16_224')\n"


class Ours:
    """`np` as a pasted script finds it."""

    def __getattr__(self, name):
        return library.resolved(f"numpy.{name}")


def plain(value):
    if isinstance(value, numpy.ndarray | numpy.generic):
        return value.tolist()
    return [plain(each) for each in value] if isinstance(value, Array | list | tuple) else value


@pytest.mark.parametrize("expression", FOLLOWED.split("\n")[1:-1])
def test_a_followed_expression_is_numpy_s_to_the_bit(expression):
    ours, theirs = (plain(eval(expression, {"np": np})) for np in (Ours(), numpy))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("expression", UNKNOWN.split("\n")[1:-1])
def test_what_is_not_exact_here_is_unknown(expression):
    assert type(eval(expression, {"np": Ours()})) is Unknown


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        ("for i in np.arange(0, 12, 2):\n    model.blocks[i].requires_grad_(False)", "freeze blocks:0,2,4,6,8,10"),
        ("model.blocks[: int(np.ceil(12 * 0.35))].requires_grad_(False)", "freeze blocks:0-4"),
        (
            "for i in np.linspace(0, 11, 4).astype(int):\n    model.blocks[i].requires_grad_(False)",
            "freeze blocks:0,3,7,11",
        ),
        (
            "on = np.ones(12, dtype=bool)\non[:3] = False\n"
            "for block, trains in zip(model.blocks, on):\n    block.requires_grad_(trains)",
            "freeze blocks:0-2",
        ),
        (
            "keep = np.array([10, 11])\nfor n, p in model.named_parameters():\n    if n.startswith('blocks.'):\n"
            "        p.requires_grad = int(n.split('.')[1]) in keep",
            "freeze blocks:0-9",
        ),
    ],
)
def test_layers_that_numpy_counts_out_are_frozen(body, rules):
    found = import_rules(BEGIN + body + "\n", read_source(ModelSource.parse("timm:vit_base_patch16_224")))
    assert (found.rules, found.unread) == (rules, ())


def test_a_view_that_is_written_to_is_told():
    text = BEGIN + "a = np.arange(4)\nb = a[1:]\nb[0] = 9\nmodel.blocks[0].requires_grad_(False)\n"
    found = import_rules(text, read_source(ModelSource.parse("timm:vit_base_patch16_224")))
    assert [line.line for line in found.unread] == [5]
