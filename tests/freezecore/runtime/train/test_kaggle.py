"""A Kaggle evening: DeBERTa-v3-base on a T4, embeddings and three blocks frozen."""

from pathlib import Path

import pytest

import freezecore as fc
from freezecore._estimate.budget import fits
from freezecore._estimate.cards import CARDS
from freezecore.mask import Mask
from freezecore.runtime.build.source import meta
from freezecore.runtime.trace import trace_module
from freezecore.runtime.tree.read import read_module

CONFIG = Path(__file__).parents[1] / "deberta_v3_base.json"
T4 = next(card for card in CARDS if card.name.startswith("T4"))
GIB = 2**30
FP32_AND_ADAM = 3 * 4  # bytes a scalar: its gradient and two moments


@pytest.fixture(scope="module")
def deberta():
    source = fc.ModelSource.parse(f"config:{CONFIG}", task="sequence-classification", num_labels=2)
    model = meta(source).model
    return read_module(model, str(source)), trace_module(model, fc.Workload(batch_size=8, device="cuda"), str(source))


def test_frozen_embeddings_and_three_blocks_save_a_gibibyte_and_a_third_of_gradients_and_adams_state(deberta):
    tree, trace = deberta
    full = fc.estimate(trace, Mask(tree, (True,) * len(tree.parameters)))
    mask = fc.resolve(fc.FreezeSpec.parse("freeze embeddings; freeze blocks:0-2"), tree)
    cost = fc.estimate(trace, mask)
    saved = full.gradients_total + full.optimizer - cost.gradients_total - cost.optimizer
    assert saved == pytest.approx(FP32_AND_ADAM * mask.frozen, rel=1e-3)
    assert saved / GIB == pytest.approx(1.34, abs=0.01)
    assert (full.peak_bytes - cost.peak_bytes) / GIB > 1.3  # at the peak not every gradient is there yet


def test_the_least_that_the_evening_needs_is_known_before_it_begins(deberta):
    tree, trace = deberta
    everything = Mask(tree, (True,) * len(tree.parameters))
    (fit,) = fits(trace, everything, cards=(T4,))
    assert fit.fits
    over = fc.estimate(trace, everything, batch_size=fit.largest_batch + 1).peak_bytes
    assert fc.estimate(trace, everything, batch_size=fit.largest_batch).peak_bytes < over
    assert over * 1.06 + 600e6 > T4.usable_bytes
