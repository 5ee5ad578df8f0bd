"""A sweep on a tiny model: every selection is run, told as it ends, and equal to a probe of its own."""

import sys
from pathlib import Path

import pytest

from freezecore.api import run_sweep
from freezecore.errors import ProbeError, RuleError
from freezecore.probe import ProbeRequest
from freezecore.runtime.search import cluster
from freezecore.runtime.search.sweep import run
from freezecore.runtime.train.run import run_probe
from freezecore.search.sweep import SweepRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SOURCE = ModelSource.parse(f"config:{Path(__file__).parents[1] / 'tiny_vit.json'}", weights="random")
SIZES = {"data": "digits", "steps": 3, "batch_size": 8, "train_size": 24, "test_size": 40}


@pytest.fixture(scope="module")
def swept():
    events = []
    result = run_sweep(
        SOURCE, over=("depth",), specs=("freeze all; train norms head",), seeds=2, emit=events.append, **SIZES
    )
    return result, events


def test_every_selection_has_an_entry_with_its_seeds(swept):
    result, _ = swept
    assert result.state == "done"
    assert [entry.frozen_blocks for entry in result.runs] == [0, 1, 2, 3, None]
    assert all(len(entry.scores) == 2 and entry.spread is not None for entry in result.runs)
    assert all(entry.peak_bytes and entry.step_s and entry.seconds for entry in result.runs)
    assert result.best in result.as_good
    assert set(result.pareto) <= set(range(5))


def test_runs_are_told_as_they_end(swept):
    _, events = swept
    runs = [event for event in events if event["event"] == "run"]
    assert [event["done"] for event in runs] == list(range(1, 11))
    assert {event["total"] for event in runs} == {10}
    assert {(event["rules"], event["seed"]) for event in runs} == {
        (event["rules"], event["seed"]) for event in events if event["event"] == "step"
    }


def test_what_a_sweep_does_not_compare_is_not_scored(swept):
    _, events = swept
    assert {event["when"] for event in events if event["event"] == "eval"} == {"before", "after"}


def test_a_run_of_a_sweep_is_the_probe_of_the_same_request(swept):
    result, events = swept
    entry = result.runs[2]
    for seed in (0, 1):
        request = ProbeRequest(SOURCE, FreezeSpec.parse(entry.rules), seed=seed, **SIZES)
        alone = []
        found = run_probe(request, alone.append)
        losses = [
            e["loss"] for e in events if (e["event"], e.get("rules"), e.get("seed")) == ("step", entry.rules, seed)
        ]
        assert losses == pytest.approx([e["loss"] for e in alone if e["event"] == "step"], rel=1e-4)
        assert found.accuracy_after == pytest.approx(entry.scores[seed])


def test_a_stopped_sweep_keeps_the_runs_that_had_ended():
    events = []
    base = ProbeRequest(SOURCE, FreezeSpec(), **SIZES)
    result = run(SweepRequest(base, ("depth",)), events.append, lambda: any(e["event"] == "run" for e in events))
    assert result.state == "stopped"
    assert len([entry for entry in result.runs if entry.scores]) == 1
    assert result.best is not None


def test_a_run_that_cannot_start_leaves_the_others_alone():
    result = run_sweep(SOURCE, over=(), specs=("freeze embeddings", "train all; from epoch 1: freeze all"), **SIZES)
    assert [entry.state for entry in result.runs] == ["done", "failed"]
    assert "nothing to train" in result.runs[1].message


def test_a_rule_that_hits_nothing_is_told_before_anything_runs():
    events = []
    with pytest.raises(RuleError):
        run_sweep(SOURCE, over=(), specs=("freeze nowhere",), emit=events.append, **SIZES)
    assert not [event for event in events if event["event"] == "step"]


def test_without_ray_a_cluster_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ProbeError) as refused:
        cluster.connected("auto")
    assert refused.value.problem == "Ray is not installed, so the sweep cannot be spread over a cluster."
    assert refused.value.hint == "Install it with pip install ray, or leave out --ray."
