from dataclasses import replace

from app.link import Link
from app.service import pricing
from app.service.selection import select
from app.service.smaller_steps import smaller_steps
from freezecore._estimate.budget import fits_on

LARGE = Link(model="timm:resnet18", rules="train all", batch=1024)


def traced(link: Link):
    """The selection of this link, with everything that its changes ask for traced."""
    selection = select(link)
    pricing.cost_of(selection)
    smaller_steps(selection, selection.card)
    for future, _ in list(pricing._futures._kept.values()):
        future.exception(timeout=120)
    return selection


def test_each_change_is_priced_as_the_page_prices_it_once_it_is_chosen(helpers):
    selection = traced(LARGE)
    steps = {step.kind: step for step in smaller_steps(selection, selection.card)}
    assert {"freeze", "batch", "precision", "optimizer"} <= set(steps)
    assert steps["freeze"].fits and steps["batch"].fits
    for step in steps.values():
        _, cost, _ = pricing.cost_of(select(replace(LARGE, **step.fields)))
        assert (cost.peak_bytes, fits_on(selection.card, cost.peak_bytes)) == (step.peak_bytes, step.fits), step


def test_a_line_stands_where_it_stood_before_its_figure_came(helpers):
    link = replace(LARGE, model="timm:resnet34")
    pricing.cost_of(select(link))
    awaited = smaller_steps(select(link), select(link).card)
    assert awaited[-1].peak_bytes is None
    known = {step.kind: step for step in smaller_steps(traced(link), select(link).card)}
    assert all(step.peak_bytes for step in known.values())
    assert [step.kind for step in awaited if step.kind in known] == list(known)


def test_a_smaller_batch_keeps_the_samples_of_a_step_and_is_the_largest_that_fits(helpers):
    selection = traced(replace(LARGE, accumulate=2))
    step = next(step for step in smaller_steps(selection, selection.card) if step.kind == "batch")
    assert step.fields["batch"] * step.fields["accumulate"] == 2 * 1024
    twice = replace(LARGE, batch=2 * step.fields["batch"], accumulate=2)
    assert not fits_on(selection.card, pricing.cost_of(select(twice))[1].peak_bytes)


def test_half_precision_is_what_the_card_computes_itself(helpers):
    for card, precision in (("t4-16", "fp16-autocast"), ("l4-24", "bf16-autocast")):
        selection = select(replace(LARGE, card=card))
        found = next(step for step in smaller_steps(selection, selection.card) if step.kind == "precision")
        assert found.fields == {"precision": precision}


def test_nothing_is_offered_that_is_chosen_already(helpers):
    link = replace(LARGE, precision="fp16-autocast", checkpointing=False, optimizer="sgd")
    kinds = {step.kind for step in smaller_steps(select(link), select(link).card)}
    assert not kinds & {"precision", "optimizer"}
