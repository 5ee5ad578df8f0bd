import threading
import time

import pytest

from app.service import backend, turns
from tests.app.conftest import QUICK_S


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch):
    monkeypatch.setattr(turns, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(turns, "LONGEST_S", QUICK_S)


class Other:
    """Another visitor's thread, which takes a turn and holds it until it is let go on."""

    def __init__(self) -> None:
        self.has_turn, self.go_on = threading.Event(), threading.Event()
        self.is_done = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        with turns.turn():
            self.has_turn.set()
            self.go_on.wait(QUICK_S)
            self.is_done = True

    def end(self) -> None:
        self.go_on.set()
        self.thread.join(QUICK_S)


def test_one_waits_for_the_other():
    with turns.turn():
        other = Other()
        assert not other.has_turn.wait(0.05)
    assert other.has_turn.wait(QUICK_S)
    other.end()


def test_a_drawing_that_is_cut_short_gives_its_turn_back():
    with pytest.raises(KeyError), turns.turn():
        raise KeyError
    with turns.turn():
        pass


def test_nobody_waits_for_long(monkeypatch):
    other = Other()
    assert other.has_turn.wait(QUICK_S)
    monkeypatch.setattr(turns, "LONGEST_S", 0.01)
    with turns.turn():  # without one
        assert turns._give() is False
    other.end()
    with turns.turn():  # and none was given back that was not had
        assert turns._turns.acquire(blocking=False) is False


def test_who_waits_for_the_analyst_lets_others_draw(monkeypatch):
    others = []

    class SlowAnalyst:
        def tree(self, source):
            others.append(Other())
            assert others[-1].has_turn.wait(QUICK_S)
            threading.Timer(0.05, others[-1].end).start()
            return source

    monkeypatch.setattr(backend, "_analyst", SlowAnalyst)
    server = backend.Server()
    with turns.turn():
        assert server.tree("a") == "a"
        assert others[0].is_done  # one draws on when it is one's turn again
        late = Other()
        assert not late.has_turn.wait(0.05)
    late.end()
    began = time.monotonic()
    assert server.tree("b") == "b"  # without a turn none is taken
    others[1].end()
    with turns.turn():
        assert time.monotonic() - began < QUICK_S


def test_what_draws_lets_ticks_by(monkeypatch):
    monkeypatch.setattr(turns, "ASIDE_S", QUICK_S)
    turns.let_ticks_by()  # at once
    drawn = threading.Event()
    with turns.tick_at_work():
        drawing = threading.Thread(target=lambda: (turns.let_ticks_by(), drawn.set()), daemon=True)
        drawing.start()
        with turns.tick_at_work():
            assert not drawn.wait(0.05)
        assert not drawn.wait(0.05)  # the first is still being answered
    assert drawn.wait(QUICK_S)


def test_what_draws_stands_aside_for_a_moment_alone(monkeypatch):
    monkeypatch.setattr(turns, "ASIDE_S", 0.01)
    with turns.tick_at_work():
        turns.let_ticks_by()
        assert turns._ticks == 1, "it goes on while the tick is still at work"
