"""What a probe in the browser needs, made when the site is built: the pretrained body of the page's first model as
ONNX, and the pictures that the server's probe takes, as one JPEG.

The body takes pictures as they are stored (uint8) and normalises them itself. Its weights are kept in half precision,
half the bytes, and used in single precision.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

from app.service.lessons import LESSONS
from freezecore.datasets import BUILT_IN
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.source import ModelSource
from static.lessons import MOST_SAMPLES, is_measured_here

SIZE = 96  # pixels of a side, as the lessons have it
ACROSS = 30  # pictures in a row of the sheet
QUALITY = 90


def write(folder: Path) -> None:
    """Write `body.onnx`, the pictures of the probe and of each lesson (a drawing depends on how many are drawn), the
    first of them to be looked at, and what is to be known of all.

    Raises:
        SourceError: the packaged weights are not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shapes = BUILT_IN["shapes"]
    features = _body(folder / "body.onnx")
    for count in sorted({shapes.train_size + shapes.test_size, *_lessons()}):
        side = _pictures(folder / f"pictures-{count}.jpg", count)
    _pictures(folder / "samples.jpg", max(_lessons()), MOST_SAMPLES)
    about = {
        "features": features, "size": SIZE, "side": side, "across": ACROSS, "train": shapes.train_size,
        "test": shapes.test_size, "classes": shapes.classes, "model": DEFAULT_SOURCE,
    }  # fmt: skip
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def module():
    """The body with its normalisation, and how many features it gives."""
    import torch
    from torch import nn

    from freezecore.runtime.build.source import build

    model = build(ModelSource.parse(DEFAULT_SOURCE, weights="pretrained")).model
    model.reset_classifier(0)
    mean, std = (torch.tensor(model.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))

    class Body(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.register_buffer("mean", 255 * mean)
            self.register_buffer("std", 255 * std)

        def forward(self, pictures):
            return self.model((pictures.float() - self.mean) / self.std)

    return Body().eval(), model.num_features


def _body(file: Path) -> int:
    import onnx
    import torch

    body, features = module()
    example = torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=512)
    program = torch.onnx.export(
        body, (example,), dynamo=True, dynamic_shapes=({0: batch},), input_names=["pictures"],
        output_names=["features"], verbose=False,
    )  # fmt: skip
    model = program.model_proto
    halved(model)
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString())
    return int(features)


def halved(model) -> None:
    """Keep large weights in half precision, with a cast before their first use."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weights in model.graph.initializer:
        if weights.data_type != TensorProto.FLOAT or numpy.prod(weights.dims) < 64:
            continue
        name, value = weights.name, numpy_helper.to_array(weights)
        weights.CopyFrom(numpy_helper.from_array(value.astype(numpy.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _lessons() -> set[int]:
    """How many pictures each lesson draws whose head a browser can train."""
    asked = [lesson.request(run) for lesson in LESSONS for run in lesson.runs if is_measured_here(lesson, run)]
    return {request.train_size + request.test_size for request in asked}


def _pictures(file: Path, count: int, shown: int | None = None) -> int:
    import numpy
    from PIL import Image

    from freezecore.runtime.data.shapes import SIZE as side
    from freezecore.runtime.data.shapes import draw

    pixels = draw(count)[0][:shown]
    rows = -(-len(pixels) // ACROSS)
    sheet = numpy.zeros((rows * side, min(ACROSS, len(pixels)) * side, 3), numpy.uint8)
    for at, one in enumerate(pixels):
        row, column = divmod(at, ACROSS)
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = one.transpose(1, 2, 0)
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, "JPEG", quality=QUALITY, subsampling=0)
    file.write_bytes(content.getvalue())
    return side
