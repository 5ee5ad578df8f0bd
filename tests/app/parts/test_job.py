import pytest

from app.parts.job import rounded


@pytest.mark.parametrize(
    ("guessed", "said"), [(962, 960), (491, 480), (307, 300), (83.4, 80), (36.4, 40), (14.6, 15), (4.27, 4.3)]
)
def test_a_guessed_time_looks_no_more_exact_than_it_is(guessed, said):
    assert rounded(guessed) == pytest.approx(said)
