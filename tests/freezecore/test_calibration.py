"""A card's table: measured through the CPU's allocator, taken up where it stopped, and never a lie."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from freezecore import calibration, machine
from freezecore._estimate.cards import CARDS
from freezecore.calibration import SHIPPED, Calibration, CalibrationRow, read_calibration
from freezecore.cli import calibrate, main, parser
from freezecore.errors import FreezeError

GB = 10**9
ROW = CalibrationRow("timm:resnet18", "train all", "fp32", 4, 1 * GB, int(1.01 * GB), int(1.2 * GB))
T4 = Calibration("Tesla T4", "cuda", 15 * GB, "7.5", (ROW, replace(ROW, rules="train head", reserved=int(1.1 * GB))))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path))
    return tmp_path


def written(**changes):
    document = T4.to_json() | changes
    return json.dumps(document)


def test_a_table_reads_back_as_it_was_written_and_says_what_was_measured():
    assert read_calibration(written()) == T4
    assert (T4.margin_bytes, round(T4.worst_share, 4), round(T4.slack_share, 3)) == (200_000_000, 0.0099, 0.188)
    assert T4.sentence() == "Tesla T4: measured on 2 steps; at most 1.0% off, and at most 200 MB more than estimated."
    assert T4.reserved_why == ""


def test_reserved_bytes_are_told_of_a_card_that_was_calibrated_alone(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: [machine.Gpu("Tesla T4", 15 * GB, 7.5)])
    assert calibration.reserve(GB, "cuda")["reserved_bytes"] is None
    calibration.keep(T4)
    assert calibration.reserve(GB, "cuda") == {"reserved_bytes": int(GB * (1 + T4.slack_share)), "reserved_why": ""}
    assert calibration.reserve(None, "cuda")["reserved_bytes"] is None
    assert "CPU" in calibration.reserve(GB, "cpu")["reserved_why"]


def rows(**changes):
    return [T4.to_json()["rows"][0] | changes]


@pytest.mark.parametrize(
    "lie",
    [
        {"card": ""},
        {"card": "a\nb"},
        {"card": 7},
        {"usable_bytes": 0},
        {"usable_bytes": 10**9},
        {"usable_bytes": 1e30},
        {"device": "tpu"},
        {"device": "cpu", "compute_capability": ""},
        {"compute_capability": "seven"},
        {"margin_bytes": 0},
        {"slack_share": 0.0},
        {"format": "another/1"},
        {"stranger": 1},
        {"rows": rows() + rows()},
        {"rows": rows(allocated=-1)},
        {"rows": rows(allocated=0)},
        {"rows": rows(reserved=1)},
        {"rows": rows(allocated=None)},
        {"rows": rows(problem="it broke")},
        {"rows": rows(estimated=1)},
        {"rows": rows(precision="fp7")},
        {"rows": rows(batch_size=0)},
        {"rows": rows(allocated=True)},
        {"rows": rows(allocated="1 GB")},
        {"rows": "none"},
        {"versions": ["torch"]},
    ],
)
def test_a_lying_file_is_a_sentence(lie, tmp_path, capsys):
    path = tmp_path / "lie.json"
    path.write_text(written(**lie))
    assert main(["calibrate", "--read", str(path)]) == 1
    assert "cannot be read as a calibration" in capsys.readouterr().err
    assert calibration.known("Tesla T4") is None


@pytest.mark.parametrize("content", ["", "[]", "null", "{", "\x00", "[" * 5_000, '{"format": NaN}'])
def test_what_is_no_table_is_a_sentence(content):
    with pytest.raises(FreezeError, match="cannot be read as a calibration"):
        read_calibration(content, "x.json")


def test_a_table_from_elsewhere_is_kept_for_its_card(tmp_path, capsys):
    path = tmp_path / "t4.json"
    path.write_text(written())
    assert main(["calibrate", "--read", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["margin_bytes"] == 200_000_000
    assert calibration.known("Tesla T4") == T4


def test_every_shipped_table_is_true_to_itself():
    for file in SHIPPED.glob("*.json"):
        assert read_calibration(file.read_bytes(), file.name).device == "cuda", file.name


def test_without_such_a_card_there_is_a_sentence(capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a card")
    assert main(["calibrate"]) == 1
    assert "no cuda device" in capsys.readouterr().err


def test_an_interrupted_table_goes_on_where_it_stopped(monkeypatch, capsys):
    asked = []

    def measured(device, row):
        asked.append(row.key)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return replace(row, estimated=GB, allocated=GB)

    monkeypatch.setattr(calibrate, "alone", measured)
    words = ["calibrate", "--device", "cpu", "--models", "timm:test_vit", "--json"]
    assert main(words) == 1
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(asked) == 7 and len(document["rows"]) == 6 and asked.count(asked[0]) == 1
    assert document["reserved_why"].startswith("A CPU's allocator") and document["slack_share"] is None
    assert all(row["reserved"] is None for row in document["rows"])


def test_a_step_that_went_wrong_is_tried_again_and_one_that_was_measured_is_not(monkeypatch, capsys):
    asked = []

    def measured(device, row):
        asked.append(row.key)
        return replace(row, problem="no room") if len(asked) == 1 else replace(row, estimated=GB, allocated=GB)

    monkeypatch.setattr(calibrate, "alone", measured)
    for _ in range(3):
        assert main(["calibrate", "--device", "cpu", "--models", "timm:test_vit", "--json"]) == 0
    assert len(asked) == 7 and asked[6] == asked[0]
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert len(rows) == 6 and not any(row["problem"] for row in rows)


def test_a_step_that_crashes_is_a_row_with_its_reason():
    row = calibrate.alone("cpu", replace(ROW, source="timm:no_such_model", estimated=None, allocated=None))
    assert row.problem and not row.measured


def test_a_real_step_through_the_cpu_is_what_was_estimated():
    row = calibrate.alone("cpu", CalibrationRow("timm:test_vit", "freeze all; train head", "fp32", 4))
    assert row.problem == "" and row.reserved is None
    assert row.allocated == pytest.approx(row.estimated, rel=0.02)


def test_newer_cards_are_listed_and_say_whose_kernels_are_assumed():
    cards = {card.name.rsplit(" ", 2)[0]: card for card in CARDS}
    assert {"RTX 5090", "RTX 5080", "B200", "MI300X"} <= set(cards)
    assert [name for name, card in cards.items() if card.assumed] == ["MI300X", "Apple"]
    assert cards["MI300X"].assumed == "AMD's kernels are not followed: NVIDIA's of compute capability 9.0 are assumed"
    assert len({card.slug for card in CARDS}) == len(CARDS)
    for card in CARDS:
        boxed = int(card.name.split()[-2]) * 2**30
        assert 0.7 * boxed < card.usable_bytes < boxed


def test_the_notebook_runs_commands_that_there_are():
    cells = json.loads((Path(__file__).parents[2] / "docs" / "calibrate.ipynb").read_text())["cells"]
    typed = [line for cell in cells for line in cell["source"] if line.startswith("!freezecore ")]
    assert typed
    for line in typed:
        assert parser().parse_args(shlex.split(line)[1:]).out == "calibration.json"
