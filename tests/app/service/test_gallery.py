"""The gallery: what is prefetched for it is what the page then asks for."""

from app.link import Link
from app.service import gallery
from app.service.selection import TRACED_BATCH
from freezecore.source import ModelSource
from freezecore.workload import Workload


def test_the_page_asks_for_the_very_steps_that_were_prefetched():
    steps = gallery.steps()
    assert len(set(steps)) == len(gallery.MODELS)
    on_a_t4 = Workload(TRACED_BATCH, device="cuda", compute_capability="7.5")
    assert steps[0] == (ModelSource.parse(Link().model), on_a_t4)
