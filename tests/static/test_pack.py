"""Packs: what is read from one is what was traced, and one that is damaged is told as what it is."""

import gzip
import json
import random

import pytest

from app.service.ranks import at_any_rank
from freezecore import estimate, model_file, resolve
from freezecore._estimate.at_rank import trace_at_rank, tree_at_rank
from freezecore.errors import FreezeError, SourceError, TraceError
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from static import pack, packs
from static.backend import Packed

FILES = sorted(packs.FOLDER.glob("*.json.gz"))
RULES = ("train all", "freeze all; train head", "freeze all; train norms", "freeze all; train biases")
SEED = 20


def drawn(number: int) -> list[tuple[str, pack.Step]]:
    """So many steps of as many packs, by a seed."""
    draw = random.Random(SEED)
    found = []
    for file in draw.sample(FILES, min(number, len(FILES))):
        held = pack.read(file.read_bytes(), file.name)
        found.append((file.name, draw.choice(sorted(held.traces, key=str))))
    return found


def holds_a_fresh_trace(name: str, step: pack.Step) -> None:
    from freezecore.runtime.trace import source_pricer

    held = pack.read((packs.FOLDER / name).read_bytes(), name)
    pricer = source_pricer(held.source, step.workload)
    for rules in RULES:
        try:
            mask = resolve(FreezeSpec.parse(rules), held.tree)
        except FreezeError:  # a model without norms, say
            continue
        assert estimate(held.traces[step], mask) == pricer.estimate(mask), rules


@pytest.mark.parametrize(("name", "step"), drawn(2))
def test_a_packed_step_is_priced_as_a_fresh_trace(name, step):
    holds_a_fresh_trace(name, step)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), drawn(10)[2:])
def test_more_packed_steps_are_priced_as_fresh_traces(name, step):
    holds_a_fresh_trace(name, step)


@pytest.mark.parametrize("quantize", [None, pytest.param("nf4", marks=pytest.mark.slow)])
def test_an_adapter_of_any_rank_is_priced_as_a_fresh_trace(quantize):
    """Packed at two ranks, the base in full; a third rank, and a base in four bits, follow."""
    name = "timm:vit_small_patch16_224"
    held = pack.read((packs.FOLDER / f"{pack.slug(name)}.json.gz").read_bytes(), name)
    asked = held.source.with_(adapter="lora r=12", quantize=quantize)
    served, workload = Packed({name: []}), packs.USUAL[0].workload
    served.add(held)
    from freezecore.api import read_tree
    from freezecore.runtime.trace import source_pricer

    tree = at_any_rank(asked, served.tree, tree_at_rank)
    trace = at_any_rank(asked, lambda one: served.trace(one, workload), trace_at_rank)
    fresh = source_pricer(asked, workload)
    for rules in ("freeze all; train adapters head", "freeze all; train adapters", "train norms"):
        ours, theirs = (resolve(FreezeSpec.parse(rules), one) for one in (tree, read_tree(asked)))
        assert ours.trains == theirs.trains
        assert estimate(trace, ours) == fresh.estimate(theirs), rules


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_pack_is_small_and_of_the_present_revisions(file):
    assert file.stat().st_size <= pack.LARGEST_FILE
    held = pack.read(file.read_bytes(), file.name)
    assert packs.file_of(held.source) == file
    assert held.revisions == pack.REVISIONS, "make packs"
    assert set(packs.USUAL) <= held.held


def test_all_packs_together_stay_small():
    assert sum(file.stat().st_size for file in FILES) <= packs.MOST_BYTES


@pytest.fixture(scope="module")
def content() -> bytes:
    return (packs.FOLDER / "timm.resnet18.json.gz").read_bytes()


def test_a_pack_written_again_is_the_same_file(content):
    once = pack.read(content, "x").to_bytes()
    assert pack.read(once, "x").to_bytes() == once


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_truncated_pack_is_told_in_a_sentence(content, part):
    with pytest.raises(SourceError, match="damaged"):
        pack.read(content[: int(len(content) * part)], "resnet18")


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "freeze-explorer-pack/0"},
        {"tree": {}},
        {"rows": []},
        {"model": ["resnet18", None, None]},
        {"tables": 3},
    ],
)
def test_a_pack_that_lies_is_told_in_a_sentence(content, wrong):
    lying = json.dumps({**json.loads(gzip.decompress(content)), **wrong}).encode()
    with pytest.raises((SourceError, TraceError)):
        held = pack.read(lying, "resnet18")
        held.traces[next(iter(held.traces))]


def test_a_step_points_nowhere_outside_of_its_tables(content):
    data = json.loads(gzip.decompress(content))
    data["rows"][0]["steps"][0] = 10**6
    held = pack.read(json.dumps(data).encode(), "resnet18")
    with pytest.raises(TraceError):
        for step in held.traces:
            held.traces[step]


def test_a_step_that_is_not_packed_is_a_key_error(content):
    with pytest.raises(KeyError):
        pack.read(content, "x").trace(Workload(device="cuda", compute_capability="6.0"))


def test_a_file_of_ones_own_is_read_once(content, tmp_path):
    """Each tick asks for its tree, and a large one takes longer to read than the tick does."""
    model_file.write(tmp_path / "model.json", pack.read(content, "x").tree, None)
    served, source = Packed({}), ModelSource.parse(f"file:{tmp_path / 'model.json'}")
    assert served.tree(source) is served.tree(source)
