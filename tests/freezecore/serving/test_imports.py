"""What people paste is read in a process of its own: as it is read here, within its limits, once."""

import time

import pytest

from freezecore.api import read_tree
from freezecore.cache.memory import RecentAnswers
from freezecore.errors import ExportError, FreezeError
from freezecore.importing import import_rules
from freezecore.serving import imports, one_answer


@pytest.fixture(scope="module")
def tree():
    return read_tree("timm:resnet18")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(imports, "_answers", RecentAnswers(8))


@pytest.mark.parametrize(
    "content",
    [
        "freeze all; train head",
        "layer4.0.conv1.weight True\nlayer9.conv7.weight True\nfc.weight False\nwhat is this\n",
        b"unfrozen_parameters:\n  - layer4.*\nlearning_rate: 0.01\n",
        "for name, p in model.named_parameters():\n    p.requires_grad = name.startswith('layer4')\n",
        "from peft import LoraConfig\nLoraConfig(modules_to_save=['fc'])\n",
    ],
)
def test_it_is_read_as_it_is_read_here(tree, content):
    found, here = imports.imported(content, tree), import_rules(content, tree)
    assert found.to_json() == here.to_json()
    assert [row.text for row in found.lines] == [row.text for row in here.lines]
    assert [getattr(note, "template", note) for note in found.notes] == [getattr(n, "template", n) for n in here.notes]


@pytest.mark.parametrize(
    "content", ["", "nothing here says anything", b"\xff\xfe\x00", "freeze nowhere_at_all", "\ud800"]
)
def test_it_is_refused_as_it_is_refused_here(tree, content):
    with pytest.raises(FreezeError) as here:
        import_rules(content, tree)
    with pytest.raises(type(here.value)) as there:
        imports.imported(content, tree)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    "content",
    [
        b"k: v\n" * 800_000,
        b"".join(b"k%d: v\n" % i for i in range(300_000)),
        b"[" * 2_000_000,
        b"- " * 1_000_000,
        b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (i, i) for i in range(50_000)),
    ],
    ids=["one-key", "many-keys", "deep", "nested-lists", "anchors"],
)
def test_four_megabytes_of_anything_end_in_a_sentence_in_time(tree, content, monkeypatch):
    monkeypatch.setattr(one_answer, "SECONDS", 5)
    began = time.monotonic()
    with pytest.raises(FreezeError):
        imports.imported(content[: 4 * 2**20], tree)
    assert time.monotonic() - began < 15


def test_what_could_not_be_read_is_not_read_again_at_each_drawing(tree, monkeypatch):
    asked = []

    def refuse(*arguments):
        asked.append(arguments)
        raise ExportError("No.", "")

    monkeypatch.setattr(one_answer, "ask", refuse)
    for _ in range(5):
        with pytest.raises(ExportError):
            imports.imported("x", tree)
    assert len(asked) == 1
