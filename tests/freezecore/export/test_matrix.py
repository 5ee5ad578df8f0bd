"""The matrix of targets, models and presets: whole, without a failure, and still true when it is run again."""

import json
import subprocess

import pytest

from freezecore._export import TARGETS
from tests.freezecore.export.matrix import RESULTS, cells, run_all, summary
from tests.freezecore.export.models import MODELS
from tests.freezecore.export.theirs import CALLED
from tests.freezecore.export.theirs import RESULTS as theirs_results
from tests.freezecore.export.theirs import run_all as run_theirs

GOOD = ("ran: exact", "same")


@pytest.fixture(scope="module")
def table() -> dict[str, str]:
    return json.loads(RESULTS.read_text())["cells"]


def test_every_cell_ran_or_was_refused_with_its_reason(table):
    wrong = {key: value for key, value in table.items() if value not in GOOD and not value.startswith("refused: ")}
    assert wrong == {}


def test_no_cell_is_missing(table):
    assert {tuple(key.split("/")[:2]) for key in table} == {(target, name) for target in TARGETS for name in MODELS}


def test_every_resumed_run_froze_and_trained_what_an_unbroken_one_does():
    resumed = json.loads(RESULTS.read_text())["resumed"]
    assert len({key.split("/")[1] for key in resumed}) == len(MODELS)
    assert {value for value in resumed.values() if not value.startswith("refused: ")} == {"ran: exact"}


def test_axolotl_and_llama_factory_themselves_freeze_what_every_export_says(table):
    theirs = json.loads(theirs_results.read_text())["cells"]
    expressed = {key for key, value in table.items() if key.split("/")[0] in CALLED and value == "same"}
    assert set(theirs) == expressed
    assert set(theirs.values()) == {"exact"}


@pytest.mark.slow
def test_axolotl_and_llama_factory_come_out_as_it_is_written(tmp_path):
    try:
        found = run_theirs(tmp_path)
    except subprocess.CalledProcessError:
        pytest.skip("axolotl and LLaMA-Factory could not be installed: no network")
    assert found == json.loads(theirs_results.read_text())["cells"]


@pytest.mark.slow
def test_the_whole_matrix_comes_out_as_it_is_written(table, tmp_path):
    keys = {f"{target}/{name}/{preset}" for target, name, preset, _, _ in cells(tmp_path)}
    assert keys == set(table)
    found = run_all(tmp_path, tuple(TARGETS))
    assert summary(found) == summary(table)
    assert found == table
