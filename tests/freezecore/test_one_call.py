"""What is asked in one call: the same numbers as step by step, on a name and on a model object; and results as HTML."""

import re
from html.parser import HTMLParser

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore._estimate import PartialEstimate, costliest
from freezecore.comparison import Comparison, TriedSelection
from freezecore.probe import ProbeResult, Proof
from freezecore.search.find import FindResult
from freezecore.search.sweep import SweepResult
from tests.app.test_search import CHOICE, DEEP, FULL

NAME, HEAD = "timm:test_vit", "freeze all; train head"
X = torch.zeros(4, 3, 8, 8)


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def stepwise(rules: str, **workload):
    source = fc.ModelSource.parse(NAME)
    mask = fc.resolve(rules, fc.read_tree(source))
    return fc.pricer(source, fc.Workload(**workload)).estimate(mask)


@pytest.mark.parametrize("options", [{}, {"optimizer": "sgd"}, {"precision": "bf16-autocast", "image_size": 160}])
def test_one_call_gives_what_tree_trace_and_mask_give(options):
    assert fc.estimate(NAME, HEAD, batch=8, **options) == stepwise(HEAD, batch_size=8, **options)


def test_without_a_batch_it_is_32():
    assert fc.estimate(NAME, HEAD) == stepwise(HEAD, batch_size=32)


def test_on_a_model_object_it_is_the_step_on_the_example_batch_and_the_model_is_left_alone():
    model = net()
    once = fc.estimate(model, "freeze all; train 4", batch=X)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert once == fc.estimate(fc.trace(model, batch=X), fc.apply(model, "freeze all; train 4"))


def test_what_no_rule_hits_on_a_model_object_is_as_it_stands():
    model = net()
    fc.apply(model, "freeze 0 1")
    assert fc.estimate(model, "train 4", batch=X).required().gradients_total == 4 * (144 * 2 + 2)


def test_a_mask_is_taken_for_rules():
    tree = fc.read_tree(NAME)
    assert fc.estimate(NAME, fc.resolve(HEAD, tree), batch=8) == fc.estimate(NAME, HEAD, batch=8)


def test_a_schedule_costs_what_its_costliest_phase_costs():
    assert fc.estimate(NAME, f"{HEAD}; from epoch 1: train all", batch=8) == fc.estimate(NAME, "train all", batch=8)


def test_a_phase_whose_peak_is_unknown_is_taken_for_the_costliest():
    known, unknown = fc.estimate(NAME, HEAD, batch=8), PartialEstimate(0, 0, 0, 0, ())
    assert costliest({0: known, 2: unknown, 3: known}) == 2
    assert costliest({0: known, 2: known}) == 0


@pytest.mark.parametrize("name", ["T4", "t4", "T4 16 GB", "t4 16gb"])
def test_a_card_fits_its_largest_batch_and_not_one_more(name):
    fit = fc.fits(NAME, HEAD, card=name)
    assert (fit.card, fit.fits) == ("T4 16 GB", True)
    assert fc.fits(NAME, HEAD, card=name, batch=fit.largest_batch).fits
    if fit.largest_batch < 65_536:
        assert not fc.fits(NAME, HEAD, card=name, batch=fit.largest_batch + 1).fits


def test_an_amount_of_memory_is_a_card():
    fit = fc.fits("timm:resnet18", "train all", card="2GB", batch=8)
    assert (fit.card_bytes, fit.fits) == (2_000_000_000, True)
    assert 8 <= fit.largest_batch < 128
    assert str(fit) == f"2GB (2 GB): fits, largest batch {fit.largest_batch}"


def test_without_a_card_all_that_are_known_are_told():
    assert {"T4 16 GB", "H100 80 GB"} <= {fit.card for fit in fc.fits(NAME, HEAD)}


def test_a_difference_names_what_changes_sides_and_what_it_saves():
    model = net()
    found = fc.diff(model, "train all", "freeze 0 1", batch=X)
    assert found.frozen_by_other == ("0.weight", "0.bias", "1.weight", "1.bias")
    assert found.trained_by_other == ()
    full, part = (fc.estimate(model, rules, batch=X).required() for rules in ("train all", "freeze 0 1"))
    assert found.saved_bytes == full.peak_bytes - part.peak_bytes > 0
    assert "trains in the first alone: 0.weight, 0.bias, 1.weight, 1.bias" in str(found)
    back = fc.diff(model, "freeze 0 1", "train all", batch=X)
    assert (back.trained_by_other, back.saved_bytes) == (found.frozen_by_other, -found.saved_bytes)
    assert "The same parameters train." in str(fc.diff(model, "train all", "train 0 1 4", batch=X))


def test_a_summary_tells_what_trains_now_layer_by_layer():
    model = net()
    fc.apply(model, "freeze 0 1")
    summary = fc.summary(model)
    assert (summary.total, summary.trainable, summary.frozen) == (410, 290, 120)
    assert summary.total == sum(parameter.numel() for parameter in model.parameters())
    lines = str(summary).splitlines()
    assert re.fullmatch(r"  0 +Conv2d .* 112  frozen", lines[3])
    assert re.fullmatch(r"  4 +Linear .* 290  trainable", lines[5])
    assert "290 trainable, 120 frozen; 1.68 kB of parameters and buffers" in lines
    assert repr(fc.summary(model, "train all")).splitlines()[3].endswith("trainable")


def test_text_names_a_model_and_rules_in_every_verb_that_runs():
    asked = {"data": "digits", "train_size": 16, "test_size": 16, "batch_size": 8, "seed": 1}
    source = fc.ModelSource.parse(NAME, weights="random")
    result = fc.run_probe(source, "freeze all; train head", steps=2, **asked)
    assert (result.state, result.steps, result.request["spec"]) == ("done", 2, HEAD)
    request = fc.ProbeRequest(source, fc.FreezeSpec.parse(HEAD), steps=2, **asked)
    again = fc.run_probe(request)
    assert (again.loss_first, again.loss_last) == (result.loss_first, result.loss_last)
    swept = fc.run_sweep(source, over=[], specs="freeze embeddings", steps=2, **asked)
    assert [run.rules for run in swept.runs] == ["freeze embeddings"]
    assert fc.ProbeRequest(NAME, HEAD).source == fc.ModelSource.parse(NAME)
    assert "test_vit" in fc.export(NAME, HEAD)
    assert fc.review(fc.read_tree(NAME), fc.resolve(HEAD, fc.read_tree(NAME)), spec=HEAD, source=NAME) is not None


class _Balanced(HTMLParser):
    """Remembers text, and whether every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.opened.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data) -> None:
        self.text += f" {data}"


TRIED = TriedSelection("train <b>", 10, 0.5, (0.5, 0.5), (0.5,), 0.1, Proof(1, 1))


@pytest.mark.parametrize(
    ("result", "holds"),
    [
        (lambda: fc.estimate(NAME, HEAD, batch=8), "peak_bytes"),
        (lambda: fc.estimate(nn.Sequential(nn.Linear(2, 2), nn.LSTMCell(3, 3)), "train all"), "peak unknown"),
        (lambda: fc.read_tree(NAME), NAME),
        (lambda: fc.resolve(HEAD, fc.read_tree(NAME)), "frozen"),
        (lambda: fc.summary(NAME, HEAD), "trainable"),
        (lambda: fc.diff(NAME, "train all", HEAD, batch=8), "trains in the first alone"),
        (lambda: ProbeResult("done", "cpu", 60, accuracy_after=0.8, notes=("<i>",), proof=Proof(3, 2)), "3 parameters"),
        (lambda: ProbeResult("done", "cpu", 60, metric="rmse", metric_before=3.0, metric_after=1.5), "1.5"),
        (lambda: ProbeResult("failed", "cpu", message="<b> was not there."), "<b> was not there."),
        (lambda: SweepResult("done", (FULL, DEEP), (0, 1), 0, (0, 1)), "as good"),
        (lambda: FindResult("done", CHOICE, CHOICE, within_noise=True, left_out=("2 need <more>.",)), "2 need <more>."),
        (lambda: FindResult("failed", message="Nothing fits."), "Nothing fits."),
        (lambda: Comparison((TRIED,)), "train <b>"),
    ],
)
def test_a_result_is_a_table_in_a_notebook_and_its_values_are_no_markup(result, holds):
    page = _Balanced()
    page.feed(result()._repr_html_())
    assert holds in page.text
    assert page.opened == []


def test_a_probe_scored_by_values_has_no_accuracy_in_its_table():
    assert "accuracy" not in ProbeResult("done", "cpu", metric="rmse", metric_after=1.5)._repr_html_()
