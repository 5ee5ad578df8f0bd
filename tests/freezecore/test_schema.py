"""What a stranger wrote is read as what it is said to be, or refused in a sentence; nothing in between."""

import base64
import contextlib
import copy
import json
import random
import time
import tracemalloc
import zlib

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore import model_file
from freezecore._trace import FORMAT, LARGEST, Trace
from freezecore.errors import FreezeError, SourceError, TraceError
from freezecore.mask import Mask
from freezecore.schema import LARGEST_NUMBER, reader
from freezecore.tree import DEEPEST, LONGEST_NAME, LayerTree
from freezecore.workload import Workload

MOST_S, MOST_BYTES = 5.0, 400 * 2**20


class Small(nn.Module):
    """Norm, dropout, a branch, a shared weight and a convolution: a call of each kind that a trace has."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.LayerNorm(4)) for _ in range(2))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.stem(x).mean((2, 3))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model file of a small model, as JSON values; its trace is unpacked: `[format, fields]`."""
    path = tmp_path_factory.mktemp("saved") / "model.json"
    fc.save(Small(), torch.randn(4, 3, 8, 8), path)
    data = json.loads(path.read_bytes())
    return data | {"trace": json.loads(zlib.decompress(base64.b64decode(data["trace"])))}


def written(data) -> bytes:
    """A model file with these values."""
    packed = base64.b64encode(zlib.compress(json.dumps(data["trace"]).encode())).decode()
    return json.dumps(data | {"trace": packed}).encode()


def used(data) -> None:
    """Read the file and do with it what the page does."""
    found = model_file.loads(written(data), "model.json")
    tree, trace = found.tree, found.required_trace()
    assert str(tree) and tree.fingerprint and tree.below and tree.names.root and tree.total >= 0
    trace = trace.under(Workload(batch_size=4))
    half = tuple(i % 2 == 0 for i in range(len(tree.parameters)))
    held = tuple(layer.path for layer in tree.layers)
    for mask in (Mask.as_author(tree), Mask(tree, half), Mask(tree, half, held)):
        for batch_size in (1, 4, 65_536):
            fc.estimate(trace, mask, batch_size=batch_size)
    assert trace.to_bytes()


def leaves(value, path=()):
    """Where the values of a document are."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))


def changed(data, path, make):
    data = copy.deepcopy(data)
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = make(holder[path[-1]])
    return data


ODD = (None, True, -1, 0, 3, 1_000, 2**70, 1.5, float("inf"), "", "x", "\ud800", [], {}, [[]], [0], {"a": 1}, "a.b")


def test_a_file_that_was_not_touched_is_used(saved):
    used(saved)


def test_no_odd_value_in_any_place_raises_anything_but_a_sentence(saved):
    chance = random.Random(20)
    places = [path for path in leaves(saved) if path]
    refused = 0
    for path in chance.sample(places, 400):
        odd = chance.choice(ODD)
        try:
            used(changed(saved, path, lambda value, odd=odd: odd))
        except FreezeError:
            refused += 1
    assert refused > 100


def test_no_number_that_points_elsewhere_raises_anything_but_a_sentence(saved):
    """Numbers in range: the file reads well, and means nothing."""
    chance = random.Random(21)
    whole = lambda v: type(v) is int  # noqa: E731
    places = [path for path in leaves(saved["trace"]) if path and whole(_at(saved["trace"], path))]
    read = 0
    for path in chance.sample(places, 200):
        there = _at(saved["trace"], path)
        try:
            used(
                changed(
                    saved, ("trace", *path), lambda value, there=there: max(0, there + chance.choice([-2, -1, 1, 2]))
                )
            )
            read += 1
        except FreezeError:
            pass
    assert read > 50


def test_nothing_that_is_left_out_or_put_twice_raises_anything_but_a_sentence(saved):
    chance = random.Random(22)
    lists = [path for path in leaves(saved) if path and isinstance(_at(saved, path), list) and _at(saved, path)]
    for path in chance.sample(lists, 150):
        turn = chance.choice(
            [lambda v: v[:-1], lambda v: v[1:], lambda v: v + v[-1:], lambda v: v[::-1], lambda v: v[0]]
        )
        with contextlib.suppress(FreezeError):
            used(changed(saved, path, turn))


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def huge(saved, kind: str):
    """Files of a few megabytes that would take gigabytes or minutes."""
    tree = saved["tree"]
    parameter, layer = tree["parameters"][0], tree["layers"][0]
    if kind == "a deep name":
        return written(saved | {"tree": tree | {"parameters": [parameter | {"name": "a." * 100_000 + "w"}]}})
    if kind == "many rather deep names":
        deep = [parameter | {"name": f"{'abcdefgh.' * 99}{i}"} for i in range(20_000)]
        return written(saved | {"tree": tree | {"parameters": deep}})
    if kind == "a giant shape":
        return written(saved | {"tree": tree | {"parameters": [parameter | {"shape": [2**61] * 1_000_000}]}})
    if kind == "a long number":
        return written(saved).replace(b'"parameters": ', b'"parameters": ' + b"9" * 10**6, 1)
    if kind == "a giant product":
        return written(saved | {"tree": tree | {"parameters": [parameter | {"shape": [2**40, 2**40]}]}})
    if kind == "a deep layer":
        return written(saved | {"tree": tree | {"layers": [layer | {"path": "a." * 100_000}]}})
    if kind == "nested lists":
        return b"[" * 10**6
    if kind == "a trace that expands":
        bomb = zlib.compress(b'["' + FORMAT.encode() + b'", "' + b"a" * (LARGEST + 1) + b'"]')
        assert len(bomb) < LARGEST // 500
        return json.dumps(saved | {"trace": base64.b64encode(bomb).decode()}).encode()
    raise AssertionError(kind)


KINDS = (
    "a deep name", "many rather deep names", "a giant shape", "a long number", "a giant product", "a deep layer",
    "nested lists", "a trace that expands",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_would_take_gigabytes_or_minutes_is_refused_at_once(kind, saved):
    content = huge(saved, kind)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(SourceError, match="no model can be read from it"):
            model_file.loads(content, "model.json")
        took, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert took < MOST_S and most < MOST_BYTES


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/", "/proc/self/mem"])
def test_what_is_no_file_is_not_read_for_ever(path):
    with pytest.raises(SourceError):
        model_file.read(path)


def test_every_model_that_the_product_reads_fits_its_own_limits():
    """The deepest and longest names of the trees that the tests keep."""
    from tests.freezecore import samples

    for name in samples.NAMES:
        tree = samples.load(name)
        assert LayerTree.from_json(json.loads(json.dumps(tree.to_json()))) == tree
        assert max(len(p.name) for p in tree.parameters) < LONGEST_NAME / 5
        assert max(p.name.count(".") for p in tree.parameters) < DEEPEST / 5


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (int, [0, -5, LARGEST_NUMBER - 1], [True, 1.0, "1", None, LARGEST_NUMBER]),
        (str, ["", "日本"], [1, None, "\ud800", "x" * 100_000, []]),
        (bool, [True], [1, None, "true"]),
        (int | None, [None, 3], ["", []]),
        (tuple[int, ...], [[], [1, 2]], [[1, None], "12", {}, None]),
        (tuple[int, str], [[1, "a"]], [[1], [1, "a", 2], ["a", 1]]),
        (dict[str, int], [{"a": 1}], [{"a": "1"}, [["a", 1]], []]),
        (dict[int, int], [[[1, 2]]], [{"1": 2}, [[1]], [1]]),
    ],
)
def test_a_value_is_of_its_type_or_refused(kind, good, bad):
    for value in good:
        reader(kind)(value)
    for value in bad:
        with pytest.raises(ValueError):
            reader(kind)(value)


def test_a_trace_of_another_format_is_none():
    with pytest.raises(TraceError):
        Trace.from_bytes(zlib.compress(json.dumps(["freeze-explorer-trace/9", {}]).encode()))
