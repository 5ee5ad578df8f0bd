"""A cache folder in the Hugging Face hub's own layout, with the two models whose real weights come in packages."""

import shutil
from pathlib import Path

from freezecore import packaged
from freezecore.runtime.build.source import build
from freezecore.source import ModelSource

REVISION = "0" * 40
LITE0 = ModelSource.parse("timm:tf_efficientnet_lite0", weights="pretrained")
MINILM = ModelSource.parse(
    "hf:sentence-transformers/all-MiniLM-L6-v2", weights="pretrained", task="sequence-classification", num_labels=2
)


def fill(cache: Path) -> Path:
    """Put both models into the folder, which HF_HOME may then name."""
    from safetensors.torch import save_file

    model = build(LITE0).model
    save_file(model.state_dict(), _snapshot(cache, "timm/tf_efficientnet_lite0.in1k") / "model.safetensors")
    found = packaged.find(MINILM)
    folder = packaged.root(found) / found.folder
    target = _snapshot(cache, "sentence-transformers/all-MiniLM-L6-v2")
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, target / file.name)
    return cache


def _snapshot(cache: Path, repo: str) -> Path:
    """The folder of a repository's snapshot."""
    root = cache / "hub" / f"models--{repo.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(REVISION)
    snapshot = root / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    return snapshot
