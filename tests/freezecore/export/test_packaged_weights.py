"""Exports of the two models whose real weights come in packages, run unchanged: their own weights, frozen as chosen.

The exported code asks the Hugging Face hub, as a person's machine would. A cache folder in the hub's own layout
stands for the network.
"""

import hashlib
from pathlib import Path

import pytest

from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_source
from tests.freezecore.export.hub import LITE0, MINILM, fill
from tests.freezecore.export.models import Small
from tests.freezecore.export.running import Case, difference, run

pytest.importorskip("accelerate", reason="requirements-dev.txt")
pytestmark = pytest.mark.slow

ROWS = [
    ("pytorch", LITE0, "freeze all; train head", "image", 128),
    ("timm", LITE0, "freeze stem; freeze blocks:0-9", "image", 128),
    ("lightning", LITE0, "freeze all; train head; from epoch 1: train blocks:last2", "image", 128),
    ("pytorch", MINILM, "freeze embeddings; freeze blocks:0-2", "classes", 8),
    ("transformers-trainer", MINILM, "freeze all; train head", "classes", 8),
    ("accelerate", MINILM, "freeze all; train norms head", "classes", 8),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    return fill(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def outcomes(hub, tmp_path_factory) -> list:
    cases = []
    for i, (target, source, rules, kind, size) in enumerate(ROWS):
        tree = read_source(source.with_(weights="none"))
        cases.append(Case(f"case{i}", target, Small(source, tree, kind, size), rules))
    found = run(cases, tmp_path_factory.mktemp("run"), hub=hub)
    return [(case, found[case.id]) for case in cases]


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_the_export_trains_what_the_mask_says_from_the_model_s_own_weights(row, outcomes):
    case, found = outcomes[row]
    assert difference(case, found) == []
    weights = next(build(case.small.source).model.parameters()).detach().numpy().tobytes()
    assert found["first_weights"] == hashlib.sha256(weights).hexdigest()
