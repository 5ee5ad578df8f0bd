"""Which step's trace prices a selection."""

from types import SimpleNamespace

import pytest

from app.link import Link
from app.service import pricing
from app.service.selection import ModelSelection
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.app.figures.test_cost_charts import TREE


@pytest.mark.parametrize(("followed", "wanted"), [((32, 33), 32), ((32,), 2), (None, 32)])
def test_a_model_that_runs_differently_at_each_batch_size_is_followed_at_the_one_that_is_asked(
    monkeypatch, followed, wanted
):
    selection = ModelSelection(Link(batch=2), ModelSource("timm", "x"), TREE, FreezeSpec(), Mask.as_author(TREE))
    known = {} if followed is None else {selection.traced_step: SimpleNamespace(batch_sizes=followed)}
    monkeypatch.setattr(pricing, "_traces", SimpleNamespace(read=known.get))
    assert pricing._traced_step(selection)[1].batch_size == wanted
