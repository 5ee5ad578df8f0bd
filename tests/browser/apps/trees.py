"""Trees to draw, written down without torch: a small ResNet, a BERT with every oddity, one of 5,000 parameters."""

from __future__ import annotations

from freezecore.tree import Layer, LayerTree, Parameter, Part, Tower


class Sketch:
    """Modules and parameters in order, as a reader of a real model would list them."""

    def __init__(self, source: str) -> None:
        self.source, self.layers, self.parameters = source, [Layer("", "Model")], []

    def module(self, path: str, type: str, **facts) -> Sketch:
        self.layers.append(Layer(path, type, **facts))
        return self

    def leaf(self, path: str, type: str, facts: dict | None = None, **shapes: tuple[int, ...]) -> Sketch:
        """A module and its parameters; `facts` are those of every parameter."""
        self.module(path, type)
        for name, shape in shapes.items():
            self.parameters.append(Parameter(f"{path}.{name}", path, shape, **(facts or {})))
        return self

    def tree(self, blocks: list[str], inputs: list[str], head: list[str]) -> LayerTree:
        tower = Tower("encoder", "", embeddings=tuple(inputs), blocks=tuple(blocks))
        return LayerTree(self.source, tuple(self.layers), tuple(self.parameters), towers=(tower,), head=tuple(head))


def resnet() -> LayerTree:
    """The 62 parameters of resnet18."""
    sketch = Sketch("timm:resnet18").leaf("conv1", "Conv2d", weight=(64, 3, 7, 7))
    sketch.leaf("bn1", "BatchNorm2d", weight=(64,), bias=(64,))
    wide = 64
    for stage in range(1, 5):
        sketch.module(f"layer{stage}", "Sequential")
        out = 32 * 2**stage
        for block in range(2):
            path, into = f"layer{stage}.{block}", wide if block == 0 else out
            sketch.module(path, "BasicBlock")
            sketch.leaf(f"{path}.conv1", "Conv2d", weight=(out, into, 3, 3))
            sketch.leaf(f"{path}.bn1", "BatchNorm2d", weight=(out,), bias=(out,))
            sketch.leaf(f"{path}.conv2", "Conv2d", weight=(out, out, 3, 3))
            sketch.leaf(f"{path}.bn2", "BatchNorm2d", weight=(out,), bias=(out,))
            if block == 0 and stage > 1:
                sketch.module(f"{path}.downsample", "Sequential")
                sketch.leaf(f"{path}.downsample.0", "Conv2d", weight=(out, into, 1, 1))
                sketch.leaf(f"{path}.downsample.1", "BatchNorm2d", weight=(out,), bias=(out,))
        wide = out
    sketch.leaf("fc", "Linear", weight=(1000, 512), bias=(1000,))
    blocks = [f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)]
    return sketch.tree(blocks, ["conv1", "bn1"], ["fc"])


def bert() -> LayerTree:
    """Two layers of a BERT whose head is tied, with positions its author froze, a fused and a new tensor."""
    sketch = Sketch("config:bert").module("bert", "BertModel").module("bert.embeddings", "BertEmbeddings")
    tied = {"kind": "embedding", "aliases": ("cls.decoder.weight",)}
    sketch.leaf("bert.embeddings.word_embeddings", "Embedding", tied, weight=(30522, 768))
    frozen = {"kind": "embedding", "frozen_by_author": True}
    sketch.leaf("bert.embeddings.position_embeddings", "Embedding", frozen, weight=(512, 768))
    sketch.module("bert.encoder", "BertEncoder").module("bert.encoder.layer", "ModuleList")
    for block in range(2):
        path = f"bert.encoder.layer.{block}"
        sketch.module(path, "BertLayer").module(f"{path}.attention", "BertAttention")
        sketch.leaf(f"{path}.attention.qkv", "Linear", {"fused": True}, weight=(2304, 768), bias=(2304,))
        sketch.leaf(f"{path}.attention.output", "Linear", weight=(768, 768), bias=(768,))
        sketch.leaf(f"{path}.output", "Linear", weight=(768, 3072), bias=(768,))
        sketch.leaf(f"{path}.norm", "LayerNorm", weight=(768,), bias=(768,))
    sketch.module("cls", "BertHead").module("cls.decoder", "Linear")
    sketch.leaf("cls.transform", "Linear", {"new": True}, weight=(768, 768), bias=(768,))
    return sketch.tree(["bert.encoder.layer.0", "bert.encoder.layer.1"], ["bert.embeddings"], ["cls"])


def sees() -> LayerTree:
    """A language model with eyes, whose projector stands inside the vision tower and whose head is tied."""
    sketch = Sketch("config:sees").module("model", "Sees").module("model.visual", "Eye")
    sketch.leaf("model.visual.patch_embed", "Conv2d", weight=(64, 3, 14, 14)).module(
        "model.visual.blocks", "ModuleList"
    )
    for block in range(4):
        sketch.leaf(f"model.visual.blocks.{block}", "Linear", weight=(64, 64), bias=(64,))
    sketch.leaf("model.visual.merger", "Linear", weight=(96, 64), bias=(96,)).module("model.language_model", "Words")
    tied = {"kind": "embedding", "aliases": ("lm_head.weight",)}
    sketch.leaf("model.language_model.embed_tokens", "Embedding", tied, weight=(1000, 96))
    sketch.module("model.language_model.layers", "ModuleList")
    for block in range(6):
        sketch.leaf(f"model.language_model.layers.{block}", "Linear", weight=(96, 96), bias=(96,))
    sketch.module("lm_head", "Linear")
    eye = Tower("visual", "model.visual", stem=("model.visual.patch_embed",), part="vision",
                blocks=tuple(f"model.visual.blocks.{i}" for i in range(4)))  # fmt: skip
    words = Tower("language_model", "model.language_model", embeddings=("model.language_model.embed_tokens",),
                  blocks=tuple(f"model.language_model.layers.{i}" for i in range(6)), part="language")  # fmt: skip
    parts = (
        Part("vision", ("model.visual.patch_embed", "model.visual.blocks")),
        Part("projector", ("model.visual.merger",)),
        Part("language", ("model.language_model",)),
    )
    return LayerTree(sketch.source, tuple(sketch.layers), tuple(sketch.parameters), towers=(eye, words), parts=parts)


def experts() -> LayerTree:
    """5,000 parameters: 8 blocks of 156 experts with two projections each, as a mixture of experts has them."""
    sketch = Sketch("config:experts").leaf("embed", "Embedding", weight=(32000, 256))
    sketch.module("encoder", "Encoder").module("encoder.block", "ModuleList")
    for block in range(8):
        path = f"encoder.block.{block}"
        sketch.module(path, "Block").leaf(f"{path}.norm", "LayerNorm", weight=(256,))
        sketch.module(f"{path}.mlp", "SparseMLP").module(f"{path}.mlp.experts", "ModuleDict")
        for expert in range(156):
            inside = f"{path}.mlp.experts.expert_{expert}"
            sketch.module(inside, "DenseActDense")
            sketch.leaf(f"{inside}.wi", "Linear", weight=(1024, 256), bias=(1024,))
            sketch.leaf(f"{inside}.wo", "Linear", weight=(256, 1024), bias=(256,))
    return sketch.tree([f"encoder.block.{block}" for block in range(8)], ["embed"], [])


TREES = {"resnet": resnet, "bert": bert, "experts": experts, "sees": sees}
