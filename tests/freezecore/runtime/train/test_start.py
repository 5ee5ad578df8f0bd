"""How a run begins: whole steps at once, the frozen part looked at behind them, and everything said as it happens."""

import pytest

from freezecore.cache import trees
from freezecore.probe import ProbeRequest
from freezecore.runtime.build.source import build
from freezecore.runtime.train.phase import WHOLE_FIRST
from freezecore.runtime.train.run import run
from freezecore.runtime.train.session import Session
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

HEAD = "freeze all; train head"
SIZES = {"steps": 8, "batch_size": 8, "train_size": 24, "test_size": 40, "image_size": 16}


def asked(rules=HEAD, **more):
    source = ModelSource.parse("py:tests.freezecore.runtime.oddities:plain", weights="random")
    return ProbeRequest(source, FreezeSpec.parse(rules), data="digits", **{**SIZES, **more})


@pytest.fixture
def session():
    session = Session(asked())
    yield session
    session.close()


def told(session, request):
    events = []
    result = run(session, request, events.append)
    return result, [(event["event"], event.get("phase") or event.get("step") or event.get("when")) for event in events]


def test_the_frozen_part_is_looked_at_after_the_first_whole_steps(session):
    result, kinds = told(session, asked())
    first_look = kinds.index(("phase", "check"))
    assert [number for kind, number in kinds[:first_look] if kind == "step"] == list(range(1, WHOLE_FIRST + 1))
    assert kinds.index(("phase", "check")) < kinds.index(("phase", "capture")) < kinds.index(("eval", "before"))
    assert result.cache.used
    assert result.cache.speedup > 0
    assert result.peak_bytes


def test_a_second_run_of_the_selection_knows_both_and_starts_from_the_prefix(session):
    first, _ = told(session, asked())
    again, kinds = told(session, asked(seed=1))
    assert ("phase", "check") not in kinds
    assert again.cache.used
    assert again.peak_bytes == first.peak_bytes


def test_computing_the_frozen_part_says_how_much_is_done(session):
    events = []
    run(session, asked(), events.append)
    done = [(event["done"], event["total"]) for event in events if event.get("phase") == "capture"]
    assert done[0] == (0, 24)
    assert done == sorted(done)


@pytest.mark.parametrize("steps", [1, WHOLE_FIRST])
def test_a_run_that_ends_before_the_look_is_scored_before_and_after(session, steps):
    result, _ = told(session, asked(steps=steps))
    assert not result.cache.used
    assert "too short" in result.cache.why
    assert result.accuracy_before is not None
    assert result.accuracy_after is not None


def test_a_stop_before_the_look_says_so(session):
    asks = iter(range(99))
    result = run(session, asked(), should_stop=lambda: next(asks) >= 1)
    assert (result.state, result.steps) == ("stopped", 1)
    assert result.cache.why == "The run ended before its frozen part was looked at."


def test_a_kept_tree_is_the_one_that_would_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path))
    request = ProbeRequest(
        ModelSource.parse("timm:test_resnet", weights="random"), FreezeSpec.parse(HEAD), data="digits", **SIZES
    )
    first = Session(request)
    kept = trees.stored(first.source)
    assert kept is not None
    monkeypatch.setattr("freezecore.runtime.train.session.read_module", None)  # not read a second time
    again = Session(request)
    built = build(first.source)
    assert first.tree == again.tree == read_module(built.model, str(request.source), new=built.new)
