"""Exports of the two models whose real weights come in packages, run unchanged: their own weights, frozen as chosen.

The exported code asks the Hugging Face hub, as a person's machine would. A cache folder in the hub's own layout
stands for the network.
"""

import hashlib
import shutil
from pathlib import Path

import pytest

from freezecore import packaged
from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from tests.freezecore.export.models import Small
from tests.freezecore.export.running import Case, difference, run

pytest.importorskip("accelerate", reason="requirements-dev.txt")
pytestmark = pytest.mark.slow

REVISION = "0" * 40
LITE0 = ModelSource.parse("timm:tf_efficientnet_lite0", weights="pretrained")
MINILM = ModelSource.parse(
    "hf:sentence-transformers/all-MiniLM-L6-v2", weights="pretrained", task="sequence-classification", num_labels=2
)
ROWS = [
    ("pytorch", LITE0, "freeze all; train head", "image", 128),
    ("timm", LITE0, "freeze stem; freeze blocks:0-9", "image", 128),
    ("lightning", LITE0, "freeze all; train head; from epoch 1: train blocks:last2", "image", 128),
    ("pytorch", MINILM, "freeze embeddings; freeze blocks:0-2", "classes", 8),
    ("transformers-trainer", MINILM, "freeze all; train head", "classes", 8),
    ("accelerate", MINILM, "freeze all; train norms head", "classes", 8),
]


def cached(cache: Path, repo: str) -> Path:
    """The folder of a repository's snapshot in a hub cache."""
    root = cache / "hub" / f"models--{repo.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(REVISION)
    snapshot = root / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    from safetensors.torch import save_file

    cache = tmp_path_factory.mktemp("hub")
    model = build(LITE0).model
    save_file(model.state_dict(), cached(cache, "timm/tf_efficientnet_lite0.in1k") / "model.safetensors")
    found = packaged.find(MINILM)
    folder = packaged.root(found) / found.folder
    target = cached(cache, "sentence-transformers/all-MiniLM-L6-v2")
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, target / file.name)
    return cache


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
