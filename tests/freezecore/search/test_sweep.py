"""A sweep's selections and how its results compare; nothing is trained here."""

import pytest

from freezecore._resolve import resolve
from freezecore.errors import ProbeError, RuleError
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.rules.grammar import parse_spec
from freezecore.search.measured import Candidate, compared, held_out_error, taken_together
from freezecore.search.sweep import SweepRequest, candidates
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.statistics import no_better, noise
from freezecore.tree import Layer, LayerTree, Parameter, Tower

BASE = ProbeRequest(ModelSource("timm", "tiny"), FreezeSpec())
BLOCKS = ("blocks.0", "blocks.1")
TREE = LayerTree(
    source="timm:tiny",
    layers=tuple(Layer(path, "Linear") for path in ("", "stem", "blocks", *BLOCKS, "head")),
    parameters=(
        Parameter("stem.weight", "stem", (4, 4), kind="stem"),
        *(Parameter(f"{path}.weight", path, (4, 4), kind="block") for path in BLOCKS),
        Parameter("head.bias", "head", (2,), kind="head", bias=True),
        Parameter("head.weight", "head", (2, 4), kind="head"),
    ),
    towers=(Tower("main", "", stem=("stem",), blocks=BLOCKS),),
    head=("head",),
)  # fmt: skip


def result(accuracy: float | None, **fields) -> ProbeResult:
    values = {"state": "done", "device": "cpu", "test_size": 100, "accuracy_after": accuracy, **fields}
    return ProbeResult(**values)


def measured(*accuracies: float, **fields):
    return taken_together(Candidate("train all", ("all",)), [result(a, **fields) for a in accuracies])


def test_a_depth_sweep_has_every_depth_and_each_mask_once():
    found = candidates(TREE, ("depth", "presets"))
    depths = [c for c in found if c.frozen_blocks is not None]
    assert [c.frozen_blocks for c in depths] == [0, 1, 2]
    assert depths[2].labels[:2] == ("2 blocks frozen", "Linear probe: train the head")
    masks = [resolve(parse_spec(c.rules), TREE).trains for c in found if not parse_spec(c.rules).phases]
    assert len(set(masks)) == len(masks)


def test_rules_of_ones_own_join_and_what_trains_nothing_is_left_out():
    found = candidates(TREE, (), ("freeze all; train biases", "freeze all"))
    assert [c.rules for c in found] == ["freeze all; train biases"]
    with pytest.raises(RuleError):
        candidates(TREE, (), ("freeze nowhere",))
    with pytest.raises(RuleError, match="no selection of this kind in which something trains"):
        candidates(TREE, (), ("freeze all",))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"over": ("depths",)}, "A sweep cannot go over 'depths'. Did you mean 'depth'?"),
        ({"seeds": 0}, "0 seeds are out of range. Choose between 1 and 20."),
        ({"over": ()}, "There is nothing to sweep over. Choose depth, presets, or rules of your own."),
    ],
)
def test_a_request_out_of_range_is_a_sentence(fields, sentence):
    with pytest.raises(ProbeError) as refused:
        SweepRequest(BASE, **fields)
    assert str(refused.value) == sentence


def test_a_request_travels_as_json():
    request = SweepRequest(BASE, ("depth",), ("train head",), seeds=3, ray="auto")
    assert SweepRequest.from_json(request.to_json()) == request


def test_an_entry_is_the_mean_and_spread_of_its_seeds():
    found = measured(0.8, 0.9, peak_bytes=100, step_s=0.5)
    assert found.accuracy_after == pytest.approx(0.85)
    assert found.spread == pytest.approx(0.0707, abs=1e-4)
    assert (found.peak_bytes, found.step_s, found.scores) == (100, 0.5, (0.8, 0.9))
    assert measured(0.8).spread is None
    failed = taken_together(Candidate("x", ()), [result(None, state="out-of-memory", message="No memory.")])
    assert (failed.accuracy_after, failed.state, failed.message) == (None, "out-of-memory", "No memory.")


def test_noise_is_what_the_held_out_set_allows_or_what_the_seeds_show():
    assert held_out_error(result(0.5)) == pytest.approx(0.05)
    assert held_out_error(result(1.0)) == pytest.approx(0.01)  # perfect on 100 samples is not perfect
    assert noise([0.5] * 20, 0.05) == pytest.approx(0.05)  # more seeds do not make the held-out set larger
    assert noise([0.1, 0.9], 0.05) == pytest.approx(0.4)
    assert noise([], None) is None


def test_values_are_ranked_by_their_samples_scores():
    near, far = ((-0.1, -0.2, -0.1, -0.3) * 25, (-4.0, -9.0, -1.0, -6.0) * 25)
    found = [
        taken_together(Candidate(name, ()), [result(None, per_sample=scores, metric="rmse", metric_after=rmse)])
        for name, scores, rmse in (("far", far, 2.2), ("near", near, 0.4))
    ]
    assert [e.metric_after for e in found] == [2.2, 0.4]
    assert compared(found) == (1, (1,), (1,))


def test_paired_samples_tell_apart_what_means_alone_do_not():
    right = tuple(float(i % 2) for i in range(200))
    better = tuple(1.0 if i < 16 else score for i, score in enumerate(right))  # the same, and 8 samples more
    one, other = (taken_together(Candidate("", ()), [result(sum(s) / 200, per_sample=s)]) for s in (better, right))
    assert one.score - other.score == pytest.approx(0.04)
    assert one.noise > 0.03
    assert not no_better(one, other)


def test_a_difference_within_the_noise_is_none():
    assert no_better(measured(0.92), measured(0.90))
    assert not no_better(measured(0.92), measured(0.60))
    assert no_better(measured(0.60), measured(0.92))


def test_the_front_holds_what_nothing_beats_in_everything():
    entries = [
        measured(0.95, peak_bytes=900, step_s=1.0),
        measured(0.95, peak_bytes=300, step_s=0.5),
        measured(0.70, peak_bytes=100, step_s=0.1),
        measured(0.60, peak_bytes=200, step_s=0.2),
        taken_together(Candidate("x", ()), [result(None, state="failed")]),
    ]
    best, as_good, front = compared(entries)
    assert best in (0, 1)
    assert as_good == (0, 1)
    assert front == (1, 2)
    assert compared(entries[4:]) == (None, (), ())
