"""The models that the estimate is held against without having been made with them in sight, and how they are drawn.

`draw()` takes 60 by a seed: from the catalog (timm, transformers), torchvision and torch.nn's own modules, without those
of the other memory benchmarks. What it drew is kept in heldout_models.csv, with the smallest input that each takes.
"""

# ruff: noqa: E501 a line a module is read more easily

from __future__ import annotations

import csv
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from freezecore.runtime.build.source import build, meta
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks import memory_models

HERE = Path(__file__).parent
LIST = HERE / "heldout_models.csv"
SEED = "held out"
COUNTS = {"timm": 24, "config": 18, "torchvision": 8, "nn": 10}
MOST_PARAMETERS = 110_000_000  # AdamW takes 16 bytes of each, and a row has 3 GB
TOKENS, BATCH = 16, 2
IMAGE_SIZES = (32, 64, 96, 128, 160, 192, 224, 0)  # 0: the model's own

# torch.nn's own modules that have parameters or keep something, by how each is made and one sample's shape
NN: dict[str, tuple] = {
    "Linear": (lambda: nn.Linear(96, 128), (48, 96)),
    "Bilinear": (lambda: Twice(), (48, 96)),
    "Conv1d": (lambda: nn.Conv1d(32, 64, 5, padding=2), (32, 256)),
    "Conv2d": (lambda: nn.Conv2d(32, 64, 3, padding=1), (32, 32, 32)),
    "Conv3d": (lambda: nn.Conv3d(8, 16, 3, padding=1), (8, 12, 24, 24)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(32, 16, 4, 2), (32, 128)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(32, 16, 4, 2), (32, 32, 32)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(8, 8, 2, 2), (8, 8, 16, 16)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(64), (64, 256)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(32), (32, 32, 32)),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(8), (8, 12, 24, 24)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(64, affine=True), (64, 256)),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(32, affine=True, track_running_stats=True), (32, 32, 32)),
    "LayerNorm": (lambda: nn.LayerNorm(128), (96, 128)),
    "GroupNorm": (lambda: nn.GroupNorm(4, 32), (32, 32, 32)),
    "RMSNorm": (lambda: nn.RMSNorm(128), (96, 128)),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(4), (32, 32, 32)),
    "RNN": (lambda: nn.RNN(64, 96, 2, batch_first=True), (40, 64)),
    "RNN relu": (lambda: nn.RNN(64, 96, nonlinearity="relu", bidirectional=True), (40, 64)),
    "GRU": (lambda: nn.GRU(64, 96, 2, batch_first=True), (40, 64)),
    "GRU bidirectional": (lambda: nn.GRU(64, 96, bidirectional=True, batch_first=True), (40, 64)),
    "LSTM": (lambda: nn.LSTM(64, 96, batch_first=True), (40, 64)),
    "LSTM deep": (lambda: nn.LSTM(64, 96, 3, batch_first=True, dropout=0.2), (40, 64)),
    "LSTM bidirectional": (lambda: nn.LSTM(64, 96, 2, batch_first=True, bidirectional=True), (40, 64)),
    "MultiheadAttention": (lambda: Attention(nn.MultiheadAttention(128, 4, batch_first=True)), (48, 128)),
    "MultiheadAttention dropout": (lambda: Attention(nn.MultiheadAttention(128, 4, dropout=0.1, batch_first=True)), (48, 128)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(128, 4, 256, batch_first=True), (48, 128)),
    "TransformerEncoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(96, 4, 192, batch_first=True), 3), (48, 96)),
    "TransformerDecoderLayer": (lambda: Both(nn.TransformerDecoderLayer(128, 4, 256, batch_first=True)), (48, 128)),
    "Transformer": (lambda: Both(nn.Transformer(96, 4, 2, 2, 192, batch_first=True)), (32, 96)),
    "Embedding": (lambda: nn.Embedding(500, 96), 64),
    "Embedding max norm": (lambda: nn.Embedding(500, 96, max_norm=1.0), 64),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(500, 96, mode="mean"), 64),
    "EmbeddingBag max": (lambda: nn.EmbeddingBag(500, 96, mode="max"), 64),
    "PReLU": (lambda: nn.PReLU(32), (32, 32, 32)),
    "activations": (lambda: nn.Sequential(nn.ELU(), nn.SELU(), nn.Mish(), nn.Hardswish(), nn.Softplus(), nn.GLU()), (96, 128)),
    "RReLU": (lambda: nn.RReLU(), (96, 128)),
    "dropouts": (lambda: nn.Sequential(nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()), (32, 32, 32)),
    "MaxPool2d": (lambda: nn.Sequential(nn.MaxPool2d(3, 2), nn.AvgPool2d(2)), (32, 33, 33)),
    "LPPool2d": (lambda: nn.LPPool2d(2, 3), (32, 33, 33)),
    "FractionalMaxPool2d": (lambda: nn.FractionalMaxPool2d(3, output_ratio=0.5), (32, 33, 33)),
    "AdaptiveMaxPool2d": (lambda: nn.Sequential(nn.AdaptiveMaxPool2d(8), nn.AdaptiveAvgPool2d(4)), (32, 33, 33)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (16, 24, 24)),
    "Upsample bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), (16, 24, 24)),
    "PixelShuffle": (lambda: nn.Sequential(nn.PixelShuffle(2), nn.ReflectionPad2d(3)), (32, 24, 24)),
    "Fold": (lambda: nn.Sequential(nn.Unfold(3, padding=1), nn.Fold((24, 24), 3, padding=1)), (16, 24, 24)),
    "Softmax2d": (lambda: nn.Sequential(nn.Softmax2d(), nn.LogSoftmax(-1), nn.Softmin(-1)), (32, 24, 24)),
    "CosineSimilarity": (lambda: Twins(nn.CosineSimilarity(-1)), (48, 96)),
    "PairwiseDistance": (lambda: Twins(nn.PairwiseDistance()), (48, 96)),
    "LSTMCell": (lambda: Cells(nn.LSTMCell(64, 96)), (24, 64)),
    "GRUCell": (lambda: Cells(nn.GRUCell(64, 96)), (24, 64)),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(96, 128)), (48, 96)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(32, 64, 3)), (32, 24, 24)),
}  # fmt: skip


class Twice(nn.Module):
    """A bilinear layer of one input with itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Bilinear(96, 96, 24)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x)


class Wrapped(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


class Attention(Wrapped):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x, x, need_weights=False)[0]


class Both(Wrapped):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x)


class Twins(Wrapped):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x.flip(1))


class Cells(Wrapped):
    """A cell run step by step."""

    def forward(self, x: Tensor) -> Tensor:
        state, outputs = None, []
        for step in x.unbind(1):
            state = self.inner(step, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs, 1)


class Between(nn.Module):
    """A module between two linear layers over the last dimension, and the mean of what is between: ten classes."""

    def __init__(self, inner: nn.Module, shape: tuple[int, ...] | int) -> None:
        super().__init__()
        self.before = nn.Identity() if isinstance(shape, int) else nn.Linear(shape[-1], shape[-1])
        self.inner = inner
        sizes = (shape,) if isinstance(shape, int) else shape
        x = torch.zeros(BATCH, *sizes, dtype=torch.long if isinstance(shape, int) else torch.float32)
        with torch.no_grad():
            self.after = nn.Linear(self.first(inner.eval()(x)).shape[-1], 10)
        inner.train()

    @staticmethod
    def first(output: Tensor | tuple) -> Tensor:
        return output[0] if isinstance(output, tuple) else output

    def forward(self, x: Tensor) -> Tensor:
        x = self.after(self.first(self.inner(self.before(x))))
        return x.flatten(1, -2).mean(1) if x.dim() > 2 else x


class HeldOut:
    """One drawn model: `kind` is a key of COUNTS, `name` its own there, `size` a picture's side (0: the model's own)."""

    def __init__(self, kind: str, name: str, task: str = "", size: int | str = 0) -> None:
        self.kind, self.name, self.task, self.size = kind, name, task, int(size)

    @property
    def source(self) -> ModelSource | None:
        """None where no source names it: then `batch` says what it takes."""
        return ModelSource.parse(f"{self.kind}:{self.name}", task=self.task or None) if self.of_library else None

    @property
    def of_library(self) -> bool:
        return self.kind in ("timm", "config")

    def workload(self, **options) -> Workload:
        size = self.size or None
        return Workload(BATCH, image_size=size, sequence_length=TOKENS if self.kind == "config" else None, **options)

    def build(self, *, real: bool) -> nn.Module:
        """The model with random weights, or without any where `real` is false and a source names it."""
        if source := self.source:
            return (build(source.with_(weights="random")) if real else meta(source)).model
        torch.manual_seed(0)
        if self.kind == "nn":
            make, shape = NN[self.name]
            return Between(make(), shape)
        from torchvision import models

        aux = {"weights_backbone": None} if "segmentation" in self.task else {}
        return models.get_model(self.name, weights=None, **aux)  # some cannot be built without memory

    def batch(self) -> Tensor | None:
        """A batch for a model that no source names."""
        if self.of_library:
            return None
        if self.kind == "nn":
            shape = NN[self.name][1]
            return torch.randint(0, 500, (BATCH, shape)) if isinstance(shape, int) else torch.randn(BATCH, *shape)
        frames = (16,) if "video" in self.task else ()
        return torch.randn(BATCH, 3, *frames, *[self.size or 224] * 2)

    def runs(self) -> bool:
        """Whether it takes its input, tried without memory."""
        try:
            model = self.build(real=self.kind == "nn")
            if self.of_library:
                tracer_of(model, self.workload())
                return True
            batch = self.batch()
            model.train()(batch)
        except Exception:  # whatever a model's own code raises: it does not take it
            return False
        return True


def population(kind: str) -> list[tuple[str, str]]:
    """Names and tasks of all that may be drawn, without the models of the other memory benchmarks."""
    if kind == "nn":
        return [(name, "") for name in NN]
    if kind == "torchvision":
        from torchvision import models

        modules = (models, models.segmentation, models.video)
        names = [(n, m.__name__) for m in modules for n in models.list_models(m)]
        return [each for each in names if _parameters(each[0]) <= MOST_PARAMETERS]
    seen = {name for name, _ in memory_models.MODELS} | set(memory_models.FITTED_ON)
    with (HERE / "zoo.csv").open(newline="") as lines:
        next(lines)
        rows = [row for row in csv.DictReader(lines) if not row["problem"] and row["source"] not in seen]
    of = [row for row in rows if row["source"].startswith(f"{kind}:") and int(row["parameters"]) <= MOST_PARAMETERS]
    return [(row["source"].partition(":")[2], row["task"]) for row in of]


def _parameters(name: str) -> int:
    """As torchvision itself tells of its weights."""
    from torchvision import models

    return next(iter(models.get_model_weights(name))).meta["num_params"]


def sizes(kind: str, name: str, task: str) -> tuple[int, ...]:
    """Sides of pictures to try; the model's own where it takes none."""
    if kind == "config":
        model = HeldOut(kind, name, task)
        pictures = "image_size" in next(examples(model.build(real=False), model.workload(), device="meta")).sizes
    else:
        pictures = kind != "nn"
    return IMAGE_SIZES if pictures else (0,)


def draw() -> Iterator[HeldOut]:
    """Draw in the seed's order, each with the smallest input it takes; what takes none that is known is left out."""
    for kind, count in COUNTS.items():
        everything = population(kind)
        drawn = 0
        for name, task in random.Random(f"{SEED} {kind}").sample(everything, len(everything)):
            model = next((m for size in sizes(kind, name, task) if (m := HeldOut(kind, name, task, size)).runs()), None)
            if model is None:
                print(f"left out: {kind}:{name} takes no input that is made up here", flush=True)
                continue
            yield model
            drawn += 1
            if drawn == count:
                break


def drawn() -> list[HeldOut]:
    with LIST.open(newline="") as lines:
        return [HeldOut(**row) for row in csv.DictReader(lines)]


def main() -> None:
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # what does not run is expected
    with LIST.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("kind", "name", "task", "size"))
        for model in draw():
            writer.writerow((model.kind, model.name, model.task, model.size))
            out.flush()
            print(model.kind, model.name, model.task, model.size, flush=True)


if __name__ == "__main__":
    main()
