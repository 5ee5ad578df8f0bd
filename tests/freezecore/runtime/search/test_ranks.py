"""Sweeps and searches over depth and rank, each at several learning rates."""

import json
from dataclasses import replace

import pytest

from freezecore.errors import FreezeError
from freezecore.probe import ProbeRequest
from freezecore.runtime.search.find import run as run_find
from freezecore.runtime.search.sweep import run as run_sweep
from freezecore.runtime.train.run import run_probe
from freezecore.search.find import FindRequest
from freezecore.search.sweep import SweepRequest
from freezecore.spec import FreezeSpec
from tests.freezecore.runtime.train.test_tokens import conll_file, folder_of, source_of, texts_file

QUIET = {"steps": 6, "batch_size": 8, "device": "cpu", "train_size": 30, "test_size": 12}
RANKS = [f"lora r={rank} alpha={rank}{where}" for rank in (4, 16) for where in ("", " on blocks:last1")]


@pytest.fixture
def tags(tmp_path):
    source = source_of(folder_of(tmp_path / "m", "bert"), "token-classification")
    return ProbeRequest(source, FreezeSpec(), data=conll_file(tmp_path / "t.conll", 60), **QUIET)


def silent(event):
    pass


def test_a_sweep_goes_over_depth_and_rank_at_several_rates(tags):
    pytest.importorskip("peft")
    events = []
    result = run_sweep(SweepRequest(tags, ("depth", "rank"), factors=(1.0, 3.0)), events.append)
    assert result.state == "done", result.message
    adapters = [one.adapter for one in result.runs]
    assert adapters == 2 * ([None] * 3 + RANKS)
    assert [one.factor for one in result.runs] == [1.0] * 7 + [3.0] * 7
    for plain, faster in zip(result.runs[:7], result.runs[7:], strict=True):
        assert faster.learning_rate == pytest.approx(3 * plain.learning_rate)
        assert faster.head_learning_rate == pytest.approx(3 * plain.head_learning_rate)
    rank4, rank16 = (next(one.trainable for one in result.runs if one.adapter == RANKS[i]) for i in (0, 2))
    head = 33 * 4  # of 32 features and a bias for each of four tags
    assert rank16 - head == 4 * (rank4 - head)
    told = {event["adapter"] for event in events if event["event"] == "run"}
    assert told == {None, *RANKS}
    json.dumps(result.to_json())
    assert SweepRequest.from_json(SweepRequest(tags, ("rank",), factors=(0.3,)).to_json()).factors == (0.3,)


def test_a_run_of_a_sweep_is_the_probe_of_its_adapter(tags):
    pytest.importorskip("peft")
    swept = run_sweep(SweepRequest(tags, ("rank",)), silent).runs[0]
    alone = run_probe(
        replace(tags, source=tags.source.with_(adapter=swept.adapter), spec=FreezeSpec.parse(swept.rules))
    )
    assert swept.metric_after == pytest.approx(alone.metric_after)
    assert swept.trainable == alone.trainable
    assert alone.proof.ok and alone.proof.parameters > 0


def test_of_an_adapter_that_was_asked_for_the_rank_alone_varies(tags):
    pytest.importorskip("peft")
    asked = replace(tags, source=tags.source.with_(adapter="lora r=2 on blocks:last1"))
    found = run_sweep(SweepRequest(asked, ("rank",)), silent).runs
    assert [one.adapter for one in found] == [RANKS[1], RANKS[3]]


def test_a_search_tries_the_model_as_it_is_before_one_with_an_adapter_is_built(tags):
    pytest.importorskip("peft")
    events = []

    def clock():  # half a minute until the first run, and twenty seconds for each
        begun = any(event["event"] == "phase" for event in events)
        tried = sum(event["event"] == "trying" for event in events)
        return 30.0 * begun + 20.0 * tried

    request = FindRequest(tags, 2.0, over=("depth", "rank"))
    result = run_find(request, events.append, clock=clock)
    assert result.best and {trial.adapter for trial in result.trials} == {None}
    plenty = run_find(replace(request, minutes=6.0), events.append, clock=clock)
    assert set(RANKS) & {trial.adapter for trial in plenty.trials}


@pytest.mark.slow
def test_a_search_goes_over_ranks_of_a_language_model(tmp_path):
    pytest.importorskip("peft")
    source, data = source_of(folder_of(tmp_path / "m")), texts_file(tmp_path / "texts.jsonl")
    base = ProbeRequest(source, FreezeSpec(), data=data, **QUIET)
    ticks = iter(range(10**6))
    result = run_find(FindRequest(base, 10.0, over=("rank",)), silent, clock=lambda: 0.2 * next(ticks))
    assert result.state == "done", result.message
    assert result.best.adapter in RANKS
    assert result.best.metric == "perplexity" and result.best.accuracy_after is None
    assert {trial.adapter for trial in result.trials} == set(RANKS)
    assert {trial.factor for trial in result.trials} == {1.0, 0.3, 3.0}
    assert result.to_json()["adapter"] == result.best.adapter


@pytest.mark.parametrize("factors", [(), (0.0,), (1e9,), (1.0,) * 11])
def test_factors_out_of_range_are_told(tags, factors):
    with pytest.raises(FreezeError, match="factors of the learning rates"):
        SweepRequest(tags, ("depth",), factors=factors)
