"""At which depths the depth curve is evaluated."""

import pytest

from freezecore._estimate.curve import EVERY_DEPTH, MOST_DEPTHS, depths


@pytest.mark.parametrize("blocks", [1, 12, EVERY_DEPTH])
def test_every_depth_of_an_ordinary_model_is_a_point(blocks):
    assert depths(blocks) == tuple(range(1, blocks + 1))


@pytest.mark.parametrize("blocks", [EVERY_DEPTH + 1, 80, 312])
def test_a_very_deep_model_has_evenly_spaced_depths_that_end_with_all_blocks(blocks):
    found = depths(blocks)
    assert len(found) == MOST_DEPTHS - 1
    assert found[-1] == blocks
    assert max(b - a for a, b in zip((0, *found), found, strict=False)) <= blocks // (MOST_DEPTHS - 1) + 1
