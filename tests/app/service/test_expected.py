import pytest

from app.service import expected
from app.service.expected import ForwardWork, time_range
from freezecore._resolve import resolve
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter

TREE = LayerTree("timm:x", (Layer("", "Net"),), (Parameter("a.w", "a", (4,)), Parameter("head.w", "head", (4,))))
WORK = ForwardWork(1e9, 224, text=False)


def asked(**more) -> ProbeRequest:
    return ProbeRequest(ModelSource.parse("timm:resnet18"), FreezeSpec.parse("train all"), steps=60, **more)


@pytest.fixture(autouse=True)
def one_gigaflop(monkeypatch):
    monkeypatch.setattr(expected, "pace", lambda: 1e9)
    monkeypatch.setattr(expected.machine, "gpu_count", lambda: 0)


def test_pictures_cost_by_their_area_and_texts_by_their_length():
    assert WORK.at(112) == (0.25e9, 0.25e9)
    assert WORK.at(None)[0] == pytest.approx(1e9 * (96 / 224) ** 2)
    assert ForwardWork(1e9, None, text=False).at(None) == (1e9, 1e9)
    assert ForwardWork(1e9, 128, text=True).at(None) == (1e9 / 8, 1e9 / 2)


def test_training_everything_has_no_cheaper_way_and_a_frozen_part_has():
    masks = {rules: resolve(FreezeSpec.parse(rules), TREE) for rules in ("train all", "freeze a")}
    everything, frozen = (time_range(WORK, asked(image_size=224), mask) for mask in masks.values())
    samples = 60 * 32 * 3 + 600 + 300 + 600
    assert everything.high_s == pytest.approx(15 + samples / expected.REACHED[1])
    assert everything.low_s == pytest.approx(3 + samples / expected.REACHED[0])
    assert frozen.low_s == pytest.approx(3 + 900 / expected.REACHED[0]) and frozen.high_s == everything.high_s
    assert frozen.step_flops == 1e9 * 32 * 3


def test_a_sweep_takes_longer_than_one_and_a_graphics_card_is_not_guessed(monkeypatch):
    one, many = (time_range(WORK, asked(), selections=count) for count in (1, 12))
    assert many.low_s > 4 * one.low_s and many.high_s > 10 * one.high_s
    monkeypatch.setattr(expected.machine, "gpu_count", lambda: 1)
    assert time_range(WORK, asked()) is None


def test_ones_own_data_that_was_looked_at_counts_as_it_is():
    mask = resolve(FreezeSpec.parse("freeze a"), TREE)
    unseen, seen, large = (
        time_range(WORK, asked(image_size=224, data="/own.zip"), mask, own=own)
        for own in (None, (3_000, 900), (300_000, 90_000))
    )
    assert unseen.low_s == pytest.approx(3 + 70 / expected.REACHED[0])
    assert seen.low_s == pytest.approx(3 + (60 * 32 + 900) / expected.REACHED[0])
    assert large.high_s == unseen.high_s > seen.high_s
