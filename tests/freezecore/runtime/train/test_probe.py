"""A probe from request to result: the same with and without the cache, repeatable, and told in every fault."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from freezecore.errors import DataError, ProbeError, RuleError
from freezecore.probe import ProbeRequest
from freezecore.runtime.train import batches
from freezecore.runtime.train.evaluate import Evaluation
from freezecore.runtime.train.run import run, run_probe
from freezecore.runtime.train.session import Session
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SIZES = {"steps": 5, "batch_size": 8, "train_size": 24, "test_size": 40, "image_size": 16}
LAST = "freeze all; train blocks:last1 head"


def tiny(function="plain"):
    return ModelSource.parse(f"py:tests.freezecore.runtime.oddities:{function}", weights="random")


def asked(rules=LAST, source=None, data="digits", **more):
    return ProbeRequest(source or tiny(), FreezeSpec.parse(rules), data=data, **{**SIZES, **more})


def probed(*args, should_stop=lambda: False, **more):
    events = []
    return run_probe(asked(*args, **more), events.append, should_stop), events


def losses(events):
    return [event["loss"] for event in events if event["event"] == "step"]


@pytest.fixture(scope="module")
def cached():
    torch.set_num_threads(1)  # as each test does, but this runs before the first
    return probed()


def test_a_probe_measures_what_its_result_has_fields_for(cached):
    result, events = cached
    assert result.state == "done"
    assert (result.steps, result.train_size, result.test_size) == (5, 24, 40)
    assert result.proof.ok
    assert result.proof.parameters > 0
    assert result.proof.buffers > 0
    low, high = result.interval
    assert low < result.accuracy_after < high
    assert result.per_sample.count(1) / 40 == result.accuracy_after
    assert result.loss_first == losses(events)[0]
    for name in ("accuracy_before", "train_accuracy_after", "step_s", "samples_per_s", "peak_bytes", "rss_bytes"):
        assert getattr(result, name) is not None, name
    json.dumps(result.to_json())


def test_the_first_step_is_told_before_any_evaluation(cached):
    _, events = cached
    kinds = [event["event"] for event in events]
    assert kinds.index("start") < kinds.index("step") < kinds.index("eval") < kinds.index("proof")
    before = [event for event in events if event.get("when") == "before"]
    assert before[-1]["done"] == before[-1]["total"] == 40


def test_accuracy_along_the_way_is_told_and_changes_nothing(cached):
    result, events = cached
    points = [event for event in events if event.get("when") == "along"]
    assert [event["step"] for event in points] == [4], "the first steps look for what can be kept, the last is the end"
    assert all(event["done"] == event["total"] == 40 and 0 <= event["accuracy"] <= 1 for event in points)
    session, bare = Session(asked()), []
    alone = run(session, asked(), bare.append)
    session.close()
    assert not any(event.get("when") == "along" for event in bare)
    assert losses(bare) == losses(events)
    assert (alone.per_sample, alone.proof) == (result.per_sample, result.proof)


@pytest.mark.parametrize(("step_s", "told"), [(0.0001, [10, 20, 30, 40, 50]), (5.0, [30]), (1.0, [30])])
def test_measuring_along_the_way_takes_little_beside_the_steps(step_s, told):
    request, events = asked(steps=60, batch_size=8), []
    session = Session(request)
    evaluation = Evaluation(session, request, events.append)
    phase = SimpleNamespace(step_s=step_s, model=session.model, forward=lambda part, some: session.test.forward(some))
    for step in range(1, 61):
        evaluation.along(phase, step, 60)
    session.close()
    assert [event["step"] for event in events] == told
    assert all(event["done"] * step_s / 8 <= max(0.25, 0.12 * 60 * step_s) for event in events)


def test_losses_accuracy_and_proof_are_the_same_without_the_cache(cached):
    result, events = cached
    plain, plain_events = probed(cache=False)
    assert result.cache.used
    assert result.cache.cut == "blocks.3"
    assert not plain.cache.used
    assert losses(events) == pytest.approx(losses(plain_events), rel=1e-4)
    assert (result.accuracy_before, result.accuracy_after) == (plain.accuracy_before, plain.accuracy_after)
    assert result.proof == plain.proof
    assert result.peak_bytes == pytest.approx(plain.peak_bytes, rel=0.05)


def test_a_schedule_is_held_against_the_estimate_of_the_phase_that_was_measured():
    result, _ = probed("freeze all; train head; from epoch 1: train all", steps=9)
    everything, head = probed("train all")[0], probed("freeze all; train head")[0]
    assert head.peak_bytes < result.peak_bytes / 2
    for name in ("peak_bytes", "estimated_peak_bytes", "flops"):
        assert getattr(result, name) == pytest.approx(getattr(everything, name), rel=0.01), name


def test_a_seed_repeats_a_run_to_the_bit_and_another_does_not(cached):
    _, events = cached
    assert losses(probed()[1]) == losses(events)
    assert losses(probed(seed=1)[1]) != losses(events)


def test_a_session_gives_each_run_the_numbers_of_a_run_of_its_own(cached):
    session = Session(asked())
    try:
        run(session, asked("train all"))
        run(session, asked("freeze all; train head", seed=1))
        events = []
        again = run(session, asked(), events.append)
    finally:
        session.close()
    assert losses(events) == pytest.approx(losses(cached[1]), rel=1e-5)
    assert again.accuracy_after == cached[0].accuracy_after
    assert again.proof.ok


def test_training_everything_has_no_prefix_and_says_why():
    result, _ = probed("train all")
    assert not result.cache.used
    assert result.cache.why == "Every step runs the whole model: nothing is frozen."
    assert result.peak_bytes is not None
    assert result.proof.parameters == 0


@pytest.mark.parametrize(
    ("rules", "more", "why"),
    [
        (f"{LAST}; norms update", {}, "with 'norms update' frozen layers change"),
        ("freeze blocks", {}, "a trainable parameter is used before any layer has finished"),
        (LAST, {"steps": 1}, "the run is too short"),
        (LAST, {"cache": False}, "the cache is switched off"),
    ],
)
def test_where_there_is_no_cache_the_reason_is_said(rules, more, why):
    result, _ = probed(rules, **more)
    assert not result.cache.used
    assert why in result.cache.why
    assert result.proof.ok


def test_norms_that_a_schedule_held_stay_held_when_they_train():
    result, events = probed("freeze all; train head; from epoch 1: train blocks:last2", steps=15)
    assert len(losses(events)) == 15
    assert result.proof.ok
    assert result.cache.used


def test_frozen_later_is_proved_from_then_on_and_never_from_stale_values():
    rules = "freeze all; train blocks:last2 head; from epoch 1: freeze blocks:last2"
    result, events = probed(rules, steps=6)
    plain, plain_events = probed(rules, steps=6, cache=False)
    assert losses(events) == pytest.approx(losses(plain_events), rel=1e-4)
    assert result.proof.ok


def test_a_model_that_leaks_fails_its_proof_by_name():
    result, _ = probed(source=tiny("counting"))
    assert result.proof.changed == ("blocks.1.calls",)
    assert "'blocks.1.calls' moved" in result.proof.sentence()


def test_a_stop_keeps_what_was_measured():
    steps = iter(range(100))
    result, events = probed(should_stop=lambda: next(steps) > 8, steps=50)
    assert result.state == "stopped"
    assert 0 < result.steps < 50
    assert result.proof.ok
    assert result.accuracy_before is not None
    assert result.accuracy_after is not None  # with the cache the last evaluation is quick enough
    assert result.loss_last == losses(events)[-1]


def test_a_stop_before_the_first_step_is_a_result_too():
    result, _ = probed(should_stop=lambda: True)
    assert (result.state, result.steps) == ("stopped", 0)
    assert result.proof.ok


def test_seconds_end_a_run_early_and_it_counts_as_done():
    result, _ = probed(steps=100_000, seconds=1)
    assert result.state == "done"
    assert 0 < result.steps < 100_000


def failing(monkeypatch, at, fault):
    """Make the training loss go wrong at a step."""
    plain, calls = batches.Feed.loss, []

    def loss(self, logits, positions):
        calls.append(1)
        if len(calls) == at:
            return fault(plain(self, logits, positions))
        return plain(self, logits, positions)

    monkeypatch.setattr(batches.Feed, "loss", loss)


def out_of_memory(loss):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def no_host_memory(loss):
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")


@pytest.mark.parametrize("fault", [out_of_memory, no_host_memory])
def test_memory_that_runs_out_is_a_state_with_a_hint(monkeypatch, fault):
    failing(monkeypatch, 3, fault)
    result, _ = probed(cache=False)
    assert (result.state, result.steps) == ("out-of-memory", 2)
    assert result.message == "The probe ran out of memory at step 3 (batch 8, 16 pixels)."
    assert "batch of 4" in result.hint
    assert result.loss_last is not None
    assert result.proof.ok


def test_a_loss_that_is_not_a_number_is_a_state_with_a_hint(monkeypatch):
    failing(monkeypatch, 4, lambda loss: loss * float("nan"))
    result, _ = probed(cache=False, learning_rate=0.1, head_learning_rate=0.5)
    assert (result.state, result.steps) == ("not-a-number", 3)
    assert result.message == "The loss became not a number at step 4, at a learning rate of 0.5."
    assert result.hint == "Try a tenth of it: 0.05."
    assert result.proof.ok
    assert result.accuracy_after is None


def test_another_error_is_not_taken_for_either(monkeypatch):
    failing(monkeypatch, 2, lambda loss: loss.nonsense)
    with pytest.raises(AttributeError):
        probed(cache=False)


@pytest.mark.parametrize(
    ("request_", "error", "problem"),
    [
        (asked("freeze all"), ProbeError, r"All 16 parameters are frozen, so there is nothing to train\."),
        (asked("freeze all; train hed"), RuleError, "'hed'"),
        (asked("freeze all; train head; from epoch 1: freeze head"), ProbeError, "frozen from epoch 1"),
        (asked(data="docstrings", train_size=None, test_size=None), DataError, "docstrings is text, and .* pictures"),
        (asked(source=tiny("headless")), ProbeError, "Headless gives no scores per class"),
        (asked(source=tiny("two_classes")), ProbeError, "Plain has 2 outputs, and digits needs 10"),
        (asked(metric="f2"), ProbeError, "no metric called 'f2'"),
        (asked(metric="rmse"), ProbeError, "digits has classes, which 'rmse' does not score"),
        (asked(device="cuda"), ProbeError, "no cuda device"),
    ],
)  # fmt: skip
def test_what_cannot_start_says_why(request_, error, problem):
    with pytest.raises(error, match=problem):
        run_probe(request_, lambda event: None)


def test_a_model_opened_for_another_task_says_which_to_choose():
    source = ModelSource.parse("config:bert", weights="random", task="base")
    with pytest.raises(ProbeError, match="opened for base") as caught:
        run_probe(asked(source=source, data="docstrings", train_size=8, test_size=8), lambda event: None)
    assert "sequence-classification" in caught.value.hint


def test_text_trains_from_the_kept_prefix_with_its_dropout_still_on(bert, tmp_path):
    rows = [{"text": f"{'good' if i % 2 else 'bad'} film number {i}", "label": i % 2} for i in range(64)]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    request = asked("freeze embeddings; freeze blocks:0", bert, str(tmp_path / "t.csv"), metric="macro-f1")
    events, plain_events = [], []
    result = run_probe(request, events.append)
    run_probe(replace(request, cache=False), plain_events.append)
    assert result.cache.cut == "bert.encoder.layer.1.attention"
    assert losses(events) == pytest.approx(losses(plain_events), rel=1e-4)
    assert result.metric == "macro-f1"
    assert 0 <= result.metric_after <= 1
    assert "hashing" in result.notes[0]


def test_dropout_that_stays_on_is_the_reason_for_no_cache(bert, tmp_path):
    pd.DataFrame([{"text": f"t{i}", "label": i % 2} for i in range(64)]).to_csv(tmp_path / "t.csv", index=False)
    result = run_probe(
        asked("freeze blocks:0 embeddings; dropout on", bert, str(tmp_path / "t.csv")), lambda event: None
    )
    assert "'dropout on'" in result.cache.why
    assert result.proof.ok


def test_values_and_pairs_are_scored_in_their_own_unit(bert, tmp_path):
    rows = [{"sentence1": f"a {i}", "sentence2": f"b {i % 3}", "score": 100 + 10 * (i % 3) + 0.5} for i in range(64)]
    pd.DataFrame(rows).to_csv(tmp_path / "v.csv", index=False)
    result = run_probe(asked("freeze embeddings", bert, str(tmp_path / "v.csv")), lambda event: None)
    assert result.metric == "rmse"
    assert result.accuracy_after is None
    assert 1 < result.metric_after < 50
    assert all(score <= 0 for score in result.per_sample)


def test_samples_that_changed_show_what_they_were_taken_for():
    result, _ = probed("train all", steps=30, learning_rate=5e-3)
    assert result.changed_samples
    for change in result.changed_samples:
        assert change.before != change.after
        assert change.better == (change.after == change.target)
        assert change.picture.startswith("data:image/jpeg;base64,")


class Two(torch.nn.Module):
    """Two heads, answered as a tuple; `broken` spoils what the backward pass needs."""

    broken = False

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3)
        self.first, self.second = torch.nn.Linear(4, 10), torch.nn.Linear(4, 10)

    def forward(self, image):
        found = self.stem(image).exp().mean((2, 3)) if self.broken else self.stem(image).mean((2, 3))
        answer = self.first(found)
        if self.broken:
            found.add_(1)
        return answer, self.second(found)


@pytest.mark.parametrize(
    ("rules", "broken", "problem"),
    [
        ("freeze all; train second", False, "Nothing that trains in Two leads to the scores that a probe learns from."),
        ("train all", True, "Two cannot be trained (RuntimeError: one of the variables needed for gradient"),
    ],
)
def test_an_own_model_that_cannot_be_trained_is_a_sentence(rules, broken, problem, monkeypatch):
    monkeypatch.setattr(Two, "broken", broken)
    request = ProbeRequest(ModelSource.parse(f"py:{__name__}:Two"), FreezeSpec.parse(rules), data="shapes", steps=2)
    with pytest.raises(ProbeError) as raised:
        run_probe(request)
    assert raised.value.problem.startswith(problem)
